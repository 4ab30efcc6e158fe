"""Compiled networks are kept in the user's cache: the same answers from there, and harmless if it is useless."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest

from leopardnet.bundle.compiled_cache import MAX_FILES
from leopardnet.core.settings.inference import RuntimeConfig


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "leopardnet" / "openvino"


@pytest.fixture(scope="session")
def frames(tiny_bundle):
    size = tiny_bundle.spec.preprocess.size_px
    return np.random.default_rng(3).integers(0, 256, (3, 3, size, size), dtype=np.uint8)


@pytest.fixture
def ask(tiny_bundle, frames):
    return lambda **settings: tiny_bundle.runtime(RuntimeConfig(threads=1, **settings)).answers(frames).logits


def test_what_is_kept_answers_as_what_was_compiled(cache, ask):
    compiled = ask()
    (file,) = cache.iterdir()
    written = file.stat()
    np.testing.assert_array_equal(ask(), compiled)
    assert file.stat().st_ino == written.st_ino, "it was not compiled again"
    assert (file.stat().st_mode & 0o777, cache.stat().st_mode & 0o777) == (0o600, 0o700)


DAMAGES = {"cut": lambda b: b[:100], "changed": lambda b: b[:-1] + b"x", "empty": lambda b: b""}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_made_anew(cache, ask, damage):
    compiled = ask()
    (file,) = cache.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    np.testing.assert_array_equal(ask(), compiled)
    data = file.read_bytes()
    assert data[:32] == hashlib.sha256(data[32:]).digest() and len(data) > 1000


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_what_others_may_write_to_is_not_used(cache, ask):
    ask()
    (file,) = cache.iterdir()
    file.chmod(0o666)
    ask()
    assert file.stat().st_mode & 0o777 == 0o600, "it was compiled and written again"
    cache.chmod(0o777)
    before = file.stat().st_mtime_ns
    ask()
    assert file.stat().st_mtime_ns == before, "nothing is written into a folder that is open to others"


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path, monkeypatch, ask):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert np.isfinite(ask()).all()


def test_a_network_for_several_frames_at_once_has_its_own_file_and_the_same_answers(cache, ask):
    singly = ask()
    np.testing.assert_allclose(ask(batch_size=2), singly, atol=1e-5)
    assert len(list(cache.iterdir())) == 2
    np.testing.assert_array_equal(ask(), singly)


def test_other_settings_have_their_own_file_and_the_oldest_go(cache, ask):
    ask()
    (first,) = cache.iterdir()
    os.utime(first, (1, 1))
    for i in range(MAX_FILES - 1):
        (cache / f"{i}.blob").write_bytes(b"of another network")
    ask(precision="bf16")
    assert len(list(cache.iterdir())) == MAX_FILES and not first.exists()
