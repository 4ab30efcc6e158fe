"""What to do about a command line that was refused."""

import importlib

import pytest
import typer

from leopardnet.cli.console import VERB_MODULES, app
from leopardnet.core.interactive.usage_advice import advise_usage


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("evaluate results/ --language ru", "leopardnet --language ru evaluate …"),
        ("import coco a.json --language=ru", "leopardnet --language ru import coco …"),
        ("report results/ --language ru --nothing", None),  # it has a --language of its own
        ("--language ru evaluate", None),
        ("evaluate results/ --nothing", None),
        ("nonsense --language ru", None),
        ("", None),
    ],
)
def test_a_language_behind_a_verb_that_lacks_it_goes_before_the_verb(words, advice):
    for name in VERB_MODULES:
        importlib.import_module(f"leopardnet.cli.{name}")
    said = advise_usage(words.split(), typer.main.get_command(app))
    assert said == (advice and f"do: write --language before the verb: {advice}")
