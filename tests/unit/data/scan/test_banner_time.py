"""Times from burned-in banners, from pictures to the manifest."""

import sys
from datetime import datetime
from fractions import Fraction
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from command_line import leopardnet as run_command
from PIL import Image
from typer.testing import CliRunner

from drawn_banners import draw_banner
from leopardnet.cli.console import app
from leopardnet.core.errors import BackendError
from leopardnet.core.language import set_language
from leopardnet.data.scan.banner.banner_stamp import Stamp
from leopardnet.data.scan.banner.banner_time import agree
from leopardnet.data.scan.scan import scan, scan_report
from leopardnet.synth.write_files import write_video

needs_extra = pytest.mark.skipif(
    None in (find_spec("rapidocr"), find_spec("onnxruntime")), reason="the extra [banner] is not installed"
)


def still(path, text, *, recorded=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if recorded:
        exif.get_ifd(0x8769)[0x9003] = recorded
    Image.fromarray(draw_banner(text, **options)).save(path, quality=85, exif=exif)


def times(root, **options):
    table = scan(root, **{"time_from": ("exif", "banner")} | options).table
    known = table.astype(object).where(table.notna(), None)
    return dict(zip(known["path"], zip(known["captured_at"], known["time_source"], strict=True), strict=True))


@needs_extra
def test_banners_give_the_times_that_headers_do_not_hold(tmp_path):
    still(tmp_path / "1.jpg", "Bushnell   53F 11C   07-05-2014   09:17:11")
    still(tmp_path / "2.jpg", "Bushnell   53F 11C   07-25-2014   21:17:12")
    still(tmp_path / "a/3.jpg", "2015-05-07 11:44:05 PM   M 1/3   7C", at="top", ink="white", paper="black")
    still(tmp_path / "b/4.jpg", "KeepGuard 2016/05/07 23:44", ink="white", paper=None, size=(1920, 1080))
    still(tmp_path / "c/5.jpg", "07-05-2014 09:17:11", recorded="2020:01:02 03:04:05")
    still(tmp_path / "d/6.jpg", "RECONYX")
    assert times(tmp_path) == {
        "1.jpg": (datetime(2014, 7, 5, 9, 17, 11), "banner"),
        "2.jpg": (datetime(2014, 7, 25, 21, 17, 12), "banner"),
        "a/3.jpg": (datetime(2015, 5, 7, 23, 44, 5), "banner"),
        "b/4.jpg": (datetime(2016, 5, 7, 23, 44), "banner"),
        "c/5.jpg": (datetime(2020, 1, 2, 3, 4, 5), "exif"),
        "d/6.jpg": (None, None),
    }


@needs_extra
def test_the_banner_comes_before_headers_only_where_it_is_named_first(tmp_path):
    still(tmp_path / "1.jpg", "2014-07-05 09:17:11", recorded="2020:01:02 03:04:05")
    still(tmp_path / "2.jpg", "", recorded="2020:01:02 03:04:06")
    assert times(tmp_path, time_from=("banner", "exif")) == {
        "1.jpg": (datetime(2014, 7, 5, 9, 17, 11), "banner"),
        "2.jpg": (datetime(2020, 1, 2, 3, 4, 6), "exif"),
    }
    assert times(tmp_path)["1.jpg"] == (datetime(2020, 1, 2, 3, 4, 5), "exif")


@needs_extra
def test_a_tag_that_programs_set_gives_way_to_the_banner(tmp_path):
    exif = Image.Exif()
    exif[0x0132] = "2020:01:02 03:04:05"
    Image.fromarray(draw_banner("2014-07-05 09:17:11")).save(tmp_path / "1.jpg", exif=exif)
    Image.fromarray(draw_banner("")).save(tmp_path / "2.jpg", exif=exif)
    assert times(tmp_path, time_from=("exif", "banner", "mtime")) == {
        "1.jpg": (datetime(2014, 7, 5, 9, 17, 11), "banner"),
        "2.jpg": (datetime(2020, 1, 2, 3, 4, 5), "exif_changed"),
    }


@needs_extra
def test_day_and_month_that_could_be_exchanged_are_refused_and_told(tmp_path):
    still(tmp_path / "f/1.jpg", "Bushnell 53F 11C 07-05-2014 09:17:11")
    report = scan_report(tmp_path / "f", time_from=("banner",))
    assert report.doubtful_banners == {
        "1.jpg": "07/05/2014 09:17:11: day or month first? Give --banner-dates or date_order"
    }
    assert report.manifest.table["captured_at"].isna().all()
    args = ["scan", str(tmp_path / "f"), "--out", str(tmp_path / "m.csv"), "--time-from", "exif,banner"]
    told = CliRunner().invoke(app, args).output
    assert (
        "banners that were not taken, because their time is not certain (1)" in told
        and "Give --banner-dates or date_order" in " ".join(told.split())
    )
    assert CliRunner().invoke(app, [*args, "--banner-dates", "dmy"]).exit_code == 0
    assert "2014-05-07T09:17:11" in (tmp_path / "m.csv").read_text()


@needs_extra
def test_scan_says_in_russian_why_the_time_in_a_banner_was_not_taken(tmp_path):
    still(tmp_path / "f/a/1.jpg", "Bushnell 53F 11C 07-05-2014 09:17:11")
    still(tmp_path / "f/b/2.jpg", "2034-07-25 09:17:11")
    for day in range(1, 5):
        still(tmp_path / f"f/c/{day}.jpg", f"2014-07-0{day} 09:17:11")
    still(tmp_path / "f/c/5.jpg", "07/25/2014 09:17:11")
    args = ["scan", str(tmp_path / "f"), "--out", str(tmp_path / "m.csv"), "--time-from", "exif,banner"]
    try:
        told = " ".join("".join(run_command("--language", "ru", *args)).split())
    finally:
        set_language("en")
    assert (
        "подписи на кадре, которые не взяты, так как время в них ненадёжно (2): "
        "07/05/2014 09:17:11: день или месяц впереди? Укажите --banner-dates или date_order (a/1.jpg), "
        "2034-07-25 09:17:11: такого времени ещё не было (b/2.jpg)"
    ) in told
    assert "время из banner 5" in told


@needs_extra
def test_small_letters_are_refused(tmp_path):
    still(tmp_path / "1.jpg", "2014-07-05 09:17:11", height_px=8)
    report = scan_report(tmp_path, time_from=("banner",))
    assert report.manifest.table["captured_at"].isna().all()


@needs_extra
@pytest.mark.parametrize(
    ("clocks", "expected"),
    [
        (["09:17:11", "09:17:11", "09:17:12", "09:17:12"], datetime(2014, 7, 5, 9, 17, 11)),  # a running clock
        (["09:17:11"] * 4, datetime(2014, 7, 5, 9, 17, 11)),
        (["09:17:11", "09:17:11", "09:13:12", "09:13:12"], None),
        (["09:17:11", "09:17:11", "", ""], None),
        (["09:17:11"], datetime(2014, 7, 5, 9, 17, 11)),  # of one frame: read at two sizes
    ],
)
def test_two_frames_of_a_video_must_agree(tmp_path, clocks, expected):
    frames = np.stack([draw_banner(f"2014-07-05 {clock}" if clock else "", size=(640, 360)) for clock in clocks])
    silence = np.zeros(len(frames) * 8000, np.float32)
    write_video(tmp_path / "1.MP4", frames, silence, rate=Fraction(2), captured_at=datetime(2020, 1, 1))
    report = scan_report(tmp_path, time_from=("banner",))
    time = report.manifest.table["captured_at"][0]
    assert time == expected if expected else (pd.isna(time) and "1.MP4" in report.doubtful_banners)


@needs_extra
def test_files_that_cannot_be_read_have_no_time(tmp_path):
    still(tmp_path / "1.jpg", "2014-07-05 09:17:11")
    whole = (tmp_path / "1.jpg").read_bytes()
    (tmp_path / "2.jpg").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "3.jpg").write_bytes(b"")
    (tmp_path / "4.avi").write_bytes(b"RIFF no more")
    Image.new("RGB", (1, 1)).save(tmp_path / "5.png")
    Image.new("L", (3, 400)).save(tmp_path / "6.png")
    found = times(tmp_path)
    assert found.pop("1.jpg")[1] == "banner"
    assert list(found.values()) == [(None, None)] * 5


def test_without_the_extra_the_scan_says_what_to_install_before_it_reads(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(BackendError, match="not installed") as error:
        scan(tmp_path / "absent", time_from=("exif", "banner"))
    assert '-e ".[banner]"' in str(error.value)


@needs_extra
def test_other_weights_than_those_of_the_package_are_not_sought(tmp_path, monkeypatch):
    import rapidocr

    monkeypatch.setattr(rapidocr, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(BackendError, match="does not hold the weights"):
        scan(tmp_path, time_from=("banner",))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("10:00", "10:00", True),
        ("10:00", "10:01", True),
        ("10:00", "10:02", False),
        ("10:00:59", "10:01:01", True),
        ("10:00:00", "10:00:03", False),
        ("10:00:01", "10:00:00", False),
        ("10:00 PM", "10:00", False),
    ],
)
def test_stamps_of_one_file_agree_if_the_clock_runs(first, second, expected):
    assert agree(Stamp("31/05/2014", first), Stamp("31/05/2014", second)) is expected
