"""The errors that one clip gives: they cost that clip and never a run."""

from __future__ import annotations

from leopardnet.core.errors import MediaError
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.types import Clip


def out_of_memory_error(clip: Clip, runtime: RuntimeConfig) -> MediaError:
    """Return the error of a clip that needed more memory than a worker has."""
    return MediaError(f"it needed more than {runtime.memory_limit_mb} MB of memory", where=clip.path)


def decoder_error(clip: Clip, error: Exception) -> MediaError:
    """Return the error of a clip whose decoder failed in an unknown way, without the path in system errors."""
    text = error.strerror if isinstance(error, OSError) else error
    return MediaError("the file cannot be decoded", where=clip.path, found=f"{type(error).__name__}: {text}"[:200])
