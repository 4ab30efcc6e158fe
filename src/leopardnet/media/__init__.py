"""Footage in and out of arrays: numpy, PyAV, OpenCV."""
