"""From a bundle to an archive, and from the archive to results, by command."""

import pytest
import yaml
from command_line import leopardnet

from leopardnet.bundle.release.published import read_published


def test_an_archive_goes_to_somebody_else_and_classifies_there(tiny_bundle, footage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed, said = leopardnet(
        *("bundle", "archive", tiny_bundle.folder, "--out", "Tiny 1.zip", "--url", "https://example.org/t.zip")
    )
    (tmp_path / "list.yaml").write_text(yaml.safe_dump({"models": yaml.safe_load(printed)}))
    model = read_published(tmp_path / "list.yaml")["tiny-1"]
    assert f"leopardnet bundle fetch 'Tiny 1.zip' --sha256 {model.sha256}" in said

    _, said = leopardnet("bundle", "fetch", "Tiny 1.zip", "--sha256", model.sha256)
    assert "labels: leopard, tiger, sika_deer, empty" in said and "licence: backbone weights: none" in said
    assert f"bundle: bundles/tiny-1  ({tiny_bundle.id})" in said
    assert said.endswith("next:   leopardnet predict CLIPS --bundle bundles/tiny-1 --out results/\n")
    still = next(iter(sorted(footage.rglob("*.JPG"))))
    leopardnet("predict", still, "--bundle", "bundles/tiny-1", "--out", "results", "--workers", "0")
    assert (tmp_path / "results" / "predictions.csv").is_file()

    _, said = leopardnet("bundle", "fetch", "Tiny 1.zip", "--sha256", model.sha256, code=1)
    assert "already something at this place" in said
    _, said = leopardnet("bundle", "fetch", "Tiny 1.zip", "--sha256", "0" * 64, "--out", "b", code=1)
    assert "not the archive that was asked for" in said and not (tmp_path / "b").exists()


@pytest.mark.skipif(bool(read_published()), reason="a model is published")
def test_no_model_is_published_yet_and_the_command_says_so():
    _, said = leopardnet("bundle", "fetch", "amur", code=1)
    assert "no model is published yet" in said and "leopardnet train" in said
