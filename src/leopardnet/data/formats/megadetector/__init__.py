"""MegaDetector result files, read and written, and SpeciesNet predictions, read."""
