"""The page of a dossier as a reader and a sceptic find it, and the ZIP beside it."""

import base64
import hashlib
import io
import re
import subprocess
import wave
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from leopardnet.core.errors import ManifestError
from leopardnet.core.types import Clip
from leopardnet.records.dossier.drawings.clip_pictures import choose_stills
from leopardnet.records.dossier.facts import gather_facts
from leopardnet.records.dossier.original_files import POSITION, list_originals, write_media
from leopardnet.records.dossier.words.model_words import describe_model
from leopardnet.records.dossier.write_dossier import write_dossier, write_dossiers
from leopardnet.synth.audio import SAMPLE_RATE_HZ
from planted_record import CAPTURES, plant_season

JPEG = "data:image/jpeg"
HOSTILE = "</style><script>alert(1)</script>\"'&"


class Page(HTMLParser):
    """The tags, the attributes and the text of a page."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.raw = path.read_text("utf-8")
        self.tags, self.text = [], ""
        self.feed(self.raw)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def find(self, name):
        return [a[name] for _, a in self.tags if name in a]


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    return plant_season(tmp_path_factory.mktemp("footage"))


@pytest.fixture(scope="module")
def dossier(season, tmp_path_factory):
    return write_dossier(tmp_path_factory.mktemp("records"), "rec1", season, with_media=True)


@pytest.fixture(scope="module")
def page(dossier):
    return Page(dossier.path)


def test_the_page_needs_nothing_from_outside(page, dossier):
    assert dossier.path.parent.name == "rec1" and dossier.path.name == "dossier.html"
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"} == set()
    assert all(source.startswith("data:") for source in page.find("src"))
    assert all(link.startswith("#") for link in page.find("href"))


def test_every_statement_leads_to_rows_that_are_there(page):
    ids = page.find("id")
    links = [link[1:] for link in page.find("href")]
    assert set(links) <= set(ids) and len(ids) == len(set(ids))
    assert {"r1", "r2", "r3", "r4", "r5", "s1", "s2"} <= set(links)


def test_the_first_screen_answers_the_questions(page):
    text = " ".join(page.text.split())
    for words in (
        "Leopard, 2 sites, 2021-12-30 – 2021-12-31",
        "in 2 clips, by AB, CD.",
        "beyond Railway",
        "At 2 sites: A, B.",
        "At least 1 animal",
        "Worth a visit",
        "At most 5 % of the clips",
    ):
        assert words in text, words  # fmt: skip


def test_coarse_places_leave_no_digit_of_the_exact_ones(page, season, tmp_path):
    for digits in ("43.4123", "131.9123", "43.47", "131.98", "43.43", "131.95"):
        assert digits not in page.raw
    exact = write_dossier(tmp_path, "rec1", season, exact_places=True).path.read_text("utf-8")
    assert "43.41235" in exact and "43.47" not in exact  # the owner of C forbids it


def test_stills_have_their_boxes_and_refuted_clips_are_not_shown(page):
    pictures = [source for source in page.find("src") if source.startswith(JPEG)]
    assert len(pictures) == 1 + 4  # the best one on the first screen, then each capture that nobody refuted
    boxes = [a["style"] for tag, a in page.tags if a.get("class", "").startswith("box")]
    assert len(boxes) == 5 and set(boxes) == {"left:30.00%;top:30.00%;width:40.00%;height:50.00%"}
    assert sum(source.startswith("data:image/png") for source in page.find("src")) == 2


def test_checksums_are_those_of_the_files_and_of_the_zip(page, dossier, season):
    root = season.manifest.root
    for path, *_ in CAPTURES:
        assert hashlib.sha256((root / path).read_bytes()).hexdigest() in page.text
    with zipfile.ZipFile(dossier.media) as archive:
        sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
        assert sorted(sums) == sorted([*(path for path, *_ in CAPTURES), "a/6.MP4"])  # the sounds are in it
        for path, digest in sums.items():
            assert hashlib.sha256(archive.read(path)).hexdigest() == digest


def test_files_that_hold_a_position_stay_out_of_the_zip_unless_places_may_be_exact(tmp_path):
    season = plant_season(tmp_path / "footage")
    for path in ("b/2.JPG", "c/5.JPG"):
        picture, exif = Image.open(tmp_path / "footage" / path), Image.Exif()
        exif.get_ifd(0x8825).update({1: "N", 2: (43.0, 25.0, 48.0)})
        picture.save(tmp_path / "footage" / path, exif=exif)
    coarse = write_dossier(tmp_path / "coarse", "rec1", season, with_media=True)
    exact = write_dossier(tmp_path / "exact", "rec1", season, with_media=True, exact_places=True)
    names = [set(zipfile.ZipFile(d.media).namelist()) for d in (coarse, exact)]
    assert "b/2.JPG" not in names[0] and "b/2.JPG" in names[1]
    assert "c/5.JPG" not in names[0] | names[1]  # its owner forbids exact places
    assert "left out: the file holds a position" in coarse.path.read_text("utf-8")


@pytest.mark.parametrize(
    "content",
    [
        b"\x25\x88\x04\x00\x01\x00\x00\x00",
        b"exif:GPSLatitude=",
        b"com.apple.quicktime.location.ISO6709",
        b"\xa9xyz\x00\x12\x15\xc7+43.1+131.9/",
        b"loci\x00\x00\x00\x00",
        b"$GPRMC,1,A",
        b"$GPGLL,4316.1,N",
        b"\x88\x25\x00\x0d\x00\x00\x00\x01",
        'exif:GPSLatitude="43,7.4N"'.encode("utf-16-le"),
        'exif:GPSLongitude="131,7.4E"'.encode("utf-16-be"),
        b"free\x00\x00\x00\x00GPS LLLLA",
        b"GPMFDEVC",
        b"GPS5l\x14\x00\x12",
    ],
)
def test_a_position_is_found_in_every_form(content):
    assert POSITION.search(b"before" + content)
    assert not POSITION.search(b"before" + content[:3])


def test_clips_with_people_are_counted_and_never_shown_unless_asked_for(season, tmp_path):
    table = season.predictions.table.copy()
    table.loc[0, "p_human"] = 0.5
    shown = replace(season, predictions=replace(season.predictions, table=table))
    hidden, asked = (
        write_dossier(tmp_path / str(people), "rec1", shown, with_media=True, people=people)
        for people in (False, True)
    )
    assert "a/1.MP4" not in zipfile.ZipFile(hidden.media).namelist()
    assert "a/1.MP4" in zipfile.ZipFile(asked.media).namelist()
    assert [Page(d.path).raw.count(JPEG) for d in (hidden, asked)] == [1 + 3, 1 + 4]
    assert "so they are left out here" in hidden.path.read_text("utf-8")
    assert len(hidden.facts.valid) == len(asked.facts.valid) == 4


def test_a_sound_in_a_clip_with_people_is_not_drawn(season, tmp_path):
    voice = season.sounds.assign(kind=["tonal_call", "tonal_call", "voice", "voice"])
    voice.loc[2, "clip_id"] = voice.loc[0, "clip_id"]
    raw = write_dossier(tmp_path, "rec1", replace(season, sounds=voice)).path.read_text("utf-8")
    assert "data:image/png" not in raw


def play(page):
    """The samples, rate and length of each sound that the page can play."""
    found = []
    for source in page.find("src"):
        if source.startswith("data:audio/wav;base64,"):
            with wave.open(io.BytesIO(base64.b64decode(source.split(",")[1]))) as file:
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
                found.append((samples, file.getframerate(), file.getnframes() / file.getframerate()))
    return found


def test_the_seconds_of_each_sound_can_be_played_from_the_page_itself(tmp_path):
    seconds = np.arange(SAMPLE_RATE_HZ * 2) / SAMPLE_RATE_HZ
    whistle = (0.01 * np.sin(2 * np.pi * 2500 * seconds) * (seconds > 0.4) * (seconds < 0.7)).astype(np.float32)
    season = plant_season(tmp_path / "footage", whistle=whistle)
    page = Page(write_dossier(tmp_path, "rec1", season).path)
    (first, rate_hz, length_s), (_, _, second_s) = play(page)  # 0.4 to 0.7 s, and 1.2 to 1.5 s, each with 1.5 s
    assert length_s == pytest.approx(2.0, abs=0.15) and second_s == pytest.approx(2.0, abs=0.15)
    assert np.abs(first).max() == 32767  # as loud as it can be
    spectrum = np.abs(np.fft.rfft(first[round(0.45 * rate_hz) : round(0.65 * rate_hz)]))
    assert spectrum.argmax() * rate_hz / (0.2 * rate_hz) == pytest.approx(2500, abs=10)
    assert "media-src data:" in page.raw and sum(tag == "audio" for tag, _ in page.tags) == 2


def test_where_a_voice_was_heard_nothing_can_be_played_even_with_people(season, tmp_path):
    voice = season.sounds.assign(kind=["tonal_call", "tonal_call", "voice", "voice"])
    voice.loc[2, "clip_id"] = voice.loc[0, "clip_id"]
    sources = replace(season, sounds=voice)
    page = Page(write_dossier(tmp_path, "rec1", sources, people=True).path)
    assert play(page) == [] and page.raw.count("data:image/png") == 2
    assert "cannot be played here" in page.text
    assert play(Page(write_dossier(tmp_path, "rec1", sources).path)) == []


def test_hostile_names_stay_text(season, tmp_path):
    records = season.records.assign(site=HOSTILE, owner=HOSTILE, by=HOSTILE, barriers=HOSTILE, station=HOSTILE)
    hints = season.hints.assign(station=HOSTILE)
    sources = replace(season, records=records, hints=hints, model={"name": HOSTILE, "promises": [HOSTILE]})
    written = write_dossiers(tmp_path, sources)
    for path in (written[0].path, tmp_path / "index.html"):
        assert "<script" not in path.read_text("utf-8")
        assert "<script>alert(1)</script>" in Page(path).text


def test_missing_footage_is_said_and_named(tmp_path):
    season = plant_season(tmp_path / "footage")
    (tmp_path / "footage" / "b" / "2.JPG").unlink()
    (tmp_path / "footage" / "a" / "6.MP4").write_bytes(b"no video")
    page = Page(write_dossier(tmp_path / "records", "rec1", season, with_media=True).path)
    assert "1 original file could not be read, so it has no checksum: b/2.JPG." in page.text
    assert page.raw.count(JPEG) == 1 + 3 and "data:image/png" not in page.raw


def test_the_page_is_in_russian_without_english_sentences(season, tmp_path):
    bare = replace(season, model={})  # what describes a model is not translated
    text = Page(write_dossier(tmp_path, "rec1", bare, language="ru").path).text
    for words in (
        "Леопард, 2 точки, 30.12.2021",
        "подтверждено",
        "Вне известного ареала, в 12 км",
        "Что не известно",
    ):
        assert words in text
    assert not re.search(r"\b(the|and|which|was|were)\b", text.split("</style>")[-1].split("}\n")[-1])


def test_the_index_lists_the_dossiers_and_says_where_there_is_none(season, tmp_path):
    steps = []
    written = write_dossiers(tmp_path / "one", season, on_progress=lambda *n: steps.append(n))
    assert Page(tmp_path / "one" / "index.html").find("href") == ["rec1/dossier.html"]
    assert [d.facts.record_id for d in written] == ["rec1"] and steps == [(0, 1), (1, 1)]
    none = replace(season, records=season.records.assign(is_notable=False))
    assert write_dossiers(tmp_path / "none", none) == []
    assert "No record of this footage is notable." in Page(tmp_path / "none" / "index.html").text


def test_an_unknown_record_writes_nothing(season, tmp_path):
    with pytest.raises(ManifestError, match="no such record"):
        write_dossier(tmp_path, "rec9", season)
    assert list(tmp_path.iterdir()) == []


def test_many_captures_are_cut_to_the_best_pictures(season, tmp_path):
    n = 20
    records = season.records.iloc[np.zeros(n, int)].assign(
        record_id=[f"m{i:02}" for i in range(n)], encounter_id="m00"
    )
    page = Page(write_dossier(tmp_path, "m00", replace(season, records=records)).path)
    assert page.raw.count(JPEG) == 1 + 12 and "12 of 20 clips are shown" in page.text
    assert "r1–r20" in page.text and "r13" in page.text  # closed on a screen; what is printed says all


def test_sounds_of_other_clips_have_a_checksum_and_a_place_in_the_zip(page, dossier, season):
    content = (season.manifest.root / "a/6.MP4").read_bytes()
    assert hashlib.sha256(content).hexdigest() in page.text
    assert zipfile.ZipFile(dossier.media).read("a/6.MP4") == content


def test_rendered_footage_says_so_on_the_page_and_in_the_index(season, tmp_path):
    rows = season.manifest.table
    is_drawn = rows["path"].eq(CAPTURES[0][0])  # one clip of the record is enough
    drawn = season.manifest.replace(rows.assign(source=rows["source"].mask(is_drawn, "scan, rendered")))
    write_dossiers(tmp_path / "drawn", replace(season, manifest=drawn))
    write_dossiers(tmp_path / "filmed", season)
    for name in ("rec1/dossier.html", "index.html"):
        assert "nothing here is a record" in Page(tmp_path / "drawn" / name).text
        assert "nothing here is a record" not in Page(tmp_path / "filmed" / name).text


def test_weak_suspicions_are_a_table_and_have_pages_only_on_request(season, tmp_path):
    rows = season.records.assign(state="suspected", by=None, encounter_id=["x", "y", "y", "z", "z"])
    decision = ["leopard", "unsure", "unsure", "leopard", "empty", "empty", "empty"]
    weak = replace(
        season,
        records=rows,
        predictions=replace(season.predictions, table=season.predictions.table.assign(decision=decision)),
    )
    written = write_dossiers(tmp_path / "some", weak)
    assert [d.facts.record_id for d in written] == ["rec1", "rec4"]
    index = Page(tmp_path / "some" / "index.html")
    assert "To check" in index.text and "rec2" in index.text and "unsure" in index.text
    assert not (tmp_path / "some" / "rec2").exists()
    assert len(write_dossiers(tmp_path / "all", weak, every=True)) == 3
    assert (tmp_path / "all" / "rec2" / "dossier.html").exists()


def test_the_index_begins_with_what_is_confirmed_then_with_most_clips(season, tmp_path):
    state = ["suspected", "suspected", "suspected", "confirmed", "suspected"]
    rows = season.records.assign(state=state, encounter_id=["x", "y", "y", "z", "w"])
    write_dossiers(tmp_path, replace(season, records=rows))
    links = Page(tmp_path / "index.html").find("href")
    assert links == [f"rec{i}/dossier.html" for i in (4, 2, 1, 5)]
    assert "probability 0.62–0.91" in " ".join(Page(tmp_path / "index.html").text.split())


def test_the_model_is_described_by_what_it_learned_from_and_says_from_when_on():
    data = [
        {"label": "leopard", "split": "train", "n_frames": 20, "n_clips": 5, "n_sites": 3},
        {"label": "leopard", "split": "audit", "n_frames": 3, "n_clips": 3, "n_sites": 3},
    ]
    model = {
        "name": "forest",
        "bundle_id": "b1",
        "data": data,
        "thresholds": {"alert": 0.1, "alerts": {"leopard": 0.02}},
    }
    assert describe_model(model, "leopard") == [
        ("Model", "forest · b1"),
        ("Learned from", "leopard: 20 labelled pictures, 5 clips, 3 sites"),
        ("Raises an alert for “leopard”", "from a probability of 0.020 on"),
    ]
    assert describe_model({}, "leopard") == []


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"n_clips": 1, "n_sites": 3}, "sika deer: 1 clip, 3 sites"),  # as made in review: it counts no pictures
        ({"n_clips": 7, "n_sites": 0}, "sika deer: 7 clips"),
        ({"n_frames": 1, "n_clips": None, "n_sites": float("nan")}, "sika deer: 1 labelled picture"),
    ],
)
def test_what_is_not_known_of_what_taught_a_model_is_left_out(row, words):
    model = {"data": [{"label": "sika_deer", "split": "train", **row}]}
    assert describe_model(model, "leopard") == [("Learned from", words)]


def test_the_first_clip_has_a_picture_and_every_site_before_a_second_one(season):
    best = gather_facts("rec1", season).captures[1]
    late = [replace(best, ref=f"x{i}", score=0.99) for i in range(20)]
    first, other = replace(best, ref="r0", score=0.1), replace(best, ref="r9", site="far", score=0.1)
    chosen = [c.ref for c in choose_stills([first, *late, other])]
    assert len(chosen) == 12 and {"r0", "r9"} < set(chosen) and chosen[0] == "x0"


def test_checksums_hold_for_names_with_line_ends(tmp_path):
    root, name = tmp_path / "footage", "a/new\nline \\ back.JPG"
    (root / "a").mkdir(parents=True)
    (root / name).write_bytes(b"picture")
    digest = hashlib.sha256(b"picture").hexdigest()
    files = list_originals({"r1": Clip("c", (name,), "still")}, root)
    with zipfile.ZipFile(write_media(tmp_path, files, root)) as archive:
        archive.extractall(tmp_path / "out")
    done = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path / "out", capture_output=True)
    assert done.returncode == 0 and files[0].sha256 == digest
    assert (tmp_path / "out/SHA256SUMS").read_text() == f"\\{digest}  a/new\\nline \\\\ back.JPG\n"
