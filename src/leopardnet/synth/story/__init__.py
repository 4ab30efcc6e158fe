"""A rendered season with a planted first record, and the truth about it. See `render_story`."""
