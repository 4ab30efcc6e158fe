"""Frames and videos of a manifest's clips, through the worker processes, with real files."""

import io
import os
import threading
from concurrent.futures import wait
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leopardnet.core.errors import MediaError
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.review.media import frame_queue
from leopardnet.review.media.review_media import PlayableVideo, ReviewMedia, Working
from made_videos import STEP, read_film, write_film

A, B, PLAYS, CUT = "s1/a.avi", "s1/b.avi", "s2/plays.mp4", "s2/cut.avi"
STILL, BURST, NIGHT, GONE, LINK, EMPTY = (
    "s3/1.jpg",
    "s3/2.jpg",
    "s3/night.png",
    "s3/gone.mp4",
    "s3/out.mp4",
    "s3/0.avi",
)


def grey(level, size=(64, 48)):
    return Image.fromarray(np.full((size[1], size[0], 3), level, np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("review")
    root = base / "card"
    for site in ("s1", "s2", "s3"):
        (root / site).mkdir(parents=True)
    for name in (A, B):
        write_film(root / name, "mjpeg", "yuvj422p", sound="pcm_s16le", size=(800, 600))
    write_film(root / PLAYS)
    write_film(root / CUT, "mjpeg", "yuvj420p")
    (root / CUT).write_bytes((root / CUT).read_bytes()[:-8000])
    exif = Image.Exif()
    exif[0x010F] = "SECRETMAKER"
    grey(100).save(root / STILL, exif=exif)
    for i, level in enumerate((50, 150, 200)):
        grey(level).save(root / f"s3/2{'ab'[i - 1] if i else ''}.jpg")
    night = np.full((48, 64, 3), 5, np.uint8)
    night[10:30, 10:30] = 12
    Image.fromarray(night).save(root / NIGHT)
    (root / EMPTY).touch()
    write_film(base / "private.mp4")
    (root / LINK).symlink_to(base / "private.mp4")
    return base


def manifest(root, paths):
    kinds = {STILL: "still", BURST: "burst", NIGHT: "still"}
    rows = {"path": paths, "kind": [kinds.get(p, "video") for p in paths]}
    rows["paths"] = ['["s3/2.jpg", "s3/2a.jpg", "s3/2b.jpg"]' if p == BURST else None for p in paths]
    return Manifest.from_rows(pd.DataFrame(rows), root)


@pytest.fixture(scope="module")
def media(folder):
    rows = manifest(folder / "card", [A, B, PLAYS, CUT, STILL, BURST, NIGHT, GONE, LINK, EMPTY])
    media = ReviewMedia(rows, cache=folder / "cache", max_bytes=10**8, n_workers=2)
    yield media
    media.close()


def see(data):
    """Width, height and mean level of a JPEG."""
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "JPEG" and not picture.getexif() and b"SECRET" not in data
    return *picture.size, float(np.asarray(picture).mean())


def play(media, path, **options):
    """The playable video, when it is ready; the seconds until then are not slept away."""
    while isinstance(found := media.video(clip_id(path), **options), Working):
        assert 0 <= found.share_done < 1
        wait([*media._queue._running.values(), *media._inspections.values()], timeout=60)
    return found


# --- frames ---


@pytest.mark.parametrize(
    ("time_s", "width", "wanted"), [(0.0, 320, 0), (1.0, 640, 25), (1.96, 1920, 49), (99.0, 960, 49)]
)
def test_the_frame_nearest_to_a_time_in_the_width_asked_for(media, time_s, width, wanted):
    shown = see(media.frame(clip_id(A), time_s, width))
    assert shown[0] == min(width, 800) and shown[1] == min(width, 800) * 3 // 4  # never enlarged
    assert shown[2] == pytest.approx(STEP * wanted, abs=3)


@pytest.mark.parametrize(("path", "time_s", "level"), [(STILL, 0.0, 100), (BURST, 0.0, 50), (BURST, 2.0, 200)])
def test_stills_and_bursts(media, path, time_s, level):
    assert see(media.frame(clip_id(path), time_s, 320)) == (64, 48, pytest.approx(level, abs=2))


def test_the_enhanced_view_is_brighter_and_the_original_stays_the_default(media):
    dark, bright = (see(media.frame(clip_id(NIGHT), 0.0, 320, look))[2] for look in (False, True))
    assert dark < 10 and bright > 50
    assert see(media.frame(clip_id(NIGHT), 0.0, 320))[2] == dark


def test_what_was_read_ahead_is_not_read_again(media, monkeypatch):
    kept = threading.Event()
    keep = media._frames.keep
    monkeypatch.setattr(media._frames, "keep", lambda job, found: (keep(job, found), kept.set()))
    media.prefetch([("unknown", [0.0]), (clip_id(GONE), [0.0]), (clip_id(B), [0.2, 1.2])], width=320)
    assert kept.wait(60)
    monkeypatch.setattr(media._frames, "make", None)
    levels = [see(media.frame(clip_id(B), t, 320, look))[2] for t in (0.2, 1.2) for look in (False, True)]
    assert levels[0] == pytest.approx(5 * STEP, abs=3) and levels[2] == pytest.approx(30 * STEP, abs=3)


def test_many_at_once_get_their_own_frames(media):
    found = {}

    def read(i):
        found[i] = see(media.frame(clip_id(B), i / 25, 640))[2]

    threads = [threading.Thread(target=read, args=(i,)) for i in range(0, 50, 7)] * 1
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {i: pytest.approx(STEP * i, abs=3) for i in range(0, 50, 7)}


def test_the_disk_gives_what_the_memory_forgot_and_changed_files_are_read_anew(tmp_path):
    (tmp_path / "card").mkdir()
    path = tmp_path / "card" / "x.png"
    rows = Manifest.from_rows(pd.DataFrame({"path": ["x.png"], "kind": ["still"]}), tmp_path / "card")

    def look(level):
        grey(level).save(path)
        os.utime(path, (1000 + level, 1000 + level))
        media = ReviewMedia(rows, cache=tmp_path / "cache", max_bytes=10**6, n_workers=1)
        data = media.frame(clip_id("x.png"), 0, 320)
        media._writer.shutdown(wait=True)
        media.close()
        return see(data)[2]

    assert look(40) == pytest.approx(40, abs=2) and look(90) == pytest.approx(90, abs=2)
    names = [file.name for file in (tmp_path / "cache" / "frames").iterdir()]
    assert len(names) == 2 and all(len(name) == 36 and name.endswith(".jpg") for name in names)


# --- what is refused ---


@pytest.mark.parametrize("ask", ["frame", "video"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (GONE, "cannot be found"),
        (LINK, "leads out of the data root"),
        (EMPTY, "empty"),
        ("../../etc/passwd", "no such clip"),
    ],
)
def test_only_files_of_the_manifest_inside_the_root(media, folder, ask, path, reason):
    with pytest.raises(MediaError, match=reason) as caught:
        media.frame(clip_id(path), 0.0, 320) if ask == "frame" else media.video(clip_id(path))
    assert str(folder) not in str(caught.value) and "private" not in str(caught.value)


@pytest.mark.parametrize("path", ["/etc/passwd", "../private.mp4", "a\x00b.mp4", "C:/private.mp4"])
def test_a_manifest_that_nobody_checked_opens_nothing_outside(folder, tmp_path, path):
    good = manifest(folder / "card", [A]).table
    rows = Manifest(good.assign(path=path), folder / "card")
    media = ReviewMedia(rows, cache=tmp_path, max_bytes=10**6, n_workers=1)
    for ask in (lambda: media.frame(clip_id(A), 0.0, 320), lambda: media.video(clip_id(A))):
        with pytest.raises(MediaError) as caught:
            ask()
        assert "/etc" not in str(caught.value) and str(folder) not in str(caught.value)
    media.close()


@pytest.mark.parametrize(
    ("time_s", "width", "reason"),
    [
        (0.0, 777, "no picture of this width"),
        (-1.0, 320, "no time"),
        (float("nan"), 320, "no time"),
        (1e9, 320, "no time"),
    ],
)
def test_odd_questions(media, time_s, width, reason):
    with pytest.raises(MediaError, match=reason):
        media.frame(clip_id(A), time_s, width)


def test_a_picture_is_no_video(media):
    with pytest.raises(MediaError, match="a picture, not a video"):
        media.video(clip_id(STILL))


# --- a decoder that crashes ---


def test_files_that_crash_or_hang_cost_themselves_only(folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import faulty_pictures

    monkeypatch.setattr(frame_queue, "_make_pictures", faulty_pictures.make)
    monkeypatch.setattr(frame_queue, "FRAME_LIMIT_S", 1.0)
    root = tmp_path / "card"
    root.mkdir()
    for name in ("crash.png", "hang.png", "good.png"):
        grey(100).save(root / name)
    rows = pd.DataFrame({"path": ["crash.png", "hang.png", "good.png"], "kind": "still"})
    media = ReviewMedia(Manifest.from_rows(rows, root), cache=tmp_path / "c", max_bytes=10**6, n_workers=1)
    for _ in range(2):
        with pytest.raises(MediaError, match="cannot be read") as crash:
            media.frame(clip_id("crash.png"), 0.0, 320)
        with pytest.raises(MediaError, match="cannot be read") as hang:
            media.frame(clip_id("hang.png"), 0.0, 320)
    assert "SIGABRT" in str(crash.value) and "too long" in str(hang.value)
    assert (root / "crashes").read_text() == "x"  # the second question was answered from memory
    assert see(media.frame(clip_id("good.png"), 0.0, 320))[2] == pytest.approx(100, abs=2)
    media.close()


# --- videos ---


def test_a_playable_file_is_served_as_it_is(media, folder):
    assert play(media, PLAYS) == PlayableVideo(folder / "card" / PLAYS, "video/mp4")


def test_another_one_is_made_playable_and_then_found_at_once(media, folder):
    found = play(media, A)
    assert (
        found.media_type == "video/mp4"
        and found.warnings == ()
        and found.path.parent == folder / "cache" / "videos"
    )
    seen = read_film(found.path)
    assert seen["codecs"] == ("h264", "yuv420p", "aac") and len(seen["numbers"]) == 50
    assert media.video(clip_id(A)) == found
    assert not [p for p in found.path.parent.iterdir() if p.name.startswith(".")]


def test_what_is_missing_is_told_also_after_a_restart(media, folder):
    found = play(media, CUT)
    assert found.warnings and 0 < len(read_film(found.path)["numbers"]) < 50
    again = ReviewMedia(media.manifest, cache=folder / "cache", max_bytes=10**8, n_workers=1)
    assert again.video(clip_id(CUT)) == found
    again.close()


def test_a_browser_that_refuses_a_file_gets_another(media):
    found = play(media, PLAYS, is_refused=True)
    assert found.path.suffix == ".mp4" and read_film(found.path)["codecs"] == ("h264", "yuv420p")
    assert play(media, PLAYS).path != found.path


def test_the_next_videos_are_made_ahead(media):
    made = media._videos.path(media._want(clip_id(B), False).key)
    media.prepare_videos([clip_id(PLAYS), clip_id(B), "unknown"])
    media._background.submit(int).result(60)  # behind it
    while not made.exists():  # nobody asked for it but the plan
        assert media._queue._running or made.exists()
        wait([*media._queue._running.values()], timeout=60)
    assert play(media, B).path == made
    media.prepare_videos([clip_id(GONE), "unknown"])  # nothing to do is no error


def test_a_video_without_a_picture_says_so(tmp_path):
    (tmp_path / "x.avi").write_bytes(b"RIFF\x00\x00\x00\x00AVI " + bytes(1000))
    rows = Manifest.from_rows(pd.DataFrame({"path": ["x.avi"], "kind": ["video"]}), tmp_path)
    media = ReviewMedia(rows, cache=tmp_path / "c", max_bytes=10**6, n_workers=1)
    with pytest.raises(MediaError) as caught:
        play(media, "x.avi")
    assert "x.avi" in str(caught.value) and str(tmp_path) not in str(caught.value)
    media.close()
