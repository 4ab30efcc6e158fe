"""The first page of a report: counts worked out by hand, and what it says where something is missing."""

import pandas as pd
import pytest

from leopardnet.bundle.model_card.card_figures import describe_figures
from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.language import use_language
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.pages.palette import label_styles
from leopardnet.report import write_report
from leopardnet.report.overview import Beside, list_reasons, make_overview
from leopardnet.report.target_counts import TargetCounts

NAN = float("nan")
LABELS = LabelSet((Label("leopard"), Label("tiger"), Label("empty")), targets=("leopard",))
STYLES = label_styles(LABELS.names, LABELS.to_dict())
FACTS = {"labels": LABELS.to_dict()}


@pytest.fixture
def season(clips):
    """Six clips of two sites: three suspected, one of them a tiger too; one is unreadable."""
    table = clips(
        ("a", 0.9, 0.05, 0.05, "leopard", "leopard"),
        ("b", 0.4, 0.3, 0.3, "animal", "leopard"),
        ("c", 0.2, 0.1, 0.7, "unsure", "leopard"),
        ("d", 0.0, 0.0, 1.0, "empty", None),
        ("e", 0.0, 0.9, 0.1, "tiger", None),
        ("f", NAN, NAN, NAN, "unreadable", None),
    )
    return table.assign(
        site=["north", "north", "south", "south", None, "south"],
        reason=[None] * 5 + ["no moov index"],
        captured_at=pd.to_datetime(["2025-11-12", "2026-01-03", *[None] * 4]),
        duration_s=[3600.0, 1800.0, 1800.0, 0.0, 0.0, NAN],
        kind=["video"] * 3 + ["still", "video", "video"],
        alerts=["leopard + tiger", "leopard", "leopard", None, None, None],
        labels=None,
    )


def people(**labels):
    """What people said together; '' is disputed."""
    return pd.DataFrame({"clip_id": list(labels), "labels": list(labels.values())})


def test_what_was_looked_at_is_counted_with_what_is_not_known_of_it(season):
    looked_at = make_overview(season, STYLES).looked_at
    assert looked_at == [
        "5 videos, 1 still",
        "2.0 hours of video, without 1 of unknown length",
        "2025-11-12 to 2026-01-03 (clips with a date: 2)",
        "2 sites",
        "1 clip without a site",
    ]
    one = season.head(1)
    assert make_overview(one, STYLES).looked_at == ["1 video", "1.0 hours of video", "2025-11-12", "1 site"]
    undated = season.tail(1)
    assert make_overview(undated, STYLES).looked_at == ["1 video", "No clip has a date.", "1 site"]
    assert make_overview(season.head(0), STYLES).looked_at == []
    short = season.head(1).assign(duration_s=90.0)
    assert make_overview(short, STYLES).looked_at[1] == "1.5 minutes of video"


def test_suspected_and_confirmed_are_never_one_figure(season):
    alone = make_overview(season, STYLES, description=FACTS)
    assert alone.targets == [TargetCounts("leopard", 3, 0, 0, 0, 2), TargetCounts("tiger", 1, 0, 0, 0, 1)]
    assert alone.found == ["Nothing is confirmed: no labels of people were given (--labels)."]

    said = people(a="leopard", b="empty", c="", e="leopard + tiger")
    both = make_overview(season, STYLES, description=FACTS, beside=Beside(said))
    # a and e are confirmed, b is refuted, c is disputed; a was suspected of a tiger, too. e has no site
    assert both.targets == [TargetCounts("leopard", 0, 2, 1, 1, 2), TargetCounts("tiger", 0, 1, 1, 0, 0)]
    assert both.found == ["1 suspicion is undecided: people disagree or could not tell"] and both.has_people
    steps = {step.text: step.command for step in both.steps}
    assert "Hand on what was confirmed" in steps and not [x for x in steps if x.startswith("Look at")]

    unknown = make_overview(season, STYLES, description=FACTS, beside=Beside(people(a="unknown")))
    assert unknown.targets[0] == TargetCounts("leopard", 2, 0, 0, 1, 2)
    assert unknown.steps[0].text == "Look at 2 suspected clips and say what they show"


def test_sites_are_those_of_suspected_and_confirmed_clips(season):
    said = people(a="leopard", b="leopard", c="empty")
    (leopard, _) = make_overview(season, STYLES, description=FACTS, beside=Beside(said)).targets
    assert leopard == TargetCounts("leopard", 0, 2, 1, 0, 1), "both are of the north; that of the south is refuted"
    (leopard, _) = make_overview(season, STYLES, description=FACTS, beside=Beside(people(c="leopard"))).targets
    assert leopard == TargetCounts("leopard", 2, 1, 0, 0, 2), "as many sites as without labels"


