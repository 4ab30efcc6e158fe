"""Motion at the times of the evidence: stills of one grey with a square in them, so that it is known by heart."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import UniformSampling
from leopardnet.evaluation.full_evaluation import evaluate_all
from leopardnet.evaluation.motion_baseline import add_motion, motion_energy
from leopardnet.infer.predict_footage import predict
from leopardnet.media.decode import decode


def grey(path, *, square=None):
    """A still of 160 × 90 px, all 100, with a square of another grey, a twentieth of the picture."""
    pixels = np.full((90, 160, 3), 100, np.uint8)
    if square is not None:
        pixels[25:50, 25:50] = square
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def bursts(tmp_path):
    """A burst with a square in still 3 and a darker one in still 4; one where nothing moves; one that is gone."""
    for i, square in enumerate((None, None, None, 160, 120)):
        grey(tmp_path / f"a/{i}.png", square=square)
        grey(tmp_path / f"b/{i}.png")
    rows = [
        {"path": f"{x}/0.png", "kind": "burst", "paths": json.dumps([f"{x}/{i}.png" for i in range(5)])}
        for x in "abc"
    ]
    rows.append({"path": "a/3.png", "kind": "still", "paths": None})
    return Manifest.from_rows(pd.DataFrame(rows), tmp_path)


def evidence(manifest, times_s):
    ids = manifest.table["clip_id"]
    return pd.concat(
        [pd.DataFrame({"clip_id": ids[i], "time_s": t}) for i, t in times_s.items()], ignore_index=True
    )


def test_motion_is_known_of_every_judged_frame(bursts):
    frames = evidence(bursts, {0: [0.0, 1, 2, 3, 4], 1: [0.0, 1, 2, 3, 4], 2: [0.0, 1], 3: [0.0]})
    found = add_motion(frames, bursts)
    assert found["motion"].tolist()[:10] == [0, 0, 0, 60, 20, 0, 0, 0, 0, 0]
    assert found["motion"][10:].isna().all(), "what cannot be read, and a still, have no motion"
    pd.testing.assert_frame_equal(found.drop(columns="motion"), frames)
    energy = motion_energy(found)
    assert (
        energy.tolist()[:2] == [60, 0]
        and energy[2:].isna().all()
        and list(energy.index) == list(bursts.table["clip_id"])
    )


def test_motion_knows_only_the_frames_that_were_judged(bursts):
    # without still 3, nothing but 4 is unusual; of two frames, each is as far from their mean as the other
    assert add_motion(evidence(bursts, {0: [0.0, 1, 4]}), bursts)["motion"].tolist() == [0, 0, 20]
    assert add_motion(evidence(bursts, {0: [0.0, 3]}), bursts)["motion"].tolist() == [30, 30]
    assert add_motion(evidence(bursts, {0: [3.0]}), bursts)["motion"].isna().all(), "one frame has no usual"


def test_rows_keep_their_places_whatever_their_order(bursts):
    frames = evidence(bursts, {0: [3.0, 0, 1], 1: [0.0, 1]}).iloc[[0, 3, 1, 4, 2]]
    assert add_motion(frames, bursts)["motion"].tolist() == [60, 0, 0, 0, 0]


def test_a_frame_that_is_not_to_be_had_again_has_no_motion(bursts):
    found = add_motion(evidence(bursts, {0: [0.0, 1, 3, 7.5]}), bursts)["motion"]
    assert found.notna().tolist() == [True, True, True, False]
    strange = pd.DataFrame({"clip_id": ["strange"] * 2, "time_s": [0.0, 1.0]})
    assert add_motion(strange, bursts)["motion"].isna().all()


def test_the_bar_moves_with_the_clips(bursts):
    told = []
    add_motion(evidence(bursts, {0: [0.0, 1], 3: [0.0]}), bursts, on_progress=lambda *a: told.append(a))
    assert told == [("measuring motion", 1, 2), ("measuring motion", 2, 2)]
    assert add_motion(evidence(bursts, {0: []}), bursts)["motion"].tolist() == []


def test_videos_give_the_very_frames_again(write_video, tmp_path, manifest_of):
    write_video("v.mp4", n_frames=24, fps=10)
    manifest = manifest_of(path=["v.mp4"], kind=["video"])
    (clip,) = manifest.clips()
    times_s = decode(clip, tmp_path, times_s=np.array([0.0, 0.33, 1.1, 2.0])).times_s
    found = add_motion(pd.DataFrame({"clip_id": clip.clip_id, "time_s": times_s}), manifest)
    assert found["motion"].notna().all()


def test_the_full_evaluation_weighs_by_motion_where_the_footage_was_opened(labelled, tiny_bundle):
    predictions = predict(labelled, tiny_bundle, sampling=UniformSampling(n_frames=3))
    found = evaluate_all(predictions, labelled, footage=True, n_boot=10)
    weighed = [name for name in found.tables["aggregators"].index if name.endswith("weighed by motion")]
    assert len(weighed) == 5 and "motion" in found.tables["baselines"].index
    assert not any("motion baseline" in note for note in found.notes)
    kinds = predictions.table.set_index("clip_id")["kind"]
    energy = motion_energy(add_motion(predictions.evidence, labelled))
    assert energy[kinds[kinds == "still"].index].isna().all() and (energy[kinds[kinds == "video"].index] > 0).all()
