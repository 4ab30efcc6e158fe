"""Results in the formats of other programs, one module each; `format_names.py` and `write_results.py` list them."""
