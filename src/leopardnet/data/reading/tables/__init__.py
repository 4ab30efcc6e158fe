"""Tables that people keep: their encoding, their cells, their times."""
