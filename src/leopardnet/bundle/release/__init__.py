"""Bundles as single files that people publish: written, described, fetched, checked and unpacked."""
