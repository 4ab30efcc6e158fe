"""The model folder: verified before it is used, and what it says of itself."""
