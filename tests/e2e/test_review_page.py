"""The review page in a real browser, by keyboard, against a server that answers from memory."""

from __future__ import annotations

import pytest
from browser import headless_chromium, prefer
from fake_review_server import BOX, HOSTILE, FakeReview, make_clip, serve
from test_report_page import all_of, assert_box_is_at, one, place, press


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with headless_chromium(tmp_path_factory.mktemp("profile")) as driver:
        driver.implicitly_wait(0)
        yield driver


@pytest.fixture
def start(chromium):
    """A function that opens the page on a server of these lists; the console must hold no error of a script."""
    servers = []

    def open_page(clips, **values):
        lists = clips if isinstance(clips, dict) else {"suspected": clips, "all": clips}
        review = FakeReview(lists, **values)
        server = serve(review)
        serving = server.__enter__()
        servers.append(server)
        chromium.get(serving.address)
        review.serving = serving
        return review

    yield open_page
    chromium.get("about:blank")
    for server in servers:
        server.__exit__(None, None, None)
    problems = [e for e in chromium.get_log("browser") if e["source"] != "network"]
    assert problems == []


def wait_for(driver, condition):
    """Wait for it; an element that the page replaces while it is read is looked for again."""
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.ui import WebDriverWait

    ignored = [StaleElementReferenceException]
    return WebDriverWait(driver, 30, 0.02, ignored_exceptions=ignored).until(lambda _: condition())


def shown(driver):
    """The clip that is shown and takes keys, None without one."""
    return driver.execute_script(
        "const [clip, work] = ['clip', 'work'].map((id) => document.getElementById(id));"
        "return !clip || clip.hidden || work.ariaBusy === 'true' ? null : clip.dataset.clip"
    )


def wait_clip(driver, number):
    wait_for(driver, lambda: shown(driver) == f"{number:04d}")


def read(driver, css, name):
    """Return a property of the only element there is, in one step: the page may replace it at any time."""
    (value,) = driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((e) => e[arguments[1]])", css, name
    )
    return value


def click(driver, css):
    wait_for(driver, lambda: one(driver, css).click() is None)


def text(driver, css):
    return driver.execute_script("return document.querySelector(arguments[0]).textContent", css)


def wait_picture(driver):
    """Wait until the frame is drawn, and return its element and address."""
    return wait_for(
        driver,
        lambda: driver.execute_script(
            "const image = document.querySelector('#shot img');"
            "return image?.naturalWidth ? [image, image.src] : null"
        ),
    )


def wait_text(driver, css, part):
    wait_for(driver, lambda: part in text(driver, css))


def clips(n, **values):
    return [make_clip(i, **values) for i in range(n)]


def said(review):
    """What counts now: (clip, labels) in the order in which it was said."""
    return [(int(e["clip_id"]), e["labels"]) for e in review.entries if not e["is_undone"]]


def test_a_clip_shows_its_frame_with_boxes_its_curve_and_what_the_model_says(chromium, start):
    start(clips(3))
    wait_clip(chromium, 0)
    image, _ = wait_picture(chromium)
    assert text(chromium, "#moment") == "1.5 s"  # the strongest frame comes first
    wait_for(chromium, lambda: assert_box_is_at(chromium, one(chromium, "#shot .box"), image, BOX) is None)
    wait_for(chromium, lambda: [e.text for e in all_of(chromium, "#chart .legend li")] == ["sika deer", "detector"])
    assert len(all_of(chromium, "#chart .flag")) == 1 and len(all_of(chromium, "#frames .best")) == 1
    assert "sika deer" in text(chromium, "#answer") and "north" in text(chromium, "#facts")
    press(chromium, "t")
    assert text(chromium, "#moment") == "2.5 s" and all_of(chromium, "#shot .box") == []


def test_the_frames_turn_by_themselves_unless_the_person_wants_calm(chromium, start):
    prefer(chromium, reduced_motion="no-preference")
    start(clips(1))
    wait_clip(chromium, 0)
    wait_text(chromium, "#moment", "2.5 s")
    wait_text(chromium, "#moment", "0.5 s")
    prefer(chromium, reduced_motion="reduce")


