"""A review of footage that no model has seen: what to look at first, and a model of the labels so far."""
