"""The verbs around the sounds of clips."""
