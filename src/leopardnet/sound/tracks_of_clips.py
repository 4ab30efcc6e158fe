"""The tracks of some clips of a manifest, one after the other, and why those that cannot be read are left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from leopardnet.core.errors import MediaError
from leopardnet.core.manifest import Manifest
from leopardnet.media.decode import resolve_path
from leopardnet.sound.track import MAX_RATE_HZ, Track, read_track

NO_CLIP = "the clip is not in the manifest"


def read_tracks(
    manifest: Manifest,
    clip_ids: Collection[str],
    *,
    max_rate_hz: int = MAX_RATE_HZ,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[str, Track | None, str]]:
    """Yield clip_id and track of these clips, each once, in the order of their paths.

    The track is None where a clip has no sound, and then the text is empty, or where it cannot be read or is not in
    the manifest, and then the text says why.
    """
    table = manifest.table.drop_duplicates("clip_id")
    paths = dict(zip(table["clip_id"], table["path"], strict=True))
    ordered = sorted(set(clip_ids), key=lambda clip: (paths.get(clip, ""), clip))
    for i, clip_id in enumerate(ordered, 1):
        if clip_id not in paths:
            yield clip_id, None, NO_CLIP
        else:
            try:
                yield clip_id, read_track(resolve_path(manifest.root, paths[clip_id]), max_rate_hz=max_rate_hz), ""
            except MediaError as error:
                yield clip_id, None, error.one_line
        if on_progress is not None:
            on_progress(i, len(ordered))
