"""Where frames speak for labels: which frames and labels, in a figure and on the report page, and who stays out."""

import sys

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="the extra [train] is not installed")

from leopardnet.core.columns import evidence_columns, predictions_columns  # noqa: E402
from leopardnet.core.errors import BackendError  # noqa: E402
from leopardnet.core.labels import JOINER  # noqa: E402
from leopardnet.core.predictions import Predictions  # noqa: E402
from leopardnet.core.tables import conform  # noqa: E402
from leopardnet.evaluation.full_evaluation import evaluate  # noqa: E402
from leopardnet.figures import attention  # noqa: E402
from leopardnet.infer.attention import Attention, find_attention  # noqa: E402
from leopardnet.report.attention_pictures import draw_attention  # noqa: E402
from leopardnet.report.summarise import summarise  # noqa: E402

HEADING = "What these frames say, and where"


@pytest.fixture
def wrong(labelled, tiny_bundle):
    """Two stills of the footage that are surely a tiger, says the model; their labels are other ones."""
    names = tiny_bundle.labels.names
    stills = labelled.table[
        (labelled.table["split"] == "test")
        & (labelled.table["kind"] == "still")
        & (labelled.table["label"] != "tiger")
    ].head(2)
    return stills[["clip_id", "path", "kind", "site"]].assign(
        truth=stills["label"],
        status="ok",
        decision="tiger",
        rule="species",
        score=0.9,
        n_frames=1,
        best_time_s=0.0,
        evidence_times_s="[0.0]",
        bundle_id=tiny_bundle.id,
        labels_id="l",
        **{f"p_{name}": 0.97 if name == "tiger" else 0.01 for name in names},
    )


def predictions_of(table, labels):
    columns, frame_columns = predictions_columns(labels), evidence_columns(labels)
    rows = table.reset_index(drop=True).reindex(columns=[c.name for c in columns])
    frames = pd.DataFrame(columns=[c.name for c in frame_columns])
    return Predictions(
        conform(rows, columns, where="predictions"), conform(frames, frame_columns, where="evidence")
    )


def test_the_likeliest_label_comes_first_and_then_the_true_one(wrong, labelled, tiny_bundle):
    found = find_attention(wrong, labelled, tiny_bundle)
    assert [(c, list(x.maps)) for c, x in found.items()] == [
        (row["clip_id"], ["tiger", row["truth"]]) for row in wrong.to_dict("records")
    ]
    first = next(iter(found.values()))
    size = tiny_bundle.spec.preprocess.size_px
    assert first.frame.shape == first.paint("tiger").shape == (size, size, 3)
    assert first.maps["tiger"].ndim == 2 and np.isfinite(first.maps["tiger"]).all()


@pytest.mark.parametrize(
    ("truth", "labels"), [(None, ["tiger"]), ("tiger", ["tiger"]), ("puma", ["tiger"]), (f"tiger{JOINER}empty", 2)]
)
def test_a_label_that_is_unknown_or_the_same_has_no_second_map(wrong, labelled, tiny_bundle, truth, labels):
    (found,) = find_attention(wrong.head(1).assign(truth=truth), labelled, tiny_bundle).values()
    assert list(found.maps) == (["tiger", "empty"] if labels == 2 else labels)


def test_clips_without_a_frame_are_left_out(wrong, labelled, tiny_bundle):
    hidden, timeless = wrong["clip_id"]
    late = wrong.assign(best_time_s=[0.0, np.nan])
    assert list(find_attention(late, labelled, tiny_bundle)) == [hidden]
    assert find_attention(late, labelled, tiny_bundle, hidden={hidden}) == {}
    assert find_attention(wrong.head(0), labelled, tiny_bundle) == {}
    gone = wrong.assign(clip_id=["unknown", timeless])
    assert list(find_attention(gone, labelled, tiny_bundle)) == [timeless]


def test_both_maps_have_one_scale_and_what_speaks_against_a_label_stays_grey():
    frame = np.full((4, 4, 3), (30, 60, 90), np.uint8)
    maps = {"a": np.array([[2.0, 2.0]], np.float32), "b": np.array([[1.0, 1.0]], np.float32)}
    look = Attention(frame, maps | {"c": np.array([[-5.0, -5.0]], np.float32)})
    a, b, c = (look.paint(name) for name in "abc")
    assert np.unique(c) == [60]  # grey: the mean of 30, 60 and 90
    assert a[0, 0].tolist() == [196, 46, 18]  # 0.3 of 60, and 0.7 of red: 255, 40, 0
    assert b[0, 0].tolist() == [128, 53, 39]  # half as strong: 0.65 of 60, and 0.35 of red


def test_the_report_shows_them_only_where_they_are_asked_for(wrong, labelled, tiny_bundle, tmp_path):
    said = predictions_of(wrong, tiny_bundle.labels.names)
    options = {"manifest": labelled, "bundle": tiny_bundle, "evaluation": evaluate(said, labelled, n_boot=10)}
    plain = summarise(said, tmp_path / "plain.html", **options).read_text("utf-8")
    asked = summarise(said, tmp_path / "asked.html", attention=True, **options).read_text("utf-8")
    assert HEADING not in plain and HEADING in asked and "A hint, not a proof" in asked
    truth = wrong["truth"].iloc[0]
    assert f"left: for tiger, the likeliest; right: for {truth.replace('_', ' ')}, the label" in asked
    assert len(asked) - len(plain) < 2 * 30_000, "the pictures are small"


def test_the_figure_leaves_out_people_and_says_where_nothing_is_left(wrong, labelled, tiny_bundle):
    said = predictions_of(wrong, tiny_bundle.labels.names)
    first = labelled.table["clip_id"] == wrong["clip_id"].iloc[0]
    with_person = labelled.replace(labelled.table.assign(label=labelled.table["label"].where(~first, "human")))
    shown = attention(said, with_person, tiny_bundle, wrong)
    titles = [axes.get_title(loc="left") for axes in shown.axes]
    name, truth = wrong["path"].iloc[1].split("/")[-1], wrong["truth"].iloc[1]
    assert titles == [name, "for tiger (likeliest)", f"for {truth} (true)"]
    assert len(attention(said, with_person, tiny_bundle, wrong, people=True).axes) == 6
    (nothing,) = attention(said, labelled, tiny_bundle, wrong.head(0)).axes
    assert nothing.texts[0].get_text() == "no clip to show"


def test_without_torch_the_extra_is_named(wrong, labelled, tiny_bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "leopardnet.network.classifier", None)
    with pytest.raises(BackendError) as error:
        draw_attention(wrong, labelled, tiny_bundle)
    assert error.value.parts["do"] == 'pip install -c constraints.txt -e ".[train]"'
