"""Random changes to training frames."""
