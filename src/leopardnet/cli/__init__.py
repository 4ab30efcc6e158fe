"""The command line: verbs that parse options, call the library and print. They hold no logic of their own."""

from leopardnet.cli.console import main

__all__ = ["main"]
