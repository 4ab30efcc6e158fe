"""Simulate `leopardnet predict --engine ray` on 1 to 256 nodes, from times that were measured on one machine.

A discrete-event model of the places where clips wait: the shared storage and the link of each node (one clip after
the other, at their bandwidth), the workers, and the driver, which takes results in by batches of 32, writes them
to the journal and hands out the next batch. Each worker has two batches, as Ray Data arranges it: one in progress,
and one that waits there or is with the driver. Seconds per clip are gamma variates with the measured spread. Left
out: the start, lost nodes, the last batches of a run, and cores that slow down when all of a node work.

    python scripts/benchmarks/cluster.py runs/bench/clips --bundle runs/demo/run/bundle --out runs/cluster.json
    python scripts/simulate_cluster.py runs/cluster.json --cores 16 --storage-mb-s 2000

The first table compares the model with what was measured on this machine. All others are simulated, the last one
with storage without a limit, which shows where the driver is full.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 32  # clips, as `CLIPS_PER_TASK` of `infer.workers.ray_cluster`
BATCHES_PER_WORKER = 2  # that Ray Data has under way for an actor
NODES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ROUNDS = 6  # batches of each worker in a simulated run, of which the middle counts


@dataclass(frozen=True)
class Cluster:
    """Nodes of `cores` workers each, and the times of one clip: clip_s on a worker, driver_s in the driver.

    clip_spread: standard deviation of clip_s, as a share of it; storage_mb_s, link_mb_s: of all nodes together, and
    of each; mb: read per clip.
    """

    nodes: int
    cores: int
    clip_s: float
    clip_spread: float
    driver_s: float
    mb: float = 0.0
    storage_mb_s: float = math.inf
    link_mb_s: float = math.inf


@dataclass(frozen=True)
class Throughput:
    """Clips per second in the steady part of a run, and the share of it in which each place was busy."""

    clips_per_s: float
    workers: float
    driver: float
    storage: float
    links: float

    @property
    def limit(self) -> str:
        """The busiest place: it sets the pace."""
        places = {"workers": self.workers, "storage": self.storage, "links": self.links, "driver": self.driver}
        return max(places, key=lambda name: places[name])


def simulate(cluster: Cluster, *, seed: int = 0, rounds: int = ROUNDS) -> Throughput:
    """Run the model until each worker had `rounds` batches on average."""
    rng = np.random.default_rng(seed)
    n_workers = cluster.nodes * cluster.cores
    n_batches = n_workers * rounds
    times = _draw_times(cluster, rng)
    read_s, pass_s = cluster.mb / cluster.storage_mb_s, cluster.mb / cluster.link_mb_s
    storage_free = driver_free = 0.0
    link_free = [0.0] * cluster.nodes
    waiting = [BATCHES_PER_WORKER] * n_workers  # batches that lie at the worker
    left = [0] * n_workers  # clips of the batch in progress
    events: list[tuple[float, int, int]] = [(0.0, i, 0) for i in range(n_workers)]
    finished: list[float] = []
    heapq.heapify(events)
    while len(finished) < n_batches:
        now, i, is_back = heapq.heappop(events)
        if is_back:  # the driver took a result in and sends the next batch
            finished.append(now)
            waiting[i] += 1
            if left[i]:
                continue  # the worker is busy and takes the batch up later
        elif left[i]:
            left[i] -= 1
            if not left[i]:
                driver_free = max(now, driver_free) + BATCH * cluster.driver_s
                heapq.heappush(events, (driver_free, i, 1))
        if not left[i]:
            if not waiting[i]:
                continue
            waiting[i] -= 1
            left[i] = BATCH
        node = i // cluster.cores
        storage_free = max(now, storage_free) + read_s
        link_free[node] = max(now, link_free[node]) + pass_s
        heapq.heappush(events, (max(storage_free, link_free[node]) + next(times), i, 0))
    first, last = n_batches // 4, n_batches * 3 // 4
    rate = BATCH * (last - first) / (finished[last] - finished[first])
    return Throughput(
        rate,
        workers=rate * cluster.clip_s / n_workers,
        driver=rate * cluster.driver_s,
        storage=rate * read_s,
        links=rate * pass_s / cluster.nodes,
    )


def _draw_times(cluster: Cluster, rng: np.random.Generator) -> Iterator[float]:
    """Yield seconds of clips, without end."""
    shape = 1 / max(cluster.clip_spread, 1e-3) ** 2
    while True:
        yield from rng.gamma(shape, cluster.clip_s / shape, 4096).tolist()


def show_validation(measured: dict[str, Any]) -> None:
    """Print measured and simulated clips per second of 1 to N workers on the machine that was measured."""
    print("clips per second of tiny clips on this machine, measured and simulated")
    for run in measured["runs"]:
        here = Cluster(1, run["workers"], run["clip_s"], run["clip_spread"], run["driver_s"])
        found = simulate(here, rounds=100)
        error = found.clips_per_s / run["clips_per_s"] - 1
        print(f"  {run['workers']} workers {run['clips_per_s']:8.1f} {found.clips_per_s:8.1f}  {error:+.0%}")


def show_nodes(cluster: Cluster) -> None:
    """Print clips per minute against the number of nodes, how busy each place is, and which is the busiest."""
    print(f"\nnodes of {cluster.cores} cores, storage of {cluster.storage_mb_s:.0f} MB/s")
    print("  nodes  clips/min  of perfect  workers  storage  links  driver  limit")
    perfect = cluster.cores / cluster.clip_s  # clips per second of a node that never waits
    for nodes in NODES:
        x = simulate(replace(cluster, nodes=nodes))
        shares = "".join(f"{share:9.2f}" for share in (x.workers, x.storage, x.links, x.driver))
        of_perfect = x.clips_per_s / (nodes * perfect)
        print(f"  {nodes:5d} {60 * x.clips_per_s:10.0f} {of_perfect:11.2f}{shares}  {x.limit}")
    storage = cluster.storage_mb_s / (cluster.mb * perfect)
    print(f"  full: storage from {storage:.1f} nodes on, the driver from {1 / (cluster.driver_s * perfect):.0f} on")


def main() -> None:
    """Print the comparison with the measured machine, and the simulated clusters."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path)
    parser.add_argument("--cores", type=int, default=16, help="of a node; one worker each")
    parser.add_argument("--storage-mb-s", type=float, nargs="+", default=[1000.0, 10_000.0, math.inf])
    parser.add_argument("--link-mb-s", type=float, default=1250.0, help="of each node: 1250 is 10 Gbit/s")
    options = parser.parse_args()
    measured = json.loads(options.measured.read_text())
    show_validation(measured)
    cluster = Cluster(
        1,
        options.cores,
        measured["decode_s"] + measured["network_s"],
        measured["clip_spread"],
        measured["driver_s"],
        mb=measured["mb"],
        link_mb_s=options.link_mb_s,
    )
    parts = {name: 1e3 * measured[f"{name}_s"] for name in ("decode", "network", "journal")}
    print(
        f"\na clip: {parts['decode']:.0f} ms decoding, {parts['network']:.0f} ms network, {cluster.mb:.1f} MB "
        f"read; driver {1e3 * cluster.driver_s:.2f} ms, of it journal {parts['journal']:.2f} ms"
    )
    for mb_s in options.storage_mb_s:
        show_nodes(replace(cluster, storage_mb_s=mb_s))


if __name__ == "__main__":
    main()
