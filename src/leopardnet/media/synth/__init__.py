"""Rendered camera-trap footage with the truth about every frame, from a seed. See `footage` for the main path."""

from leopardnet.media.synth.footage import (
    MIN_VISIBLE_SHARE,
    ClipPlan,
    FootageSpec,
    RenderedClip,
    plan_site,
    render_clip,
    render_footage,
)

__all__ = [
    "MIN_VISIBLE_SHARE",
    "ClipPlan",
    "FootageSpec",
    "RenderedClip",
    "plan_site",
    "render_clip",
    "render_footage",
]
