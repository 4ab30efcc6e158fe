"""Manifests for the checks: four sound pictures, tables without files, and a video."""

from datetime import timedelta

import numpy as np
import pytest

from leopardnet.data.checks.file_facts import read_file_facts
from manifests_to_check import NOW, found, save, scene, table


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """Four sound pictures at four sites, with times."""
    root = tmp_path_factory.mktemp("four")
    rows = []
    for i in range(4):
        save(root, f"s{i}/IMG_{i}.jpg", scene(i))
        rows.append(
            {"path": f"s{i}/IMG_{i}.jpg", "site": f"s{i}", "label": "tiger", "captured_at": NOW - timedelta(days=i)}
        )
    return table(root, rows)


@pytest.fixture
def blind(tmp_path):
    """Checks of tables alone: the files need not exist."""

    def run(rows, rule, **options):
        manifest = table(tmp_path, rows)
        facts = read_file_facts(manifest).assign(status="ok", reason=None)
        return found(manifest, rule, facts=facts, **options)

    return run


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    import av

    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for i in range(20):
            frame = av.VideoFrame.from_ndarray(np.asarray(scene(i // 10)), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
