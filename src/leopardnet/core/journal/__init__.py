"""The journal of work on clips: what waits, and what is done, on disk at once."""
