"""The pictures of a dossier: its map, its time line, its stills and spectrograms."""
