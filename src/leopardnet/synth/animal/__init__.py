"""The rendered animals: bodies, gaits, coats and pictures."""
