"""Ranges and barriers: reading them, distances to them, and where a record lies."""
