"""The report page in a real browser, opened from disk, as a person sees and uses it."""

from __future__ import annotations

import pandas as pd
import pytest
from browser import headless_chromium, prefer
from small_report import BOX, HOSTILE, LABELS, WEAK_BOX, all_of, choose, names, one, press, tables, write_page

from leopardnet.core.language import use_language
from leopardnet.core.tables import clip_id
from leopardnet.report import write_report
from leopardnet.report.overview import Beside


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with headless_chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def opened(chromium, page):
    """The page, freshly opened. Its console must be empty after the test."""
    chromium.get("about:blank")
    chromium.get(page)
    yield chromium
    assert chromium.get_log("browser") == []


def place(driver, element):
    return driver.execute_script(
        "const r = arguments[0].getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]", element
    )


def assert_box_is_at(driver, box, image, xyxy):
    """The drawn box covers these fractions of the picture, within a pixel."""
    left, top, right, bottom = place(driver, image)
    width, height = right - left, bottom - top
    wanted = [left + xyxy[0] * width, top + xyxy[1] * height, left + xyxy[2] * width, top + xyxy[3] * height]
    assert place(driver, box) == pytest.approx(wanted, abs=1)


def test_it_opens_with_a_page_of_rows_and_the_counts_of_all(opened):
    assert opened.title == "Winter" and len(names(opened)) == 100
    assert one(opened, "#shown").text == "1–100 of 255"
    panels = [p.text.split("\n")[0].upper() for p in all_of(opened, "#summary .panel")]
    assert panels[:3] == ["WHAT WAS LOOKED AT", "WHAT WAS FOUND", "WHAT WAS NOT LOOKED AT, AND WHY"]
    assert panels[3:] == ["HOW FAR TO TRUST THIS", "WHAT TO DO NEXT", "DECISIONS"]
    assert one(opened, "#summary .big").text == "255 clips"
    assert [x.text for x in all_of(opened, ".targets .suspected")] == [
        "2",
        "1",
    ]  # leopard; sika deer in one of them


def test_the_first_page_fits_a_screen_and_a_sheet(opened):
    screen, a4 = (1280, 800), (703, 1032)  # A4 without its margins, in CSS pixels
    for (width, height), media in ((screen, "screen"), (a4, "print")):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})
        bottom = place(opened, one(opened, "#summary"))[3]
        wide = opened.execute_script("return document.documentElement.scrollWidth")
        columns = opened.execute_script(
            "return getComputedStyle(document.querySelector('.overview')).gridTemplateColumns"
        )
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        prefer(opened, reduced_motion="reduce")
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert bottom <= height and wide <= width and len(columns.split()) == 6, media


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("has_labels", [True, False])
def test_what_was_found_stays_in_its_panel(chromium, tmp_path, language, has_labels):
    table, _, _ = tables()
    said = pd.DataFrame(
        {"clip_id": [clip_id("north/a.AVI"), clip_id("north/b.AVI")], "labels": ["leopard", "empty"]}
    )
    with use_language(language):
        out = write_report(tmp_path / "r.html", table, beside=Beside(said if has_labels else None))
    chromium.get(out.as_uri())
    for (width, height), media in (((1280, 800), "screen"), ((400, 800), "screen"), ((703, 1032), "print")):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})
        panel = place(chromium, one(chromium, ".panel.found"))
        cells = [place(chromium, x) for x in all_of(chromium, ".targets th, .targets td")]
        top = place(chromium, one(chromium, "#summary"))
        wide = chromium.execute_script(
            "const p = document.querySelector('.panel.found'); return [p.scrollWidth, p.clientWidth]"
        )
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        prefer(chromium, reduced_motion="reduce")
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert cells and max(right for _, _, right, _ in cells) <= panel[2] - 8, (width, media)
        assert wide[0] <= wide[1] and (width == 400 or top[3] <= height), (width, media)


def test_a_probability_has_one_value_everywhere(chromium, tmp_path):
    """0.604501, 0.414502 and 0.99525 would change if they were rounded twice; the score names its label."""
    values = {
        "a.AVI": (0.604501, 0.35, 0.045499),
        "b.AVI": (0.414502, 0.3, 0.285498),
        "c.AVI": (0.99525, 0.004, 7.5e-4),
    }
    table, _, _ = tables()
    table = table.head(3).assign(path=list(values), clip_id=[clip_id(x) for x in values], decision="unsure")
    table = table.assign(**{f"p_{x}": [p[i] for p in values.values()] for i, x in enumerate(LABELS.names)})
    table = table.assign(score=table["p_leopard"], alert="leopard", alerts="leopard", rule="abstained")
    chromium.get(write_report(tmp_path / "r.html", table, bundle={"labels": LABELS.to_dict()}).as_uri())
    shown = {"a.AVI": "0.60", "b.AVI": "0.41", "c.AVI": "1.00"}
    rows = all_of(chromium, "#rows tr.clip")
    assert [x.find_element("css selector", ".score").text.split() for x in rows] == [
        [shown[name], "leopard"] for name in values
    ]
    assert [x.find_element("css selector", ".alert").text for x in rows] == [
        f"leopard? {p}" for p in shown.values()
    ]
    cards = {x.find_element("css selector", ".path b").text: x for x in all_of(chromium, "#first a.card")}
    for name, card in cards.items():
        assert card.find_element("css selector", ".tag b").text == shown[name]
        assert card.find_element("css selector", ".decision .num").text == f"leopard {shown[name]}"
    rows[1].click()
    assert [x.text for x in all_of(chromium, ".plist .num")] == ["0.41", "0.30", "0.29"]


