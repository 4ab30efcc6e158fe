"""Arithmetic on probabilities: aggregation, calibration, decisions and events. No files."""
