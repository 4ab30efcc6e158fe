"""The verbs about records."""
