"""Training, validation and test parts, or folds, that share no site."""
