"""What a person waits for comes before what is made ahead, and the newest wish first."""

import json
from concurrent.futures import Future
from pathlib import Path

import pytest

from leopardnet.core.errors import MediaError
from leopardnet.core.processes.file_cache import FileCache
from leopardnet.review.media import video_queue
from leopardnet.review.media.video_queue import VideoQueue, WantedVideo


class HeldPool:
    """Workers whose work is done when the test says so."""

    def __init__(self, n_workers):
        self.n_workers = n_workers
        self.begun = []

    def schedule(self, function, wanted, target, limits, share, notes, *, limit_s):
        self.begun.append((wanted.key, Future(), target, share, notes))
        return self.begun[-1][1]

    def finish(self, key, *, error=None):
        for name, future, target, _, notes in self.begun:
            if name == key and not future.done():
                if error:
                    future.set_exception(error)
                else:
                    target.write_bytes(b"video")
                    notes.write_text(json.dumps(["cut"]))
                    future.set_result(None)

    @property
    def keys(self):
        return [key for key, *_ in self.begun]

    @property
    def ended(self):
        return [key for key, future, *_ in self.begun if future.cancelled()]


def videos(*keys):
    return [WantedVideo(key, Path(key), key) for key in keys]


@pytest.fixture
def make(tmp_path):
    def make(n_workers=1):
        pool = HeldPool(n_workers)
        return pool, VideoQueue(pool, FileCache(tmp_path / "c", suffix=".mp4", max_bytes=1000))

    return make


def test_the_newest_wish_is_next_and_each_is_made_once(make):
    pool, queue = make()
    for key in "abc":
        queue.ask(*videos(key))
    queue.ask(*videos("a"))
    assert pool.keys == ["a"]
    pool.finish("a")
    pool.finish("c")
    pool.finish("b")
    assert pool.keys == ["a", "c", "b"]
    assert queue.read_notes("a") == ("cut",) and queue.read_notes("never") == ()


def test_a_video_ahead_gives_way_and_goes_on_afterwards(make):
    pool, queue = make(n_workers=2)
    queue.plan_ahead(videos("x", "y", "z"))
    assert pool.keys == ["x", "y"]  # two at most
    queue.ask(*videos("a"))
    assert pool.ended == ["y"] and pool.keys == ["x", "y", "a"]
    queue.ask(*videos("x"))  # now somebody waits for it, so it stays
    queue.ask(*videos("b"))
    assert pool.ended == ["y"]
    pool.finish("a")
    pool.finish("x")
    assert pool.keys == ["x", "y", "a", "b", "y"]


def test_other_plans_end_the_old_ones(make):
    pool, queue = make(n_workers=2)
    queue.plan_ahead(videos("x", "y"))
    queue.plan_ahead(videos("y", "z"))
    assert pool.ended == ["x"] and pool.keys == ["x", "y", "z"]
    queue.plan_ahead([])
    assert sorted(pool.ended) == ["x", "y", "z"]


def test_a_video_that_failed_says_so_and_the_next_one_is_made(make):
    pool, queue = make()
    queue.ask(*videos("a"))
    queue.ask(*videos("b"))
    pool.finish("a", error=MediaError("broken", where="/secret/a"))
    assert pool.keys == ["a", "b"]
    with pytest.raises(MediaError) as caught:
        queue.ask(*videos("a"))
    assert caught.value.what == "broken" and "secret" not in str(caught.value)


def test_wishes_that_nobody_repeats_are_forgotten(make, monkeypatch):
    pool, queue = make()
    queue.ask(*videos("left"))
    queue.ask(*videos("left too"))
    monkeypatch.setattr(video_queue, "FORGET_S", -1.0)
    queue.ask(*videos("a"))
    assert pool.ended == ["left"] and pool.keys == ["left", "a"]
    pool.finish("a")
    assert pool.keys == ["left", "a"]


def test_a_video_that_another_server_made_meanwhile_is_no_failure(make):
    pool, queue = make()
    queue.ask(*videos("a"))
    queue.cache.path("b").write_bytes(b"video")
    queue.ask(*videos("b"))
    queue.cache.path("a").write_bytes(b"video")
    pool.finish("a", error=MediaError("the part is gone"))
    queue.ask(*videos("a"))
    queue.ask(*videos("c"))
    assert pool.keys == ["a", "c"]


def test_how_much_is_done_is_read_from_the_worker(make):
    pool, queue = make()
    assert queue.ask(*videos("a")) == 0.0
    share = pool.begun[0][3]
    share.write_text("0.250")
    assert queue.ask(*videos("a")) == 0.25
    share.write_text("")  # it is being written
    assert queue.ask(*videos("a")) == 0.0
