"""`leopardnet start` as a person runs it: a card without labels, twice, with faults, and what it never does."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from command_line import leopardnet
from PIL import Image

from leopardnet.core.manifest import Manifest
from leopardnet.review.review_desk import ReviewDesk
from leopardnet.review.review_source import open_review


@pytest.fixture
def card(tmp_path, rng, monkeypatch):
    folder = tmp_path / "card"
    (folder / "siteA").mkdir(parents=True)
    for i in range(3):
        Image.fromarray(rng.integers(0, 255, (60, 90, 3), dtype=np.uint8)).save(folder / "siteA" / f"{i}.jpg")
    (folder / "broken.avi").write_bytes(b"RIFF and nothing more" * 20)
    monkeypatch.chdir(tmp_path)
    return folder


def start(*arguments, code=0):
    return leopardnet("start", *arguments, "--model", "lite0", "--workers", 0, "--no-page", code=code)


def test_a_card_is_put_in_order_and_a_second_time_nothing_is_read_again(card, tmp_path):
    before = sorted(path.name for path in card.rglob("*"))
    out, err = start(card, "--target", "leopard", "--pattern", "{site}/*")
    assert "Look at these first" in out and "looks like: spotted cat" in out
    assert (
        "1 of 4 clips could not be read" in err and "an order, not a decision" in err and str(tmp_path) not in err
    )
    made = tmp_path / "review-card"
    assert sorted(x.name for x in made.iterdir()) == ["features.sqlite", "manifest.parquet", "review.sqlite"]
    assert Manifest.read(made / "manifest.parquet").table["site"].dropna().unique().tolist() == ["siteA"]
    assert sorted(path.name for path in card.rglob("*")) == before, "nothing is written into the footage"
    shutil.move(made, tmp_path / "kept")
    answer = json.loads(start(card, "--out", "kept", "--target", "sika_deer", "--json")[0])
    assert answer["n_clips"] == 4 and answer["n_unreadable"] == 1 and answer["model"] == "lite0"
    assert sorted(row["path"] for row in answer["order"]) == [f"siteA/{i}.jpg" for i in range(3)]
    assert {row["why"] for row in answer["order"]} == {"not looked at yet"}


def test_results_of_another_program_are_named_and_change_the_order(card, tmp_path):
    row = {"filepath": "siteA/2.jpg", "prediction": "x;;;;cervus;nippon;sika deer", "prediction_score": 0.9}
    others = [{"filepath": f"siteA/{i}.jpg", "detections": []} for i in range(2)]
    (tmp_path / "speciesnet.json").write_text(json.dumps({"predictions": [row, *others]}))
    options = ("--target", "sika_deer", "--results", tmp_path / "speciesnet.json", "--json")
    out, err = start(card, *options)
    assert json.loads(out)["order"][0]["path"] == "siteA/2.jpg" and "3 of 3 entries belong to 3 of 4 clips" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "no such folder of footage"),
        (("card/siteA", "--out", "card/siteA/out"), "nothing is written into a folder of footage"),
        (("none",), "the folder holds no footage"),
        (("card", "--results", "nothing.json"), "there is no such file"),
        (("card", "--decode", "fast"), "the options of start"),
    ],
)
def test_what_cannot_be_started_is_said(card, tmp_path, arguments, said):
    (tmp_path / "none").mkdir()
    _, err = start(*arguments, code=1)
    assert said in err


def test_a_target_is_a_label(card):
    assert "as in sika_deer" in start(card, "--target", "Sika Deer", code=2)[1]
    assert "lite0, lite1, lite2" in leopardnet("start", card, "--model", "resnet", "--no-page", code=1)[1]


def test_another_card_or_a_fault_leaves_what_was_found_before(card, tmp_path):
    start(card)
    made = tmp_path / "review-card"
    kept = {file.name: file.read_bytes() for file in (made / "manifest.parquet", made / "features.sqlite")}
    shutil.copy(card / "siteA/0.jpg", card / "siteA/3.jpg")
    for fault in (("--results", "nosuch"), ("--model", "foo")):
        leopardnet("start", card, *fault, "--no-page", code=1)
    shutil.rmtree(card / "siteA")
    (card / "broken.avi").rename(card / "other.avi")
    said = start(card, code=1)[1]
    assert "belongs to other footage" in said and "1 clips, none of which is among its 4" in said
    assert "--out" in said
    assert {name: (made / name).read_bytes() for name in kept} == kept


def test_a_file_of_features_that_a_full_disk_left_empty_is_begun_again(card, tmp_path):
    made = tmp_path / "review-card"
    made.mkdir()
    (made / "features.sqlite").touch()
    out, _ = leopardnet("start", card, "--workers", 0, "--no-page", "--json")
    assert json.loads(out)["n_clips"] == 4


def test_a_detector_puts_boxes_into_the_frames_that_are_shown(card, tmp_path):
    _, err = start(card, "--detector", "motion")
    made = tmp_path / "review-card"
    assert "boxes in 0 of 3 clips (motion)" in err  # a still has no motion
    frames = pd.read_parquet(made / "evidence.parquet")
    assert len(frames) == 3 and frames["boxes"].eq("[]").all()
    boxes = (
        '[{"xyxy": [0.1, 0.2, 0.3, 0.4], "score": 0.9}, {"xyxy": [0, 0, 1, 1], "score": 0.5, "label": "person"}]'
    )
    frames.assign(boxes=[boxes, "[]", "[]"]).to_parquet(made / "evidence.parquet")
    desk = ReviewDesk(open_review(made, root=card))
    try:
        rows = desk.index.row_of
        seen = {c: desk.show_clip(c, "all", "AB") for c in rows}
    finally:
        desk.close()
    first, second = (seen[c] for c in frames["clip_id"][:2])
    assert first["has_person"] and first["frames"] == []  # the detector saw a person: nobody is shown
    assert [f["boxes"] for f in second["frames"]] == [[]] and not second["has_person"]


def test_a_detector_that_is_not_there_is_said_before_the_long_work(card, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    _, err = start(card, "--detector", "embedded", code=1)
    assert "the embedded detector is not installed" in err and "leopardnet detector install" in err
    assert not (tmp_path / "review-card").exists()


def test_a_link_out_of_the_card_is_named_and_the_others_go_on(card, tmp_path):
    (tmp_path / "elsewhere.jpg").write_bytes((card / "siteA/0.jpg").read_bytes())
    (card / "siteA/out.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    out, err = start(card, "--json")
    assert "links that lead out of the folder, left out (1): siteA/out.jpg" in err and str(tmp_path) not in err
    assert json.loads(out)["n_clips"] == 4


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("leopardnet.data.scan.scan.scan_report", "give the same command again to continue"),
        ("leopardnet.hunt.embed.embed", "give the same command again to continue"),
        ("leopardnet.cli.console.importlib.import_module", "start was ended by Ctrl-C"),
    ],
)
def test_ctrl_c_before_the_long_work_is_one_line(card, place, said):
    module, _, name = place.rpartition(".")
    module = module.removesuffix(".importlib")
    code = (
        f"import sys, {module} as module\n"
        "def stop(*args, **options): raise KeyboardInterrupt\n"
        f"setattr(getattr(module, 'importlib', module), '{name}', stop)\n"
        "from leopardnet.cli.console import main\n"
        "main()"
    )
    command = [sys.executable, "-c", code, "start", str(card), "--model", "lite0", "--workers", "0", "--no-page"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 130 and said in ended.stderr, ended.stderr
    assert "Traceback" not in ended.stderr and "KeyboardInterrupt" not in ended.stderr


def test_a_broken_file_of_boxes_is_refused_before_the_long_work(card, tmp_path):
    (tmp_path / "broken.json").write_text("{")
    _, err = start(card, "--detector", tmp_path / "broken.json", code=1)
    assert "broken.json" in err and not (tmp_path / "review-card" / "features.sqlite").exists()
    other = {"images": [{"file": "elsewhere/x.jpg", "detections": []}], "detection_categories": {"1": "animal"}}
    (tmp_path / "other.json").write_text(json.dumps(other | {"info": {"format_version": "1.3"}}))
    _, err = start(card, "--detector", tmp_path / "other.json", code=1)
    assert "other.json" in err and not (tmp_path / "review-card" / "features.sqlite").exists()
