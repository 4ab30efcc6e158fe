"""Videos of the review play in a real browser: those served as they are, and those made playable."""

import subprocess
import sys

import numpy as np
import pytest
from browser import headless_chromium
from test_report_page import all_of, one, press
from test_review_page import shown, wait_for, wait_text

from leopardnet.core.tables import clip_id
from leopardnet.review.media.convert_video import Limits, convert_video
from leopardnet.review.media.inspect_video import inspect_video
from made_videos import write_film

PLAYER = """
const done = arguments[2], video = document.createElement("video");
video.muted = true;
document.body.replaceChildren(video);
const tell = () => done({
  error: video.error && `${video.error.code} ${video.error.message}`, ready: video.readyState,
  seconds: video.duration, at: video.currentTime, size: [video.videoWidth, video.videoHeight],
});
video.addEventListener("error", tell);
video.addEventListener("seeked", tell);
video.addEventListener("loadeddata", () => { video.currentTime = arguments[1]; });
video.src = arguments[0];
"""
PLAYS = "const v = document.getElementById('video'); return !v.hidden && v.currentTime > 0.7 && !v.error;"
ASKED = """
const asked = performance.getEntriesByType('resource').map((entry) => entry.name);
return asked.filter((address) => address.includes('/media/video/'));
"""
FILMS = {
    "as it is.mp4": (("libx264",), {"sound": "aac"}),
    "as it is.webm": (("libvpx-vp9",), {}),
    "copied.avi": (("libx264",), {"sound": "pcm_s16le"}),
    "copied.mkv": (("libx264",), {"sound": "libmp3lame", "b_frames": 2}),
    "encoded.avi": (("mjpeg", "yuvj422p"), {"sound": "pcm_s16le"}),
    "odd.avi": (("mjpeg", "yuvj420p"), {"size": (161, 121)}),
    "one frame.avi": (("mjpeg", "yuvj420p"), {"n": 1}),
    "cut.avi": (("mjpeg", "yuvj420p"), {}),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """The file that the review serves for each film, and the second to jump to."""
    folder = tmp_path_factory.mktemp("films")
    served = {}
    for name, (codec, options) in FILMS.items():
        path = write_film(folder / name, *codec, **options)
        if name.startswith("cut"):
            path.write_bytes(path.read_bytes()[:-30_000])
        if inspect_video(path).way != "as_is":
            target = folder / f"{name}.made.mp4"
            convert_video(path, target, Limits(10**9))
            path = target
        served[name] = path
    (folder / "page.html").write_text("<!doctype html><title>player</title><body></body>")
    return folder, served


def test_every_video_that_is_served_plays_in_chromium(films, tmp_path):
    folder, served = films
    with headless_chromium(tmp_path / "profile") as chromium:
        chromium.get((folder / "page.html").as_uri())
        refused = chromium.execute_async_script(PLAYER, (folder / "encoded.avi").as_uri(), 0.5)
        assert refused["error"]  # as it is, it does not play, and this way of looking sees that
        seen = {}
        for name, path in served.items():
            at_s = 0.0 if name.startswith("one") else 0.5
            seen[name] = chromium.execute_async_script(PLAYER, path.as_uri(), at_s)
    for name, found in seen.items():
        assert found["error"] is None and found["ready"] >= 2, (name, found)
        assert found["size"] == [160, 120], (name, found)
    whole = [name for name in seen if not name.startswith(("one", "cut"))]
    assert [seen[name]["seconds"] for name in whole] == pytest.approx([2.0] * len(whole), abs=0.06)
    assert [seen[name]["at"] for name in whole] == [0.5] * len(whole)
    assert 0.5 < seen["cut.avi"]["seconds"] < 2.0


def test_the_page_plays_what_a_camera_wrote_and_says_what_is_missing(tmp_path):
    card = tmp_path / "card"
    card.mkdir()
    write_film(card / "a.avi", "mjpeg", "yuvj420p", sound="pcm_s16le")
    film = write_film(card / "b.avi", "mjpeg", "yuvj420p")
    film.write_bytes(film.read_bytes()[:-30_000])
    data = bytearray(write_film(card / "c.mp4").read_bytes())  # whole by its index, but not for the browser
    at = data.index(b"mdat") + 1200
    data[at : at + 400] = np.random.default_rng(0).bytes(400)
    (card / "c.mp4").write_bytes(data)
    command = ["review", card, "--out", tmp_path / "out", "--no-browser", "--by", "AB", "--language", "en"]
    server = subprocess.Popen(
        [sys.executable, "-m", "leopardnet", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        with headless_chromium(tmp_path / "profile") as chromium:
            chromium.get(server.stdout.readline().strip())
            wait_for(chromium, lambda: shown(chromium))
            all_of(chromium, "[data-queue=all]")[0].click()
            wait_text(chromium, "#queue-title", "All clips")
            notes = {}
            for path in ("a.avi", "b.avi", "c.mp4"):
                wait_for(chromium, lambda: shown(chromium) == clip_id(path))  # noqa: B023
                press(chromium, " ")
                wait_for(chromium, lambda: chromium.execute_script(PLAYS))
                notes[path] = one(chromium, "#stage-note").text
                press(chromium, "x")
            asked = chromium.execute_script(ASKED)
            assert "the clip ends at" in notes["b.avi"] and not notes["a.avi"]
            refused = {address for address in asked if address.endswith("?refused=1")}
            assert len(refused) == 1 and clip_id("c.mp4") in refused.pop()
            assert "damaged packets" in notes["c.mp4"]
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
