"""Worker processes: what they cannot do to a run, whatever happens inside them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from leopardnet.core.errors import BackendError, RunStopped
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.types import Clip
from leopardnet.infer.footage_source import open_source
from leopardnet.infer.job import Job
from leopardnet.infer.journal import Journal
from leopardnet.infer.predict_footage import classify_all, fill_journal, predict
from leopardnet.infer.prediction_tables import build_predictions
from leopardnet.infer.workers.gpu_feed import GpuFeed
from leopardnet.infer.workers.pool import WorkerPool
from leopardnet.media.workers.clip_pool import GROUP_CLIPS, group_clips
from leopardnet.media.workers.process import describe_exit

PROBS = ["p_leopard", "p_tiger", "p_sika_deer", "p_empty"]


def by_feeding(clips, job, should_stop=lambda: False):
    """The layout of graphics processors, on the processor."""
    return GpuFeed(job).classify(clips, should_stop)


LAYOUTS = {"pool": classify_all, "feed": by_feeding}


@pytest.fixture
def faulty(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import faulty

    return faulty


@pytest.fixture
def clips_named(footage, tmp_path):
    """A folder with a good clip under each of these names."""

    def make(*names):
        good = sorted(footage.rglob("*.MP4"))[0]
        folder = tmp_path / "clips"
        folder.mkdir()
        for name in names:
            shutil.copy(good, folder / f"{name}.mp4")
        return folder

    return make


def table_of(folder, bundle, engine, **options):
    manifest = open_source(folder)
    own = {"read_frames": options.pop("read_frames")} if "read_frames" in options else {}
    job = Job(bundle, manifest.root, RuntimeConfig(**options), bundle.spec.sampling, **own)
    with Journal.open(None, job.results_key()) as journal:
        fill_journal(journal, manifest, job, engine=engine)
        return build_predictions(journal.read_pages(manifest), bundle).table.set_index("path")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_worker_that_dies_hangs_or_eats_memory_costs_its_own_clip(layout, clips_named, tiny_bundle, faulty):
    folder = clips_named("a", "abort", "b", "c", "eat", "exit", "hang", "vanish", "z")
    table = table_of(
        folder,
        tiny_bundle,
        LAYOUTS[layout],
        workers=2,
        clip_limit_s=2.0,
        memory_limit_mb=400,
        read_frames=faulty.read_frames,
    )
    good = table.loc[["a.mp4", "b.mp4", "c.mp4", "z.mp4"]]
    assert good["status"].eq("ok").all() and good[PROBS].nunique().eq(1).all()
    reasons = table["reason"].dropna().to_dict()
    assert reasons.pop("vanish.mp4").startswith("the file cannot be found")
    expected = {
        "abort.mp4": "the decoder crashed (SIGABRT)",
        "exit.mp4": "the decoder crashed (exit code 7)",
        "hang.mp4": "the decoder was stopped after 2 s",
    }
    if sys.platform == "linux":  # elsewhere the system keeps no such limit
        expected["eat.mp4"] = "it needed more than 400 MB of memory"
    assert reasons == expected and table.loc[list(expected), "status"].eq("unreadable").all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_processes_change_no_result(layout, labelled, tiny_bundle):
    unseen = labelled.where(split="test")
    here = predict(unseen, tiny_bundle, runtime=RuntimeConfig(workers=0)).table.set_index("path")
    there = table_of(unseen, tiny_bundle, LAYOUTS[layout], workers=3, batch_size=5)
    assert there.index.tolist() == here.index.tolist()
    assert np.abs(there[PROBS].to_numpy() - here[PROBS].to_numpy()).max() < 1e-5
    same = ["status", "decision", "rule", "n_frames", "best_time_s"]
    assert there[same].equals(here[same])


def test_clips_with_more_frames_than_a_slot_holds(labelled, tiny_bundle, monkeypatch):
    monkeypatch.setattr("leopardnet.infer.workers.gpu_feed.SLOT_FRAMES", 3)
    test_processes_change_no_result("feed", labelled, tiny_bundle)


def test_a_network_that_cannot_be_loaded_is_said_once(clips_named, tiny_bundle):
    folder = clips_named("a")
    with pytest.raises(BackendError, match="this device is not available"):
        predict(folder, tiny_bundle, runtime=RuntimeConfig(backend="torch", device="mps", workers=1))


def test_a_run_that_is_stopped_keeps_what_is_done_and_begins_nothing_new(clips_named, tiny_bundle):
    manifest = open_source(clips_named(*"abcdefgh"))
    job = Job(tiny_bundle, manifest.root, RuntimeConfig(workers=1), tiny_bundle.spec.sampling)
    done = []
    with Journal.open(None, job.results_key()) as journal:
        with WorkerPool(job) as one_by_one, pytest.raises(RunStopped, match="of 8 clips"):
            fill_journal(
                journal,
                manifest,
                job,
                on_result=done.append,
                should_stop=lambda: len(done) > 0,
                engine=lambda clips, job, stop: one_by_one.classify(large(clips), stop),
            )
        assert 1 <= len(done) < 8
        left = journal.list_todo(manifest.clips(), manifest.root)
        assert len(left) == 8 - len(done)


def large(clips):
    """The same clips, pretending to be too large to travel in groups."""
    return (QueuedClip(item.clip, 10**7, item.stamp) for item in clips)


def test_a_stopped_run_does_not_wait_for_a_clip_that_takes_long(clips_named, tiny_bundle, faulty):
    folder, taken = clips_named("hang"), []
    manifest = open_source(folder)
    runtime = RuntimeConfig(workers=1, clip_limit_s=30.0)
    job = Job(tiny_bundle, manifest.root, runtime, tiny_bundle.spec.sampling, read_frames=faulty.read_frames)

    def clips():
        for clip in manifest.clips():
            taken.append(clip)
            yield QueuedClip(clip, 1, "")

    assert list(classify_all(clips(), job, lambda: bool(taken))) == [] and len(taken) == 1


def test_small_clips_travel_together_and_large_ones_alone():
    def sizes(*n_bytes):
        items = (QueuedClip(Clip(str(i), (f"{i}.mp4",), "video"), n, "") for i, n in enumerate(n_bytes))
        return [[item.n_bytes for item in group] for group in group_clips(items)]

    assert sizes() == []
    assert sizes(5_000_000, 5_000_000) == [[5_000_000], [5_000_000]]
    assert sizes(400_000, 400_000, 400_000, 1) == [[400_000, 400_000], [400_000, 1]]
    assert [len(group) for group in sizes(*[10] * (GROUP_CLIPS + 1))] == [GROUP_CLIPS, 1]


def test_what_exit_codes_mean():
    assert (
        describe_exit(-9) == "SIGKILL"
        and describe_exit(7) == "exit code 7"
        and describe_exit(None) == "exit code None"
    )


def test_a_script_needs_no_guard(clips_named, tiny_bundle, tmp_path):
    """Worker processes do not run the caller's script again."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom leopardnet import load_bundle, predict\nprint('once')\n"
        "print(len(predict(sys.argv[1], load_bundle(sys.argv[2]))))\n"
    )
    command = [sys.executable, script, clips_named("a", "b"), tiny_bundle.folder]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert result.stdout.split() == ["once", "2"] and "Traceback" not in result.stderr
