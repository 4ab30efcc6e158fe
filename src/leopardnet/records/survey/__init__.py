"""Surveys: what a layout of cameras can be expected to find, and where to look after a record."""
