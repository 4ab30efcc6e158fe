"""Which clips may judge a model."""