def test_keys_label_and_move_on(chromium, start):
    from selenium.webdriver import Keys

    review = start(clips(7))
    wait_clip(chromium, 0)
    for n, key in enumerate((Keys.ENTER, "1", "3", "x", "u"), 1):
        press(chromium, key)
        wait_clip(chromium, n)
    assert said(review) == [
        (0, ["sika_deer"]),
        (1, ["leopard"]),
        (2, ["wild_boar"]),
        (3, ["empty"]),
        (4, ["unknown"]),
    ]
    assert text(chromium, "#count") == "5 of 7" and "5 / 7" in text(chromium, "#queues [aria-current]")
    press(chromium, Keys.ARROW_LEFT)
    wait_clip(chromium, 4)
    assert "you: unknown" in text(chromium, "#badges")
    press(chromium, "j")
    wait_clip(chromium, 5)
    press(chromium, "1")
    wait_clip(chromium, 6)
    press(chromium, "1")
    wait_for(chromium, lambda: one(chromium, "#nothing").is_displayed())
    assert "Every clip of this list has a label." in text(chromium, "#nothing")
    keys = [body["key"] for name, body in review.posts if name == "label"]
    assert len(set(keys)) == 7 and all(len(key) == 36 for key in keys)


def test_a_key_that_is_held_down_labels_one_clip(chromium, start):
    review = start(clips(4))
    wait_clip(chromium, 0)
    for _ in range(3):
        chromium.execute_script(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', "
            "{key: '1', code: 'Digit1', repeat: true, bubbles: true}))"
        )
    press(chromium, "2")
    wait_clip(chromium, 1)
    assert said(review) == [(0, ["sika_deer"])]


def test_letters_work_on_a_cyrillic_keyboard(chromium, start):
    review = start(clips(4))
    wait_clip(chromium, 0)
    for key, code in (("ч", "KeyX"), ("г", "KeyU")):  # where X and U are
        before = shown(chromium)
        chromium.execute_script(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', "
            "{key: arguments[0], code: arguments[1], bubbles: true}))",
            key,
            code,
        )
        wait_for(chromium, lambda before=before: shown(chromium) not in (None, before))
    assert said(review) == [(0, ["empty"]), (1, ["unknown"])]


def test_undo_goes_back_as_far_as_one_likes(chromium, start):
    review = start(clips(5))
    wait_clip(chromium, 0)
    for n in range(1, 4):
        press(chromium, str(n))
        wait_clip(chromium, n)
    for n in (2, 1, 0):
        press(chromium, "z")
        wait_clip(chromium, n)
        assert "you:" not in text(chromium, "#badges")
    assert said(review) == [] and len(review.entries) == 3 and text(chromium, "#count") == "0 of 5"
    press(chromium, "z")
    wait_text(chromium, "#live", "nothing to take back")
    press(chromium, "2")
    wait_clip(chromium, 1)
    assert said(review) == [(0, ["sika_deer"])]


def test_several_labels_by_shift_and_by_button(chromium, start):
    from selenium.webdriver import ActionChains, Keys

    review = start(clips(4))
    wait_clip(chromium, 0)
    ActionChains(chromium).key_down(Keys.SHIFT).send_keys("1", "2").key_up(Keys.SHIFT).perform()
    assert "leopard + sika deer" in text(chromium, "#labels .main")
    press(chromium, Keys.ENTER)
    wait_clip(chromium, 1)
    click(chromium, "[data-action=several]")
    press(chromium, "3", "1", "x", "2", "3", Keys.ENTER)  # what is empty shows nothing else
    wait_clip(chromium, 2)
    assert read(chromium, "[data-action=several]", "ariaPressed") == "false"
    press(chromium, "1")  # one key is one label again
    wait_clip(chromium, 3)
    assert said(review) == [(0, ["leopard", "sika_deer"]), (1, ["sika_deer", "wild_boar"]), (2, ["leopard"])]


def test_a_label_that_is_not_in_the_list_joins_it(chromium, start):
    from selenium.webdriver import Keys

    review = start(clips(4))
    wait_clip(chromium, 0)
    press(chromium, "o", " ?! ", Keys.ENTER)
    wait_text(chromium, "#live", "letters and digits")
    press(chromium, "o", "Musk-deer ", Keys.ENTER)
    wait_clip(chromium, 1)
    press(chromium, "4")
    wait_clip(chromium, 2)
    press(chromium, "o", "Рысь", Keys.ENTER)
    wait_clip(chromium, 3)
    assert said(review) == [(0, ["musk_deer"]), (1, ["musk_deer"]), (2, ["рысь"])]
    assert "musk deer4рысь5" in text(chromium, "#labels")


