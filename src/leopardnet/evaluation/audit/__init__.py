"""Labels of a random audit as judges: of one model, and of two side by side."""
