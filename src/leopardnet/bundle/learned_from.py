"""What a model learned from, kept in its bundle as hashes, so that no clip judges the model that it taught.

A clip is known by three keys: the id of each of its files (the path below the root), the content of each file (its
size, its first and its last 64 KiB), and the moment that a file's own header names, together with its name. So a
clip is known again below another root, as a copy, or re-encoded under its name. A path says nothing where the file
at hand has a size that none in training had: cards repeat their names. A moment says nothing of two clips
with sites, unless that of the second taught the model: cameras begin at the same time when their clock was reset. A
site is known by its name, made alike (`normalise_site`); where a row has no site, its deployment is the place.

Keys are shortened to 48 bits and mixed with a salt that differs from run to run. This hides them from people who
read the file, and lets nobody compare two bundles. It does not hide a guess: who has a file, or guesses a path or
the name of a site, can check it against the bundle. Names of places are few and guessed easily, so each of their
hashes takes about 10 ms (scrypt): a list of ten thousand names takes minutes, not a moment.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator

from leopardnet.core.columns import PARTS
from leopardnet.core.errors import BundleError
from leopardnet.core.footage.find_file import find_file
from leopardnet.core.footage.other_footage import refuse_other_footage
from leopardnet.core.footage.rendered import find_rendered
from leopardnet.core.footage.site_names import find_clip_values, has_other_site, normalise_site
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.settings_model import Settings
from leopardnet.core.tables import clip_id
from leopardnet.data.checks.match_files import IN_HEADERS

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import Bundle, BundleSpec
    from leopardnet.core.manifest import Manifest

KEY_BYTES, SIZE_BYTES = 6, 3
END_BYTES = 65_536
MAX_KEYS = 3_000_000  # 14 MB in a bundle; where there are more, by ids alone, and if these are too many by place
ANYWHERE = "|anywhere"  # ends the moment of a clip whose site is not known
Hashes = NDArray[np.uint64]


class LearnedFrom(Settings):
    """Hashes of the clips and places that a model was trained on, and of those that chose epoch and temperature.

    The texts are sets of hashes, see `_pack`. sizes: of all files, 24 bits each, so that only files of these sizes
    need be read again. n_rendered: clips that a program drew. before: of the models that this one went on from.
    """

    salt: str = Field(min_length=1)
    clips: str
    places: str
    chosen_clips: str
    chosen_places: str
    sizes: str
    n_rendered: int = 0  # older bundles do not say it
    before: tuple[LearnedFrom, ...] = Field(default=(), max_length=1)

    @field_validator("clips", "places", "chosen_clips", "chosen_places", "sizes")
    @classmethod
    def _is_packed(cls, text: str) -> str:
        _unpack(text)
        return text

    @classmethod
    def of(cls, taught: pd.DataFrame, chosen: pd.DataFrame, root: Path, *, salt: str) -> LearnedFrom:
        """Return the record of rows of a manifest below `root`. salt: anything that no other run has.

        taught, chosen: with the places of their clips, see `fill_places`. Files that cannot be read are known by
        their other keys.
        """
        ids: list[list[str]] = []
        keys: list[list[str]] = []
        sizes: list[str] = []
        for rows in (taught, chosen):
            paths = _explode_files(rows)
            found = [_find(root, path) for path in paths["path"]]
            sizes += [str(n) for n in map(_read_size, found) if n is not None]
            contents = [f"content:{x}" for x in map(_digest, found) if x is not None]
            ids.append([f"id:{clip_id(path)}" for path in paths["path"]])
            moments = _find_moments(rows).dropna()
            is_anywhere = rows.loc[moments.index, "site"].isna()
            keys.append([*ids[-1], *contents, *moments.where(~is_anywhere, moments + ANYWHERE)])
        none: list[list[str]] = [[], []]
        fitting = next((x for x in (keys, ids) if sum(map(len, x)) <= MAX_KEYS), none)
        packed = [_pack(_hash(x, salt)) for x in fitting]
        slow = [_pack(_hash_slowly(_find_places(x).dropna().unique(), salt)) for x in (taught, chosen)]
        return cls(
            salt=salt,
            clips=packed[0],
            places=slow[0],
            chosen_clips=packed[1],
            chosen_places=slow[1],
            sizes=_pack(_hash(sizes if fitting is keys else [], salt, SIZE_BYTES)),
            n_rendered=len(find_rendered(taught) | find_rendered(chosen)),
        )

    def count_rendered(self) -> int:
        """Return how many clips a program drew of those that this model, or one that it went on from, had."""
        return self.n_rendered + sum(earlier.count_rendered() for earlier in self.before)

    def find_part(self, rows: pd.DataFrame, root: Path | None) -> pd.Series[str]:
        """Return the part of each clip of a manifest's rows in making the model, by clip_id.

        It is 'clip' (trained on), 'site' (others of its place were), 'chosen' (it, or its place, chose epoch and
        temperature) or 'no'. root: where the files are; None opens none.
        """
        part = self._find_own_part(rows, root)
        for earlier in self.before:
            theirs = earlier.find_part(rows, root)
            part = part.where(part.map(PARTS.index) <= theirs.map(PARTS.index), theirs)
        return part

    def _find_own_part(self, rows: pd.DataFrame, root: Path | None) -> pd.Series[str]:
        rows = fill_places(rows).sort_values("kind", key=lambda k: k == "frame", kind="stable")
        first = rows.drop_duplicates("clip_id")
        part = pd.Series("no", index=pd.Index(first["clip_id"]), dtype="str")
        keys, moments, places = self._find_keys(first, root), self._find_moment_keys(first), _find_places(first)
        names, has_site = places.dropna().unique(), first["site"].notna().to_numpy(bool)
        hashes = _hash_slowly(names, self.salt)
        at_chosen, at_taught = (
            places.isin(names[np.isin(hashes, _unpack(known))]).to_numpy(bool)
            for known in (self.chosen_places, self.places)
        )

        def is_known(clips: str, is_at: NDArray[np.bool_]) -> NDArray[np.bool_]:
            ids, of_moment = (x.index[np.isin(x.to_numpy(np.uint64), _unpack(clips))] for x in (keys, moments))
            return part.index.isin(ids) | (part.index.isin(of_moment) & (is_at | ~has_site))

        is_chosen, is_taught = is_known(self.chosen_clips, at_chosen), is_known(self.clips, at_taught)
        part[is_chosen | at_chosen] = "chosen"
        part[at_taught] = "site"
        part[is_taught] = "clip"
        return part

    def _find_keys(self, first: pd.DataFrame, root: Path | None) -> pd.Series[int]:
        """Return the hashes of all keys of clips, by clip_id, but the moments that count at one site alone."""
        paths, moments = _explode_files(first), _find_moments(first).dropna()
        ids, texts = first.loc[moments.index, "clip_id"].tolist(), (moments + ANYWHERE).tolist()
        sizes = set(_unpack(self.sizes).tolist())
        for i, path in zip(paths["clip_id"], paths["path"], strict=True):
            file = None if root is None else _find(root, path)
            size = None if file is None else _read_size(file)
            is_same_size = size is not None and int(_hash([str(size)], self.salt, SIZE_BYTES)[0]) in sizes
            if size is None or is_same_size or not sizes:  # else another file: cards repeat DCIM/100MEDIA/IMAG0001
                ids.append(i)
                texts.append(f"id:{clip_id(path)}")
            if file is not None and is_same_size and (digest := _digest(file)) is not None:
                ids.append(i)
                texts.append(f"content:{digest}")
        return pd.Series(_hash(texts, self.salt), index=pd.Index(ids, dtype="str"), dtype="uint64")

    def _find_moment_keys(self, first: pd.DataFrame) -> pd.Series[int]:
        moments = _find_moments(first).dropna()
        ids = pd.Index(first.loc[moments.index, "clip_id"], dtype="str")
        return pd.Series(_hash(moments, self.salt), index=ids, dtype="uint64")


def mark_learned(predictions: Predictions, manifest: Manifest, bundle: Bundle) -> Predictions:
    """Return the predictions with the column in_training as this bundle and the sites of this manifest have it.

    A part that the predictions state already stays where it is the stronger one: `predict` also knows copies. Clips
    whose part `predict` found by the same site are not asked for again, as names of sites take time. The others
    have the site of the manifest in the result, as their part was found by it. Raises ManifestError for a manifest
    of other footage with the same file names.
    """
    learned = read_learned_from(bundle.spec)
    if learned is None:
        return predictions
    table, rows, order = predictions.table, manifest.table, {part: i for i, part in enumerate(PARTS)}
    refuse_other_footage(table, rows)
    said, sites = table["in_training"], table["clip_id"].map(find_clip_values(rows, "site"))
    is_asked = said.isna() | sites.isna() | has_other_site(table, rows)
    asked = rows[rows["clip_id"].isin(table.loc[is_asked, "clip_id"])]
    found = table["clip_id"].map(learned.find_part(asked, None))
    is_stronger = found.map(order).fillna(len(order)) < said.map(order).fillna(len(order))
    stronger, known = found.where(is_stronger, said), table["site"].mask(is_asked & sites.notna(), sites)
    marked = table.assign(in_training=stronger.astype("str"), site=known.astype("str"))
    return Predictions(marked, predictions.evidence)


def fill_places(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of a manifest with the site and the deployment of their clip where they have none.

    Rows of labelled frames often leave them to the row of the video.
    """
    of_clips = {name: rows["clip_id"].map(find_clip_values(rows, name)) for name in ("site", "deployment")}
    return rows.assign(**{name: rows[name].where(rows[name].notna(), x) for name, x in of_clips.items()})