def test_the_page_shows_the_label_that_was_saved_for_a_typed_name(chromium, start):
    from selenium.webdriver import Keys

    review = start(clips(5), other_names={"человек": "human", "леопард": "leopard"})
    wait_clip(chromium, 0)
    press(chromium, "o", "Человек", Keys.ENTER)
    wait_clip(chromium, 1)
    assert "Saved: human" in text(chromium, "#live")
    assert "human4" in text(chromium, "#labels") and "человек" not in text(chromium, "#labels")
    press(chromium, "4")
    wait_clip(chromium, 2)
    press(chromium, "a", "o", "леопард", Keys.ENTER, "2", Keys.ENTER)
    wait_clip(chromium, 3)
    assert "леопард" not in text(chromium, "#labels")
    press(chromium, "k")
    wait_clip(chromium, 2)
    assert "you: leopard + sika deer" in text(chromium, "#badges")
    assert said(review) == [(0, ["human"]), (1, ["human"]), (2, ["leopard", "sika_deer"])]


def test_notes_stars_and_history(chromium, start):
    from selenium.webdriver import Keys

    review = start(clips(3))
    wait_clip(chromium, 0)
    press(chromium, "f")
    wait_text(chromium, "#badges", "★")
    assert text(chromium, "#live") == "Star saved."
    press(chromium, "n")
    press(chromium, "x1 tail", Keys.ENTER)  # letters in the field are no keys
    wait_for(chromium, lambda: len(review.entries) == 2)
    wait_text(chromium, "#history", "x1 tail")
    assert text(chromium, "#live") == "Note saved."
    press(chromium, "h", "1")
    wait_clip(chromium, 1)
    assert [(e["labels"], e["note"], e["starred"]) for e in review.entries] == [
        ([], "", True),
        ([], "x1 tail", True),
        (["leopard"], "", True),  # what is not said again stays
    ]
    press(chromium, "k")
    wait_clip(chromium, 0)
    history = one(chromium, "#history")
    assert history.is_displayed() and "AB leopard" in history.text
    assert read(chromium, "#note", "value") == "x1 tail"


def event_clips(decisions, **values):
    ids = [f"{n:04d}" for n in range(len(decisions))]
    return [make_clip(n, decision=d, event=ids, **values) for n, d in enumerate(decisions)]


def test_a_whole_event_takes_one_key_and_one_undo(chromium, start):
    review = start([*event_clips(["sika_deer"] * 3), make_clip(3)])
    wait_clip(chromium, 0)
    press(chromium, "e")
    assert read(chromium, "[data-action=event]", "ariaPressed") == "true"
    press(chromium, "3")
    wait_clip(chromium, 3)
    assert said(review) == [(n, ["wild_boar"]) for n in range(3)]
    press(chromium, "z")
    wait_clip(chromium, 0)
    assert said(review) == [] and text(chromium, "#count") == "0 of 4"


def test_the_majority_of_an_event(chromium, start):
    review = start([*event_clips(["leopard", "sika_deer", "sika_deer", "unsure"]), make_clip(4)])
    wait_clip(chromium, 0)
    press(chromium, "m")
    wait_clip(chromium, 4)
    assert said(review) == [(n, ["sika_deer"]) for n in range(4)]
    press(chromium, "m")
    wait_text(chromium, "#live", "nothing else in this event")


def test_an_audit_is_blind_and_asks_for_each_clip(chromium, start):
    from selenium.webdriver import Keys

    review = start({"audit": event_clips(["leopard", "leopard"])})
    wait_clip(chromium, 0)
    assert "answer is hidden here" in text(chromium, "#answer")
    assert all_of(chromium, "#shot .box") == [] and not one(chromium, "#chart-box").is_displayed()
    assert "leopard" not in text(chromium, "#answer") and text(chromium, "#probs") == ""
    press(chromium, Keys.ENTER)
    wait_text(chromium, "#live", "hidden here")
    press(chromium, "m")
    wait_text(chromium, "#live", "on its own")
    press(chromium, "e", "1")
    wait_clip(chromium, 1)
    assert said(review) == [(0, ["leopard"])] and review.entries[0]["queue"] == "audit"
    assert not one(chromium, "#filters select[name=decision]").is_enabled()


