import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.core.columns import MANIFEST
from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import CSV_TIME, append_csv, atomic_path, clip_id, conform, read_table, write_table


def rows(**columns):
    return pd.DataFrame({"path": ["a/1.jpg"], "kind": ["still"], "clip_id": ["x"], **columns})


def test_absent_columns_are_filled_and_ordered():
    table = conform(rows(), MANIFEST, where="m")
    assert list(table.columns) == [c.name for c in MANIFEST]
    assert table["label"].isna().all() and table["captured_at"].dtype == "datetime64[us]"


@pytest.mark.parametrize(
    ("columns", "column", "found"),
    [
        ({"path": ["../x.jpg"]}, "path", "'../x.jpg'"),
        ({"path": ["a\\b.jpg"]}, "path", r"'a\\b.jpg'"),
        ({"path": ["/etc/x.jpg"]}, "path", "'/etc/x.jpg'"),
        ({"path": ["C:x.jpg"]}, "path", "'C:x.jpg'"),
        ({"kind": ["movie"]}, "kind", "'movie'"),
        ({"time_s": [-1.0]}, "time_s", "-1.0"),
        ({"time_s": ["soon"]}, "time_s", "'soon'"),
        ({"captured_at": ["noon"]}, "captured_at", "'noon'"),
        ({"path": [None]}, "path", "None"),
    ],
)
def test_a_wrong_value_is_named_with_row_and_column(columns, column, found):
    with pytest.raises(ManifestError) as error:
        conform(rows(**columns), MANIFEST, where="m.csv")
    assert f"m.csv, row 1, column {column}" in str(error.value)
    assert found in str(error.value) or "nan" in str(error.value)


def test_the_row_at_fault_is_counted_below_the_header():
    table = pd.concat([rows(clip_id=[str(i)]) for i in range(3)], ignore_index=True)
    table.loc[2, "kind"] = "movie"
    with pytest.raises(ManifestError, match=r"m\.csv, row 3, column kind"):
        conform(table, MANIFEST, where="m.csv")


def test_unknown_and_missing_columns_are_named():
    with pytest.raises(ManifestError, match=r"unknown \['colour'\]"):
        conform(rows(colour=["red"]), MANIFEST, where="m")
    with pytest.raises(ManifestError, match=r"missing \['kind'\]"):
        conform(rows().drop(columns="kind"), MANIFEST, where="m")


def test_a_row_twice_is_refused():
    with pytest.raises(ManifestError, match="a row of the table is repeated"):
        conform(pd.concat([rows(), rows()]), MANIFEST, where="m", unique=("clip_id", "time_s"))


def test_no_rows_at_all_keep_their_columns():
    table = conform(rows()[:0], MANIFEST, where="m")
    assert len(table) == 0 and len(table.columns) == len(MANIFEST)


text = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda s: s.strip() == s
)
names = st.one_of(st.none(), st.sampled_from(["NA", "null", "nan", "TRUE", "007", "1e5", "дуб, 3"]), text)


@given(
    st.lists(
        st.tuples(
            names, names, st.one_of(st.none(), st.floats(0, 1e6)), st.one_of(st.none(), st.integers(0, 2**40))
        ),
        max_size=6,
    ),
    st.sampled_from([".csv", ".parquet"]),
)
def test_a_table_comes_back_as_it_was(tmp_path_factory, values, suffix):
    n = range(len(values))
    table = pd.DataFrame(
        {"path": [f"{i}.jpg" for i in n], "kind": "still", "clip_id": [str(i) for i in n]}
        | {name: [v[k] for v in values] for k, name in enumerate(("site", "label", "time_s", "frame_number"))}
        | {"captured_at": pd.to_datetime(["2021-12-30T22:34:56.123456"] * len(values))}
    )
    table = conform(table, MANIFEST, where="made")
    path = write_table(table, tmp_path_factory.mktemp("t") / f"t{suffix}")
    pd.testing.assert_frame_equal(conform(read_table(path), MANIFEST, where="read"), table)


