"""Texts, names, numbers and days in the language of the person who reads them.

Two ways, by what a text is for:

- A text that only people see is marked where it is made: `translate("…")` here, `_("…")` in templates, `t("…")` in
  scripts of pages.
- A text that is also kept in files, compared or sent between processes (errors, notes, findings) stays English, and
  `translate_message` translates it where it is shown.
"""

from leopardnet.core.language.catalogue import script_texts, translate, translate_label, translate_plural
from leopardnet.core.language.choice import (
    LANGUAGES,
    current_language,
    find_language,
    language_of,
    set_language,
    use_language,
)
from leopardnet.core.language.messages import translate_error, translate_message
from leopardnet.core.language.number_form import (
    cut_probability,
    format_day,
    format_number,
    format_probability,
    localise_decimals,
    localise_numbers,
    round_probability,
)
from leopardnet.core.language.table_cells import format_cell, is_number

__all__ = [
    "LANGUAGES",
    "current_language",
    "cut_probability",
    "find_language",
    "format_cell",
    "format_day",
    "format_number",
    "format_probability",
    "is_number",
    "language_of",
    "localise_decimals",
    "localise_numbers",
    "round_probability",
    "script_texts",
    "set_language",
    "translate",
    "translate_error",
    "translate_label",
    "translate_message",
    "translate_plural",
    "use_language",
]
