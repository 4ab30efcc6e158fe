"""Label maps: matching whatever the spelling, refusing what is unknown, and the maps that come along."""

import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.label_map import LabelMap, list_label_maps, load_label_map, name_key, parse_label_map
from leopardnet.data.reading.map_labels import join_several, map_labels

MAP = LabelMap("m", {"leopard": ("Panthera pardus",), "tiger": ("амурский тигр",), "empty": ("blank",)}, ("human",))


@pytest.mark.parametrize(
    "name",
    [
        "Panthera pardus",
        "panthera_pardus",
        "PANTHERA  PARDUS",
        "PantheraPardus",
        "Panthera-pardus",
        "Pánthera pardus",
        "leopard",
        "Leopard ",
    ],
)
def test_spelling_makes_no_difference(name):
    assert MAP.label(name) == "leopard"


def test_composed_and_decomposed_letters_are_one_name():
    assert MAP.label("амурский тигр") == MAP.label("амурскии\u0306 тигр") == "tiger"


def test_names_of_signs_only_stay_apart():
    assert name_key("?") != name_key("!")


def test_ignored_and_unknown_names_differ():
    assert MAP.knows("Human") and MAP.label("Human") is None
    assert not MAP.knows("puma")
    with pytest.raises(KeyError):
        MAP.label("puma")


def test_a_name_under_two_labels_is_refused():
    with pytest.raises(ManifestError) as error:
        LabelMap("m", {"leopard": ("big cat",), "tiger": ("BigCat",)})
    assert "two labels" in str(error.value) and "leopard and tiger" in str(error.value)


def test_a_name_under_a_label_and_ignore_is_refused():
    with pytest.raises(ManifestError, match="two labels"):
        LabelMap("m", {"leopard": ("cat",)}, ("Cat",))


def test_the_same_name_twice_under_one_label_is_harmless():
    assert LabelMap("m", {"leopard": ("AmurLeopard", "amur leopard")}).label("amur_leopard") == "leopard"


# --- mapping rows ---


def test_rows_get_the_label_their_names_agree_on():
    labels, notes = map_labels(
        [("Panthera pardus",), ("leopard", "PantheraPardus"), (), ("human",), ("leopard", "human")], MAP, where="x"
    )
    assert labels == ["leopard", "leopard", None, None, "leopard"]
    assert notes == ("rows with ignored names only, left without a label: 1 (human 1)",)


def test_several_species_leave_a_row_without_a_label_and_are_counted():
    labels, notes = map_labels([("leopard", "amurskij"), ("tiger",)], None, where="x")
    assert labels == [None, "tiger"]
    assert notes == ("rows with several species, left without a label: 1 (leopard + amurskij 1)",)


def test_unknown_names_are_listed_with_counts():
    with pytest.raises(ManifestError) as error:
        map_labels([("puma",), ("puma",), ("lynx",), ("tiger",)], MAP, where="x.csv")
    text = str(error.value)
    assert "2 names are not in the label map" in text and "puma 2, lynx 1" in text and "x.csv" in text


def test_unknown_names_become_other_when_asked_and_are_named():
    labels, notes = map_labels([("puma",), ("tiger",)], MAP, on_unknown="other", where="x")
    assert labels == ["other", "tiger"]
    assert notes == ("names that are not in the label map became other: puma 1",)


def test_without_a_map_names_become_ids_and_spellings_of_one_name_one_label():
    labels, notes = map_labels([("Tiger",), ("tiger",), ("Roe deer",)], None, where="x")
    assert labels == ["tiger", "tiger", "roe_deer"]
    assert notes == ("names that became labels: Roe deer → roe_deer, Tiger → tiger",)


def test_no_rows_give_no_labels():
    assert map_labels([], MAP, where="x") == ([], ())


# --- files ---