def test_the_grid_labels_what_is_chosen(chromium, start):
    from selenium.webdriver import ActionChains, Keys

    first = event_clips(["sika_deer"] * 3)
    second = [make_clip(n, event=["0003", "0004", "0005"], decision="wild_boar") for n in range(3, 6)]
    review = start([*first, *second])
    wait_clip(chromium, 0)
    press(chromium, "g")
    wait_for(chromium, lambda: len(all_of(chromium, ".clip-tile")) == 6)
    assert len(all_of(chromium, ".group")) == 2
    press(chromium, "e")
    assert text(chromium, "#selected") == "chosen: 3"
    press(chromium, "2")  # a whole event
    wait_for(chromium, lambda: len(all_of(chromium, ".clip-tile.given")) == 3)
    assert chromium.switch_to.active_element.get_attribute("data-clip") == "0003"
    ActionChains(chromium).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT).key_up(Keys.SHIFT).perform()
    assert text(chromium, "#selected") == "chosen: 2"
    press(chromium, "1")
    wait_for(chromium, lambda: len(all_of(chromium, ".clip-tile.given")) == 5)
    press(chromium, Keys.ENTER)  # the one at the keyboard, as the model says
    wait_for(chromium, lambda: len(all_of(chromium, ".clip-tile.given")) == 6)
    assert said(review) == [
        *((n, ["sika_deer"]) for n in range(3)),
        (3, ["leopard"]),
        (4, ["leopard"]),
        (5, ["wild_boar"]),
    ]
    press(chromium, "z", "z")
    wait_for(chromium, lambda: len(all_of(chromium, ".clip-tile.given")) == 3)
    wait_text(chromium, "#live", "Taken back for 2 clips.")
    press(chromium, "g")
    wait_for(chromium, lambda: shown(chromium) is not None)


def test_the_grid_takes_any_label(chromium, start):
    from selenium.webdriver import Keys

    review = start([*event_clips([None] * 2), *(make_clip(n, decision=None) for n in (2, 3))])
    wait_clip(chromium, 0)
    press(chromium, "g")
    wait_for(chromium, lambda: len(all_of(chromium, ".clip-tile")) == 4)
    assert all_of(chromium, "#grid [data-action=accept]") == []  # no model has said anything
    press(chromium, Keys.ENTER)
    wait_text(chromium, "#live", "no answer to accept")
    press(chromium, "e", "o", "Рысь", Keys.ENTER)
    wait_for(chromium, lambda: len(all_of(chromium, ".clip-tile.given")) == 2)
    assert all_of(chromium, "#grid [data-action='label:рысь']")
    press(chromium, "4")  # its digit from now on
    wait_for(chromium, lambda: len(all_of(chromium, ".clip-tile.given")) == 3)
    click(chromium, "#grid [data-action=unknown]")
    wait_for(chromium, lambda: len(review.entries) == 4)
    assert said(review) == [(0, ["рысь"]), (1, ["рысь"]), (2, ["рысь"]), (3, ["unknown"])]


def test_the_mouse_chooses_in_the_grid(chromium, start):
    from selenium.webdriver import ActionChains, Keys

    review = start(clips(6))
    wait_clip(chromium, 0)
    click(chromium, "#grid-button")
    tiles = wait_for(chromium, lambda: all_of(chromium, ".clip-tile"))
    tiles[1].click()
    ActionChains(chromium).key_down(Keys.SHIFT).click(tiles[4]).key_up(Keys.SHIFT).perform()
    tiles[2].click()
    assert [t.get_attribute("aria-selected") for t in tiles] == ["false", "true", "false", "true", "true", "false"]
    click(chromium, "#grid-labels [data-action='label:leopard']")
    wait_for(chromium, lambda: len(review.entries) == 3)
    assert said(review) == [(1, ["leopard"]), (3, ["leopard"]), (4, ["leopard"])]


