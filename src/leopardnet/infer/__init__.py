"""Bundles, runtimes and the main path."""
