"""The `kakari` command, one file per group."""