def test_filters_narrow_the_list_and_stay_after_a_reload(chromium, start):
    from selenium.webdriver import Keys

    start([make_clip(n, site="south" if n % 2 else "north") for n in range(6)])
    wait_clip(chromium, 0)
    click(chromium, "#filter-box summary")
    click(chromium, "#filters option[value=south]")
    wait_clip(chromium, 1)
    wait_text(chromium, "#count", "0 of 3")
    press(chromium, Keys.ESCAPE, "1")  # out of the field, where keys are letters
    wait_clip(chromium, 3)
    chromium.refresh()
    wait_clip(chromium, 3)
    assert text(chromium, "#count") == "1 of 3" and read(chromium, "#filters select[name=site]", "value") == "south"
    click(chromium, "#filters [type=reset]")
    wait_text(chromium, "#count", "1 of 6")


def test_labels_count_in_every_list(chromium, start):
    from selenium.webdriver import ActionChains, Keys

    start({"suspected": clips(6), "all": clips(9)})
    wait_clip(chromium, 0)
    for n in range(1, 6):
        press(chromium, "1")
        wait_clip(chromium, n)
        wait_text(chromium, "[data-queue=all]", f"{n} / 9")
    press(chromium, "z")
    wait_text(chromium, "[data-queue=all]", "4 / 9")
    click(chromium, "[data-queue=all]")
    wait_clip(chromium, 4)
    press(chromium, "g")
    wait_for(chromium, lambda: all_of(chromium, ".clip-tile"))
    ActionChains(chromium).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT * 4).key_up(Keys.SHIFT).perform()
    press(chromium, "2")  # five clips at once, two of them suspected
    wait_text(chromium, "[data-queue=suspected]", "6 / 6")


def test_a_list_is_chosen_by_keyboard(chromium, start):
    from selenium.webdriver import Keys

    start({"suspected": clips(3), "same_box": clips(2), "empties": []})
    wait_clip(chromium, 0)
    press(chromium, "q", Keys.TAB, Keys.ENTER)
    wait_text(chromium, "#queue-title", "The same spot")
    assert text(chromium, "#count") == "0 of 2"
    press(chromium, "q", Keys.TAB, Keys.ENTER)
    wait_text(chromium, "#nothing", "This list is empty.")


def test_the_place_is_kept(chromium, start):
    review = start(clips(5), places={"suspected": "0003"})
    wait_clip(chromium, 3)
    press(chromium, "j")
    wait_for(chromium, lambda: review.places["suspected"] == "0004")


def test_a_failed_save_keeps_the_key_and_tries_again(chromium, start):
    full = {"what": "the disk is full: the label was not saved", "do": "make room and save again"}
    review = start(clips(3), failures=[(507, full)])
    wait_clip(chromium, 0)
    press(chromium, "1")
    wait_text(chromium, "#problem", "the disk is full: the label was not saved. make room and save again.")
    assert shown(chromium) == "0000" and review.entries == []
    press(chromium, "2")  # nothing else is said until then
    wait_text(chromium, "#live", "not saved yet")
    click(chromium, "#retry")
    wait_clip(chromium, 1)
    assert said(review) == [(0, ["leopard"])] and not one(chromium, "#problem").is_displayed()
    first, second = (body for name, body in review.posts if name == "label")
    assert first == second, "the same key"


def test_a_lost_answer_adds_nothing_twice(chromium, start):
    review = start(clips(3), failures=[None])
    wait_clip(chromium, 0)
    press(chromium, "1")
    wait_text(chromium, "#problem", "Not saved yet")
    click(chromium, "#retry")
    wait_clip(chromium, 1)
    assert said(review) == [(0, ["leopard"])]


def test_a_refused_press_can_be_dropped(chromium, start):
    review = start(clips(3), failures=[(400, {"what": "there is no such clip", "do": "load the page again"})])
    wait_clip(chromium, 0)
    press(chromium, "1")
    wait_text(chromium, "#problem", "there is no such clip")
    click(chromium, "#drop")
    wait_for(chromium, lambda: not one(chromium, "#problem").is_displayed())
    press(chromium, "2")
    wait_clip(chromium, 1)
    assert said(review) == [(0, ["sika_deer"])]


