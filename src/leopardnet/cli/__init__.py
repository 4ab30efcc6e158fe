"""The command line: verbs that parse, call the library and print. No logic lives here."""

from leopardnet.cli.console import main

__all__ = ["main"]
