"""Arithmetic of evaluation: how right the answers are, with intervals. No files."""
