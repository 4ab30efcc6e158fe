"""Values, tables, labels and configuration: no torch, no media library."""
