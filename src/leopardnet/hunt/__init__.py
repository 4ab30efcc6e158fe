"""The hunt: from footage without labels to clips worth a look, and to a first model. Needs no torch."""
