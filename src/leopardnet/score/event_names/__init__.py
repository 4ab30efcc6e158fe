"""The names that the clips of each event give it, in tables of all events."""
