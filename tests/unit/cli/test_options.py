import pytest

from leopardnet.cli.options import parse_losses
from leopardnet.core.errors import ConfigError


def test_losses_are_read_by_label():
    assert parse_losses(["leopard=0.01", "animal=0.05"]) == {"leopard": 0.01, "animal": 0.05}
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
