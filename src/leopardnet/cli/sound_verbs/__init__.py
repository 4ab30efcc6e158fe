"""The verbs around sound."""
