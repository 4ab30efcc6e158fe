"""Results in the formats of other programs, one module each; `write_results` lists them."""
