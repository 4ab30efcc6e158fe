"""The page of `leopardnet start` in a real browser, in Russian, as the language before the verb asks for it."""

import numpy as np
import pytest
from browser import headless_chromium
from PIL import Image
from test_report_page import one, press
from test_review_page import click, shown, text, wait_for, wait_text
from test_review_server import serve


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A browser on the page of a card with three stills at each of two sites."""
    here = tmp_path_factory.mktemp("start")
    for i in range(6):
        file = here / "card" / f"s{i % 2}" / f"{i}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (240, 320, 3), dtype=np.uint8)).save(file)
    options = ("--target", "leopard", "--pattern", "{site}/*", "--by", "AB", "--model", "lite0", "--workers", 0)
    with (
        headless_chromium(tmp_path_factory.mktemp("profile")) as driver,
        serve(here, "card", *options, verb="start", before=("--language", "ru")) as (_, address),
    ):
        driver.get(address)
        wait_for(driver, lambda: shown(driver))
        yield driver
        assert [e for e in driver.get_log("browser") if e["source"] != "network"] == []


def open_list(driver, name):
    click(driver, f"[data-queue={name}]")
    wait_for(driver, lambda: one(driver, "#queues [aria-current=true]").get_attribute("data-queue") == name)
    wait_for(driver, lambda: shown(driver))


def test_the_language_before_the_verb_is_that_of_the_whole_page(page):
    assert one(page, "html").get_attribute("lang") == "ru"
    open_list(page, "hunt")
    note = "Сначала то, что больше всего похоже на искомое; порядок уточняется после каждой метки."
    assert one(page, "#queue-note").text == note
    assert "Typical" not in text(page, "body") and "Label" not in text(page, "body")


def test_typical_clips_are_there_without_a_reload_and_take_a_label_of_ones_own(page):
    from selenium.webdriver import Keys

    wait_for(page, lambda: not one(page, "[data-queue=centres] .num").text.endswith("/ 0"))
    open_list(page, "centres")
    assert one(page, "#queue-title").text == "Типичные ролики"
    first = shown(page)
    press(page, "o", "Рысь", Keys.ENTER)
    wait_for(page, lambda: one(page, "[data-queue=centres] .num").text.startswith("1 /"))
    wait_text(page, "#live", "Сохранено: рысь")
    wait_for(page, lambda: shown(page) not in (None, first))  # the page goes on to the next clip


def test_the_line_of_the_promise_counts_sites_of_the_audit_alone(page):
    words = "должно дойти до 59; сейчас их "  # 59 sites: 0.95 ** 59 is the first power below 0.05
    wait_text(page, "#hunt", "леопард: для гарантии, что потеряется не более 5 %, число точек")
    wait_text(page, "#hunt", f"{words}0.")
    open_list(page, "centres")
    first = shown(page)
    press(page, "1")  # a leopard, but not of the audit
    wait_for(page, lambda: shown(page) not in (None, first))
    open_list(page, "audit")
    first = shown(page)
    press(page, "1")
    wait_for(page, lambda: shown(page) not in (None, first))
    wait_text(page, "#hunt", f"{words}1.")
