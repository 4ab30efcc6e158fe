"""Readers and writers of label formats, one module or package per format."""
