"""Training: torch, timm, albumentations, accelerate."""
