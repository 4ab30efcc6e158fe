"""Thresholds that keep a promise."""