def read_learned_from(spec: BundleSpec) -> LearnedFrom | None:
    """Return what a bundle's model learned from; None for bundles that do not say.

    Raises BundleError where the record is damaged.
    """
    found = spec.provenance.get("learned_from")
    if found is None:
        return None
    try:
        return LearnedFrom.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(
            "the record of what the model learned from is damaged",
            where=".".join(["bundle.json", "provenance", "learned_from", *map(str, first["loc"])]),
            found=first["msg"],
            todo="pack the run again, or copy the bundle again from where it came from",
        ) from None


def _explode_files(rows: pd.DataFrame) -> pd.DataFrame:
    """Return clip_id and path of every file; a burst has many."""
    listed = [
        json.loads(paths) if kind == "burst" and isinstance(paths, str) else [path]
        for kind, paths, path in zip(rows["kind"], rows["paths"], rows["path"], strict=True)
    ]
    files = pd.Series(listed, index=pd.Index(rows["clip_id"]), dtype=object, name="path")
    return files.explode().reset_index().drop_duplicates()


def _find_moments(rows: pd.DataFrame) -> pd.Series[str]:
    """Return the time and the file name of each row whose time its own file states; others are missing."""
    names = rows["path"].map(lambda path: path.rpartition("/")[2].casefold())
    moments = "moment:" + rows["captured_at"].dt.strftime("%Y-%m-%dT%H:%M:%S") + "|" + names
    found: pd.Series[str] = moments.where(rows["time_source"].isin(IN_HEADERS))
    return found


