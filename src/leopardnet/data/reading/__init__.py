"""What every reader of labels shares."""
