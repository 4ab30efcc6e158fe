"""Weights of networks as files hold them, read without torch."""
