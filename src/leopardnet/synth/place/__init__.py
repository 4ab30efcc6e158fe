"""The rendered forest, as a camera sees it without an animal."""
