"""The verbs of the loop: people label in a browser, and models are made from what they say."""
