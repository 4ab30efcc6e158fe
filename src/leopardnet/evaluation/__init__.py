"""A model against labels."""
