"""Ways to classify many clips at once: worker processes, a graphics processor, a Ray cluster."""
