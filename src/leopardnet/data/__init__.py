"""Labels and tables in and out, one file per format."""
