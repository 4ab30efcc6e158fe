"""Videos: opening, indexing, seeking, and frames as RGB."""
