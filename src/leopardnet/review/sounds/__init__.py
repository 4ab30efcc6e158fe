"""The sounds of clips on the review page: what a search found, and what people say of it."""
