"""What a dossier says, in the language of the reader."""
