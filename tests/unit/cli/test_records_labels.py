"""Labels of several files in one season: each keeps its own entries."""

from leopardnet.cli.record_verbs.records import _read_labels
from leopardnet.data.human_labels.label_file import LabelFile
from leopardnet.data.human_labels.sound_labels import SoundEntry, SoundLabelFile


def test_what_one_file_takes_back_stays_in_the_other(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        LabelFile(tmp_path / name / "labels.sqlite").close()
        with SoundLabelFile(tmp_path / name / "labels.sqlite") as file:
            said = {"clip_id": "c", "start_s": 1.0, "end_s": 1.3, "label": "alarm call"}
            file.add(SoundEntry(key="k", by=name, **said))
            if name == "b":
                file.undo(1, by="b", key="u")
    of_clips, of_sounds = _read_labels([tmp_path / "a", tmp_path / "b" / "labels.sqlite"])
    assert len(of_clips) == 0 and of_sounds["entry_id"].tolist() == [1, 2, 3]
    assert of_sounds["undoes"].dropna().tolist() == [2]  # the entry of b, not that of a
    assert _read_labels(None) == (None, None)
