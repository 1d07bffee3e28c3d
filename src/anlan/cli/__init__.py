"""The `anlan` command: thin, parse, call, print."""

from anlan.cli.main import main

__all__ = ["main"]