floats = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1.0, 1e-4, 9.9e-5, 1e10, 1e15, 1e16, 0.1 + 0.2]))
cells = st.one_of(st.none(), st.text(st.sampled_from('ab,"\n é'), max_size=4))


@given(st.lists(st.tuples(floats, cells, st.one_of(st.none(), st.integers(-5, 5))), max_size=8))
def test_a_csv_file_has_the_bytes_that_pandas_writes(tmp_path_factory, rows):
    number, text, whole = ([row[i] for row in rows] for i in range(3))
    at = pd.Series(pd.Timestamp("2021-07-01 05:06:07.000089"), range(len(rows)), "datetime64[us]")
    columns = {
        "number": pd.Series(number, dtype=float),
        'a "text", and more': pd.Series(text, dtype="str"),
        "object": pd.Series(text, dtype=object),
        "whole": pd.Series(whole, dtype="Int64"),
        "small": pd.Series(number, dtype=float).clip(-1e30, 1e30).astype("float32"),
        "is": pd.Series([x is None for x in whole], dtype=bool),
        "kind": pd.Series(text, dtype=object).astype("category"),
        "at": at.mask(pd.Series([x is None for x in whole], dtype=bool)),
    }
    for table in (pd.DataFrame(columns), pd.DataFrame(columns)[["object"]], pd.DataFrame(columns)[["number"]]):
        path = write_table(table, tmp_path_factory.mktemp("t") / "t.csv")
        assert path.read_bytes().decode() == table.to_csv(index=False, date_format=CSV_TIME, lineterminator="\n")


def test_a_csv_file_of_many_rows_has_them_all_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr("leopardnet.core.tables.CSV_ROWS", 3)
    path = write_table(pd.DataFrame({"i": range(8)}), tmp_path / "t.csv")
    append_csv(pd.DataFrame({"i": [8]}), path)
    assert path.read_text().split() == ["i", *map(str, range(9))]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "content"), [("t.parquet", b"PAR1 no"), ("t.csv", b"\xff\xfe\x00a")])
def test_a_damaged_table_is_one_clear_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ManifestError, match="cannot be read"):
        read_table(tmp_path / name)


def test_an_empty_file_is_called_one(tmp_path):
    for suffix, expected in ((".parquet", "a complete .parquet file"), (".csv", "a complete .csv file in UTF-8")):
        (tmp_path / f"t{suffix}").write_bytes(b"")
        with pytest.raises(ManifestError, match="cannot be read") as error:
            read_table(tmp_path / f"t{suffix}")
        parts = error.value.parts
        assert parts["found"] == "an empty file (0 bytes)" and parts["expected"] == expected
        assert parts["do"].startswith("make it again")


def test_a_missing_or_strange_table_says_so(tmp_path):
    with pytest.raises(ManifestError, match="no such table"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.doc").write_text("x")
    with pytest.raises(ManifestError, match="unknown table format"):
        read_table(tmp_path / "t.doc")


def test_clip_ids_do_not_depend_on_the_unicode_form():
    assert clip_id("Та\u0439га/1.avi") == clip_id("Та\u0438\u0306га/1.avi") != clip_id("Тайга/2.avi")


def test_a_parquet_file_with_strange_notes_of_pandas_is_one_message(tmp_path):
    """Found by fuzzing: pandas fails on notes that it finds in the file and takes for its own."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for notes in (b"{}", b"[]", b"1", b'{"index_columns": [{}], "columns": [], "column_indexes": []}'):
        table = pa.table({"a": [1]}).replace_schema_metadata({b"pandas": notes})
        pq.write_table(table, tmp_path / "x.parquet")
        with pytest.raises(ManifestError, match="cannot be read"):
            read_table(tmp_path / "x.parquet")


def test_an_error_of_writing_names_the_file_as_the_user_knows_it(tmp_path):
    path, other = tmp_path / "t.csv", tmp_path / "other.csv"
    for read, named in ((None, path), (other, other)):
        with pytest.raises(FileNotFoundError) as error, atomic_path(path) as part:
            (read or part).read_bytes()
        assert error.value.filename == str(named) and ".part" not in str(error.value)
