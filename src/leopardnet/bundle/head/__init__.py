"""The head of a network: a linear layer that is fitted to features."""
