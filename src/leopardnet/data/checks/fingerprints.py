"""Fingerprints of pictures: what stays alike when a picture is copied, scaled or compressed again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_DISTANCE = 3
_CHECK_DISTANCE = 10
_BANNER = 0.08  # share of the height, above and below: equal banners must not make pictures equal
_MIN_CONTRAST = 4.0
_BLOCK = 2048
_BITS = np.array([bin(i).count("1") for i in range(1 << 16)], np.uint8)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Two hashes of a picture (64 bits each), and its mean chroma (0 to 255).

    Chroma is the mean difference between the strongest and the weakest of R, G and B: near 0 where the camera worked
    in infrared. The hashes are None where the picture is so flat that its hash would be noise.
    """

    phash: int | None
    dhash: int | None
    chroma: float


def fingerprint(pixels: NDArray[np.uint8]) -> Fingerprint:
    """The fingerprint of an RGB picture, uint8 [H, W, 3]; 64 px on the short side are enough.

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
    return Fingerprint(_as_int(imagehash.phash(image).hash), _as_int(imagehash.dhash(image).hash), chroma)


def near_pairs(
    phash: NDArray[np.uint64], dhash: NDArray[np.uint64], *, max_distance: int = MAX_DISTANCE
) -> NDArray[np.int64]:
    """Pairs of positions (int64 [n_pairs, 2]) that link all pictures whose hashes differ in few bits.

    Two pictures are near when their phash differs in at most `max_distance` (0 to 3) bits and their dhash, which
    looks at other features, in at most ten. Of many equal pictures each is linked to the next only, so the pairs
    are to be read as links of groups. 64 bits that differ in 3 places have at least one of four 16-bit bands in
    common, so only pictures that share a band are compared.

    >>> near_pairs(np.array([7, 5, 2**40 - 1], np.uint64), np.zeros(3, np.uint64)).tolist()
    [[0, 1]]
    """
    if not 0 <= max_distance <= 3:
        raise ValueError(f"max_distance must be 0 to 3, not {max_distance}")
    both = np.stack([phash, dhash], axis=1)
    unique, of = np.unique(both, axis=0, return_inverse=True)
    of = of.reshape(-1)
    order = np.argsort(of, kind="stable")
    same = of[order][1:] == of[order][:-1]
    links = [np.stack([order[:-1][same], order[1:][same]], axis=1)]
    _, first = np.unique(of, return_index=True)
    for band in range(4):
        key = (unique[:, 0] >> np.uint64(16 * band)) & np.uint64(0xFFFF)
        by_key = np.argsort(key, kind="stable")
        borders = np.flatnonzero(np.diff(key[by_key])) + 1
        for bucket in np.split(by_key, borders):
            if len(bucket) > 1:
                links.append(first[_near_in_bucket(bucket, unique, max_distance)])
    return np.unique(np.sort(np.concatenate(links), axis=1), axis=0)


def _near_in_bucket(bucket: NDArray[np.int64], hashes: NDArray[np.uint64], max_distance: int) -> NDArray[np.int64]:
    found = []
    for start in range(0, len(bucket), _BLOCK):
        rows = bucket[start : start + _BLOCK]
        near = _distance(hashes[rows, None, 0], hashes[None, bucket, 0]) <= max_distance
        i, j = np.nonzero(near)
        i, j = rows[i], bucket[j]
        keep = (i < j) & (_distance(hashes[i, 1], hashes[j, 1]) <= _CHECK_DISTANCE)
        found.append(np.stack([i[keep], j[keep]], axis=1))
    return np.concatenate(found)


def _distance(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.int64]:
    """In how many bits two hashes differ."""
    different = np.bitwise_xor(a, b)
    return sum(_BITS[(different >> np.uint64(16 * i)) & np.uint64(0xFFFF)].astype(np.int64) for i in range(4))  # type: ignore[return-value]


def _as_int(bits: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(bits.reshape(-1)).tobytes(), "big")
