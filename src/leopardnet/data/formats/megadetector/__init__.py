"""MegaDetector result files, read and written."""