def write(tmp_path, text, name="map.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_yaml_file_is_a_label_map(tmp_path):
    path = write(tmp_path, "\ufefflabels:\n  leopard: [дальневосточный леопард]\n  empty:\nignore: [human]\n")
    label_map = load_label_map(path)
    assert label_map.label("Дальневосточный_леопард") == "leopard"
    assert label_map.label("empty") == "empty"
    assert label_map.label("human") is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "not a label map"),
        ("- a\n- b\n", "not a label map"),
        ("labels: []\n", "not a label map"),
        ("labels: {tiger: [x]}\nother: 1\n", "unknown key"),
        ("labels: {Tiger: [x]}\n", "a label in the label map cannot be used"),
        ("labels: {no: [x]}\n", "a label in the label map cannot be used"),
        ("labels: {tiger: x}\n", "must be a list"),
        ("labels: {tiger: [1]}\n", "must be a list"),
        ("labels: {tiger: ['']}\n", "must be a list"),
        ("labels: {tiger: [a]}\nignore: a\n", "must be a list"),
        ("labels:\n  tiger: [a]\n  tiger: [b]\n", "a key twice"),
        ("labels: {tiger: [a\n", "not readable YAML"),
        ("labels: !!python/object/apply:os.getcwd []\n", "not readable YAML"),
    ],
)
def test_broken_maps_are_refused_with_their_file(tmp_path, text, part):
    with pytest.raises(ManifestError) as error:
        load_label_map(write(tmp_path, text))
    assert part in str(error.value) and "map.yaml" in str(error.value)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_bytes("labels: {tiger: [тигр]}".encode("cp1251"))
    with pytest.raises(ManifestError, match="not readable YAML"):
        load_label_map(path)


def test_an_unknown_name_lists_the_built_in_maps():
    with pytest.raises(ManifestError) as error:
        load_label_map("amurr")
    assert "amur" in str(error.value.parts["expected"]) and "ntlnp" in str(error.value.parts["expected"])


# --- the maps that come along ---


@pytest.mark.parametrize("name", ["amur", "ntlnp"])
def test_built_in_maps_load(name):
    assert name in list_label_maps()
    assert {"leopard", "tiger", "sika_deer", "empty"} <= set(load_label_map(name).labels)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("AmurLeopard", "leopard"),
        ("panthera_pardus_orientalis", "leopard"),
        ("Дальневосточный леопард", "leopard"),
        ("东北豹", "leopard"),
        ("AmurTiger", "tiger"),
        ("Siberian Tiger", "tiger"),
        ("Амурский тигр", "tiger"),
        ("东北虎", "tiger"),
        ("SikaDeer", "sika_deer"),
        ("Cervus nippon", "sika_deer"),
        ("пятнистый олень", "sika_deer"),
        ("梅花鹿", "sika_deer"),
        ("Blank", "empty"),
        ("пусто", "empty"),
        ("Homo sapiens", None),
    ],
)
def test_amur_knows_the_names_people_use(name, label):
    assert load_label_map("amur").label(name) == label


NTLNP = (
    "Amur tiger",
    "Amur leopard",
    "wild boar",
    "roe deer",
    "sika deer",
    "Asian black bear",
    "red fox",
    "Asian badger",
    "raccoon dog",
    "musk deer",
    "Siberian weasel",
    "sable",
    "yellow-throated marten",
    "leopard cat",
    "Manchurian hare",
    "cow",
    "dog",
)


def test_ntlnp_maps_its_17_classes_to_three_species_and_other():
    label_map = load_label_map("ntlnp")
    assert [label_map.label(n) for n in NTLNP if n.lower() in ("amur tiger", "amur leopard", "sika deer")] == [
        "tiger",
        "leopard",
        "sika_deer",
    ]
    assert sum(label_map.label(n) == "other" for n in NTLNP) == 14
    assert label_map.label("LeopardCat") == "other"
    assert label_map.label("RaccoonDog") == "other"


def test_label_map_from_plain_values():
    assert parse_label_map({"labels": {"a": None}}, where="x").labels == {"a": ()}


# --- several labels of a row ---


def test_rows_of_several_labels_keep_all_of_them_in_alphabetical_order():
    names = [("tiger", "Panthera pardus"), ("leopard", "PantheraPardus"), ("human", "tiger", "leopard"), ()]
    assert join_several(names, MAP, where="x") == ["leopard + tiger", None, "leopard + tiger", None]
    assert join_several([("tiger", "empty")], MAP, where="x") == [None], "empty and not: nobody knows which"
    assert join_several([("Roe deer", "Tiger")], None, where="x") == ["roe_deer + tiger"]
    assert join_several([], MAP, where="x") == []
