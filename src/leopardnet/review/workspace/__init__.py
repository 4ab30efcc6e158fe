"""The folder in which a review keeps what it needs, and the footage that it is of."""
