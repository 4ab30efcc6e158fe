"""What the workers of `predict` need, loaded by their server while this process reads the footage."""

from __future__ import annotations

from leopardnet.core.processes.fork_server import start_fork_server

# leopardnet comes before openvino, of which it keeps a part from being loaded.
MODULES = (
    *("leopardnet.infer.clip", "leopardnet.infer.workers.pool"),
    *("leopardnet.sound.tonal_calls", "leopardnet.sound.voice", "scipy.special", "openvino"),
)


def preload_workers() -> None:
    """Start to load what workers need, in another process. Costs this one a few milliseconds."""
    start_fork_server(MODULES)
