"""What a workspace keeps beside labels: the digits that are their keys."""

import pytest

from leopardnet.review.workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    opened = Workspace(tmp_path)
    yield opened
    opened.close()


def test_a_digit_keeps_its_meaning(workspace):
    assert workspace.choose_digits([]) == {} and workspace.free_digits() == "123456789"
    assert workspace.choose_digits(["leopard", "tiger", "deer"]) == {"leopard": "1", "tiger": "2", "deer": "3"}
    assert workspace.choose_digits(["deer", "leopard", "lynx"]) == {"deer": "3", "leopard": "1", "lynx": "4"}
    assert workspace.free_digits() == "56789"


def test_digits_of_labels_that_are_gone_are_given_last_and_there_are_nine(workspace):
    workspace.choose_digits(["gone", *map(str, range(7))])
    found = workspace.choose_digits(["a", "b", "c", *map(str, range(7))])
    assert (found["a"], found["b"]) == ("9", "1") and "c" not in found and len(set(found.values())) == 9
    assert workspace.choose_digits(["a", "b"]) == {"a": "9", "b": "1"}
