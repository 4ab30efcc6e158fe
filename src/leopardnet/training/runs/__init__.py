"""Training runs that were made, read without torch."""
