"""The verbs around networks and models that others made: the embedded detector, and published bundles."""
