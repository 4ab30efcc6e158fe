"""YOLO and Pascal VOC from predictions: whose label a box gets, empty pictures, and the clips that are left out."""

import pandas as pd
import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.core.tables import clip_id
from leopardnet.data.formats.voc import read_voc
from leopardnet.data.formats.yolo import read_yolo
from leopardnet.export.write_results import write

READERS = {"yolo": read_yolo, "voc": read_voc}


@pytest.fixture(params=READERS)
def export(request, tmp_path):
    """A function that writes one of the formats, and returns the result and the labels that our reader finds."""

    def run(predictions, **options):
        result = write(predictions, tmp_path / "out", format=request.param, **options)
        for path in predictions.table["path"]:
            (tmp_path / "out" / path).touch()  # both readers look for pictures
        if not result.n_rows:
            return result, {}
        table = READERS[request.param](tmp_path / "out", root=tmp_path / "out").manifest.table
        return result, dict(zip(table["path"], table["label"], strict=True))

    return run


def test_a_box_gets_the_label_of_its_clip_unless_it_has_its_own(predicted, boxed, frame, export):
    two = frame(0.0, (0.9, 0, 0, 0.1), [(0.1, 0.2, 0.4, 0.6, 0.9), (0.5, 0.5, 0.9, 0.9, 0.8, "tiger")])
    result, labels = export(predicted(boxed("1.jpg"), boxed("2.jpg", frames=[two])))
    assert labels["1.jpg"] == "leopard" and pd.isna(labels["2.jpg"]) and result.n_rows == 2


def test_boxes_keep_their_place(tmp_path, predicted, boxed):
    write(predicted(boxed("1.jpg")), tmp_path / "yolo", format="yolo")
    write(predicted(boxed("1.jpg")), tmp_path / "voc", format="voc")
    assert (tmp_path / "yolo/1.txt").read_text() == "0 0.250000000 0.400000000 0.300000000 0.400000000\n"
    voc = (tmp_path / "voc/1.xml").read_text()
    assert all(corner in voc for corner in ("<xmin>10<", "<ymin>10<", "<xmax>40<", "<ymax>30<"))


def test_a_label_by_a_person_takes_precedence(predicted, boxed, export):
    given = pd.DataFrame({"clip_id": [clip_id("1.jpg"), clip_id("2.jpg")], "label": ["tiger", "empty"]})
    _, labels = export(
        predicted(boxed("1.jpg"), boxed("2.jpg"), boxed("3.jpg", decision="unsure")), corrections=given
    )
    assert labels == {"1.jpg": "tiger", "2.jpg": "empty"}


def test_an_empty_clip_has_an_empty_annotation(predicted, boxed, export):
    _, labels = export(predicted({"path": "1.jpg", "decision": "empty"}, boxed("2.jpg")))
    assert labels == {"1.jpg": "empty", "2.jpg": "leopard"}


def test_each_still_of_a_burst_has_its_own_boxes(predicted, boxed, footage, frame, export):
    boxes = [(0.1, 0.2, 0.4, 0.6, 0.9)]
    frames = [frame(0.0, (0.9, 0, 0, 0.1), []), frame(1.0, (0.9, 0, 0, 0.1), boxes)]
    rows = footage({"path": "1.jpg", "kind": "burst", "paths": '["1.jpg", "2.jpg", "3.jpg"]'})
    result, _ = export(predicted(boxed("1.jpg", kind="burst", frames=frames)), manifest=rows)
    assert result.n_rows == 1
    (written,) = [p for p in result.path.rglob("*") if p.suffix in (".txt", ".xml") and p.stem != "train"]
    assert written.stem == "2"


def test_what_people_drew_stands_above_the_detector(tmp_path, predicted, boxed, footage, frame, export):
    drawn = '[{"xyxy": [0.5, 0.5, 0.75, 1.0], "time_s": 0}, {"xyxy": [0, 0, 0.5, 0.5], "time_s": 2}]'
    ids = [clip_id("1.jpg"), clip_id("4.jpg")]
    given = pd.DataFrame({"clip_id": ids, "label": ["tiger", "tiger"], "boxes": [drawn, drawn]})
    rows = footage({"path": "1.jpg", "kind": "burst", "paths": '["1.jpg", "2.jpg", "3.jpg"]'}, {"path": "4.jpg"})
    said = predicted(boxed("1.jpg", kind="burst"), {"path": "4.jpg", "width_px": 100, "height_px": 50})
    result, _ = export(said, manifest=rows, corrections=given)
    texts = {p.stem: p.read_text() for p in result.path.rglob("*") if p.suffix in (".txt", ".xml")}
    assert {"1", "3", "4"} <= set(texts) and "2" not in texts  # the second box is on the third still
    corners = ["<xmin>50<", "<ymin>25<", "<xmax>75<", "<ymax>50<"]
    for name in ("1", "4"):
        assert "0.625000000 0.750000000 0.250000000 0.500000000" in texts[name] or all(
            corner in texts[name] for corner in corners
        )


def test_clips_that_the_formats_cannot_hold_are_counted_by_reason(predicted, boxed, export):
    result, labels = export(
        predicted(
            {"path": "1.avi"},
            {"path": "2.jpg"},
            {"path": "3.jpg", "p": None},
            boxed("4.jpg", decision="unsure"),
            boxed("5.jpg"),
        )
    )
    assert (result.n_rows, result.n_left_out, sorted(result.reasons.values())) == (1, 4, [1, 1, 2])
    assert labels == {"5.jpg": "leopard"}


def test_only_pascal_voc_needs_the_size_of_a_picture(tmp_path, predicted, boxed):
    row = boxed("1.jpg") | {"width_px": None, "height_px": None}
    assert write(predicted(row), tmp_path / "yolo", format="yolo").n_rows == 1
    result = write(predicted(row), tmp_path / "voc", format="voc")
    assert result.n_rows == 0 and "pixels" in next(iter(result.reasons))


@pytest.mark.parametrize("format", ["yolo", "voc"])
def test_a_folder_with_annotations_is_refused_because_they_would_stay(tmp_path, predicted, boxed, format):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/1.jpg").touch()  # beside the pictures is where these formats belong
    write(predicted(boxed("1.jpg")), tmp_path / "out", format=format)
    before = sorted((tmp_path / "out").rglob("*"))
    with pytest.raises(ConfigError, match="annotations at this place already"):
        write(predicted(boxed("2.jpg")), tmp_path / "out", format=format)
    assert sorted((tmp_path / "out").rglob("*")) == before
