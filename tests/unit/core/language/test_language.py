"""Languages: which one is chosen, texts and names in it, numbers and days, messages that were made in English."""

from __future__ import annotations

import threading
from datetime import date

import pytest

from leopardnet.core.errors import ManifestError, MediaError
from leopardnet.core.language import (
    current_language,
    cut_probability,
    format_day,
    format_number,
    language_of,
    localise_numbers,
    round_probability,
    script_texts,
    set_language,
    translate,
    translate_error,
    translate_label,
    translate_message,
    translate_plural,
    use_language,
)
from leopardnet.metrics.judges.label_choice import LabelChoice


@pytest.fixture
def russian():
    with use_language("ru"):
        yield


@pytest.mark.parametrize(
    ("option", "header", "system", "wanted"),
    [
        (None, "", "", "en"),
        ("ru", "en", "en_US.UTF-8", "ru"),
        ("RU-ru", "", "", "ru"),
        ("de", "ru", "ru_RU.UTF-8", "en"),  # what was asked for is not there, and nothing else was asked for
        (None, "ru,en;q=0.5", "en_US", "ru"),
        (None, "ru;q=0.2, en;q=0.9", "", "en"),
        (None, "de;q=1, ru;q=0.1", "", "ru"),
        (None, "ru;q=0", "", "en"),
        (None, "ru;q=many, *", "", "en"),
        (None, "de", "ru_RU.UTF-8", "ru"),
        (None, "", "Russian_Russia.1251", "ru"),
        (None, "", "de_DE:ru:en", "ru"),
        (None, "", "C.UTF-8", "en"),
        (None, ",;=,", ":", "en"),
    ],
)
def test_the_language_is_the_first_known_one_that_was_asked_for(option, header, system, wanted):
    assert language_of(option, header, system) == wanted


def test_english_is_the_default_and_what_an_unknown_language_becomes():
    assert current_language() == "en"
    with use_language("xx"):
        assert current_language() == "en"
    with use_language("ru"):
        set_language("en")
        assert current_language() == "en"
    assert current_language() == "en"


def test_two_threads_answer_in_two_languages():
    said = {}

    def answer(language):
        set_language(language)
        said[language] = translate_label("tiger")

    threads = [threading.Thread(target=answer, args=(x,)) for x in ("ru", "en")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {"ru": "тигр", "en": "tiger"} and current_language() == "en"


@pytest.mark.parametrize(
    ("n", "words"), [(1, "1 ролик"), (2, "2 ролика"), (5, "5 роликов"), (11, "11 роликов"), (21, "21 ролик")]
)
def test_russian_has_three_forms_of_plural(russian, n, words):
    assert translate_plural("{n} clip", "{n} clips", n) == words


def test_a_text_that_is_in_no_catalogue_stays_english(russian):
    assert translate("a text of {day}", day="today") == "a text of today"
    assert translate_plural("{n} lens", "{n} lenses", 3) == "3 lenses"
    assert translate_message("a text of today") == "a text of today"
    assert translate_label("golden_mole + tiger") == "golden mole + тигр"


def test_numbers_and_days_follow_the_language():
    assert (format_number(1234567.125, 1), format_number(-0.5, 2)) == ("1,234,567.1", "-0.50")
    assert format_day(date(2026, 3, 5)) == "2026-03-05"
    with use_language("ru"):
        assert format_number(1234567.125, 1) == "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567,1"
        assert format_day(date(2026, 3, 5)) == "05.03.2026"


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        ("4.4", "4,4"),
        ("-0.5 °", "-0,5 °"),
        ("0.85 (0.70–0.92)", "0,85 (0,70–0,92)"),
        ("12,345.5 km", "12\N{NO-BREAK SPACE}345,5 km"),
        ("12,345", "12\N{NO-BREAK SPACE}345"),
        ("4.4 дн.", "4,4 дн."),
        *(
            (kept, kept)
            for kept in ("15.03.2021", "0.1.0", "0.7,0.15,0.15", "leopard=0.05", "IMG_1.5", "cards/1.5")
        ),
        *((kept, kept) for kept in ("03:14", "site 4.5", "'4.5'", "2021-03-15 10:00:00", "1.", "a.5", "")),
    ],
)
def test_only_numbers_get_the_decimal_sign_of_the_language(english, russian):
    assert localise_numbers(english) == english, "in English, they stay what they are"
    with use_language("ru"):
        assert localise_numbers(english) == russian


