"""Faults of cameras, found from the times and the light of their clips."""
