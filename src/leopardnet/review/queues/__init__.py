"""The queues of the review page: which clips are shown, and in which order."""
