"""A figure that says in words what it shows, for people who cannot see it in a notebook."""

from __future__ import annotations

import base64
import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

MAX_NAMES = 8  # of lines, in the words for one pair of axes


class DescribedFigure(Figure):
    """A figure whose picture in a notebook has an alternative text, made from titles, axes and legends.

    >>> figure = DescribedFigure()
    >>> axes = figure.add_subplot(xlabel="recall", ylabel="precision")
    >>> line = axes.plot([0, 1], [1, 0], label="leopard")
    >>> figure.alt_text
    'Figure: precision against recall; leopard'
    """

    @property
    def alt_text(self) -> str:
        """What the figure shows, in a sentence."""
        parts = [words for axes in self.axes if (words := _describe_axes(axes))]
        return "Figure" + (f": {'. '.join(parts)}" if parts else "")

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the PNG and its alternative text, as IPython asks for them."""
        png = io.BytesIO()
        self.savefig(png, format="png", bbox_inches="tight")
        data = base64.b64encode(png.getvalue()).decode("ascii")
        return {"image/png": data, "text/plain": self.alt_text}, {"image/png": {"alt": self.alt_text}}


def _describe_axes(axes: Axes) -> str:
    title, x, y = axes.get_title(), axes.get_xlabel(), axes.get_ylabel()
    shown = title or (f"{y} against {x}" if x and y else x or y)
    names = [str(name) for name in axes.get_legend_handles_labels()[1]]
    more = ["…"] if len(names) > MAX_NAMES else []
    return "; ".join(filter(None, [shown, ", ".join([*names[:MAX_NAMES], *more])]))
