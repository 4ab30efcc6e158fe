"""Weights of networks as files hold them, read without torch, and what is compiled from them."""
