"""The cells of a table in the terminal, as people of a language write them."""

from __future__ import annotations

import math

from leopardnet.core.language.messages import translate_message
from leopardnet.core.language.number_form import localise_numbers


def format_cell(value: object, *, is_figure: bool) -> str:
    """Return the text of a cell. is_figure: whether its column holds figures alone, so that it is no name.

    >>> format_cell(0.5, is_figure=True), format_cell(None, is_figure=False)
    ('0.500', '')
    """
    if isinstance(value, float):
        return "–" if math.isnan(value) else localise_numbers(f"{value:.3f}")
    text = "" if value is None else translate_message(str(value))
    return localise_numbers(text) if is_figure else text


def is_number(value: object) -> bool:
    """Return whether a cell is empty or begins with a number.

    >>> is_number("0.85 (0.70 to 0.92)"), is_number("ridge 1")
    (True, False)
    """
    text = str(value).split(" ")[0]  # a figure may be followed by its interval
    return value in ("", "–", None) or text.replace(".", "", 1).lstrip("-").isdigit()