def test_filters_narrow_the_table_and_the_counter_shows_it(opened):
    choose(opened, "f-decision", "unsure")
    assert names(opened) == ["b.AVI", HOSTILE.split("/")[1]]
    assert one(opened, "#shown").text == "1–2 of 2 (255 in all)"
    choose(opened, "f-site", "south")
    assert names(opened) == [HOSTILE.split("/")[1]]
    choose(opened, "f-status", "unreadable")
    assert names(opened) == [] and "No clip matches these filters." in one(opened, "#rows").text

    opened.refresh()
    one(opened, "#f-text").send_keys("imag02")
    assert names(opened) == [f"IMAG02{i:02d}.AVI" for i in range(50)]
    all_of(opened, "tr.clip")[1].click()  # leaving the search must not redraw the row that is clicked
    assert "west/IMAG0201.AVI" in one(opened, "tr.detail").text

    opened.refresh()
    choose(opened, "f-alert", "(any)")
    assert names(opened) == ["a.AVI", "b.AVI"]
    suspected = [e.text for e in all_of(opened, "#rows .alert")]
    assert suspected == ["leopard? 0.20", "sika deer? 0.10"], "each that is not the decision"
    choose(opened, "f-alert", "sika_deer")
    assert names(opened) == ["b.AVI"]

    opened.refresh()
    choose(opened, "f-verdict", "wrong")
    assert names(opened) == ["d.AVI"]  # a deer that was called empty


def test_columns_sort_both_ways_and_missing_values_come_last(opened):
    header = one(opened, "th[data-sort=score]")
    header.click()
    scores = [e.text for e in all_of(opened, "#rows td.score")]
    assert scores == sorted(scores) and names(opened)[0] == HOSTILE.split("/")[1]  # 0.50
    header.click()
    assert header.get_attribute("aria-sort") == "descending" and names(opened)[0] == "IMAG0000.AVI"
    one(opened, "#next").click()
    one(opened, "#next").click()
    assert names(opened)[-1] == "broken.AVI" and one(opened, "#shown").text == "201–255 of 255"
    one(opened, "th[data-sort=path] button").send_keys(" ")  # a key does what the mouse does
    assert names(opened)[0] == "a.AVI"


def test_an_opened_clip_shows_its_frame_with_boxes_its_curve_and_its_facts(opened):
    one(opened, f"#clip-{clip_id('north/a.AVI')}").click()
    detail = one(opened, "tr.detail")
    image, boxes = one(detail, ".shot img"), all_of(detail, ".shot .box")
    assert image.get_property("naturalWidth") == 400
    assert [b.text for b in boxes] == ["0.93", "0.20"]
    assert_box_is_at(opened, boxes[0], image, BOX)
    assert_box_is_at(opened, boxes[1], image, WEAK_BOX)
    # leopard, empty and the detector have a line; the deer was never seen
    assert [e.text for e in all_of(detail, "#chart .legend li")] == ["leopard", "empty", "detector"]
    assert len(all_of(detail, "#chart path.series")) == 3 and len(all_of(detail, "#chart circle")) == 9
    assert (
        "found something in 1 of 3 frames, best score 0.93" in detail.text
        and "The strongest frame, 1.5 s" in detail.text
    )
    one(opened, f"#clip-{clip_id('north/a.AVI')}").click()
    assert all_of(opened, "tr.detail") == []


def test_cards_show_boxes_on_a_picture_of_any_shape_and_lead_to_the_row(opened):
    card = all_of(opened, "#first a.card")[0]
    image, boxes = one(card, "img"), all_of(card, ".box")
    left, top, right, bottom = place(opened, image)
    assert (right - left) / (bottom - top) == pytest.approx(4 / 3, abs=0.02)  # whole, in a frame of 16:9
    assert_box_is_at(opened, boxes[0], image, BOX)
    card.click()
    assert one(opened, "tr.clip.open").get_attribute("id") == f"clip-{clip_id('north/a.AVI')}"
    press(opened, "j")
    assert "north/b.AVI" in one(opened, "tr.detail").text


def test_a_hidden_picture_is_nowhere(opened):
    one(opened, f"#clip-{clip_id('south/d.AVI')}").click()
    assert "left out: a person or a vehicle" in one(opened, "tr.detail").text
    assert all_of(opened, "tr.detail img, tr.open img") == []
    assert "d.AVI" not in one(opened, "#first").text


