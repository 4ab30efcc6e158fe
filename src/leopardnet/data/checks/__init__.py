"""What would spoil a model or its figures, by subject."""
