"""Values, tables, labels and settings. Imports neither torch nor a media library."""
