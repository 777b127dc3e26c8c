"""The HTTP calls, one file per thing they are about."""
