import pandas as pd
import pytest

from leopardnet.core.footage.id_sets import is_among


@pytest.mark.parametrize("values", [{"b", "c"}, ["b", "c", "b"], pd.Series(["c", "b", None], dtype="str")])
@pytest.mark.parametrize("dtype", ["str", object])
def test_a_text_is_among_others_where_it_is_there_and_a_missing_one_never(values, dtype):
    column = pd.Series(["a", "b", None, "c"], index=[4, 3, 2, 1], dtype=dtype)
    found = is_among(column, values)
    assert found.tolist() == [False, True, False, True] and found.index.tolist() == [4, 3, 2, 1]


def test_nothing_is_among_nothing():
    assert is_among(pd.Series(["a"], dtype="str"), []).tolist() == [False]
    assert is_among(pd.Series([], dtype="str"), ["a"]).tolist() == []
