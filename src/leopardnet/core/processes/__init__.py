"""Processes of this machine, as every room sees them."""
