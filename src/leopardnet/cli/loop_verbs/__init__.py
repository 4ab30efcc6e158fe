"""The verbs of the loop: start, review, labels, compare."""
