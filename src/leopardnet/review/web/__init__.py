"""The server of the review page: its addresses, its locks and its answers."""
