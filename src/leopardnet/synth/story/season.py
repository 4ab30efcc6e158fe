"""What happens in the story: its cameras from `deployments.csv`, and its clips from `season.csv`, both beside.

`true_time` is when a clip was really filmed. The clock of its camera showed that less the correction of its
deployment, and only this time is in the footage.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

import pandas as pd

from leopardnet.synth.plan import ClipPlan, FootageSpec, stream

DEPLOYMENTS, SEASON, RANGE = "deployments.csv", "season.csv", "range.geojson"
SPEC = FootageSpec(
    seed=2021,
    n_sites=8,
    clips_per_site=16,
    stills_per_site=0,
    width_px=512,
    height_px=288,
    duration_s=(4.0, 5.0),
    width_fraction=(0.3, 0.6),
    occluded_share=0.0,
)
_PICTURES_OF_MONTH = {9: "summer", 10: "autumn", 11: "autumn", 12: "winter", 1: "winter"}
_SUN = {9: (6.6, 19.4), 10: (7.2, 18.5), 11: (8.0, 17.7), 12: (8.6, 17.6), 1: (8.6, 18.0)}


@dataclass(frozen=True, slots=True)
class StoryClip:
    """One clip of the story: its plan, whose `captured_at` is the camera's clock, the true time, and its noises."""

    plan: ClipPlan
    true_time: datetime
    sounds: str


def read_story_text(name: str) -> str:
    """Return the text of a file of the story: DEPLOYMENTS, SEASON or RANGE."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def read_story_table(name: str) -> pd.DataFrame:
    """Return DEPLOYMENTS or SEASON as a table of texts, with empty ones for empty cells."""
    with (files(__package__) / name).open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


def plan_season(spec: FootageSpec = SPEC) -> tuple[StoryClip, ...]:
    """Return every clip of the season, camera by camera in the order of time.

    >>> clip = plan_season()[0]
    >>> clip.plan.path, clip.plan.label
    ('T1/T1/DCIM/100MEDIA/IMAG0001.AVI', 'empty')
    """
    cameras = read_story_table(DEPLOYMENTS)
    season = read_story_table(SEASON)
    return tuple(
        _plan_clip(spec, i_camera, number, camera, row)
        for i_camera, (_, camera) in enumerate(cameras.iterrows())
        for number, (_, row) in enumerate(season[season["deployment"] == camera["deployment"]].iterrows(), start=1)
    )


def _plan_clip(
    spec: FootageSpec, i_camera: int, number: int, camera: pd.Series[str], row: pd.Series[str]
) -> StoryClip:
    true_time = datetime.fromisoformat(row["true_time"])
    slow = pd.Timedelta(0)
    if camera["true_time"]:
        slow = pd.Timestamp(camera["true_time"]) - pd.Timestamp(camera["camera_time"])
    sunrise, sunset = _SUN[true_time.month]
    seconds = stream(spec, i_camera, number, "seconds").uniform(*spec.duration_s)
    plan = ClipPlan(
        i_site=i_camera,
        i_clip=number,
        path=f"{camera['site']}/{camera['deployment']}/DCIM/100MEDIA/IMAG{number:04d}.{row['container']}",
        container=row["container"],  # type: ignore[arg-type]
        label=row["label"],
        site=camera["site"],
        deployment=camera["deployment"],
        season=_PICTURES_OF_MONTH[true_time.month],
        captured_at=(true_time - slow.to_pytimedelta()),
        night=not sunrise < true_time.hour + true_time.minute / 60 < sunset,
        disturbance="wind" if "wind" in row["sounds"] else "none",
        occluded=False,
        n_frames=1 if row["container"] == "JPG" else round(seconds * spec.rate),
        alarm_call="whistle" in row["sounds"],
        facing=int(row["facing"]),
    )
    return StoryClip(plan, true_time, row["sounds"])
