"""Arithmetic of evaluation: how often predictions are right, with intervals. Nothing here reads or writes files."""