@pytest.mark.parametrize(
    ("english", "words"),
    [
        (
            "the last clip is 12 days before the end in the deployments table, though it filmed every 4.4 days: "
            "the battery was flat or the card full; enter a problem period",
            "последний ролик на 12 дн. раньше конца в таблице установок, хотя камера снимала раз в 4,4 дн.: села "
            "батарея или заполнилась карта; внесите период неполадки",
        ),
        (
            "recorded 2.5 h before IMG_1.5.jpg, a lower number: the clock was changed or reset",
            "снято на 2,5 ч раньше, чем IMG_1.5.jpg с меньшим номером: часы были переведены или сброшены",
        ),
        ("written: results 2.5/m.csv", "записано: results 2.5/m.csv"),
    ],
)
def test_findings_have_a_decimal_comma_in_russian_and_names_keep_their_point(russian, english, words):
    assert translate_message(english) == words


def test_scripts_get_their_own_texts_and_all_names():
    assert script_texts() == {"language": "en", "texts": {}, "labels": {}}
    with use_language("ru"):
        given = script_texts()
    assert given["texts"]["No clip matches these filters."] == "Под эти условия не подходит ни один ролик."
    assert given["labels"]["sika_deer"] == "пятнистый олень" and "Look at these first" not in given["texts"]


@pytest.mark.parametrize(
    ("english", "words"),
    [
        ("written: report.html", "записано: report.html"),
        ("3 of 18 rows", "3 of 18 rows"),
        (
            "note: empty files, of 0 bytes (5): a.avi, b.avi … and 3 more",
            "примечание: пустые файлы, 0 байт (5): a.avi, b.avi … и ещё 3",
        ),
        (
            "Left to look at: 4 of 18 clips (3 named, 1 unreadable)",
            "Осталось посмотреть: 4 из 18 роликов (названо: 3, не читается: 1)",
        ),
        (
            "the file is empty (0 bytes); do: copy it from the card again",
            "файл пуст (0 байт); что делать: скопируйте его с карты заново",
        ),
        ("bundle: {x}\nopen in a browser: y", "пакет модели: {x}\nоткройте в браузере: y"),
        ("", ""),
    ],
)
def test_a_message_is_translated_where_it_is_shown_with_its_values(russian, english, words):
    assert translate_message(english) == words


def test_a_sentence_on_chosen_labels_keeps_each_value_in_its_own_part(russian):
    choice = LabelChoice("weighed", {"a": 0.1, "b": 1.0}, n_used=19, n_left_out=100, n_undecided=6)
    assert translate_message(str(choice)) == (
        "проверено по меткам случайной проверки: 19, выбраны случайно и взвешены по шансу каждой (от 0,1 до 1); "
        "других меток, выбранных по оценке или вручную и не учтённых: 100; "
        "роликов без метки, о которых люди спорят или не знают: 6"
    )


@pytest.mark.parametrize(
    "english",
    [
        "at most 5 of the things that were seen, with care",  # only "at most {limit}" is known
        "left out: 6 wolves that people dispute or do not know",
        "many clips that people dispute or do not know have none",  # a word where a number belongs
        "6 clips that people dispute or do not know have none; a text of today",  # one part is unknown
        "written: a.json, and the rest of it",
        "the moon: 6 of the clips",
    ],
)
def test_a_text_is_in_one_language_and_english_where_a_part_of_it_is_unknown(russian, english):
    assert translate_message(english) == english


@pytest.mark.parametrize(
    ("english", "words"),
    [
        ("written: /card/Sites of May/x.csv", "записано: /card/Sites of May/x.csv"),
        ("written: Sites and May/x.csv", "записано: Sites and May/x.csv"),
        ("evaluated: 6 of 6", "оценка модели: 6 из 6"),
        (
            "  holds whatever sites do: 0.510 (0.400 to 0.600) of 18 clips; these thresholds are used",
            "  что бы ни было на точках: 0,510 (0,400–0,600) из 18 роликов; используются эти пороги",
        ),
        (
            "at most 0.05 of leopard clips missed, with 95% confidence",
            "пропущено не больше 0,05 роликов с меткой leopard, с надёжностью 95%",
        ),
        (
            "may be archived unseen, where only lynx and tiger matters: other animals may be among them",
            "можно отправить в архив без просмотра, если важны только lynx и tiger: среди этих роликов могут быть "
            "другие животные",
        ),
    ],
)
def test_names_paths_and_numbers_stay_in_a_translated_text(russian, english, words):
    assert translate_message(english) == words


