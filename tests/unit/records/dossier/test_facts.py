"""The facts of a dossier against what was planted."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import clip_id
from leopardnet.records.dossier.facts import gather_facts
from leopardnet.records.dossier.shown_places import Place
from leopardnet.records.dossier.sources import DossierSources, choose_dossiers, find_rows
from leopardnet.records.dossier.sun_facts import find_sun
from leopardnet.records.dossier.words import statements as say
from leopardnet.records.dossier.words.clock_check import check_clocks, say_wrong_light, show_daylight
from leopardnet.records.dossier.words.linked_statements import say_around, say_encounter
from leopardnet.records.dossier.words.open_questions import list_open_questions
from leopardnet.records.dossier.words.range_statements import say_range
from leopardnet.records.dossier.words.shown_values import join_refs
from planted_record import CAPTURES, OTHERS, plant_season


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    return plant_season(tmp_path_factory.mktemp("footage"))


@pytest.fixture(scope="module")
def facts(season):
    return gather_facts("rec3", season, hidden=season.find_people())


def texts(said):
    return [s.text for s in said]


def test_the_captures_are_those_of_the_encounter_in_the_order_of_time(facts):
    assert [(c.ref, c.path, c.state) for c in facts.captures] == [
        (f"r{i}", path, state) for i, (path, _, _, state, _, _) in enumerate(CAPTURES, 1)
    ]
    assert facts.state == "confirmed"
    assert [c.ref for c in facts.valid] == ["r1", "r2", "r3", "r5"]
    assert facts.captures[0].by == ("AB", "CD")


def test_confirmed_suspected_and_refuted_are_counted_apart(facts):
    assert [(s.state, s.refs) for s in say.say_what(facts)] == [
        ("confirmed", ("r1", "r2")),
        ("suspected", ("r3", "r5")),
        ("refuted", ("r4",)),
    ]
    assert texts(say.say_what(facts))[0] == "in 2 clips, by AB, CD."


def test_time_and_probability_leave_out_what_was_refuted(facts):
    sure, open_ = say.say_when(facts)
    assert sure.text == "2021-12-30 22:34 – 2021-12-31 01:10, local time of the cameras (Asia/Vladivostok)."
    assert (sure.refs, sure.state) == (("r1", "r2"), "confirmed")
    assert (open_.refs, open_.state) == (("r3", "r5"), "suspected") and "05:20" in open_.text
    sure, open_ = say.say_how_sure(facts)
    assert "between 0.91 and 0.97" in sure.text and sure.refs == ("r2", "r1")
    assert "between 0.55 and 0.62" in open_.text and (open_.refs, open_.state) == (("r5", "r3"), "suspected")


def test_what_is_suspected_adds_nothing_to_the_confirmed_title_places_and_way(facts):
    assert say.title_of(facts) == "Leopard, 2 sites, 2021-12-30 – 2021-12-31"
    sites = [(s.state, s.text) for s in say.say_where(facts) if s.text.startswith("At ")]
    assert sites == [("confirmed", "At 2 sites: A, B."), ("suspected", "At 2 sites: B, C.")]
    way = replace(facts, encounter=replace(facts.encounter, path_km=20.0, confirmed_path_km=10.0))
    said = {s.state: s.text for s in say_encounter(way) if " km." in s.text}
    assert said["confirmed"] == "The way through these places in order of time is at least 10 km."
    assert said["suspected"] == "With the suspected clips, the way is at least 20 km."
    (flank,) = [s for s in say_encounter(way) if "flanks" in s.text]
    assert flank.state == "suspected"  # one of the two clips is


def test_what_nobody_confirmed_is_headed_so_and_says_what_the_model_decided(season):
    rows = season.records.assign(state="suspected", by=None, score=0.05)
    table = season.predictions.table.assign(decision="unsure", p_leopard=0.05, p_empty=0.79)
    weak = replace(season, records=rows, predictions=replace(season.predictions, table=table), alert_score=0.03)
    facts = gather_facts("rec1", weak)
    assert say.title_of(facts).startswith("Suspected: leopard, 3 sites")
    assert say.say_attention(facts) == "Nobody has looked yet: this is the word of a model."
    said = texts(say.say_how_sure(facts))
    assert "The model's decision is “unsure”; likeliest is “empty” (0.79)." in said
    assert said[-1].startswith("Suspected only because the option --alert-score was set to 0.03")
    asked = " ".join(texts(list_open_questions(facts, replace(weak, records=rows.assign(first_at_site=pd.NA)))))
    undecided = gather_facts("rec1", replace(weak, records=rows.assign(first_at_site=pd.NA)))
    asked = " ".join(texts(list_open_questions(undecided, weak)))
    assert "no record is confirmed that could be earlier" in asked and "places or times are missing" not in asked
    assert choose_dossiers(weak) == ([], ["rec1"])


def test_the_range_its_name_and_the_effort_stand_beside_what_is_new(season):
    deployments = season.deployments.assign(start=pd.Timestamp("2021-12-20"), end=pd.Timestamp("2022-01-10"))
    told = replace(season, deployments=deployments, area_km=25.0)
    said = texts(say_range(gather_facts("rec1", told), season.ranges))
    assert "The range is the one called “Known range” in the file." in said
    assert "No earlier confirmed record in the area, 25 km around." in said
    (effort,) = [s for s in said if "camera-days" in s]
    # four cameras since 20 December, 00:00; the first clip is of 30 December, 22:34: 10.94 days each
    assert effort.startswith("Before it, 4 cameras of this season had worked 44 camera-days")


def test_cameras_in_trouble_are_named_among_what_is_not_known(season):
    columns = ["severity", "rule", "row", "path", "message"]
    rows = [
        ["warning", "stopped_early", 1, "d/1.JPG", "D / D1: silent for the last 9 days"],
        ["info", "x", 1, "p", "m"],
    ]
    sick = replace(season, findings=pd.DataFrame(rows, columns=columns))
    asked = texts(list_open_questions(gather_facts("rec1", sick), sick))
    assert "D / D1: silent for the last 9 days" in asked and "m" not in asked


def test_an_earlier_record_has_a_row_with_its_day(season):
    rows = season.records.assign(nearest_record_id=["old", *[None] * 4], nearest_record_km=[27, *[np.nan] * 4])
    past = rows.iloc[[0]].assign(
        record_id="old", encounter_id=None, captured_at=pd.Timestamp("2020-01-01 05:00"), nearest_record_id=None
    )
    facts = gather_facts("rec1", replace(season, records=pd.concat([rows, past])))
    assert [(e.ref, e.record_id, e.by) for e in facts.earlier] == [("e1", "old", "AB, CD")]
    (near,) = [s for s in say_range(facts, season.ranges) if "nearest" in s.text]
    assert "2020-01-01 05:00" in near.text and near.refs == ("e1", "r1")


def test_distances_and_barriers_are_those_of_the_records_rounded_where_places_are(season):
    coarse, exact = (gather_facts("rec1", season, exact_places=x) for x in (False, True))
    assert {c.distance_km for c in coarse.captures} == {12.0}
    assert [c.distance_km for c in exact.captures] == [12.34, 12.34, 12.34, 12.0, 12.0]  # C forbids exact places
    said = texts(say_range(coarse, season.ranges))
    assert said[0] == "Outside the known range, 12 km (± 1.0 km) from its border, and beyond Railway."
    assert said[1:] == [
        "No earlier confirmed record in the area.",
        "The nearest earlier confirmed record is about 30 km away.",
        "The range is the one called “Known range” in the file.",
        "How long cameras had worked before is not known.",
    ]


def test_a_record_of_the_same_encounter_is_no_earlier_one(season):
    rows = season.records.assign(
        nearest_record_id=[None, "rec1", "rec1", None, None], nearest_record_km=[27, 1, 1, 27, 27.0]
    )
    said = texts(say_range(gather_facts("rec1", replace(season, records=rows)), season.ranges))
    assert "The nearest earlier confirmed record is about 30 km away." in said
    exact = say_range(gather_facts("rec1", replace(season, records=rows), exact_places=True), season.ranges)
    near = {s.state: s.text for s in exact if "nearest" in s.text}
    assert near["confirmed"] == "The nearest earlier confirmed record is about 30 km away."
    assert len(near) == 1, "the suspected ones only repeat it; nobody knows whether its place may be exact"


def test_exact_places_are_given_only_on_request_and_never_against_the_owner(season):
    of = {c.site: c.place for c in gather_facts("rec1", season, exact_places=True).captures}
    assert (of["A"].latitude, of["A"].radius_m, of["A"].is_coarse) == (43.412345, 10.0, False)
    assert (of["C"].latitude, of["C"].longitude, of["C"].is_coarse) == (43.5, 132.0, True)
    assert of["B"].is_assumed and of["B"].radius_m == 818  # two digits: half the diagonal of their cell, and 30 m
    assert all(c.place.is_coarse for c in gather_facts("rec1", season).captures)


def test_the_encounter_the_flanks_and_the_hint(facts):
    assert facts.encounter.min_animals == 1 and facts.encounter.path_km == 0.0, "at least; the places are coarse"
    assert [f.refs for f in facts.flanks] == [("r2", "r3")]
    (hint,) = facts.hints
    assert (hint.station, hint.n_captures, hint.calls, hint.prey) == ("gate", 2, (1, 0), (3, 2))
    (around,) = say_around(facts)
    assert around.text.startswith("2 captures at gate from 2021-12-31 01:10 to 2021-12-31 01:11")
    assert "Worth a visit." in around.text and "kill" not in around.text
    assert "prey around that time: 3 confirmed, 2 suspected by the model alone" in around.text


def test_sounds_have_their_seconds_and_only_standing_labels_of_people(facts):
    assert [(s.ref, s.path, s.start_s, s.end_s, s.state, s.label, s.by) for s in facts.sounds] == [
        ("s1", OTHERS[0][0], 0.4, 0.7, "confirmed", "alarm call", ("AB",)),  # EF took "bird" back
        ("s2", OTHERS[0][0], 1.2, 1.5, "suspected", "", ()),
    ]
    assert facts.n_voices == 1


def test_people_and_voices_are_found_whoever_says_so(season):
    assert season.find_people() == {clip_id(OTHERS[1][0])}
    quiet = replace(season, sounds=None, sound_labels=None)
    assert quiet.find_people() == {clip_id(OTHERS[1][0])}  # the model says so, too
    heard = season.sound_labels.assign(label="person", undoes=None)
    assert clip_id(OTHERS[0][0]) in replace(season, sound_labels=heard).find_people()


def test_the_clocks_say_source_correction_and_error(facts):
    rows = {row.camera: row for row in check_clocks(facts)}
    assert (rows["B1"].correction, rows["B1"].uncertainty, rows["B1"].refs) == ("+1.0 h", "60 s", ("r2", "r3"))
    assert rows["C1"].uncertainty == "not stated" and rows["A1"].source == "EXIF of the picture"


def test_what_is_not_known_is_said(facts, season):
    asked = {s.text: s.refs for s in list_open_questions(facts, season, missing=["b/2.JPG"])}
    refs_of = {text[:24]: refs for text, refs in asked.items()}
    assert refs_of["Whether the suspected cl"] == ("r3", "r5")
    assert refs_of["1 clip was confirmed by "] == ("r2",)
    assert refs_of["By how much these clocks"] == ("r5",)
    assert refs_of["How exact the coordinate"] == ("r2", "r3")
    assert refs_of["What made the sounds tha"] == ("s2",)
    assert refs_of["1 original file could no"] == ("r2",)
    assert any(text.startswith("Which individual it is") for text in asked)
    assert not any("no range was given" in text for text in asked)


def test_a_lone_record_of_which_nothing_is_known_has_a_dossier_too(season):
    bare = season.records.iloc[[2]][["record_id", "clip_id", "path", "label", "state", "is_notable"]]
    empty = DossierSources(records=bare, predictions=season.predictions, manifest=season.manifest)
    facts = gather_facts("rec3", empty)
    (capture,) = facts.captures
    assert capture.place is None and math.isnan(capture.score) and capture.captured_at is None
    assert texts(say.say_when(facts)) == ["The time is not known."]
    assert texts(say_range(facts, season.ranges)) == ["Nothing makes this record notable."]
    asked = " ".join(texts(list_open_questions(facts, empty)))
    assert "no coordinates were given" in asked and "no range was given" in asked and "not searched" in asked


def test_the_words_for_every_place_to_the_range(season):
    rows = season.records.assign(first_in_area=False, first_at_site=[False, True, True, True, False])
    rows["range_status"] = ["inside", "outside", "cannot_tell", "inside", "no_range"]
    facts = gather_facts("rec1", replace(season, records=rows.assign(first_in_years=[np.nan, 6.5, *[np.nan] * 3])))
    said = {s.text: s.refs for s in say_range(facts, season.ranges)}
    assert said["Outside the known range: 12 km (± 1.0 km) from its border."] == ("r2",)
    assert said["Inside the known range."] == ("r1",)  # r4 was refuted
    assert said["No earlier confirmed record at: B."] == ("r2",)  # r3 only repeats it
    assert said["The last one in the area is 6.5 years old."] == ("r2",)
    assert any(text.startswith("It cannot be told") and refs == ("r3",) for text, refs in said.items())


def test_dossiers_are_chosen_once_per_encounter_and_never_of_refuted_records(season):
    assert choose_dossiers(season) == (["rec1"], [])
    lone = season.records.assign(encounter_id=None, is_notable=[False, True, True, True, False])
    assert choose_dossiers(replace(season, records=lone)) == (["rec2", "rec3"], [])
    assert choose_dossiers(replace(season, records=season.records.iloc[:0])) == ([], [])


def test_other_tables_and_unknown_records_are_refused(season):
    with pytest.raises(ManifestError, match="no such record"):
        find_rows(season.records, "rec9")
    with pytest.raises(ManifestError, match="holds no records"):
        DossierSources(records=pd.DataFrame({"a": [1]}), predictions=season.predictions, manifest=season.manifest)


def shed_light(season, colours, **times):
    """The season with the mean colour of the clips by path (infrared below 5), and other times of some records."""
    evidence = season.predictions.evidence
    colour = evidence["clip_id"].map({clip_id(path): value for path, value in colours.items()}).astype(float)
    records = season.records.copy()
    for path, at in times.items():
        mine = records["path"] == path.replace("_", "/") + ".JPG"
        records.loc[mine, "captured_at"] = pd.Timestamp(at)
    predictions = replace(season.predictions, evidence=evidence.assign(colour=colour))
    return replace(season, predictions=predictions, records=records)


def test_infrared_by_full_day_and_colour_in_full_night_speak_against_the_clock(season):
    # At 43.4 N, 131.9 E on 31 December the sun is highest at 13:15 of UTC+10: 90 - 43.4 - 23.1 = 23.5 degrees, and
    # lowest twelve hours before: 43.4 - 23.1 - 90 = -69.7 degrees.
    lit = shed_light(
        season, {"a/1.MP4": 1.0, "b/2.JPG": 1.0, "b/3.JPG": 40.0, "c/5.JPG": 40.0}, b_2="2021-12-31 13:15"
    )
    facts = gather_facts("rec1", lit)
    sun = {c.path: c.sun for c in facts.captures}
    assert sun["b/2.JPG"].altitude_deg == pytest.approx(23.5, abs=0.3)
    assert sun["b/3.JPG"].altitude_deg == pytest.approx(-69.7, abs=0.5)
    assert [sun[p].fits for p in ("a/1.MP4", "b/2.JPG", "b/3.JPG", "c/5.JPG")] == [True, False, False, False]
    assert sun["c/4.JPG"].fits is None  # refuted, and nobody knows its light
    noon, night, last = say_wrong_light(facts)
    assert noon.text.startswith("B, 2021-12-31 13:15: infrared") and "the sun stood 24° above" in noon.text
    assert "sunrise 08:4" in noon.text and "sunset 17:4" in noon.text
    assert "in colour" in night.text and "70° below" in night.text and "white flash" in night.text
    assert [s.refs for s in (noon, night, last)] == [(c.ref,) for c in facts.valid if c.path != "a/1.MP4"]
    assert [row.sun.split(";")[0] for row in check_clocks(facts)] == [
        "1 clip fits the sun",
        "2 clips do not fit the sun",
        "1 clip does not fit the sun",
    ]
    asked = [s for s in list_open_questions(facts, lit) if "does not fit the sun" in s.text]
    assert len(asked) == 1 and len(asked[0].refs) == 3


def test_without_place_zone_or_light_the_clock_is_not_checked_and_near_sunrise_it_tells_nothing(season):
    dusk = shed_light(season, {"a/1.MP4": 1.0, "b/2.JPG": 40.0}, b_2="2021-12-31 17:40")
    rows = {row.camera: row.sun for row in check_clocks(gather_facts("rec1", dusk))}
    assert rows["B1"].startswith("tells nothing: filmed near sunrise or sunset (sunrise 08:4")
    assert rows["C1"] == "not checked: the light is not known"
    nowhere = replace(dusk, records=dusk.records.assign(time_zone=None))
    assert {row.sun for row in check_clocks(gather_facts("rec1", nowhere))} == {
        "not checked: no place or no time zone"
    }


def test_where_the_sun_does_not_set_it_says_so():
    place = Place(70.0, 25.0, 10.0, False, False)
    sun = find_sun(place, pd.Timestamp("2024-06-21 00:30"), "+02:00", "infrared")
    assert sun.fits is None and show_daylight(sun) == "the sun does not set"  # 2 to 4 degrees high
    winter = find_sun(place, pd.Timestamp("2024-12-21 12:00"), "+01:00", "colour")
    assert show_daylight(winter) == "the sun does not rise"


def test_signs_that_follow_each_other_are_their_first_and_last():
    assert join_refs(["r1", "r2", "r3", "r5", "s1", "s2", "e1"]) == "r1–r3, r5, s1, s2, e1"
    assert join_refs([]) == "" and join_refs(["r9", "r10", "r11"]) == "r9–r11"
