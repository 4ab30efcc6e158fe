"""The rendered season with one new thing in it: what the whole chain says of it, held to what was planted.

The model is a script that answers from the truth, with errors: what it misses by little and what it takes for a
leopard is known. Everything behind it is the program.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.labels import JOINER, Label, LabelSet
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.inference import DecideConfig, RuntimeConfig
from leopardnet.core.settings.sound import SoundConfig
from leopardnet.core.tables import conform, read_table
from leopardnet.data.human_labels.label_file import LabelFile
from leopardnet.data.human_labels.sound_labels import SoundLabelFile
from leopardnet.data.scan.deployments import read_deployments
from leopardnet.demo_story.compare_with_truth import compare_with_truth
from leopardnet.demo_story.tell_story import find_season, tell_story
from leopardnet.records.dossier.write_dossier import write_dossiers
from leopardnet.records.encounters.encounter_table import link_encounters
from leopardnet.records.survey.write_places import write_gpx
from leopardnet.score.decide import decide, find_alerts
from leopardnet.sound.search import SoundJob, search_clip
from leopardnet.sound.sound_table import build_sound_table, describe_sounds
from leopardnet.synth.story.season import SPEC

NAMES = ("leopard", "tiger", "sika_deer", "empty")
LABELS = LabelSet(tuple(Label(n) for n in NAMES), targets=("leopard",), empty="empty")
SMALL = replace(SPEC, width_px=320, height_px=180, fps=5.0)
FALSE_ALARMS = ("T1/T1/DCIM/100MEDIA/IMAG0003.MP4", "T3/T3/DCIM/100MEDIA/IMAG0006.JPG")
FAINT = "T2/T2/DCIM/100MEDIA/IMAG0007.AVI"  # a leopard at 0.15: an alert, and no more


def classify_by_script(manifest, results):
    """Return predictions made from the truth, with two false alarms, and one leopard that is nearly lost."""
    truth = json.loads((manifest.root.parent / "truth.json").read_text())["labels"]
    rng = np.random.default_rng(5)
    clips = [*manifest.clips()]
    strong = [rng.dirichlet([3 + 40 * (name == truth[c.path]) for name in NAMES]) for c in clips]
    for i, clip in enumerate(clips):
        if clip.path in FALSE_ALARMS:
            strong[i] = np.array([0.55, 0.05, 0.1, 0.3])
        if clip.path == FAINT:
            strong[i] = np.array([0.15, 0.05, 0.05, 0.75])
    decisions = [decide(p, LABELS, DecideConfig()) for p in strong]
    alerts = [find_alerts(p, LABELS, DecideConfig()) for p in strong]
    job = SoundJob(manifest.root, SoundConfig(), RuntimeConfig(workers=0))
    sounds = [search_clip(clip, job) for clip in clips]
    rows = manifest.table.set_index("path").loc[[c.path for c in clips]]
    times = [[0.0] if c.kind == "still" else [0.5, 1.5, 2.5] for c in clips]
    table = pd.DataFrame(
        {
            "clip_id": [c.clip_id for c in clips],
            "path": [c.path for c in clips],
            "kind": [c.kind for c in clips],
            "site": rows["site"].to_numpy(),
            "captured_at": rows["captured_at"].to_numpy(),
            "status": "ok",
            "decision": [d.label for d in decisions],
            "rule": [d.rule for d in decisions],
            "score": [d.score for d in decisions],
            "alert": [next(iter(names), None) for names in alerts],
            "alerts": [JOINER.join(names) or None for names in alerts],
            "n_frames": [len(t) for t in times],
            "best_time_s": [t[len(t) // 2] for t in times],
            "bundle_id": "b" * 12,
            "labels_id": LABELS.id,
            **{f"p_{x}": [float(p[i]) for p in strong] for i, x in enumerate(NAMES)},
            **describe_sounds(sounds),
        }
    )
    frames = [
        {"clip_id": c.clip_id, "i_frame": i, "time_s": t, **{f"p_{x}": float(p[k]) for k, x in enumerate(NAMES)}}
        for c, p, all_t in zip(clips, strong, times, strict=True)
        for i, t in enumerate(all_t)
    ]
    made = Predictions(
        conform(table, predictions_columns(NAMES), where="scripted"),
        conform(pd.DataFrame(frames), evidence_columns(NAMES), where="scripted"),
        build_sound_table([(c.clip_id, s) for c, s in zip(clips, sounds, strict=True)]),
    )
    made.write(results)
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("story")


@pytest.fixture(scope="module")
def story(folder):
    return tell_story(folder, None, classify=classify_by_script, spec=SMALL, n_workers=2)


def test_everything_that_was_planted_is_found_and_nothing_else(story):
    findings = compare_with_truth(story)
    assert [f for f in findings if not f.is_right] == []
    assert len(findings) > 15


def test_every_animal_is_in_the_picture_of_its_clip(story, folder):
    clips = read_table(folder / "clips.csv").set_index("path")
    assert clips["label"].to_dict() == story.truth["labels"]


def test_the_faint_leopard_is_in_the_record_and_the_false_alarms_are_not(story):
    own = story.sources.records.set_index("path")
    assert own.loc[FAINT, ["state", "is_notable"]].tolist() == ["confirmed", True]
    for path in FALSE_ALARMS:
        assert own.loc[path, ["state", "is_notable"]].tolist() == ["refuted", False]


def test_distances_are_geodesics_to_the_metre(story):
    own = story.sources.records
    far = own[own["is_notable"]].groupby("site")["distance_km"].agg(["min", "max"])
    expected = {"T1": 32.37889, "S1": 34.90333, "T2": 37.91988, "S2": 40.11526}  # pyproj, from 43.58 N, 131.72 E
    for site, km in expected.items():
        assert far.loc[site].tolist() == pytest.approx([km, km], abs=0.001)


def test_what_is_printed_is_written(story, folder):
    places = read_table(folder / "records" / "places.csv")
    assert places["name"].tolist() == story.places.table["name"].tolist() and "latitude" not in places
    findings = read_table(folder / "records" / "findings.csv")
    stopped = findings.loc[findings["rule"] == "stopped_early", "path"]
    assert stopped.str.startswith("T3/").tolist() == [True]
    across = [f for f in compare_with_truth(story) if "far side of a barrier" in f.what]
    assert [(f.planted, f.found) for f in across] == [("none", "none")]


def test_leopards_within_the_range_are_records_and_no_news(story):
    own = story.sources.records.set_index("path").loc[story.truth["inside_range"]]
    assert own["range_status"].tolist() == ["inside"] * 4
    assert not own["is_notable"].any()


def test_calls_and_deer_beside_the_hint_are_counted_by_who_says_so(story):
    counts = story.sources.hints[["n_alarm_calls", "n_alarm_calls_suspected", "n_prey", "n_prey_suspected"]]
    assert counts.to_numpy().tolist() == [[2, 0, 2, 1]], "nobody looked at the deer that did not call"


def test_with_the_clock_left_wrong_one_leopard_is_taken_for_two(story):
    own = story.sources.records
    shift = pd.to_timedelta(own["site"].eq("T2") * story.truth["clock"]["correction_s"], unit="s")
    wrong = own.assign(captured_at=own["captured_at"] - shift, at_utc=own["at_utc"] - shift)
    encounters = link_encounters(wrong)[1]
    assert encounters.sort_values("n_records")["min_animals"].iloc[-1] == 2


def test_the_dossier_says_what_happened_and_keeps_places_coarse(story):
    (page,) = story.dossiers
    text = page.read_text(encoding="utf-8").replace("<wbr>", "")  # where a long path may be broken
    for word in ("Birch River", "Eastern Railway", "Institute of Wildlife", "At least 1 animal", "Worth a visit"):
        assert word in text
    first = story.sources.records.sort_values("at_utc").query("is_notable")["record_id"].iloc[0]
    assert page.parent.name == first
    assert sum(p in text for p in story.truth["encounter"]["paths"]) == 15
    assert sum(p in text for p in story.truth["whistles"]) == 3
    assert not any(place in text for place in ("43.612", "132.15", "43.628", "132.185", "43.64", "132.21"))


def test_exact_places_are_shown_on_request_but_not_those_of_the_owner_who_forbids_it(story, tmp_path):
    (page,) = write_dossiers(tmp_path, story.sources, language="ru", exact_places=True)
    text = page.path.read_text(encoding="utf-8")
    assert "43,612" in text or "43.612" in text
    assert not any(place in text for place in ("43.628", "132.185", "43,628", "132,185"))
    assert "Леопард" in text and 'lang="ru"' in text


def test_places_to_visit_lie_on_the_side_of_the_record_and_hide_the_same_owner(story, tmp_path):
    table = story.places.table
    first = table.iloc[0]
    assert first["kind"] == "cell" and first["distance_km"] < 5 and pd.isna(first["barrier"])
    assert set(table.loc[table["is_hidden"], "name"]) == {"T2"}
    write_gpx(story.places, tmp_path / "places.gpx")
    text = (tmp_path / "places.gpx").read_text()
    assert "S2" in text and "43.628" not in text and "132.185" not in text


def test_before_anybody_looked_nothing_is_confirmed(story, folder, tmp_path):
    (tmp_path / "results").mkdir()
    for kind in (LabelFile, SoundLabelFile):
        kind(tmp_path / "results" / "labels.sqlite").close()
    (tmp_path / "range.geojson").write_text((folder / "range.geojson").read_text())
    manifest, deployments = story.sources.manifest, read_deployments(folder / "deployments.csv")
    sources = find_season(story.sources.predictions, manifest, deployments, tmp_path, None)
    assert set(sources.records["state"]) == {"suspected"}
    leopards = [path for path, label in story.truth["labels"].items() if label == "leopard"]
    assert set(sources.records["path"]) >= {*leopards, *FALSE_ALARMS}
    assert len(leopards) == 19
    assert sources.hints is not None and set(sources.hints["state"]) <= {"suspected"}


def test_the_command_wants_its_model_before_it_renders(command, tmp_path):
    _, said = command("demo", "--story", "--out", tmp_path / "out", "--bundle", tmp_path / "none", code=1)
    assert "bundle" in said and not (tmp_path / "out").exists()
    _, said = command("demo", "--bundle", tmp_path / "none", code=2)
    assert "--story" in said
