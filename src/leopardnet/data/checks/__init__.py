"""Checks of a manifest for faults that would spoil a model or its metrics, by subject."""
