"""Where an animal stands: boxes on frames, from a network, a file of results, or the clip's own movement."""
