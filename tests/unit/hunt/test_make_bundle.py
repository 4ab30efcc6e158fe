"""A bundle of labels: it works as any other, says what it is, and decides nothing."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from leopardnet.bundle.learned_from import read_learned_from
from leopardnet.core.errors import BundleError
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import AggregateConfig, RuntimeConfig
from leopardnet.core.tables import clip_id
from leopardnet.hunt.feature_store import FeatureStore
from leopardnet.hunt.fit_labels import judge_labels
from leopardnet.hunt.make_bundle import make_bundle
from leopardnet.hunt.taught_labels import collect_labels
from leopardnet.infer.predict_footage import predict
from leopardnet.network.classifier import load_classifier


@pytest.fixture(scope="module")
def made(forest, tmp_path_factory):
    store, manifest, said = forest
    out = tmp_path_factory.mktemp("models") / "1" / "bundle"
    return make_bundle(store, manifest, said, out, name="first", targets=("leopard", "tiger"))


def test_all_backends_give_the_same_answers_and_torch_can_go_on_from_it(made, rng):
    size = made.spec.preprocess.size_px
    x = rng.integers(0, 256, (2, 3, size, size), dtype=np.uint8)
    answers = {b: made.runtime(RuntimeConfig(backend=b)).answers(x) for b in ("openvino", "onnxruntime", "torch")}
    for answer in answers.values():
        assert np.abs(answer.logits - answers["torch"].logits).max() < 1e-3
        assert np.abs(answer.cosines - answers["torch"].cosines).max() < 1e-3
        assert answer.logits.shape == (2, 3) and np.isfinite(answer.cosines).all()
    load_classifier(made.spec.model, 3, made.folder / "model.safetensors", size_px=size)


def test_it_says_what_it_is_and_what_it_learned_from(made, forest):
    _, manifest, said = forest
    n_audit = int(said["inclusion"].notna().sum())
    card, facts = (made.folder / "card.md").read_text("utf-8"), json.loads((made.folder / "card.json").read_text())
    assert (
        f"fitted to {len(said) - n_audit} labelled clips of 6 sites" in card
        and f"{n_audit} more, drawn at random" in card
    )
    assert "**No promise.** It decides nothing" in card and "not those of the footage" in card
    assert facts["made_in_review"]["n_labels"] == len(said) - n_audit and facts["promises"] == []
    assert made.labels.names == ("deer", "leopard", "empty") and made.labels.targets == ("leopard",)
    part = read_learned_from(made.spec).find_part(manifest.table, None)
    taught = set(said.loc[said["inclusion"].isna(), "clip_id"])
    assert set(part.index[part == "clip"]) == taught, "the random sample teaches nothing"


def test_the_card_counts_a_site_once_and_says_what_a_program_drew(made, forest, tmp_path):
    card, facts = (made.folder / "card.md").read_text("utf-8"), json.loads((made.folder / "card.json").read_text())
    assert "Sites in training and evaluation: at most 6 for one label." in card, "the audit is of the same six"
    assert facts["conditions"]["sites"] == 6 and facts["n_rendered_clips"] == 0 and "Rendered" not in card
    assert "figures below" not in card

    store, manifest, said = forest
    rendered = manifest.replace(manifest.table.assign(source="scan, rendered"))
    drawn = make_bundle(store, rendered, said, tmp_path / "b", name="x")
    n = int(said["inclusion"].isna().sum())
    assert f"A program drew {n} of the clips that this model learned from" in (drawn.folder / "card.md").read_text()
    assert json.loads((drawn.folder / "card.json").read_text())["n_rendered_clips"] == n
    assert read_learned_from(drawn.spec).n_rendered == n


def test_what_separates_well_is_judged_well_at_unseen_sites(made):
    figures = json.loads((made.folder / "card.json").read_text())["figures"]
    assert figures["macro_f1"]["value"] > 0.9


def test_clips_are_ranked_and_nothing_is_decided(made, tmp_path, footage):
    few = tmp_path / "few"
    few.mkdir()
    for i, still in enumerate(sorted(footage.rglob("*.JPG"))[:3]):
        shutil.copy(still, few / f"{i}.jpg")
    (few / "broken.mp4").write_bytes(b"no video")
    table = predict(few, made, runtime=RuntimeConfig(workers=0)).table.set_index("path")
    assert table.loc["broken.mp4", "decision"] == "unreadable"
    good = table.drop("broken.mp4")
    assert good["decision"].eq("unsure").all() and good["p_leopard"].between(0, 1).all()


def with_labels(said, **changes):
    """Other labels for the clips at these positions."""
    return said.assign(labels=[changes.get(f"at{i}", x) for i, x in enumerate(said["labels"])])


def judged(store, manifest, said):
    features = store.read()
    taught = collect_labels(said, features, manifest)
    return judge_labels(taught, features, c=0.001, aggregate_by=AggregateConfig())


def test_a_clip_of_two_species_makes_labels_independent(forest, tmp_path):
    store, manifest, said = forest
    bundle = make_bundle(store, manifest, with_labels(said, at0="deer + leopard"), tmp_path / "b", name="x")
    assert bundle.labels.multi and bundle.labels.names == ("deer", "leopard", "empty")


def test_what_cannot_teach_is_left_out_and_counted(forest):
    store, manifest, said = forest
    said = with_labels(said, at0="unknown", at1="").assign(is_disputed=[i == 1 for i in range(len(said))])
    foreign = {"clip_id": clip_id("x.jpg"), "labels": "deer", "is_disputed": False, "inclusion": np.nan}
    all_said = pd.concat([said, pd.DataFrame([foreign])], ignore_index=True)
    taught = collect_labels(all_said, store.read(), manifest)
    assert taught.left_out == {"people disagree": 1, "nobody could tell": 1, "of other footage": 1}
    assert len(taught.y) == len(said) - 2


def test_clips_of_few_sites_give_no_figures_and_the_card_says_so(forest, tmp_path):
    store, manifest, said = forest
    near = manifest.replace(manifest.table.assign(site=manifest.table["site"].replace({"s4": "s0", "s5": "s0"})))
    bundle = make_bundle(store, near, said, tmp_path / "b", name="x")
    assert "at least 5 sites, and there are 4" in (bundle.folder / "card.md").read_text("utf-8")
    assert json.loads((bundle.folder / "card.json").read_text())["figures"] is None


def test_without_sites_there_are_no_figures(forest):
    store, manifest, said = forest
    bare = Manifest.from_rows(manifest.table.assign(site=None), manifest.root)
    found = judged(store, bare, said)
    assert found.evaluation is None and "there are 0" in found.how


def test_a_large_enough_random_sample_judges_alone(forest):
    store, manifest, said = forest
    half = said.assign(inclusion=np.where(np.arange(len(said)) % 2 == 0, 0.5, np.nan))
    found = judged(store, manifest, half)
    assert found.evaluation.n_clips == 30 and "30 clips of a random sample" in found.how
    assert found.evaluation.macro_f1.value > 0.9 and judged(store, manifest, said).evaluation.n_clips == 60


@pytest.mark.parametrize("n", [0, 1, 5])
def test_labels_of_one_kind_or_none_are_too_little(forest, tmp_path, n):
    store, manifest, said = forest
    deer = said[said["labels"] == "deer"].iloc[:n].reset_index(drop=True)
    with pytest.raises(BundleError, match="too little to learn from") as caught:
        make_bundle(store, manifest, deer, tmp_path / "b", name="x")
    assert "at least two labels" in str(caught.value) and not list(tmp_path.glob("*b*part*"))


def test_a_random_sample_alone_teaches_nothing(forest, tmp_path):
    store, manifest, said = forest
    with pytest.raises(BundleError, match="too little to learn from") as caught:
        make_bundle(store, manifest, said.assign(inclusion=0.1), tmp_path / "b", name="x")
    assert "kept to judge" in str(caught.value)


def test_a_folder_that_exists_is_left_alone(made, forest):
    store, manifest, said = forest
    before = (made.folder / "SHA256SUMS").read_bytes()
    with pytest.raises(BundleError, match="exists already"):
        make_bundle(store, manifest, said, made.folder, name="x")
    assert (made.folder / "SHA256SUMS").read_bytes() == before


def test_the_same_labels_give_the_same_model(made, forest, tmp_path):
    store, manifest, said = forest
    again = make_bundle(
        FeatureStore(store.path.parent),
        manifest,
        said,
        tmp_path / "again",
        name="first",
        targets=("leopard", "tiger"),
    )
    assert again.id == made.id


def test_labels_have_the_species_that_a_shipped_label_set_gives_them(forest, tmp_path):
    store, manifest, said = forest
    bundle = make_bundle(store, manifest, said, tmp_path / "bundle", name="first")
    names = {x.name: x.scientific_name for x in bundle.labels}
    assert names == {"deer": "Cervidae", "leopard": "Panthera pardus", "empty": ""}
