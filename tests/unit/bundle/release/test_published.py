"""The list of models that is shipped, and entries for it."""

import pytest
import yaml

from leopardnet.bundle.release.archive_file import write_archive
from leopardnet.bundle.release.published import LIST, describe_release, read_published
from leopardnet.core.errors import BundleError, ConfigError

ENTRY = {
    "name": "amur", "title": "Amur", "url": "https://example.org/amur.zip", "sha256": "a" * 64, "n_bytes": 3,
    "licence": "CC BY 4.0", "labels": ["leopard", "empty"], "trained_on": "a test",
}  # fmt: skip


def write_list(path, *entries):
    path.write_text(yaml.safe_dump({"models": list(entries)}))
    return path


def test_the_shipped_list_can_be_read_and_every_entry_is_complete():
    for name, model in read_published().items():
        assert name == model.name and model.labels and model.licence and model.trained_on
    assert LIST.read_text().startswith("# ")


def test_entries_are_found_by_name(tmp_path):
    models = read_published(write_list(tmp_path / "list.yaml", ENTRY, ENTRY | {"name": "other"}))
    assert list(models) == ["amur", "other"] and models["amur"].labels == ("leopard", "empty")


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://example.org/amur.zip"},
        {"url": "https://…"},
        {"sha256": "A" * 64},
        {"name": "../amur"},
        {"n_bytes": 0},
        {"surprise": 1},
    ],
)
def test_a_wrong_entry_is_refused(tmp_path, change):
    with pytest.raises(ConfigError, match="list of published models"):
        read_published(write_list(tmp_path / "list.yaml", ENTRY | change))


def test_a_name_stands_there_once(tmp_path):
    with pytest.raises(ConfigError, match=r"listed twice(.|\n)*amur"):
        read_published(write_list(tmp_path / "list.yaml", ENTRY, ENTRY))


def test_the_same_bundle_gives_the_same_archive(tiny_bundle, archive, tmp_path):
    sha256, n_bytes = write_archive(tiny_bundle, tmp_path / "tiny.zip")
    assert (tmp_path / "tiny.zip").read_bytes() == archive.read_bytes()
    assert n_bytes == archive.stat().st_size and len(sha256) == 64
    for name in ("tiny.zip", "tiny.tar"):
        with pytest.raises(BundleError, match=r"cannot be written there(.|\n)*\.zip"):
            write_archive(tiny_bundle, tmp_path / name)


def test_what_a_bundle_does_not_state_is_said_so(tiny_bundle):
    facts = describe_release(tiny_bundle)
    assert facts["labels"] == ["leopard", "tiger", "sika_deer", "empty"]
    assert facts["licence"] == "backbone weights: none; training data: not stated"
    assert facts["trained_on"] == "footage from: not stated; backbone: nothing"
