"""The page, its names and its errors are in the language of the browser, or in the one that was asked for."""

import json
import os
import re

import psutil
import pytest

from leopardnet.review.review_desk import ReviewDesk
from reviewed_season import Made, enter

RUSSIAN = {"accept-language": "ru-RU,ru;q=0.9,en;q=0.8"}


@pytest.fixture
def browser(season, open_desk):
    return enter(open_desk(season([Made("s1/a.jpg", (0.7, 0.2, 0.0, 0.1), alert="leopard")])))


def test_two_browsers_get_two_languages_from_one_server(browser):
    russian, english = browser.get("/", headers=RUSSIAN).text, browser.get("/").text
    assert '<html lang="ru">' in russian and '<html lang="en">' in english
    texts = json.loads(re.search(r'id="texts">(.*?)</script>', russian)[1])
    assert texts["texts"]["Empties"] == "Пустые" and '"texts": {}' in english


def test_names_of_labels_are_for_people_and_ids_stay(browser):
    labels = browser.get("/api/session", headers=RUSSIAN).json()["labels"]
    assert [(x["name"], x["title"]) for x in labels][:2] == [("leopard", "леопард"), ("deer", "олень")]
    assert browser.get("/api/session").json()["labels"][0]["title"] == "leopard"


def test_notices_are_in_the_language_of_the_browser(season, open_desk):
    desk = open_desk(season([Made("s1/a.jpg", (0.7, 0.2, 0.0, 0.1))]))
    parent = {str(os.getppid()): round(psutil.Process(os.getppid()).create_time(), 1)}
    desk.source.workspace.keep("servers", parent)
    browser = enter(ReviewDesk(desk.source))
    [notice] = browser.get("/api/session", headers=RUSSIAN).json()["notices"]
    assert notice.startswith("На этом компьютере открыт ещё один просмотр")


def test_errors_say_in_the_language_of_the_browser_what_is_wrong(browser):
    assert browser.get("/api/clip/none", headers=RUSSIAN).json()["what"] == "такого ролика нет"
    unknown = browser.get("/api/clip/none", headers={"accept-language": "xx"})
    assert unknown.json()["what"] == "there is no such clip"