@pytest.mark.parametrize(
    ("english", "words"),
    [
        ("labels from folder names: other 41, leopard 39", "метки из имён папок: other 41, leopard 39"),
        (
            "The model's only labels for animals: deer, leopard, other",
            "Метки животных у модели только эти: deer, leopard, other",
        ),
        ("note: names that became labels: Other → other", "примечание: названия, ставшие метками: Other → other"),
        ("note: rows without a label: 1 of 144", "примечание: строк без метки: 1 из 144"),
        ("fold 1 of 4: epoch 2 of 3", "часть 1 из 4: эпоха 2 из 3"),
        ("fold 1 of 4: the probe", "часть 1 из 4: проба"),
        (
            "features for the probe: 128 of 143, 517 a minute, 1 min left",
            "признаки для пробы: 128 из 143, 517 в минуту, осталось 1 мин",
        ),
        (
            "kept: epoch 3, whose macro-F1 is 0.012 above that of the probe (chance between sites gives ±0.010); "
            "fine-tuning took 2 min",
            "оставлена эпоха 3: её macro-F1 на 0,012 выше, чем до дообучения (проба; случайный разброс между "
            "точками даёт ±0,010); дообучение заняло 2 мин",
        ),
        ("written: x.xlsx (xlsx, rows: 93, left out: 0)", "записано: x.xlsx (xlsx, строк: 93, пропущено: 0)"),
        ("0.67 (not demonstrated)", "0,67 (не доказано)"),
        (
            "temperature 1.054 from 93 clips of 33 sites; ECE 0.1 (0.0 to 0.2) before, 0.2 after, each site with "
            "the temperature of the others",
            "температура 1,054, основа: роликов: 93, точек: 33; ECE до 0,1 (0,0–0,2), после 0,2, каждая точка с "
            "температурой остальных",
        ),
    ],
)
def test_what_verbs_print_is_in_russian(russian, english, words):
    """Lines of train, import, check, export, evaluate and calibrate; `other` in a list of labels is a name."""
    assert translate_message(english) == words


def test_an_error_is_translated_part_by_part_and_values_stay(russian):
    error = MediaError("the file cannot be found", where="a/clip of ours.avi", found="clip", todo="check the path")
    assert translate_error(error) == [
        ("ошибка", "файл не найден"),
        ("где", "a/clip of ours.avi"),
        ("найдено", "clip"),
        ("что делать", "проверьте путь"),
    ]
    assert str(error).startswith("the file cannot be found\n  where:")


def test_an_error_in_english_is_as_it_was_raised():
    error = ManifestError("unknown label", where="labels.csv, row 3", expected="leopard, tiger")
    assert translate_error(error) == [
        ("error", "unknown label"),
        ("where", "labels.csv, row 3"),
        ("expected", "leopard, tiger"),
    ]


def test_why_a_file_is_unreadable_and_why_there_are_no_figures_are_translated_whole(russian):
    reason = "the file is not a video of a known format; found: first bytes 00 01; do: unpack it and scan again"
    words = "файл – не видео известного формата; найдено: первые байты 00 01; "
    assert translate_message(reason) == words + "что делать: распакуйте его и просканируйте снова"
    assert translate_message("found: a JPEG picture") == "найдено: снимок JPEG"
    none = "no label of these clips was drawn at random, so none may judge the model; found: 12 labelled clips of "
    none += "this manifest, all chosen by score or by hand; expected: labels of the random audit"
    assert not set(translate_message(none)) & set("abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize(
    ("p", "shown"),
    [(0.414502, 0.41), (0.604501, 0.6), (0.4253, 0.43), (0.425, 0.43), (0.994999, 0.99), (0.995, 1.0), (0.0, 0.0)],
)
def test_a_probability_is_rounded_once_also_where_its_last_decimals_were_cut(p, shown):
    assert round_probability(p) == shown and round_probability(cut_probability(p)) == shown
