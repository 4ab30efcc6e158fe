"""The model folder: verified before it is used, described by its card, and run by one of three backends."""
