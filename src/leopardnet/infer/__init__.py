"""Classification of clips: the eight steps, the journal that keeps results, and the processes that do the work."""
