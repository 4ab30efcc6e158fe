"""The networks: everything that needs torch and is used by both training and inference."""
