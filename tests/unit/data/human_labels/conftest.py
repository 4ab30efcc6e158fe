"""A file of labels to which tests add what people say."""

import pytest

from leopardnet.core.tables import clip_id
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile


@pytest.fixture
def say(tmp_path):
    """A function (clip, by, *labels, **values) that adds an entry; its attribute `file` is the file."""
    file = LabelFile(tmp_path / "labels.sqlite")

    def add(clip, by, *labels, **values):
        key = str(file.newest())
        values = {"queue": "all"} | values
        return file.add(LabelEntry(key=key, clip_id=clip_id(clip), path=clip, labels=labels, by=by, **values))[0]

    add.file = file
    yield add
    file.close()
