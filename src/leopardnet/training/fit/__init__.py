"""Probe, epochs, losses, checkpoints, scores."""
