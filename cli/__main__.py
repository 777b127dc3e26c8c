"""`python -m cli` is the `kakari` command."""

from cli.main import main

main()
