"""What notebooks and `help` show."""
