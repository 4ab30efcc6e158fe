"""Rendered camera-trap footage with the truth about every frame, from a seed. See `footage` for the main path."""

from leopardnet.synth.footage import ClipPlan, FootageSpec, RenderedClip, plan_site, render_clip, render_footage

__all__ = ["ClipPlan", "FootageSpec", "RenderedClip", "plan_site", "render_clip", "render_footage"]