def test_the_note_on_sites_names_all_clips_that_are_counted(season, tmp_path):
    """People dispute c, which is the only clip of its site: it is neither suspected any more nor refuted."""
    beside = Beside(people(a="leopard", b="leopard", c=""))
    (leopard, _) = make_overview(season, STYLES, description=FACTS, beside=beside).targets
    assert leopard == TargetCounts("leopard", 0, 2, 0, 1, 2)
    table = season.assign(n_frames=1, bundle_id="b", labels_id="l")
    for language, note in (
        ("en", "Sites: of the suspected, the undecided and the confirmed clips."),
        ("ru", "тех роликов, что под подозрением, остались нерешёнными или подтверждены."),
    ):
        with use_language(language):
            page = write_report(tmp_path / "r.html", table, beside=beside).read_text("utf-8")
        assert note in page


def test_labels_that_cannot_judge_are_not_called_none(season):
    none = make_overview(season, STYLES).trust
    assert none[-1] == "No labels: nobody has checked how often these answers are right."
    some = make_overview(season, STYLES, beside=Beside(people(a="leopard"), n_labelled=15)).trust
    assert some[-1].startswith("15 clips have labels, but they do not tell how often these answers are right: only")
    assert not [line for line in some if "No labels" in line]


def test_a_model_that_is_not_calibrated_says_it_once(season):
    words = "The probabilities are not calibrated: they order clips, but are no chances."
    for is_calibrated, n in ((False, 1), (True, 0)):
        facts = FACTS | {"is_calibrated": is_calibrated}
        assert make_overview(season, STYLES, description=facts).trust.count(words) == n


def test_a_model_without_targets_says_that_it_can_suspect_none(season):
    calm = season.assign(alert=None, alerts=None)
    no_target = LabelSet((Label("leopard"), Label("tiger"), Label("empty"))).to_dict()
    styles = label_styles(LABELS.names, no_target)
    blind = make_overview(calm, styles, description={"labels": no_target})
    assert blind.targets == [] and blind.found[0] == "The model has no target, so it can suspect none."
    unknown = make_overview(calm, label_styles(LABELS.names, None))  # without a bundle nobody knows its targets
    assert unknown.found[0] == "No clip is suspected to show a target."


def test_what_was_not_looked_at_is_named_with_the_reason(season):
    gaps = make_overview(season, STYLES, beside=Beside(n_without_result=7, n_not_scanned=2, n_hidden=1))
    assert gaps.not_looked_at == [
        "1 clip is unreadable",
        "7 clips of the manifest have no result",
        "2 files in the folder of the footage are not in the manifest",
        "1 clip of people or vehicles was classified; its picture is left out here",
    ]
    assert list_reasons(season) == [("no moov index", 1)]
    whole = make_overview(season.head(5), STYLES, beside=Beside(n_not_scanned=0)).not_looked_at
    assert whole == ["Every clip of this run was read whole."]
    assert "not known here" in make_overview(season, STYLES).not_looked_at[-1]  # nobody looked into a folder


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "Whether the model promises anything is not known here (--bundle)."),
        ({"promises": []}, "The model promises nothing: archive no clip unseen."),
        ({"promises": ["At most 0.05 lost."]}, "At most 0.05 lost."),
    ],
)
def test_a_promise_or_its_absence_comes_first(season, facts, words):
    assert make_overview(season, STYLES, description=facts).trust == [
        words,
        "No labels: nobody has checked how often these answers are right.",
    ]


def test_a_promise_that_no_longer_applies_is_not_repeated(season):
    watch = {"alarm": {"block": "x"}, "says": "The promise no longer applies."}
    page = make_overview(season, STYLES, description={"promises": ["At most 0.05 lost."], "watch": watch})
    assert page.trust[0] == "The promise no longer applies." and "At most" not in " ".join(page.trust)
    assert page.steps[0].text == "Archive nothing unseen: the promise no longer applies."


def test_the_first_page_and_the_card_tell_the_same_losses(season):
    truth = pd.Series({"a": "leopard", "b": "leopard", "d": "leopard", "e": "tiger", "f": "tiger"})
    found = evaluate_clips(LabelledClips.from_tables(season, truth), targets=("leopard",), n_boot=0)
    page = make_overview(season, STYLES, description=FACTS, evaluation=found)
    card = "\n".join(describe_figures(found, ""))
    assert "Clips of leopard that were called empty: 1 of 3." in card
    lost = "leopard: 1 of 3 labelled clips were called empty, without an alert"
    assert f"{lost}; too few to say anything of other sites." in page.trust
    assert any(line.startswith("any animal: 1 of 5 ") for line in page.trust)


def test_everything_is_in_russian(season):
    with use_language("ru"):
        page = make_overview(season, STYLES, description=FACTS, beside=Beside(people(a="leopard"), 3, 4, 5, 6))
    texts = [*page.looked_at, *page.found, *page.not_looked_at, *page.trust, *(step.text for step in page.steps)]
    assert texts and not [x for x in texts if set(x.lower()) & set("abcdefghijklmnopqrstuvwxyz") - set("bundle")]


def test_no_clip_at_all_is_a_page_too(season):
    page = make_overview(season.head(0), STYLES)
    assert page.targets == [TargetCounts("leopard", 0, 0, 0, 0, 0)] and page.looked_at == []
    assert page.not_looked_at == ["Whether the folder holds files that were never scanned is not known here."]
