"""Frozen, typed models of every group of settings."""
