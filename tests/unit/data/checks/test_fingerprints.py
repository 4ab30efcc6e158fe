"""Fingerprints of pictures, and pairs of similar ones."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from leopardnet.data.checks.fingerprints import find_near_pairs, fingerprint
from manifests_to_check import save, scene


def test_flat_pictures_are_never_alike():
    assert fingerprint(np.full((64, 80, 3), 3, np.uint8)).phash is None
    # a banner alone does not make a dark picture a picture
    dark = np.zeros((100, 120, 3), np.uint8)
    dark[94:] = 255
    assert fingerprint(dark).phash is None


def test_a_fingerprint_survives_scaling_and_compression(tmp_path):
    image = scene(5)
    save(tmp_path, "small.jpg", image.resize((80, 60)), quality=60)
    a, b = fingerprint(np.asarray(image)), fingerprint(np.asarray(Image.open(tmp_path / "small.jpg")))
    assert (a.phash ^ b.phash).bit_count() <= 3
    assert (a.phash ^ fingerprint(np.asarray(scene(6))).phash).bit_count() > 10


def test_chroma_of_grey_and_of_red():
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    assert fingerprint(red).chroma == 200.0
    assert fingerprint(np.asarray(scene(1, grey=True))).chroma == 0.0


def linked(pairs, n):
    """Groups of positions that the pairs link."""
    group = list(range(n))
    for i, j in pairs:
        a, b = group[i], group[j]
        group = [a if g == b else g for g in group]
    return sorted([k for k in range(n) if group[k] == g] for g in set(group))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 63), max_size=3)), max_size=20), st.integers(0, 3)
)
def test_near_pairs_link_the_same_groups_as_comparing_all(items, max_distance):
    centres = [0, 2**64 - 1, 0x00FF00FF00FF00FF, 0x123456789ABCDEF0]
    hashes = [centres[c] ^ sum(1 << bit for bit in flips) for c, flips in items]
    wanted = [
        (i, j) for i in range(len(hashes)) for j in range(i) if (hashes[i] ^ hashes[j]).bit_count() <= max_distance
    ]
    pairs = find_near_pairs(
        np.array(hashes, np.uint64), np.zeros(len(hashes), np.uint64), max_distance=max_distance
    )
    assert linked(pairs.tolist(), len(hashes)) == linked(wanted, len(hashes))


def test_the_second_hash_must_agree():
    near = find_near_pairs(np.array([1, 3], np.uint64), np.array([0, 2**64 - 1], np.uint64))
    assert near.shape == (0, 2)
