"""Thresholds that come with a guarantee."""
