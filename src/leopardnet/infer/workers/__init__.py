"""Processes that classify clips: on this machine, for a graphics processor, on a cluster."""
