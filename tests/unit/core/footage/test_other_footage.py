"""Two cards with the same file names: joined by path, they must be told apart by what else is known."""

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.other_footage import refuse_other_footage
from leopardnet.core.tables import clip_id

NAMES = [f"DCIM/100MEDIA/IMAG{i:04d}.AVI" for i in range(1, 11)]
TIMES = pd.to_datetime("2024-05-01 10:00") + pd.to_timedelta([0, 7, 31, 60, 95, 200, 212, 300, 451, 600], "min")


def table(n=10, **columns):
    paths = NAMES[:n]
    rows = pd.DataFrame({"clip_id": map(clip_id, paths), "path": paths, "kind": "video", "captured_at": TIMES[:n]})
    return rows.assign(**columns)


def other_times(n):
    minutes = [3, 44, 45, 46, 200, 201, 333, 480, 500, 777][:n]
    return pd.to_datetime("2024-06-11 19:00") + pd.to_timedelta(minutes, "min")


def refusal(a, b):
    with pytest.raises(ManifestError, match="they are of different footage") as error:
        refuse_other_footage(a, b)
    return str(error.value)


@pytest.mark.parametrize("n", [1, 2, 10])
def test_other_times_are_refused_with_an_example_of_both(n):
    text = refusal(table(n), table(n, captured_at=other_times(n)))
    assert "DCIM/100MEDIA/IMAG0001.AVI" in text and f"{n} of {n} common clips differ" in text
    assert "2024-05-01 10:00:00 in predictions, 2024-06-11 19:03:00 in manifest" in text


def test_tables_that_share_no_clip_are_refused_where_they_must():
    other = table(2).assign(path=["x/1.AVI", "x/2.AVI"], clip_id=list(map(clip_id, ["x/1.AVI", "x/2.AVI"])))
    refuse_other_footage(table(3), other)
    with pytest.raises(ManifestError, match="predictions and manifest have no clip in common") as error:
        refuse_other_footage(table(3), other, must_share=True)
    assert "DCIM/100MEDIA/IMAG0001.AVI in predictions and x/1.AVI in manifest" in str(error.value)
    refuse_other_footage(table(3), pd.concat([other, table(3).iloc[2:]]), must_share=True)
    refuse_other_footage(table(3), other.iloc[:0], must_share=True)


def test_other_sites_are_refused_where_no_time_says_better():
    without = pd.Series(pd.NaT, index=range(2), dtype="datetime64[us]")
    a, b = table(2, site="ridge", captured_at=without), table(2, site=["ridge", "valley"])
    assert "site ridge in predictions, site valley in manifest; 1 of 2 common clips differ" in refusal(a, b)
    refuse_other_footage(table(2, site="ridge"), table(2, site="Ridge north"))  # a site that was renamed


def test_other_kinds_and_shapes_are_refused():
    assert "video in predictions, still in manifest" in refusal(table(1), table(1, kind="burst"))
    a = table(1, width_px=1920, height_px=1080)
    assert "1920 x 1080 px in predictions, 4000 x 3000 px" in refusal(a, table(1, width_px=4000, height_px=3000))
    refuse_other_footage(a, table(1, width_px=720, height_px=1279))  # turned, smaller and rounded
    refuse_other_footage(a, table(1, width_px=0, height_px=0))


def test_what_is_known_on_one_side_only_or_differs_by_seconds_is_no_contradiction():
    refuse_other_footage(table(3), table(3)[["clip_id"]])
    refuse_other_footage(table(3, site=None), table(3, site="ridge"))
    refuse_other_footage(table(3), table(3, captured_at=TIMES[:3].floor("min") + pd.Timedelta("59s")))
    refuse_other_footage(table(3), table(3).iloc[:0])
    refuse_other_footage(table(3, kind="frame", site="x"), pd.concat([table(3, kind="frame"), table(3)]))


def test_a_corrected_clock_is_no_other_card():
    shift = pd.Series(pd.Timedelta("9h30min"), index=range(10))
    refuse_other_footage(table(site="a"), table(site="a", captured_at=TIMES + shift))
    shift.iloc[6:] += pd.Timedelta("1h")  # summer time began
    refuse_other_footage(table(), table(captured_at=TIMES + shift))
    assert "10 of 10 common clips differ" in refusal(table(site="a"), table(site="b", captured_at=TIMES + shift))
    assert "4 of 4 common clips differ" in refusal(
        table(4), table(4, captured_at=TIMES[:4] + shift.iloc[:4])
    )  # too few to tell
    assert "1 of 10 common clips differ" in refusal(
        table(site="a"), table(site=["a"] * 9 + ["b"], captured_at=[*TIMES[:9], None])
    )
