"""The story as an example of the way from cards to a dossier, and what it finds beside what was planted."""
