"""Data sets: scan and check of footage, splits, label formats, and safe reading of files from others."""
