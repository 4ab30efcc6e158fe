"""A report with files beside its page, in a real browser, opened from disk; whole, and with missing files."""

from __future__ import annotations

import shutil
from urllib.parse import unquote, urlparse

import pytest
from browser import headless_chromium
from command_line import leopardnet
from small_report import HOSTILE, all_of, choose, names, one, press, settle, tables, write_page

from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id
from leopardnet.report.paging.paging_settings import PagingSettings

NAME = "Зима 1#"  # of the page: its folder has a name that an address cannot spell as it is
IN_FILES = PagingSettings(clips_in_one_file=254, pictures=10)
LAST = f"#clip-{clip_id('west/IMAG0000.AVI')}"  # the most certain clip comes last


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page") / f"{NAME}.html", paging=IN_FILES)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with headless_chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


def visit(driver, address):
    driver.get("about:blank")
    driver.get(address)
    settle(driver)
    return driver


@pytest.fixture
def opened(chromium, page):
    """The page, freshly opened. Its console must be empty after the test."""
    yield visit(chromium, page)
    assert chromium.get_log("browser") == []


@pytest.fixture
def copied(page, tmp_path):
    """The page and its folder in another place."""
    source = unquote(urlparse(page).path)
    shutil.copytree(source.removesuffix(".html") + "_files", tmp_path / f"{NAME}_files")
    return shutil.copy(source, tmp_path / f"{NAME}.html")


def go_through(driver):
    """The names on all pages of the table, from this one on."""
    found = names(driver)
    while one(driver, "#next").is_enabled():
        driver.execute_script("document.getElementById('next').click()")
        settle(driver)
        found += names(driver)
    return found


EVERY = sorted(path.split("/")[-1] for path in tables()[0]["path"])


def test_the_pages_of_the_table_hold_every_clip_once_the_suspected_first(opened):
    assert names(opened)[:4] == ["a.AVI", "b.AVI", "broken.AVI", HOSTILE.split("/")[1]]
    assert one(opened, "#shown").text == "1–100 of 255"
    found = go_through(opened)
    assert one(opened, "#shown").text == "201–255 of 255" and sorted(found) == EVERY
    assert found[-1] == "IMAG0000.AVI", "the most certain"
    choose(opened, "f-sort", "given")
    settle(opened)
    assert names(opened)[3:6] == ["d.AVI", "broken.AVI", "IMAG0000.AVI"], "as in the predictions"


def test_filters_search_and_orders_work_over_all_clips(opened):
    found = []
    for decision in ("leopard", "unsure", "empty", "unreadable", "sika_deer"):
        choose(opened, "f-sort", "path")
        choose(opened, "f-decision", decision)
        settle(opened)
        found += go_through(opened)
    assert sorted(found) == EVERY
    opened.refresh()
    settle(opened)
    one(opened, "#f-text").send_keys("imag00")
    settle(opened)
    assert len(names(opened)) == 100 and set(names(opened)) == {f"IMAG00{i:02d}.AVI" for i in range(100)}
    one(opened, "th[data-sort=score] button").click()
    settle(opened)
    assert names(opened) == [f"IMAG{i:04d}.AVI" for i in range(99, -1, -1)]
    assert [e.text for e in all_of(opened, "#rows td.score")][-1] == "1.00"
    opened.refresh()
    settle(opened)
    choose(opened, "f-verdict", "wrong")
    settle(opened)
    assert names(opened) == ["d.AVI"]


def test_details_and_pictures_come_with_their_clip(opened):
    row = f"#clip-{clip_id('north/a.AVI')}"
    one(opened, row).click()
    settle(opened)
    assert one(opened, "tr.detail .shot img").get_property("naturalWidth") == 400
    assert len(all_of(opened, "#chart path.series")) == 3
    one(opened, "#f-text").send_keys("d.avi")
    settle(opened)
    one(opened, f"#clip-{clip_id('south/d.AVI')}").click()
    settle(opened)
    assert "left out: a person or a vehicle" in one(opened, "tr.detail").text
    opened.get(opened.current_url.split("#")[0] + LAST)
    settle(opened)
    assert one(opened, "tr.clip.open td.file b").text == "IMAG0000.AVI"
    assert "sika deer\n1.00" in one(opened, "tr.detail").text and all_of(opened, "tr.detail img") == []
    press(opened, "k")
    settle(opened)
    assert one(opened, "tr.clip.open td.file b").text == "IMAG0001.AVI"


