"""Fingerprints of pictures, which stay similar when a picture is copied, scaled or compressed again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_DISTANCE = 3
_CHECK_DISTANCE = 10
_BANNER = 0.08  # share of the height, top and bottom: equal banners must not make pictures similar
_MIN_CONTRAST = 4.0
_BLOCK = 2048
_BITS = np.array([i.bit_count() for i in range(1 << 16)], np.uint8)  # set bits of each 16-bit number


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Two 64-bit hashes of a picture, and its mean chroma (0 to 255).

    Chroma is the mean difference between the strongest and the weakest of R, G and B; it is near 0 in infrared. The
    hashes are None if the picture is so flat that they would be noise.
    """

    phash: int | None
    dhash: int | None
    chroma: float


def fingerprint(pixels: NDArray[np.uint8]) -> Fingerprint:
    """Return the fingerprint of an RGB picture, uint8 [H, W, 3]; 64 px on the short side are enough.

    >>> fingerprint(np.zeros((64, 64, 3), np.uint8))
    Fingerprint(phash=None, dhash=None, chroma=0.0)
    """
    import imagehash
    from PIL import Image

    height = pixels.shape[0]
    cut = round(height * _BANNER) if height >= 16 else 0
    inner = pixels[cut : height - cut]
    chroma = float((inner.max(axis=2).astype(np.int16) - inner.min(axis=2)).mean())
    image = Image.fromarray(inner).convert("L")
    if np.asarray(image).std() < _MIN_CONTRAST:
        return Fingerprint(None, None, chroma)
    return Fingerprint(_pack_bits(imagehash.phash(image).hash), _pack_bits(imagehash.dhash(image).hash), chroma)


def find_near_pairs(
    phash: NDArray[np.uint64], dhash: NDArray[np.uint64], *, max_distance: int = MAX_DISTANCE
) -> NDArray[np.int64]:
    """Return pairs of positions (int64 [n_pairs, 2]) that link all pictures whose hashes differ in few bits.

    phash, dhash: uint64 [n_pictures]. Two pictures are near if their phash differs in at most `max_distance` (0 to
    3) bits and their dhash, which uses other features, in at most ten. Of many equal pictures each is linked only
    to the next, so the pairs define groups. Two 64-bit hashes that differ in 3 bits share at least one of four
    16-bit bands, so only pictures that share a band are compared. Raises ValueError for another `max_distance`.

    >>> find_near_pairs(np.array([7, 5, 2**40 - 1], np.uint64), np.zeros(3, np.uint64)).tolist()
    [[0, 1]]
    """
    if not 0 <= max_distance <= 3:
        raise ValueError(f"max_distance must be 0 to 3, not {max_distance}")
    both = np.stack([phash, dhash], axis=1)
    unique, inverse = np.unique(both, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    order = np.argsort(inverse, kind="stable")
    same = inverse[order][1:] == inverse[order][:-1]
    links = [np.stack([order[:-1][same], order[1:][same]], axis=1)]
    _, first = np.unique(inverse, return_index=True)
    for band in range(4):
        key = (unique[:, 0] >> np.uint64(16 * band)) & np.uint64(0xFFFF)
        by_key = np.argsort(key, kind="stable")
        borders = np.flatnonzero(np.diff(key[by_key])) + 1
        for bucket in np.split(by_key, borders):
            if len(bucket) > 1:
                links.append(first[_compare_bucket(bucket, unique, max_distance)])
    return np.unique(np.sort(np.concatenate(links), axis=1), axis=0)


def _compare_bucket(bucket: NDArray[np.int64], hashes: NDArray[np.uint64], max_distance: int) -> NDArray[np.int64]:
    found = []
    for start in range(0, len(bucket), _BLOCK):
        rows = bucket[start : start + _BLOCK]
        near = count_different_bits(hashes[rows, None, 0], hashes[None, bucket, 0]) <= max_distance
        i, j = np.nonzero(near)
        i, j = rows[i], bucket[j]
        keep = (i < j) & (count_different_bits(hashes[i, 1], hashes[j, 1]) <= _CHECK_DISTANCE)
        found.append(np.stack([i[keep], j[keep]], axis=1))
    return np.concatenate(found)


def count_different_bits(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the number of bits in which hashes, uint64, differ."""
    different = np.bitwise_xor(a, b)
    bands = [_BITS[(different >> np.uint64(16 * i)) & np.uint64(0xFFFF)] for i in range(4)]
    n_bits: NDArray[np.int64] = np.sum(bands, axis=0, dtype=np.int64)
    return n_bits


def _pack_bits(bits: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(bits.reshape(-1)).tobytes(), "big")
