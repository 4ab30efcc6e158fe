"""Write rendered camera-trap footage with tables of the true labels, as used by the demo and the benchmarks."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from leopardnet.core.errors import LeopardnetError
from leopardnet.synth import FootageSpec, render_footage


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python scripts/make_demo_footage.py --out demo_footage --sites 4 --size 640x360",
    )
    usual = FootageSpec()
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; it is created")
    parser.add_argument("--seed", type=int, default=usual.seed, help="seed of the footage (default %(default)s)")
    parser.add_argument("--sites", type=int, default=usual.n_sites, help="number of cameras (default %(default)s)")
    parser.add_argument(
        "--clips-per-site", type=int, default=usual.clips_per_site, help="videos per camera (default %(default)s)"
    )
    parser.add_argument(
        "--stills-per-site", type=int, default=usual.stills_per_site, help="photos per camera (default %(default)s)"
    )
    parser.add_argument(
        "--size", default=f"{usual.width_px}x{usual.height_px}", help="WIDTHxHEIGHT in pixels (default %(default)s)"
    )
    parser.add_argument("--fps", type=float, default=usual.fps, help="frames per second (default %(default)s)")
    parser.add_argument(
        "--seconds",
        type=float,
        nargs=2,
        default=usual.duration_s,
        metavar=("MIN", "MAX"),
        help="shortest and longest video (default 4 6)",
    )
    parser.add_argument(
        "--night-share", type=float, default=usual.night_share, help="share of infrared clips (default %(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes that render (default %(default)s)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0 when written, 2 when a setting is wrong."""
    given = read_arguments(arguments)
    started = time.perf_counter()
    try:
        width, _, height = given.size.partition("x")
        spec = FootageSpec(
            seed=given.seed,
            n_sites=given.sites,
            clips_per_site=given.clips_per_site,
            stills_per_site=given.stills_per_site,
            width_px=int(width),
            height_px=int(height),
            fps=given.fps,
            duration_s=(given.seconds[0], given.seconds[1]),
            night_share=given.night_share,
        )
    except ValueError:
        print(f"--size {given.size}: expected WIDTHxHEIGHT, such as 640x360", file=sys.stderr)
        return 2
    except LeopardnetError as error:
        print(error, file=sys.stderr)
        return 2
    clips = render_footage(given.out, spec, n_workers=given.workers, on_progress=show_progress)
    counts = ", ".join(f"{n} {label}" for label, n in clips["label"].value_counts().sort_index().items())
    print(f"\n{len(clips)} files in {given.out} after {time.perf_counter() - started:.0f} s: {counts}")
    return 0


def show_progress(n_done: int, n_all: int) -> None:
    """Rewrite one line of the terminal."""
    print(f"\rrendered {n_done} of {n_all}", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