def test_no_other_script_may_run(opened):
    folder = opened.execute_script("return JSON.parse(document.getElementById('data').textContent).files.url")
    blocked = opened.execute_async_script(
        """
        const [url, done] = arguments, script = document.createElement("script");
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
        script.onload = () => done("loaded");
        script.src = url + "/page-1.js";
        document.head.append(script);
        """,
        folder,
    )
    assert blocked == "script-src-elem"
    assert "Content Security Policy" in opened.get_log("browser")[0]["message"]


def test_a_page_without_its_folder_shows_the_first_clips_and_says_what_is_missing(chromium, copied, tmp_path):
    shutil.rmtree(tmp_path / f"{NAME}_files")
    visit(chromium, (tmp_path / f"{NAME}.html").as_uri())
    notice = one(chromium, "#broken")
    assert (
        notice.is_displayed() and f"Only 100 of 255 clips are shown: the folder {NAME}_files is not" in notice.text
    )
    assert len(names(chromium)) == 100 and one(chromium, "#shown").text == "1–100 of 100 (255 in all)"
    controls = all_of(chromium, "#filters select, #filters input, #next, th[data-sort] button")
    assert len(controls) > 5 and not any(control.is_enabled() for control in controls)
    one(chromium, "#summary [data-filter=empty]").click()
    assert len(names(chromium)) == 100, "filters would say that there is no such clip"
    one(chromium, f"#clip-{clip_id('north/a.AVI')}").click()
    settle(chromium)
    assert "found something in 1 of 3 frames" in one(chromium, "tr.detail").text
    chromium.get_log("browser")


@pytest.mark.parametrize("damage", ["cut", "another report"])
def test_a_damaged_list_counts_as_missing(chromium, copied, tmp_path, damage):
    path = tmp_path / f"{NAME}_files" / "list-0.js"
    text = path.read_text("ascii")
    path.write_text(text[:-9] if damage == "cut" else text[:17] + "0" * 32 + text[49:], "ascii")
    visit(chromium, (tmp_path / f"{NAME}.html").as_uri())
    assert "Only 100 of 255 clips are shown" in one(chromium, "#broken").text
    chromium.get_log("browser")


def test_a_damaged_page_of_details_loses_only_these(chromium, copied, tmp_path):
    folder = tmp_path / f"{NAME}_files"
    (folder / "page-1.js").unlink()
    visit(chromium, (tmp_path / f"{NAME}.html").as_uri())
    assert not one(chromium, "#broken").is_displayed()
    assert sorted(go_through(chromium)) == EVERY
    assert f"Files in the folder {NAME}_files are missing or damaged (1)" in one(chromium, "#broken").text
    choose(chromium, "f-sort", "-score")
    settle(chromium)
    first = all_of(chromium, "tr.clip")[0].get_attribute("id")
    assert first == LAST[1:], "of page-2, which is there"
    chromium.get(chromium.current_url.split("#")[0] + f"#clip-{clip_id('west/IMAG0120.AVI')}")
    settle(chromium)
    assert "the details of this clip is missing" in one(chromium, "tr.detail").text
    chromium.get_log("browser")


def test_the_command_takes_the_number_of_clips_from_a_file_of_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table, evidence, _ = tables()
    Predictions(table, evidence).write(tmp_path / "results")
    own = tmp_path / "own.yaml"
    own.write_text("clips_in_one_file: 254\npictures: 0\n")
    said = "".join(leopardnet("report", "results", "--settings", own))
    assert "its clips are in the folder report_files beside it: copy both together" in said
    assert sorted(p.name for p in (tmp_path / "report_files").iterdir()) == ["list-0.js", "page-1.js", "page-2.js"]
    said = "".join(leopardnet("report", "results"))
    assert "written over the one that was there" in said and "report_files" not in said
    assert not (tmp_path / "report_files").exists()
    own.write_text("clips_in_one_file: few\npictures: 0\n")
    problem = "".join(leopardnet("report", "results", "--settings", own, code=1))
    assert "clips_in_one_file" in problem and "own.yaml" in problem
