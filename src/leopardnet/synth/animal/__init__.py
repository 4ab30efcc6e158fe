"""One rendered animal: its way, its gait, its coat, its picture."""
