"""Everything that needs torch and is shared by training and inference."""
