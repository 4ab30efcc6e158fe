"""Videos: open, index, seek, and convert frames to RGB."""
