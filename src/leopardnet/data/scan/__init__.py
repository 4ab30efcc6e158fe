"""A folder of footage becomes a manifest: which files, whose site, when."""