def test_a_press_outlives_a_reload(chromium, start):
    review = start(clips(3), failures=[(500, {"what": "the disk fails"})] * 2)
    wait_clip(chromium, 0)
    press(chromium, "1")
    wait_text(chromium, "#problem", "the disk fails")
    chromium.refresh()  # sent again at once, refused again, and saved in the end
    wait_text(chromium, "#problem", "the disk fails")
    click(chromium, "#retry")
    wait_for(chromium, lambda: said(review) == [(0, ["leopard"])])
    wait_clip(chromium, 1)
    assert len({body["key"] for name, body in review.posts if name == "label"}) == 1


def test_a_server_that_is_away_comes_back(chromium, start):
    review = start(clips(3))
    wait_clip(chromium, 0)
    review.serving.stop()
    press(chromium, "1")
    wait_text(chromium, "#problem", "The server does not answer")
    review.serving.start()
    wait_clip(chromium, 1)
    assert said(review) == [(0, ["leopard"])]


def test_two_browsers_at_once_lose_nothing(chromium, start, tmp_path):
    review = start(clips(6))
    wait_clip(chromium, 0)
    with headless_chromium(tmp_path) as other:
        other.get(review.address)
        wait_clip(other, 0)
        press(other, "3")
        wait_clip(other, 1)
        for n in range(1, 4):
            press(chromium, "1")
            wait_clip(chromium, n)
    assert sorted(said(review)) == [(0, ["leopard"]), (0, ["wild_boar"]), (1, ["leopard"]), (2, ["leopard"])]


def test_a_key_can_be_changed(chromium, start):
    from selenium.webdriver import Keys

    review = start(clips(4))
    wait_clip(chromium, 0)
    press(chromium, "?")
    assert one(chromium, "#help").is_displayed()
    click(chromium, "[data-key-of=empty]")
    press(chromium, "z")
    wait_text(chromium, "#help-problem", "has something else to do")
    press(chromium, "0")
    wait_for(chromium, lambda: review.keys == {"empty": "0"})
    wait_for(chromium, lambda: text(chromium, "[data-key-of=empty]") == "0")
    press(chromium, Keys.ESCAPE)
    press(chromium, "x")
    press(chromium, "0")
    wait_clip(chromium, 1)
    assert said(review) == [(0, ["empty"])]
    chromium.refresh()
    wait_clip(chromium, 1)
    press(chromium, "0")
    wait_clip(chromium, 2)


def test_a_video_that_cannot_be_played_leaves_the_frames(chromium, start):
    review = start(clips(1))
    wait_clip(chromium, 0)
    press(chromium, " ")
    wait_text(chromium, "#stage-note", "40 %")
    wait_text(chromium, "#stage-note", "this video cannot be decoded. look at its frames.")
    assert review.videos_asked == ["0000"] * 2 and one(chromium, "#shot").is_displayed()


def test_people_are_blurred_until_asked_for(chromium, start):
    start([make_clip(0, has_person=True), make_clip(1, has_person=True, frames=[], video=None, thumb=None)])
    wait_clip(chromium, 0)
    wait_text(chromium, "#stage-note", "Press P to show it")
    wait_for(chromium, lambda: "blur" in one(chromium, "#shot img").value_of_css_property("filter"))
    press(chromium, "p")
    wait_for(chromium, lambda: one(chromium, "#shot img").value_of_css_property("filter") == "none")
    press(chromium, "j")
    wait_text(chromium, "#stage-note", "--people")
    assert all_of(chromium, "#shot img") == []


def test_reading_alone_labels_nothing(chromium, start):
    review = start(clips(2), read_only=True)
    wait_clip(chromium, 0)
    press(chromium, "1", "z")
    wait_text(chromium, "#live", "only for reading")
    assert review.posts == [] and shown(chromium) == "0000"


def test_whoever_has_no_name_is_asked(chromium, start):
    from selenium.webdriver import Keys

    review = start(clips(2), by="")
    wait_for(chromium, lambda: one(chromium, "#who").is_displayed())
    press(chromium, "IV", Keys.ENTER)
    wait_text(chromium, "#by", "IV")
    wait_clip(chromium, 0)
    press(chromium, "1")
    wait_clip(chromium, 1)
    assert review.entries[0]["by"] == "IV"


