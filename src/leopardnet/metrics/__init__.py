"""Arithmetic of evaluation: how often predictions are right, with intervals. Nothing here reads or writes files.

A metric per label has its value in `measures.py`, its interval in `evaluate_clips.py`, and its name in `MEASURES`
of `evaluation.py`. The room `evaluation` applies all this to predictions and manifests.
"""
