import importlib

import click
import pytest
import typer

from leopardnet.cli.console import VERB_MODULES, app
from leopardnet.cli.options import parse_losses, read_places
from leopardnet.core.errors import ConfigError
from leopardnet.core.language import set_language


def test_losses_are_read_by_label():
    assert parse_losses(["leopard=1%", "animal=0.05"]) == {"leopard": 0.01, "animal": 0.05}
    assert parse_losses(None) == {}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["leopard"], "not a tolerable loss"),
        (["leopard=much"], "not a tolerable loss"),
        (["leopard=5"], "share between 0 and 1, for example leopard=0.01 or leopard=1%"),
        (["leopard=0"], "share between 0 and 1"),
        (["leopard=nan"], "share between 0 and 1"),
        (["tiger=0.1", "tiger=0.2"], "two tolerable losses"),
    ],
)
def test_a_loss_that_cannot_be_used_is_refused(texts, words):
    with pytest.raises(ConfigError, match=words):
        parse_losses(texts)


def test_a_form_of_dates_without_a_table_is_refused():
    assert read_places(None, "utf-8", None) == (None, ())
    with pytest.raises(typer.BadParameter, match="--deployments, which is not given"):
        read_places(None, None, "dmy")


def test_the_language_before_a_verb_counts_for_every_verb_that_has_the_option():
    for name in VERB_MODULES:
        importlib.import_module(f"leopardnet.cli.{name}")
    root = typer.main.get_command(app)
    asked = click.Context(root)
    asked.params["language"] = "ru"
    options = {
        name: (command, x)
        for name, command in root.commands.items()
        for x in command.params
        if x.name == "language"
    }
    assert {"start", "review", "report", "records"} <= options.keys()
    try:
        for command, option in options.values():
            context = click.Context(command, parent=asked)
            assert option.process_value(context, None) == "ru"
            assert option.process_value(context, "en") == "en", "that of the verb is nearer"
            assert option.process_value(click.Context(command, parent=click.Context(root)), None) is None
    finally:
        set_language("en")
