"""The same figures for several models, or for parts of the clips."""