def _find_places(rows: pd.DataFrame) -> pd.Series[str]:
    """Return the place of each row: its site, or else its deployment; missing where neither is known."""
    by_site, by_deployment = (
        rows[kind].astype(object).map(lambda name, kind=kind: f"{kind}:{normalise_site(name)}", na_action="ignore")
        for kind in ("site", "deployment")
    )
    return by_site.where(by_site.notna(), by_deployment)


def _find(root: Path, path: str) -> Path:
    try:
        return find_file(root, path)
    except OSError:
        return root / path  # which nobody can read either


def _read_size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None


def _digest(file: Path) -> str | None:
    """Return a hash of the size of a file, its beginning and its end; None where it is empty or cannot be read."""
    try:
        with file.open("rb") as opened:
            size = file.stat().st_size
            if size == 0:  # cards that were full or torn out hold many, which have nothing in common
                return None
            head = opened.read(END_BYTES)
            opened.seek(max(END_BYTES, size - END_BYTES))
            return hashlib.sha256(b"%d:" % size + head + opened.read(END_BYTES)).hexdigest()
    except OSError:
        return None


def _hash(texts: Iterable[str], salt: str, n_bytes: int = KEY_BYTES) -> Hashes:
    """Return the salted hash of each text, uint64 [N], below 256 ** n_bytes."""
    key = salt.encode()[:64]

    def hash_all() -> Iterator[int]:
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            yield int.from_bytes(hashlib.blake2b(data, key=key, digest_size=n_bytes).digest(), "big")

    return np.fromiter(hash_all(), np.uint64)


def _hash_slowly(texts: Iterable[str], salt: str) -> Hashes:
    return np.array([_hash_one_slowly(text, salt) for text in texts], np.uint64)


@lru_cache(maxsize=100_000)
def _hash_one_slowly(text: str, salt: str) -> int:
    data = text.encode("utf-8", "surrogatepass")
    found = hashlib.scrypt(data, salt=salt.encode(), n=2**12, r=8, p=1, dklen=KEY_BYTES)
    return int.from_bytes(found, "big")


def _pack(hashes: Hashes) -> str:
    """Return a set of hashes as text: their sorted differences, byte planes apart, compressed, in base 64.

    A million hashes of 48 bits take 5 MB.
    """
    steps = np.diff(np.unique(hashes), prepend=np.uint64(0)).astype(">u8")
    planes = steps.view(np.uint8).reshape(-1, 8).T
    return base64.b64encode(zlib.compress(planes.tobytes(), 1)).decode("ascii")


@lru_cache(maxsize=8)
def _unpack(text: str) -> Hashes:
    """Return the sorted hashes that `_pack` packed, uint64 [N]. Raises ValueError for another text."""
    if not text:
        return np.zeros(0, np.uint64)
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), 32 * MAX_KEYS)
        planes = np.frombuffer(data, np.uint8).reshape(8, -1)
    except (ValueError, zlib.error) as error:
        raise ValueError(f"not a packed set of hashes: {error}") from None
    return np.cumsum(np.ascontiguousarray(planes.T).view(">u8").ravel().astype(np.uint64), dtype=np.uint64)
