"""The review in a browser: footage, what the model said of it, and what people say."""
