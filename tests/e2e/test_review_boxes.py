"""Boxes drawn on the review page in a real browser: by mouse, by finger, by keys; shown again and taken away."""

from __future__ import annotations

import pytest
from browser import headless_chromium
from fake_review_server import BOX
from test_report_page import all_of, assert_box_is_at, one, place, press
from test_review_page import (
    chromium,  # noqa: F401  a fixture
    click,
    clips,
    read,
    said,
    start,  # noqa: F401  a fixture
    text,
    wait_clip,
    wait_for,
    wait_picture,
    wait_text,
)


def drag(driver, box, *, kind="mouse"):
    """Drag from one corner of a box to the other, in fractions of the picture."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.pointer_input import PointerInput

    left, top, right, bottom = place(driver, one(driver, "#shot"))
    points = [(round(left + x * (right - left)), round(top + y * (bottom - top))) for x, y in (box[:2], box[2:])]
    actions = ActionChains(driver, duration=0, devices=[PointerInput(kind, kind)])
    pointer = actions.w3c_actions.pointer_action
    pointer.move_to_location(*points[0]).pointer_down().move_to_location(*points[1]).pointer_up()
    actions.perform()


def assert_drawn(driver, xyxy):
    """The only box that was drawn lies there. Where the page draws anew meanwhile, look again."""
    box = "#shot .drawn"
    wait_for(driver, lambda: assert_box_is_at(driver, one(driver, box), wait_picture(driver)[0], xyxy) is None)


def boxes_of(review):
    """The boxes that count now, of the only clip that has some."""
    given = [e for e in review.entries if not e["is_undone"] and e["boxes"] is not None]
    return given[-1]["boxes"] if given else None


def wait_saved(driver, n):
    wait_for(driver, lambda: len(all_of(driver, "#shot .drawn")) == n and not all_of(driver, "#shot .draft"))


def test_a_box_is_drawn_by_mouse_and_kept_with_the_label(chromium, start):  # noqa: F811
    review = start(clips(3))
    wait_clip(chromium, 0)
    _, address = wait_picture(chromium)
    click(chromium, "[data-action=box]")
    assert read(chromium, "[data-action=box]", "ariaPressed") == "true"
    wanted = [0.1, 0.2, 0.4, 0.7]
    drag(chromium, wanted[2:] + wanted[:2])  # from the lower right corner
    wait_saved(chromium, 1)
    (box,) = boxes_of(review)
    assert box["xyxy"] == pytest.approx(wanted, abs=0.005) and box["time_s"] == 1.5
    assert_drawn(chromium, box["xyxy"])
    assert wait_picture(chromium)[1] == address  # still the same one
    press(chromium, "1")
    wait_clip(chromium, 1)
    assert [(e["labels"], e["boxes"], e["seconds"]) for e in review.entries] == [
        ([], [box], []),
        (["leopard"], None, [1.5]),
    ]
    assert all_of(chromium, "#shot .drawn") == []
    press(chromium, "k")
    wait_clip(chromium, 0)
    assert_drawn(chromium, box["xyxy"])
    press(chromium, "t")
    assert text(chromium, "#moment") == "2.5 s" and all_of(chromium, "#shot .drawn") == []


def test_a_box_is_drawn_by_keys_alone(chromium, start):  # noqa: F811
    from selenium.webdriver import ActionChains, Keys

    review = start(clips(2))
    wait_clip(chromium, 0)
    wait_picture(chromium)
    press(chromium, "b", Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_DOWN)  # it begins at the box of the detector
    ActionChains(chromium).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP).key_up(
        Keys.SHIFT
    ).perform()
    press(chromium, "2")  # a label is none while a box is drawn
    wait_text(chromium, "#live", "Enter keeps the box")
    press(chromium, Keys.ENTER)
    wait_saved(chromium, 1)
    left, top, right, bottom = BOX
    assert boxes_of(review)[0]["xyxy"] == pytest.approx([left - 0.04, top + 0.02, right - 0.02, bottom])
    press(chromium, "t", "b", Keys.ESCAPE, "b", Keys.ENTER)  # a frame without a box: in the middle
    wait_saved(chromium, 1)
    assert [b["time_s"] for b in boxes_of(review)] == [1.5, 2.5]
    assert boxes_of(review)[1]["xyxy"] == [0.35, 0.35, 0.65, 0.65]
    press(chromium, "2")
    wait_clip(chromium, 1)
    assert said(review)[-1] == (0, ["sika_deer"])


def test_boxes_are_taken_away_by_backspace_and_come_back_by_undo(chromium, start):  # noqa: F811
    from selenium.webdriver import Keys

    review = start(clips(2))
    wait_clip(chromium, 0)
    wait_picture(chromium)
    press(chromium, Keys.BACKSPACE)
    wait_text(chromium, "#live", "no box of yours")
    for n in (1, 2):
        press(chromium, "b", Keys.ARROW_LEFT, Keys.ENTER)
        wait_saved(chromium, n)
    press(chromium, Keys.BACKSPACE)
    wait_saved(chromium, 1)
    press(chromium, Keys.BACKSPACE)
    wait_saved(chromium, 0)
    assert boxes_of(review) == []
    press(chromium, "z")
    wait_saved(chromium, 1)
    press(chromium, "z")
    wait_saved(chromium, 2)
    assert len(boxes_of(review)) == 2
    press(chromium, "z", "b", Keys.ESCAPE)
    wait_saved(chromium, 1)


def test_a_box_bears_the_label_that_was_chosen_last(chromium, start):  # noqa: F811
    from selenium.webdriver import ActionChains, Keys

    review = start(clips(2))
    wait_clip(chromium, 0)
    wait_picture(chromium)
    for n, digit in enumerate("12", 1):
        ActionChains(chromium).key_down(Keys.SHIFT).send_keys(digit).key_up(Keys.SHIFT).perform()
        press(chromium, "b", Keys.ENTER)
        wait_saved(chromium, n)
    assert "leopard + sika deer" in text(chromium, "#labels .main")  # what was chosen stays chosen
    wait_for(chromium, lambda: [b.text for b in all_of(chromium, "#shot .drawn")] == ["leopard", "sika deer"])
    press(chromium, Keys.ENTER)
    wait_clip(chromium, 1)
    assert [b["label"] for b in boxes_of(review)] == ["leopard", "sika_deer"]
    assert said(review)[-1] == (0, ["leopard", "sika_deer"])


def test_looking_closer_leaves_what_was_chosen_and_the_frame(chromium, start):  # noqa: F811
    from selenium.webdriver import ActionChains, Keys

    review = start(clips(2))
    wait_clip(chromium, 0)
    wait_picture(chromium)
    press(chromium, "t")
    ActionChains(chromium).key_down(Keys.SHIFT).send_keys("1", "3").key_up(Keys.SHIFT).perform()
    press(chromium, "v")
    wait_for(chromium, lambda: "enhanced=1" in read(chromium, "#shot img", "src"))
    press(chromium, "f")
    wait_text(chromium, "#badges", "★")
    press(chromium, "n")
    press(chromium, "two", Keys.ENTER)
    wait_text(chromium, "#live", "Note saved.")
    wait_for(chromium, lambda: "leopard + wild boar" in text(chromium, "#labels .main"))
    assert text(chromium, "#moment") == "2.5 s"
    press(chromium, Keys.ENTER)
    wait_clip(chromium, 1)
    entry = review.entries[-1]
    assert (entry["labels"], entry["starred"], entry["seconds"]) == (["leopard", "wild_boar"], True, [2.5])


def test_what_cannot_be_drawn_is_said(chromium, start):  # noqa: F811
    review = start(clips(1, has_person=True))
    wait_clip(chromium, 0)
    wait_picture(chromium)
    press(chromium, "b")
    wait_text(chromium, "#live", "no picture to draw on")
    press(chromium, "p", "b")
    drag(chromium, [0.5, 0.5, 0.502, 0.502])
    wait_text(chromium, "#live", "too small")
    assert review.entries == [] and all_of(chromium, "#shot .draft") == []


def test_nothing_is_drawn_where_a_review_is_read(chromium, start):  # noqa: F811
    review = start(clips(1), read_only=True)
    wait_clip(chromium, 0)
    press(chromium, "b")
    wait_text(chromium, "#live", "only for reading")
    assert review.entries == [] and all_of(chromium, "#shot .draft") == []


def test_a_box_is_drawn_by_finger(start, tmp_path):  # noqa: F811
    review = start(clips(1))
    with headless_chromium(tmp_path, width_px=360, height_px=740, phone=True) as phone:
        phone.get(review.address)
        wait_clip(phone, 0)
        wait_picture(phone)
        click(phone, "[data-action=box]")
        drag(phone, [0.2, 0.2, 0.6, 0.8], kind="touch")
        wait_saved(phone, 1)
        assert boxes_of(review)[0]["xyxy"] == pytest.approx([0.2, 0.2, 0.6, 0.8], abs=0.01)
