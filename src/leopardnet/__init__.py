"""leopardnet: a species classifier for camera-trap footage."""

__version__ = "0.1.0"
