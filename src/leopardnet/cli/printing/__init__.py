"""How the results of verbs look in a terminal."""
