"""The probability of a clip reads alike wherever people meet it: terminal, report, review page, dossier."""

import re

import pytest
from browser import headless_chromium
from command_line import leopardnet
from test_records import CLIPS, SQUARE, write_range
from test_report_page import all_of, one, press
from test_review_page import shown, wait_for
from test_review_server import serve

from leopardnet.cli.printing.print_predictions import print_predictions
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id
from leopardnet.records.find_records import read_records
from season_tables import manifest_of, predictions_of

# As stored, as shown: half up from six decimals, not 0.42 as of the binary number, nor 0.29 as if rounded twice.
SHOWN = {"out/b.avi": (0.425, "0.43"), "out/c.avi": (0.284996, "0.28")}


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """Results of three clips with their manifest, places and a range; the folder they are in."""
    here = tmp_path_factory.mktemp("season")
    (here / "footage").mkdir()
    scores = {"in/a.avi": 0.9} | {path: p for path, (p, _) in SHOWN.items()}
    predictions_of(scores, alert=0.2).write(here / "results")
    Predictions.read(here / "results").write(here / "results")  # with the types of all columns
    manifest = manifest_of(CLIPS)
    type(manifest)(manifest.table, here / "footage").write(here / "m.parquet")
    (here / "d.csv").write_text(
        "deployment,site,latitude,longitude,time_zone\n"
        "d1,in,43.51234,131.51234,Asia/Vladivostok\nd2,out,43.51234,132.41234,Asia/Vladivostok\n"
    )
    write_range(here / "r.geojson", SQUARE)
    return here


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with headless_chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


def test_in_the_terminal(season, capsys):
    print_predictions(Predictions.read(season / "results").table, ("leopard",))
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if ".avi" in line}
    for path, (_, words) in SHOWN.items():
        assert re.findall(r"\d\.\d+", lines[path])[0] == words


def test_in_the_report(season, chromium):
    out = season / "report.html"
    leopardnet("report", season / "results", "--manifest", season / "m.parquet", "--out", out, "--pictures", 0)
    chromium.get(out.as_uri())
    for path, (_, words) in SHOWN.items():
        name = path.partition("/")[2]
        cells = [row.text for row in all_of(chromium, "#clips tbody tr") if name in row.text]
        cards = [card.text for card in all_of(chromium, "#first .card") if name in card.text]
        assert len(cells) == len(cards) == 1
        assert f"leopard? {words}" in cells[0] and f"leopard?\n{words}" in cards[0]


def test_on_the_review_page(season, chromium):
    with serve(season, "results", "--manifest", "m.parquet", "--by", "AB") as (_, address):
        chromium.get(address)
        for path, (_, words) in SHOWN.items():
            wait_for(chromium, lambda: shown(chromium))
            while shown(chromium) != clip_id(path):
                press(chromium, "j")
            assert one(chromium, "#probs").text.split("\n")[:2] == ["leopard", words]


def test_in_the_dossier(season):
    options = ["--manifest", season / "m.parquet", "--deployments", season / "d.csv", "--label", "leopard"]
    options += ["--range", season / "r.geojson", "--out", season / "records"]
    leopardnet("records", season / "results", *options)
    first = read_records(season / "records").set_index("path").loc["out/b.avi", "record_id"]
    leopardnet("records", season / "results", *options, "--record", first)
    text = re.sub(r"<[^>]+>", " ", (season / "records" / first / "dossier.html").read_text("utf-8"))
    text = " ".join(text.split())
    assert "probability of “leopard” is between 0.28 and 0.43." in text
    assert re.findall(r" probability (\d\.\d+)", text) == [words for _, words in SHOWN.values()]
    assert re.findall(r" suspected (\d\.\d+)", text) == [words for _, words in SHOWN.values()]
