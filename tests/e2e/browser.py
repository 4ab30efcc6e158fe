"""A headless Chromium for the tests of the report page."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@contextmanager
def headless_chromium(profile, *, width_px=1280, height_px=900, phone=False):
    """Yield a driver of a fresh browser that keeps its console messages; skip the test if there is no browser."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium (the extra [test]) is not installed")
    binary, driver = (
        next(filter(None, map(shutil.which, names)), None)
        for names in (("chromium", "chromium-browser", "google-chrome"), ("chromedriver",))
    )
    if not binary or not driver:
        pytest.skip("no Chromium with its driver; on Debian: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width_px},{height_px}"):
        options.add_argument(flag)
    if phone:
        metrics = {"width": width_px, "height": height_px, "pixelRatio": 2.0, "touch": True}
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chromium = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        # With smooth scrolling, clicks would miss their targets.
        prefer(chromium, reduced_motion="reduce")
        yield chromium
    finally:
        chromium.quit()


def prefer(chromium, **preferences):
    """Set media preferences of the browser: colour_scheme, reduced_motion."""
    names = {"colour_scheme": "prefers-color-scheme", "reduced_motion": "prefers-reduced-motion"}
    features = [{"name": names[k], "value": v} for k, v in preferences.items()]
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
