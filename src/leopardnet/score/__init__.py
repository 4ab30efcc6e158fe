"""Arithmetic on probabilities: aggregation, calibration, decisions, metrics. No files."""
