"""The empty figure that all figures start from, and colours that mean the same in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leopardnet.core.errors import BackendError
from leopardnet.core.install_advice import name_install
from leopardnet.pages.palette import label_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "0.55"
BLUE, VERMILION = "#0072b2", "#d55e00"


def blank(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """Return an empty figure with one pair of axes; sizes in inches."""
    figure = sheet(width_in, height_in)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def sheet(width_in: float, height_in: float) -> Figure:
    """Return an empty figure; sizes in inches. Without pyplot, no figure stays open and no display is needed.

    Raises BackendError where matplotlib, which is not in the base install, is missing.
    """
    try:
        from leopardnet.figures.described_figure import DescribedFigure
    except ImportError as error:
        raise BackendError(
            "figures need a library that is not installed",
            found=str(error),
            expected="matplotlib",
            todo=name_install("figures"),
        ) from None

    return DescribedFigure(figsize=(width_in, height_in), layout="constrained")


def colours(labels: Sequence[str]) -> dict[str, str]:
    """Return the colour of each label, as in the report; empty is grey.

    >>> colours(("tiger", "empty"))
    {'tiger': '#e69f00', 'empty': '0.55'}
    """
    return {s.name: GREY if s.is_empty else s.colour for s in label_styles(labels, None)}
