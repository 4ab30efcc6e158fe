"""Pictures with a burned-in banner, drawn for tests."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def draw_banner(text, *, size=(1280, 720), height_px=26, at="bottom", ink="black", paper="white", seed=1):
    """Return a picture of noise, uint8 [H, W, 3], with `text` in letters of this height on a bar at its edge."""
    width, height = size
    noise = np.random.default_rng(seed).normal(110, 12, (height // 8, width // 8, 3)).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)
    bar_px = 2 * height_px
    top = height - bar_px if at == "bottom" else 0
    draw = ImageDraw.Draw(picture)
    if paper:
        draw.rectangle((0, top, width, top + bar_px - 1), fill=paper)
    font = ImageFont.load_default(height_px / 0.72)
    draw.text((width // 30, top + bar_px // 2), text, fill=ink, font=font, anchor="lm")
    return np.asarray(picture)
