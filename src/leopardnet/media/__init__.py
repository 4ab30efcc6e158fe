"""Footage as arrays: decoding, sampling and preprocessing with PyAV, Pillow and OpenCV."""
