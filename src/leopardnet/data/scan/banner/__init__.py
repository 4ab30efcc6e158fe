"""Times from the banner that a camera burns into its pictures."""
