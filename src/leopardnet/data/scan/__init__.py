"""Scan of a folder of footage into a manifest: files, sites and capture times."""
