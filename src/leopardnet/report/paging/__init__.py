"""The clips of a report as data for its page: in the page itself, or in files beside it."""
