"""Encodings of tables as people save them: Excel in Russian, Chinese and Western European Windows."""

import random

import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.csv_cells import read_cells
from leopardnet.data.reading.text_encoding import decode_text, rank_encodings

TABLES = {
    "russian": ("cp1251", "Файл;Вид;Участок\nсолонец/1.JPG;Амурский тигр;Солонец\nкордон/2.JPG;пусто;Кордон\n"),
    "russian labels": ("cp1251", "file,label\n1.JPG,кабан\n2.JPG,косуля\n3.JPG,барсук\n4.JPG,кабан\n"),
    "russian, one word": ("cp1251", "file,label\n1.jpg,лев\n2.jpg,лев\n"),
    "russian, a short word": ("cp1251", "file,label\n1.jpg,ёж\n"),
    "russian, upper case": ("cp1251", "ФАЙЛ;ВИД\n1.JPG;ТИГР\n2.JPG;ЛЕОПАРД\n"),
    "russian, a number sign": ("cp1251", "file;site\n1.jpg;Kamera №3\n2.jpg;№ 5\n"),
    "chinese": ("gbk", "文件名,物种,地点\n珲春/1.JPG,东北虎,珲春保护区\n汪清/2.JPG,狍,汪清保护区\n"),
    "chinese labels": ("gbk", "file,label\n1.JPG,东北豹\n2.JPG,梅花鹿\n3.JPG,空\n4.JPG,人\n"),
    "chinese, one name": ("gbk", "file,label\n1.jpg,虎\n2.jpg,虎\n"),
    "chinese, traditional": ("gbk", "file|label\n1.jpg|東北虎\n2.jpg|遠東豹\n"),
    "chinese, four bytes": ("gb18030", "file,label,note\n1.jpg,东北虎,䶮𠀀\n"),
    "german": ("cp1252", "Datei;Art;Ort\n1.jpg;Dachs;Großer Forst\n2.jpg;Rothirsch;Müllerwäldchen\n"),
    "german, one word": ("cp1252", "file;label\n1.jpg;Bär\n"),
    "french": ("cp1252", "fichier;espèce\n1.jpg;léopard\n2.jpg;cerf élaphe\n3.jpg;forêt d’été\n"),
    "spanish": ("cp1252", "archivo;especie\n1.jpg;león\n2.jpg;ñandú\n3.jpg;vacío\n"),
    "norwegian": ("cp1252", "fil;art\n1.jpg;rådyr\n2.jpg;bjørn\n"),
}


@pytest.mark.parametrize(("encoding", "text"), TABLES.values(), ids=TABLES)
def test_a_table_in_a_national_encoding_is_read_with_a_note(encoding, text):
    got, notes = decode_text(text.encode(encoding), name="x.csv")
    assert got == text
    assert notes == (
        f"x.csv is not in UTF-8 and was read as {'gb18030' if encoding == 'gbk' else encoding}; "
        "give --encoding if names look wrong, or save it in UTF-8",
    )


@pytest.mark.parametrize(("encoding", "text"), TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("unicode", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_without_a_note(encoding, text, unicode):
    got, notes = decode_text(text.encode(unicode), name="x.csv")
    assert (got.removeprefix("\ufeff"), notes) == (text, ())


WORDS = {
    "cp1251": "тигр леопард кабан изюбрь косуля барсук лисица соболь пусто человек медведь заяц рысь волк кабарга",
    "gb18030": "东北虎 东北豹 梅花鹿 野猪 狍子 空 人 赤狐 亚洲黑熊 马鹿 豹猫 狗獾 "
    "黄鼬 紫貂 猞猁 狼 棕熊 松鼠 雪兔 珲春",
    "cp1252": "Eichhörnchen Bär Wölfe léopard hérisson lièvre élan león jaguarundí onça bjørn järv mårhund",
}


@pytest.mark.parametrize("encoding", WORDS)
@pytest.mark.parametrize("n_words", [5, 10])
def test_any_few_names_are_enough(encoding, n_words):
    """Every draw of ten is right; of five Chinese names one draw in fifty may be read as Russian."""
    draw = random.Random(n_words)
    n_right = 0
    for _ in range(50):
        names = draw.sample(WORDS[encoding].split(), n_words)
        text = "file,label\n" + "".join(f"IMG_{i:04d}.JPG,{name}\n" for i, name in enumerate(names))
        n_right += rank_encodings(text.encode(encoding))[0] == encoding
    assert n_right >= (50 if n_words == 10 or encoding != "gb18030" else 49)


def test_long_tables_are_detected_by_their_different_cells():
    text = "file,label\n" + "".join(f"IMG_{i:05d}.JPG,{'狼' if i else '东北虎'}\n" for i in range(50_000))
    assert decode_text(text.encode("gbk"), name="x.csv")[0] == text


def test_a_given_encoding_is_used_or_named_in_the_error():
    data = "路径,物种\n1.jpg,虎\n".encode("gbk")
    assert decode_text(data, name="x.csv", encoding="gbk") == (data.decode("gbk"), ())
    with pytest.raises(ManifestError, match="not in this encoding") as error:
        decode_text(data, name="x.csv", encoding="utf-8")
    assert error.value.parts["where"] == "x.csv, byte 2"
    with pytest.raises(ManifestError, match="encoding is not known"):
        decode_text(data, name="x.csv", encoding="klingon")


def test_bytes_that_are_no_text_in_any_candidate_are_refused_with_their_place():
    with pytest.raises(ManifestError, match="encoding of the table is not known") as error:
        decode_text(b"path,label\na\x81.jpg,\x98\n", name="x.csv")
    assert error.value.parts["where"] == "x.csv, byte 12"


def test_cells_of_a_chinese_table_come_with_the_note():
    cells = read_cells("文件,物种\n珲春\\1.jpg,东北虎\n".encode("gbk"), name="x.csv")
    assert cells.header == ("文件", "物种") and cells.rows == [["珲春\\1.jpg", "东北虎"]]
    assert "gb18030" in cells.notes[0]
