"""A bundle with a promise knows what the sites behind it look like, and says whether new footage still does."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.bundle.bundle import load_bundle, write_spec
from leopardnet.bundle.derive import derive_bundle
from leopardnet.bundle.learned_from import read_learned_from
from leopardnet.bundle.promise_watch import describe_sites, describe_watch, read_reference, watch_promise
from leopardnet.core.errors import BundleError
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.infer.predict_footage import predict
from leopardnet.infer.prediction_tables import read_watch, write_watch
from leopardnet.metrics.guarantees.season_watch import Alarm, Watch
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.report.summarise import summarise
from leopardnet.score.calibrate import Calibration
from simulated_clips import simulate_clips

PROMISE = {
    "label": "leopard",
    "max_miss": 0.05,
    "confidence": 0.95,
    "n_positives": 90,
    "n_sites": 20,
    "level": "like_sites",
    "says": "holds if no site is unlike those labelled",
    "threshold": 0.1,
    "levels": {"any_sites": {"threshold": None, "n_sites_needed": 59, "says": "holds whatever sites do"}},
}


def season(tmp_path, bundle, seed, *, sharpness=2.0, n_sites=20, name="s"):
    """Simulated clips that look like something."""
    predictions, manifest = simulate_clips(tmp_path, n_sites=n_sites, per_site=8, seed=seed, bundle_id=bundle.id)
    rng, frames = np.random.default_rng(seed), predictions.evidence
    sites = frames["clip_id"].map(predictions.table.set_index("clip_id")["site"])
    own = sites.map(dict(zip(sites.unique(), rng.normal(0, 0.5, n_sites), strict=True)))
    looks = {
        "energy": rng.normal(3, 1, len(frames)),
        "sharpness": sharpness + own + rng.normal(0, 0.5, len(frames)),
    }
    table = predictions.table.assign(site=predictions.table["site"].str.replace("s", name))
    return Predictions(table, frames.assign(**looks)), manifest


@pytest.fixture(scope="module")
def promised(tiny_bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("promised")
    predictions, manifest = season(folder, tiny_bundle, 1)
    sites = describe_sites(predictions, LabelledClips.of(predictions, manifest), [PROMISE])
    return derive_bundle(tiny_bundle, folder / "bundle", promises=[PROMISE], watch=sites)


def test_the_bundle_keeps_little_and_no_names(promised):
    reference = read_reference(promised.spec)
    text = json.dumps(reference)
    assert len(text) < 20_000 and "s0" not in text and set(reference) == {"first 2", "first 5"}
    assert len(reference["first 5"]["sharpness"]) == 20
    assert {"animal", "leopard", "energy", "sharpness"} == set(reference["first 5"]), "the rest was not known"


def test_ordinary_footage_is_quiet_whatever_the_order_of_its_rows(promised, tmp_path):
    predictions, _ = season(tmp_path, promised, 2)
    watch = watch_promise(predictions, promised)
    assert watch.status == "quiet" and (watch.n_sites, watch.n_reference) == (20, 20)
    assert describe_watch(watch).startswith("The promise still applies: the 160 clips of 20 sites look like")
    mixed = Predictions(*(t.sample(frac=1, random_state=3) for t in (predictions.table, predictions.evidence)))
    assert watch_promise(mixed, promised) == watch


def test_an_alarm_says_what_to_do_and_changes_no_row(promised, tmp_path):
    predictions, _ = season(tmp_path, promised, 3, sharpness=-2.0, name="n")
    before = predictions.table.copy()
    watch = watch_promise(predictions, promised)
    said = describe_watch(watch)
    assert watch.status == "alarm" and said.startswith("The promise no longer applies. Since site n")
    assert "clips are less sharp than at the 20 sites that set it" in said and "2021-07-01" in said
    assert "label clips of these sites (n" in said and "`leopardnet thresholds`" in said
    pd.testing.assert_frame_equal(predictions.table, before)


def test_unreadable_clips_have_no_part(promised, tmp_path):
    predictions, _ = season(tmp_path, promised, 2)
    probs = {c: np.nan for c in predictions.table if c.startswith("p_")}
    broken = predictions.table.iloc[::4].assign(status="unreadable", decision="unreadable", rule="none", **probs)
    rest = predictions.table.drop(broken.index)
    watch = watch_promise(Predictions(pd.concat([broken, rest]), predictions.evidence), promised)
    assert watch == watch_promise(Predictions(rest, predictions.evidence), promised) and watch.n_clips == 120
    all_broken = watch_promise(Predictions(broken, predictions.evidence[:0]), promised)
    assert all_broken.status == "too_early" and "too few to tell" in describe_watch(all_broken)


def test_sites_that_taught_the_model_have_no_part(promised, tmp_path):
    predictions, _ = season(tmp_path, promised, 3, sharpness=-2.0)
    taught = predictions.table.assign(in_training="site")
    watch = watch_promise(Predictions(taught, predictions.evidence), promised)
    assert (watch.status, watch.n_clips) == ("too_early", 0)
    others = taught.assign(in_training=["no"] * 80 + ["clip"] * 80)
    assert watch_promise(Predictions(others, predictions.evidence), promised).n_sites == 10


def test_without_a_promise_there_is_nothing_to_say(tiny_bundle, promised, tmp_path):
    predictions, manifest = season(tmp_path, tiny_bundle, 2)
    assert watch_promise(predictions, tiny_bundle) is None
    assert describe_sites(predictions, LabelledClips.of(predictions, manifest), []) == {}
    with pytest.raises(BundleError, match="another model"):
        watch_promise(predictions, promised)


def test_a_promise_of_before_says_that_it_cannot_be_watched(tiny_bundle, tmp_path):
    old = derive_bundle(tiny_bundle, tmp_path / "old", promises=[PROMISE])
    watch = watch_promise(season(tmp_path, old, 2)[0], old)
    assert watch.status == "not_watched" and read_reference(old.spec) is None
    assert "cannot be watched: it was made by a version that kept nothing" in describe_watch(watch)


def test_a_promise_on_four_sites_says_that_it_cannot_be_watched(tiny_bundle, tmp_path):
    few, manifest = season(tmp_path, tiny_bundle, 1, n_sites=4)
    sites = describe_sites(few, LabelledClips.of(few, manifest), [PROMISE])
    small = derive_bundle(tiny_bundle, tmp_path / "small", promises=[PROMISE], watch=sites)
    watch = watch_promise(season(tmp_path, small, 2)[0], small)
    assert describe_watch(watch).startswith("The promise cannot be watched: it rests on fewer than 5 sites")


def test_the_sites_stay_with_the_promise_and_go_with_it(promised, tmp_path):
    names = promised.spec.decide.model_copy(update={"among": 0.8})
    named = derive_bundle(promised, tmp_path / "named", decide=names)
    assert read_reference(named.spec) == read_reference(promised.spec)
    assert [("watch" in step) for step in named.spec.provenance["judged_again"]] == [False, True]
    cooler = derive_bundle(named, tmp_path / "cooler", calibration=Calibration(0.5, 100, 12, ""))
    assert read_reference(cooler.spec) is None and "watch" not in str(cooler.spec.provenance["judged_again"])


def test_a_site_counts_with_all_its_clips_and_only_where_one_is_labelled(tiny_bundle, tmp_path):
    predictions, manifest = season(tmp_path, tiny_bundle, 1)
    rows = manifest.table
    first = rows.groupby("site").cumcount() == 0
    few = manifest.replace(rows.assign(label=rows["label"].where(first & (rows["site"] < "s012"), None)))
    found = describe_sites(predictions, LabelledClips.of(predictions, few), [PROMISE])
    assert len(found["first 5"]["leopard"]) == 12, "of 20 sites, eight are without a label"


def test_the_report_does_not_offer_to_archive_under_an_alarm(promised, tmp_path):
    odd, _ = season(tmp_path, promised, 3, sharpness=-2.0)
    text = summarise(odd, tmp_path / "odd.html", bundle=promised).read_text("utf-8")
    assert text.count("The promise no longer applies.") == 3, (
        "on top, in the overview, and where archiving is explained"
    )
    assert "Under these promises" not in text
    usual, _ = season(tmp_path, promised, 2)
    text = summarise(usual, tmp_path / "usual.html", bundle=promised).read_text("utf-8")
    assert text.count("The promise still applies") == 2 and "Under these promises" in text


def test_predict_says_it_in_the_terminal_and_in_a_file(promised, labelled, tmp_path):
    rows = labelled.where(split="test")
    rows.write(tmp_path / "m.parquet")
    arguments = (
        "predict",
        tmp_path / "m.parquet",
        "--bundle",
        promised.folder,
        "--out",
        tmp_path / "out",
        "--workers",
        0,
    )
    _, err = leopardnet(*arguments)
    facts = json.loads((tmp_path / "out" / "watch.json").read_text("utf-8"))
    assert facts["status"] == "too_early" and facts["says"].startswith("Too early to say") and facts["n_sites"] == 1
    assert facts["says"] in " ".join(err.split())
    out, _ = leopardnet(*arguments, "--json")  # nothing is left to do; it is said again all the same
    assert len(facts.pop("order")) == facts["n_clips"] and facts["bundle_id"] == load_bundle(promised.folder).id
    assert json.loads(out)["watch"] == facts


def test_predictions_of_a_bundle_without_a_promise_have_no_such_file(tiny_bundle, labelled, tmp_path):
    (tmp_path / "watch.json").write_text("{}")
    predict(labelled.where(split="test"), tiny_bundle, out=tmp_path, runtime=RuntimeConfig(workers=0))
    assert not (tmp_path / "watch.json").exists()


def test_one_site_is_one_site():
    watch = Watch("quiet", 1.0, 9, 1, 6)
    assert "the 9 clips of 1 site look" in describe_watch(watch) and "cannot" not in describe_watch(watch)
    unwatched = replace(watch, status="not_watched", why="the clips have no site")
    assert "the clips have no site" in describe_watch(unwatched)


@pytest.mark.parametrize(
    ("feature", "block", "direction", "words"),
    [
        ("brightness", "first 5", "higher", "clips are brighter than at the 20 sites that set it"),
        ("lynx", "first 20", "lower", "clips look less like lynx than at the 20 sites that set it"),
        (
            "colour",
            "change at 15",
            "lower",
            "clips have less colour as time goes on at a site, more so than at the",
        ),
        ("animal", "first 5", "wider", "sites differ more than the 20 sites that set it do: at some, clips show"),
    ],
)
def test_an_alarm_is_said_in_plain_words(feature, block, direction, words):
    alarm = Alarm(feature, block, direction, "a", "", "c", "", 70, tuple("abcdefghij"))
    said = describe_watch(Watch("alarm", 31.0, 90, 15, 20, alarm))
    assert words in said and "Since site a, clips" in said.replace("sites differ", "clips", 1)
    assert "evidence 31, alarm at 20, after 70 clips" in said and "(a, b, c, d, e, f, g, h and others)" in said


# --- cards that come in any order ---


def odd_then_usual(tmp_path, bundle):
    """Twelve odd sites of August, and twenty ordinary sites of July whose cards are read later."""
    odd, _ = season(tmp_path, bundle, 3, sharpness=-2.0, name="n", n_sites=12)
    later = odd.table["captured_at"] + pd.Timedelta(days=40)
    odd = Predictions(odd.table.assign(captured_at=later), odd.evidence)
    usual, _ = season(tmp_path, bundle, 2, name="u")
    names = {c: "u" + c for c in usual.table["clip_id"]}
    table = usual.table.assign(clip_id=usual.table["clip_id"].map(names), path="u/" + usual.table["path"])
    return odd, Predictions(table, usual.evidence.assign(clip_id=usual.evidence["clip_id"].map(names)))


def join(*parts):
    return Predictions(*(pd.concat([getattr(p, x) for p in parts]) for x in ("table", "evidence")))


def look(predictions, bundle, folder):
    folder.mkdir(exist_ok=True)
    write_watch(predictions, bundle, folder)
    return json.loads((folder / "watch.json").read_text("utf-8"))


def test_a_card_with_older_clips_takes_no_alarm_back(promised, tmp_path):
    odd, usual = odd_then_usual(tmp_path, promised)
    first = look(odd, promised, tmp_path / "out")
    assert first["status"] == "alarm" and len(first["order"]) == 96
    facts = json.loads((tmp_path / "out" / "watch.json").read_text("utf-8"))
    (tmp_path / "out" / "watch.json").write_text(json.dumps({**facts, "alarm": None}), "utf-8")
    both = join(usual, odd)
    second = look(both, promised, tmp_path / "out")
    assert second["alarm"] == first["alarm"], "it follows from the order alone"
    assert second["order"][:96] == first["order"] and len(second["order"]) == 256
    assert look(both, promised, tmp_path / "out") == second, "looking again changes nothing"
    assert watch_promise(both, promised, results=tmp_path / "out").to_dict() == {
        **{k: v for k, v in second.items() if k not in ("says", "bundle_id", "order", "alarm")},
        "alarm": {**second["alarm"], "sites": tuple(second["alarm"]["sites"])},
    }
    at_once = watch_promise(both, promised)
    assert at_once.alarm is None or at_once.alarm.n_clips > 160, "by time alone, July comes first"


def test_older_clips_of_a_known_site_come_after_those_that_were_looked_at(promised, tmp_path):
    odd, usual = odd_then_usual(tmp_path, promised)
    first = look(odd, promised, tmp_path / "out")
    same_site = Predictions(usual.table.assign(site="n003"), usual.evidence)
    second = look(join(same_site, odd), promised, tmp_path / "out")
    assert second["alarm"] == first["alarm"] and second["n_sites"] == first["n_sites"] == 12
    assert len(second["order"]) == 96 + 17, "of a site the first 25 clips matter"


def test_an_alarm_stays_when_its_clips_are_gone_but_not_for_another_bundle(promised, tmp_path):
    odd, usual = odd_then_usual(tmp_path, promised)
    first = look(odd, promised, tmp_path / "out")
    second = look(usual, promised, tmp_path / "out")
    assert (second["status"], second["alarm"]) == ("alarm", first["alarm"])
    assert second["evidence"] == first["evidence"] and second["says"].startswith("The promise no longer applies.")
    text = summarise(usual, tmp_path / "r.html", bundle=promised, results=tmp_path / "out").read_text("utf-8")
    assert "The promise no longer applies." in text and "Under these promises" not in text
    other = derive_bundle(promised, tmp_path / "other", note="again")
    rows = Predictions(usual.table.assign(bundle_id=other.id), usual.evidence)
    assert look(rows, other, tmp_path / "out")["status"] == "quiet"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"order": 5}', '{"status": "quiet", "alarm": null}', '{"alarm": {"feature": 1}}', "[" * 9999],
)
def test_a_file_of_before_or_a_damaged_one_counts_as_none(promised, tmp_path, text):
    usual, _ = season(tmp_path, promised, 2)
    expected = look(usual, promised, tmp_path / "new")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "watch.json").write_text(text, "utf-8")
    assert look(usual, promised, tmp_path / "old") == expected
    assert "order" not in read_watch(tmp_path / "old")


# --- damaged bundles ---


def damage(bundle, folder, **changes):
    """A copy of a bundle whose last step, or the first promise in it, is another; the hashes fit."""
    shutil.copytree(bundle.folder, folder)
    provenance = json.loads(json.dumps(bundle.spec.provenance))
    step = provenance["judged_again"][-1]
    step |= {k: v for k, v in changes.items() if k == "watch"}
    step["promises"][0] |= {k: v for k, v in changes.items() if k not in ("watch", "judged_again", "learned_from")}
    provenance |= {k: v for k, v in changes.items() if k in ("judged_again", "learned_from")}
    return write_spec(folder, bundle.spec.model_copy(update={"provenance": provenance}))


@pytest.mark.parametrize(
    "changes",
    [
        *({"watch": x} for x in ("x", 5, [], {"first 5": None}, {"first 5": []}, {"first 5": {"energy": None}})),
        *(
            {"watch": {"first 5": {"energy": x}}}
            for x in ([1, 2], ["a"] * 6, [None] * 6, [float("nan")] * 6, [1e308] * 6, [[1]] * 6, {"a": 1})
        ),
        {"level": "zz"},
        {"levels": {}},
        {"max_miss": "x"},
        {"max_miss": 2.0},
        {"confidence": None},
        {"label": None},
        {"threshold": None},
        *({"judged_again": x} for x in ("x", {}, [None], ["a"], [{"promises": "x"}], [{"promises": [None]}])),
    ],
    ids=str,
)
def test_a_bundle_with_damaged_promises_is_not_loaded(promised, tmp_path, changes):
    with pytest.raises(BundleError, match="promises is damaged") as caught:
        damage(promised, tmp_path / "b", **changes)
    assert "bundle.json.provenance.judged_again" in str(caught.value)


def test_a_bundle_without_steps_or_with_more_in_them_is_loaded(promised, tmp_path):
    assert damage(promised, tmp_path / "a", judged_again=None).spec.provenance["judged_again"] is None
    assert damage(promised, tmp_path / "b", of_a_later_version=1, watch={}).id


def test_a_record_without_salt_is_damaged(promised, tmp_path):
    names = ("salt", "clips", "places", "chosen_clips", "chosen_places", "sizes")
    bundle = damage(promised, tmp_path / "b", learned_from=dict.fromkeys(names, ""))
    with pytest.raises(BundleError, match="what the model learned from is damaged"):
        read_learned_from(bundle.spec)
