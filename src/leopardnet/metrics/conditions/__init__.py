"""Figures by the conditions of filming: the light, and the size of the animal in the picture."""
