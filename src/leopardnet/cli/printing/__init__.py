"""Results of verbs, printed in a terminal."""
