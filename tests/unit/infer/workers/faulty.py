"""A `read_frames` that fails as broken decoders do, by the name of the clip. Workers import it by name."""

import os
import threading
from pathlib import Path

from leopardnet.infer.clip import read_frames as decode_frames


def read_frames(clip, job):
    if "abort" in clip.path:
        os.abort()
    if "exit" in clip.path:
        os._exit(7)
    if "hang" in clip.path:
        threading.Event().wait()
    if "eat" in clip.path:
        held = []
        while True:
            held.append(bytes(32 << 20))
    if "vanish" in clip.path:
        (Path(job.root) / clip.path).unlink(missing_ok=True)
    return decode_frames(clip, job)
