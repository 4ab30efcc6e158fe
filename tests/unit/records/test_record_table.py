"""The records: who says a clip shows the label, and where and when it was taken."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import conform
from leopardnet.records.clip_places import place_clips
from leopardnet.records.record_table import RECORDS, build_records, record_id
from season_tables import deployments_of, entries_of, manifest_of, predictions_of


def states(records):
    return dict(zip(records["path"], records["state"], strict=True))


def test_a_model_suspects_by_decision_or_alert_and_only_a_person_confirms():
    predictions = predictions_of(
        {"a.avi": 0.9, "b.avi": 0.3, "c.avi": 0.05, "d.avi": 0.9, "e.avi": 0.01, "f.avi": 0.9}, alert=0.2
    )
    said = entries_of([("a.avi", ["leopard"], "AB"), ("d.avi", ["deer"], "AB"), ("e.avi", ["leopard"], "CD")])
    records = build_records(predictions, labels=said, wanted=["leopard"])
    expected = {"a.avi": "confirmed", "b.avi": "suspected", "d.avi": "refuted", "e.avi": "confirmed"}
    assert states(records) == expected | {"f.avi": "suspected"}
    assert records.set_index("path")["by"].dropna().to_dict() == {"a.avi": "AB", "d.avi": "AB", "e.avi": "CD"}
    assert records.set_index("path")["score"].round(2)["e.avi"] == 0.01


def test_people_who_disagree_or_cannot_tell_leave_a_suspicion():
    predictions = predictions_of({"a.avi": 0.0, "b.avi": 0.9, "c.avi": 0.0})
    said = entries_of(
        [
            ("a.avi", ["leopard"], "AB"),
            ("a.avi", ["deer"], "CD"),
            ("b.avi", ["unknown"], "AB"),
            ("c.avi", ["deer"], "AB"),
            ("c.avi", ["empty"], "CD"),
        ]
    )
    records = build_records(predictions, labels=said, wanted=["leopard"])
    assert states(records) == {"a.avi": "suspected", "b.avi": "suspected"} and records["by"].isna().all()


def test_a_label_that_was_taken_back_counts_for_nothing():
    predictions = predictions_of({"a.avi": 0.0})
    said = entries_of([("a.avi", ["leopard"], "AB")])
    back = said.assign(entry_id=2, key="k2", labels=None, undoes=1)
    both = pd.concat([said, back]).astype({"undoes": "Int64"})
    assert len(build_records(predictions, labels=both, wanted=["leopard"])) == 0


def test_a_lower_score_adds_suspicions_and_changes_no_probability():
    predictions = predictions_of({"a.avi": 0.3, "b.avi": 0.05, "c.avi": 0.01}, alert=0.2)
    before = predictions.table.copy()
    assert states(build_records(predictions, wanted=["leopard"])) == {"a.avi": "suspected"}
    found = build_records(predictions, wanted=["leopard"], alert_score=0.05)
    assert states(found) == {"a.avi": "suspected", "b.avi": "suspected"}
    pd.testing.assert_frame_equal(predictions.table, before)


def test_every_column_is_there_with_its_dtype_even_for_no_record():
    for scores in ({}, {"a.avi": 0.0}, {"a.avi": 0.9}):
        records = build_records(predictions_of(scores), wanted=["leopard", "tiger"])
        pd.testing.assert_frame_equal(records, conform(records, RECORDS, where="records", unique=("record_id",)))


def test_two_labels_of_one_clip_are_two_records():
    predictions = predictions_of({"a.avi": 0.9})
    said = entries_of([("a.avi", ["leopard", "deer"], "AB")])
    records = build_records(predictions, labels=said, wanted=["leopard", "deer"])
    clip = predictions.table["clip_id"].iloc[0]
    assert records["record_id"].tolist() == [record_id(clip, "leopard"), record_id(clip, "deer")]
    assert np.isnan(records["score"].iloc[1]) or records["score"].iloc[1] <= 1


def test_unknown_targets_are_asked_for():
    with pytest.raises(ManifestError, match="target labels") as error:
        build_records(predictions_of({"a.avi": 0.0}))
    assert "--label" in str(error.value)


# --- place and time ---


def test_clips_take_place_zone_and_owner_from_their_deployment():
    manifest = manifest_of({"a.avi": ("s1", "d1", "2021-12-30 22:34"), "b.avi": ("s2", "d9", "2021-12-30 22:34")})
    places = deployments_of(
        {"deployment": "d1", "site": "s1", "latitude": 43.1, "longitude": 131.4, "time_zone": "Asia/Vladivostok"}
    ).assign(owner="North", clock_uncertainty_s=60.0, station=None)
    clips = place_clips(predictions_of({"a.avi": 0.9, "b.avi": 0.9}), manifest=manifest, deployments=places)
    a, b = clips.to_dict("records")
    assert (a["latitude"], a["longitude"], a["owner"], a["station"], a["clock_uncertainty_s"]) == (
        *(43.1, 131.4),
        *("North", "s1", 60.0),
    )
    assert a["at_utc"] == pd.Timestamp("2021-12-30 12:34") and a["i_deployment"] == 0
    assert b["i_deployment"] == -1 and np.isnan(b["latitude"]) and pd.isna(b["at_utc"])


def test_a_clip_without_a_deployment_belongs_to_the_only_one_of_its_site_or_of_its_time():
    manifest = manifest_of(
        {
            "a.avi": ("s1", None, "2021-12-30 22:00"),
            "b.avi": ("s2", None, "2021-05-01 10:00"),
            "c.avi": ("s2", None, "2021-07-01 10:00"),
            "d.avi": ("s2", None, None),
        }
    )
    places = deployments_of(
        {"deployment": "d1", "site": "s1"},
        {"deployment": "d2", "site": "s2", "start": "2021-04-01", "end": "2021-05-31"},
        {"deployment": "d3", "site": "s2", "start": "2021-06-01", "end": "2021-08-31"},
    )
    clips = place_clips(predictions_of({f"{x}.avi": 0.0 for x in "abcd"}), manifest=manifest, deployments=places)
    assert clips["deployment"].fillna("?").tolist() == ["d1", "d2", "d3", "?"]


def test_times_outside_their_deployment_are_marked():
    manifest = manifest_of({"a.avi": ("s1", "d1", "2015-01-01 00:05"), "b.avi": ("s1", "d1", "2021-06-05 10:00")})
    places = deployments_of({"deployment": "d1", "site": "s1", "start": "2021-06-01", "end": "2021-06-30"})
    clips = place_clips(predictions_of({"a.avi": 0.0, "b.avi": 0.0}), manifest=manifest, deployments=places)
    assert clips["is_outside_period"].tolist() == [True, False]


def test_an_hour_that_the_clock_shows_twice_has_no_moment():
    manifest = manifest_of({"a.avi": ("s1", "d1", "2021-10-31 02:30"), "b.avi": ("s1", "d1", "2021-10-31 04:30")})
    places = deployments_of({"deployment": "d1", "site": "s1", "time_zone": "Europe/Berlin"})
    clips = place_clips(predictions_of({"a.avi": 0.0, "b.avi": 0.0}), manifest=manifest, deployments=places)
    assert pd.isna(clips["at_utc"][0]) and clips["at_utc"][1] == pd.Timestamp("2021-10-31 03:30")


def test_a_labelled_clip_of_the_manifest_without_a_prediction_is_a_record():
    manifest = manifest_of({"a.avi": ("s1", "d1", None), "z.avi": ("s1", "d1", "2021-06-05 10:00")})
    said = entries_of([("z.avi", ["leopard"], "AB")])
    records = build_records(predictions_of({"a.avi": 0.0}), manifest=manifest, labels=said, wanted=["leopard"])
    assert states(records) == {"z.avi": "confirmed"} and np.isnan(records["score"].iloc[0])
    assert Path(records["path"].iloc[0]).name == "z.avi" and json.loads(said["labels"].iloc[0]) == ["leopard"]


@pytest.mark.parametrize("word", ["animal", "unsure", "unknown", "other", "cat"])
def test_a_word_that_leaves_open_which_animal_it_is_refutes_nothing(word):
    found = build_records(
        predictions_of({"a.avi": 0.9}), labels=entries_of([("a.avi", [word], "AB")]), wanted=["leopard"]
    )
    assert found["state"].tolist() == ["suspected"] and found["by"].isna().all()


def test_the_label_other_of_a_model_refutes_what_it_suspects():
    """The report counts the same clip as refuted: test_the_label_other_of_a_model_is_none_of_its_targets."""
    predictions = predictions_of({"a.avi": 0.9})
    with_other = Predictions(predictions.table.assign(p_other=0.0), predictions.evidence)
    said = entries_of([("a.avi", ["other"], "AB")])
    found = build_records(with_other, labels=said, wanted=["leopard"])
    assert found["state"].tolist() == ["refuted"] and found["by"].tolist() == ["AB"]
