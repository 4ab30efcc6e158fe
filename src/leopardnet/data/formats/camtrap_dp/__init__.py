"""Camtrap DP packages, read, written and checked."""
