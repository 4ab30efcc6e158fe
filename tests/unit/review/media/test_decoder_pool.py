"""Worker processes that crash, hang or are ended cost their own call and no other."""

import os
import threading
import time

import pytest

from leopardnet.core.errors import MediaError
from leopardnet.review.media.decoder_pool import DecoderPool, Failures, read_answer


@pytest.fixture
def pool():
    pool = DecoderPool(1)
    yield pool
    pool.close()


def why(future):
    with pytest.raises(MediaError) as caught:
        read_answer(future, where="a/1.avi")
    return str(caught.value)


def test_a_crash_a_hang_and_an_error_are_told_and_the_next_call_is_answered(pool):
    limits = {"limit_s": 30.0}
    assert "crashed (SIGABRT)" in why(pool.schedule(os.abort, **limits))
    assert "crashed (exit code 7)" in why(pool.schedule(os._exit, 7, **limits))
    assert "took too long" in why(pool.schedule(time.sleep, 600, limit_s=0.5))
    said = why(pool.schedule(os.stat, "/nowhere/secret", **limits))
    assert "No such file" in said and "secret" not in said and "a/1.avi" in said
    assert read_answer(pool.schedule(abs, -3, **limits), where="") == 3


def test_who_waits_while_the_pool_is_closed_gets_an_error(pool):
    future = pool.schedule(time.sleep, 600, limit_s=600.0)
    threading.Thread(target=pool.close).start()
    assert "ended" in why(future)
    with pytest.raises(MediaError, match="being closed"):
        pool.schedule(abs, -3, limit_s=1.0)


def test_a_failure_is_remembered_for_a_while():
    failures = Failures(retry_s=1000.0)
    failures.check("a")
    failures.add("a", MediaError("broken"))
    for _ in range(2):
        with pytest.raises(MediaError, match="broken"):
            failures.check("a")
    assert "a" in failures and "b" not in failures
    over = Failures(retry_s=0.0)
    over.add("a", MediaError("broken"))
    over.check("a")
    assert "a" not in over
