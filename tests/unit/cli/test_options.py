import pytest
import typer

from leopardnet.cli.options import parse_losses, read_places
from leopardnet.core.errors import ConfigError


def test_losses_are_read_by_label():
    assert parse_losses(["leopard=1%", "animal=0.05"]) == {"leopard": 0.01, "animal": 0.05}
    assert parse_losses(None) == {}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["leopard"], "not a tolerable loss"),
        (["leopard=much"], "not a tolerable loss"),
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
