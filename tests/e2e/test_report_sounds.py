"""The sounds of a report in a real browser: they play from the page itself, beside the links of the cards."""

from dataclasses import replace

import pandas as pd
import pytest
from browser import headless_chromium

from leopardnet.core.columns import SOUNDS
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import conform
from leopardnet.report.summarise import summarise
from made_sounds import add_at, make_noise, make_tone, write_sounding
from reviewed_season import Made, make_predictions

RATE_HZ = 16_000
DURATIONS = """
const done = arguments[0];
const wait = (audio) => new Promise((tell) => {
  const say = () => tell(audio.error ? audio.error.message : audio.duration);
  if (audio.readyState || audio.error) say();
  else audio.onloadedmetadata = audio.onerror = say;
});
Promise.all([...document.querySelectorAll("audio")].map(wait)).then(done);
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A browser with a report of a suspicion that has a call, and of a sure deer with another."""
    folder = tmp_path_factory.mktemp("sounds")
    clips = [
        Made("north/a.avi", (0.6, 0.2, 0.0, 0.2), alert="leopard"),
        Made("north/b.avi", (0.0, 0.99, 0.0, 0.01)),
    ]
    (folder / "north").mkdir()
    for i, clip in enumerate(clips):
        samples = add_at(make_noise(4.0, RATE_HZ, seed=i), make_tone(RATE_HZ), 2.0, RATE_HZ)
        write_sounding(folder / clip.path, samples, RATE_HZ)
    made = make_predictions(clips)
    call = {
        "start_s": 2.0,
        "end_s": 2.3,
        "kind": "tonal_call",
        "score": 0.8,
        "peak_hz": 2500.0,
        "source": "tonal 2",
    }
    sounds = conform(pd.DataFrame([{"clip_id": c.clip_id} | call for c in clips]), SOUNDS, where="sounds")
    columns = ["clip_id", "path", "kind", "site", "captured_at"]
    manifest = Manifest.from_rows(made.table[columns], folder)
    predictions = replace(made, table=made.table.assign(has_voice="no"), sounds=sounds)
    page = summarise(predictions, folder / "report.html", manifest=manifest)
    with headless_chromium(folder / "profile") as chromium:
        chromium.set_script_timeout(120)
        chromium.get(page.as_uri())
        yield chromium


def test_every_sound_can_be_played_from_the_page_itself(opened):
    assert opened.execute_async_script(DURATIONS) == pytest.approx([3.0, 3.0, 3.0], abs=0.01)
    within = "return [...document.querySelectorAll('audio')].map((a) => a.closest('section').id)"
    assert opened.execute_script(within) == ["first", "sounds", "sounds"]
    assert opened.get_log("browser") == []


def test_players_stand_in_no_link_within_their_cards_and_on_no_paper(opened):
    assert opened.find_elements("css selector", "a audio") == []
    overflow = """return [...document.querySelectorAll("audio")].map((audio) => {
      const [inner, outer] = [audio, audio.closest(".played, .card")].map((e) => e.getBoundingClientRect());
      return inner.width > 100 && inner.left >= outer.left && inner.right <= outer.right;
    })"""
    assert opened.execute_script(overflow) == [True, True, True]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = "return [...document.querySelectorAll('audio, .screen')].map((e) => getComputedStyle(e).display)"
    assert set(opened.execute_script(shown)) == {"none"}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert opened.get_log("browser") == []
