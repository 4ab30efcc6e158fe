"""Worker processes that read clips, of which one may crash or hang without harm to the others."""