def test_a_hunt_counts_labels_and_makes_a_model(chromium, start):
    hunt = {
        "target": "leopard",
        "targets": ["leopard", "sika_deer"],
        "n_labels": {"leopard": 7, "sika_deer": 40},
        "n_needed": 59,
        "advice": "Label more.",
    }
    promise = {"label": "leopard", "n_needed": 59, "n_have": 7}
    review = start({"hunt": clips(9)}, mode="hunt", session={"hunt": hunt, "promise": promise})
    wait_text(chromium, "#hunt", "the random audit must meet it at 59 sites; so far at 7.")
    assert "Looking for: leopard, sika deer" in text(chromium, "#hunt")
    assert "Label more." in text(chromium, "#hunt") and "leopard7" in text(chromium, ".tally")
    click(chromium, "#make-model")
    wait_text(chromium, "#model-state", "models/1/my-model")
    assert ("model", {"name": "my-model"}) in review.posts
    for n in range(1, 7):
        press(chromium, "2")
        wait_clip(chromium, n)
    assert len(said(review)) == 6


def test_a_hostile_name_is_text(chromium, start):
    start([make_clip(0, path=HOSTILE, site="<b>x</b>", reason="<img src=x>", group="<i>")])
    wait_clip(chromium, 0)
    assert HOSTILE in text(chromium, "#facts") and all_of(chromium, "img[src=x]") == []
    press(chromium, "g")
    wait_for(chromium, lambda: all_of(chromium, ".clip-tile"))
    assert chromium.title == "Review – leopardnet" and all_of(chromium, "#groups i:not(.dot)") == []


def test_every_control_has_a_name(chromium, start):
    start(clips(2))
    wait_clip(chromium, 0)
    nameless = chromium.execute_script(
        "return [...document.querySelectorAll('button, input, select, video, [role]')].filter((e) => "
        "!(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length "
        "|| e.getAttribute('aria-labelledby')) && !['alert', 'status'].includes(e.role)).map((e) => e.outerHTML)"
    )
    assert nameless == []


@pytest.mark.parametrize("width_px", [360, 768])
def test_it_works_by_touch_on_a_narrow_page(start, tmp_path, width_px):
    review = start(clips(4))
    with headless_chromium(tmp_path, width_px=width_px, height_px=740, phone=True) as phone:
        phone.get(review.address)
        wait_clip(phone, 0)
        assert phone.execute_script("return document.documentElement.scrollWidth") == width_px
        for css in ("#stage", "#labels .label", "[data-action=play]", ".moves [data-action=next]"):
            left, top, right, bottom = place(phone, all_of(phone, css)[0])
            assert 0 <= left < right <= width_px and bottom - top >= 34, css
        label = one(phone, "#labels [data-action='label:leopard']")
        phone.execute_script("arguments[0].scrollIntoView({block: 'center'})", label)
        label.click()
        wait_clip(phone, 1)
        click(phone, ".moves [data-action=next]")
        wait_clip(phone, 2)
        click(phone, "#open-lists")
        click(phone, "[data-queue=all]")
        wait_text(phone, "#queue-title", "All clips")
        assert said(review) == [(0, ["leopard"])]


def test_sixty_clips_by_keyboard_lose_nothing_and_the_next_one_is_there_at_once(chromium, start):
    review = start(clips(60))
    wait_clip(chromium, 0)
    chromium.execute_script(
        "window.waits = []; let pressed = 0;"
        "addEventListener('keydown', (event) => { pressed = event.timeStamp; }, true);"
        "new MutationObserver(() => waits.push(performance.now() - pressed))"
        ".observe(document.getElementById('clip'), {attributeFilter: ['data-clip']})"
    )
    keys = "123xu"
    for n in range(60):
        press(chromium, keys[n % 5])
        wait_for(chromium, lambda n=n: shown(chromium) == (f"{n + 1:04d}" if n < 59 else None))
    names = ["leopard", "sika_deer", "wild_boar", "empty", "unknown"]
    assert said(review) == [(n, [names[n % 5]]) for n in range(60)]
    waits = sorted(chromium.execute_script("return waits"))
    assert len(waits) == 59 and waits[len(waits) // 2] < 100  # milliseconds from the key to the next clip