def test_a_hostile_name_is_text(opened):
    assert HOSTILE.split("/")[1] in names(opened) and opened.title == "Winter"
    one(opened, f"#clip-{clip_id(HOSTILE)}").click()
    assert HOSTILE in one(opened, "tr.detail").text and all_of(opened, "img[src=x]") == []


def test_the_keyboard_moves_opens_and_closes(opened):
    from selenium.webdriver import Keys

    press(opened, "j", "j", Keys.ARROW_DOWN, "k")
    assert opened.switch_to.active_element.get_attribute("id") == f"clip-{clip_id('north/b.AVI')}"
    press(opened, Keys.ENTER)
    assert "north/b.AVI" in one(opened, "tr.detail").text
    press(opened, "j")
    assert HOSTILE in one(opened, "tr.detail").text
    press(opened, Keys.ESCAPE)
    assert all_of(opened, "tr.detail") == []
    press(opened, "/", "broken.avi")
    assert names(opened) == ["broken.AVI"]
    press(opened, "j")  # a letter in the search is a letter
    assert names(opened) == []


def test_the_keyboard_moves_across_pages(opened):
    choose(opened, "f-sort", "path")
    one(opened, "#next").click()
    all_of(opened, "tr.clip")[0].click()
    second_page = names(opened)
    press(opened, "k")
    assert one(opened, "#shown").text.startswith("1–100 of")
    assert one(opened, "tr.clip.open td.file b").text not in second_page


def test_buttons_lead_to_the_table(opened):
    one(opened, "#summary [data-filter=unsure]").click()
    assert len(names(opened)) == 2
    one(opened, "[data-wrong]").click()
    assert names(opened) == ["d.AVI"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_colours_of_the_system_and_the_button_switches_them(opened, scheme):
    def brightness():
        colour = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(",")))

    prefer(opened, colour_scheme=scheme, reduced_motion="reduce")
    before = brightness()
    assert before > 600 if scheme == "light" else before < 150
    one(opened, "#theme").click()
    assert brightness() < 150 if scheme == "light" else brightness() > 600
    prefer(opened, reduced_motion="reduce")


@pytest.mark.parametrize("width_px", [360, 768])
def test_nothing_scrolls_sideways_on_a_phone_or_a_tablet(page, tmp_path, width_px):
    with headless_chromium(tmp_path, width_px=width_px, height_px=740, phone=True) as phone:
        phone.get(page)
        phone.execute_script("arguments[0].click()", all_of(phone, "tr.clip")[0])
        assert phone.execute_script("return [innerWidth, document.documentElement.scrollWidth]") == [
            width_px,
            width_px,
        ]
        for css in (
            "tr.clip.open",
            "tr.detail .shot",
            "#chart svg",
            "#first a.card",
            "#f-text",
            "#evaluation .tile",
        ):
            left, _, right, _ = place(phone, all_of(phone, css)[0])
            assert 0 <= left < right <= width_px, css
        assert phone.get_log("browser") == []


def test_a_notice_breaks_the_names_of_files(tmp_path):
    path = "Leopard/ntlnp_scene_029/leopard_ntlnp_AmurLeopard_from_the_northern_ridge_of_the_reserve_1224.jpg"
    page = write_page(tmp_path / "r.html", notices=[f"3 of 4 clips are not in the manifest: {path}, {path}."])
    with headless_chromium(tmp_path / "profile", width_px=400, height_px=740, phone=True) as phone:
        phone.get(page)
        notice = one(phone, ".notice:not([hidden])")
        _, _, right, _ = place(phone, notice.find_element("css selector", "span"))
        assert right <= place(phone, notice)[2] <= 400


def test_a_run_without_clips_is_a_page_too(chromium, tmp_path):
    table, _, _ = tables()
    chromium.get(write_report(tmp_path / "none.html", table.iloc[:0]).as_uri())
    assert "There are no clips in this run." in one(chromium, "#rows").text and chromium.get_log("browser") == []


@pytest.mark.parametrize(("width_px", "phone"), [(360, True), (1280, False)])
def test_a_page_in_russian_speaks_russian_and_fits(tmp_path, width_px, phone):
    with use_language("ru"):
        address = write_page(tmp_path / "report.html")
    with headless_chromium(tmp_path / "profile", width_px=width_px, height_px=740, phone=phone) as browser:
        browser.get(address)
        browser.execute_script("arguments[0].click()", one(browser, f"#clip-{clip_id('north/a.AVI')}"))
        detail = one(browser, "tr.detail").text
        assert "Самый показательный кадр, 1,5 с." in detail and "что-то найдено в 1 из 3 кадров" in detail
        assert one(browser, "#shown").text == "1–100 из 255"
        captured = all_of(browser, "tr.clip .captured")[0].get_property("textContent")
        assert captured.startswith("02.11.2025")
        choose(browser, "f-decision", "sika_deer")  # ids stay; names are for people
        assert one(browser, "#f-decision option[value=sika_deer]").text == "пятнистый олень (250)"
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert browser.get_log("browser") == []
