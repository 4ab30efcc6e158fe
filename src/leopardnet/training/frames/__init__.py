"""Labelled frames: which, decoded how, in which batches."""
