import gc

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest, parse_time_zone


def test_clips_are_one_per_video_and_keep_order(manifest_of):
    m = manifest_of(
        path=["b.avi", "b.avi", "a.jpg"],
        kind=["frame", "frame", "still"],
        time_s=[0.0, 1.0, None],
        label=["empty", "tiger", "leopard"],
    )
    clips = m.clips()
    assert [(c.path, c.kind, c.label) for c in clips] == [
        ("b.avi", "video", "tiger"),
        ("a.jpg", "still", "leopard"),
    ]


@pytest.mark.parametrize("n_clips", [1, 2, 100])
def test_clips_come_page_by_page_as_often_as_one_likes(manifest_of, n_clips):
    m = manifest_of(
        path=["b.avi", "a.jpg", "b.avi", "c.avi"],
        kind=["frame", "still", "video", "frame"],
        time_s=[1.0, None, None, 0.0],
        label=["tiger", "leopard", None, "empty"],
    )
    pages = m.page_clips(n_clips=n_clips)
    assert list(pages) == list(pages) == m.clips() and len(pages) == 3
    assert m.clips()[2] in pages


def test_an_empty_manifest_has_no_page(manifest_of):
    pages = manifest_of(path=[], kind=[]).page_clips()
    assert (len(pages), list(pages)) == (0, [])


def test_the_label_of_the_whole_clip_wins_over_its_frames(manifest_of):
    m = manifest_of(path=["b.avi"] * 2, kind=["video", "frame"], time_s=[None, 1.0], label=["leopard", "empty"])
    assert m.clip_labels().tolist() == ["leopard"]


def test_frames_of_two_species_give_the_clip_no_label(manifest_of):
    m = manifest_of(path=["b.avi"] * 2, kind="frame", time_s=[0.0, 1.0], label=["leopard", "tiger"])
    assert len(m.clip_labels()) == 0 and m.clips()[0].label is None


def test_times_become_aware_only_with_a_zone(manifest_of):
    m = manifest_of(
        path=["a.jpg", "b.jpg"],
        kind="still",
        captured_at=["2021-12-30T22:00:00"] * 2,
        time_zone=["Asia/Vladivostok", None],
    )
    first, second = m.clips()
    assert first.captured_at.isoformat() == "2021-12-30T22:00:00+10:00" and second.captured_at is None


def test_clips_of_one_site_share_its_text_and_the_collector_goes_on_even_after_an_error(manifest_of):
    m = manifest_of(path=["a.jpg", "b.jpg"], kind="still", site=["s" * 30] * 2, captured_at="2021-12-30T22:00:00")
    first, second = m.clips()
    assert first.site is second.site and gc.isenabled()
    with pytest.raises(ManifestError, match="unknown time zone"):
        m.replace(m.table.assign(time_zone="Mars/Base")).clips()
    assert gc.isenabled()


@pytest.mark.parametrize("name", ["Mars/Base", "+25:00", "+1", "+10:99", "../etc", ""])
def test_a_zone_that_is_none_is_refused(name):
    with pytest.raises(ManifestError, match="unknown time zone"):
        parse_time_zone(name)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_manifest_remembers_its_root_and_can_move_with_it(tmp_path, manifest_of, suffix):
    (tmp_path / "here" / "cards").mkdir(parents=True)
    m = manifest_of(root=tmp_path / "here" / "cards", path=["a.jpg"], kind=["still"], site=["NA"])
    m.write(tmp_path / "here" / f"m{suffix}")
    (tmp_path / "here").rename(tmp_path / "there")
    back = Manifest.read(tmp_path / "there" / f"m{suffix}")
    assert back.root.resolve() == (tmp_path / "there" / "cards").resolve()
    pd.testing.assert_frame_equal(back.table, m.table)
    assert str(tmp_path).encode() not in (tmp_path / "there" / f"m{suffix}").read_bytes()


def test_another_table_is_no_manifest(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ManifestError, match="not a manifest"):
        Manifest.read(tmp_path / "t.csv")


def test_where_filters_and_names_an_unknown_column(manifest_of):
    m = manifest_of(path=["a.jpg", "b.jpg"], kind="still", split=["train", "test"])
    assert m.where(split=["train", "val"]).table["path"].tolist() == ["a.jpg"]
    with pytest.raises(ManifestError, match="no such column"):
        m.where(colour="red")


def test_an_empty_manifest_has_no_clips(manifest_of):
    assert manifest_of(path=[], kind=[]).clips() == []


@pytest.mark.parametrize("paths", ["[oops", "{}", "[]", "[1]", '["../x.jpg"]', '["/etc/x.jpg"]'])
def test_a_burst_of_strange_paths_is_refused(manifest_of, paths):
    with pytest.raises(ManifestError, match="column paths"):
        manifest_of(path=["a.jpg"], kind=["burst"], paths=[paths])


def test_a_manifest_from_elsewhere_cannot_point_anywhere(tmp_path):
    (tmp_path / "m.csv").write_text("path,kind,root\na.jpg,still,/etc\n")
    with pytest.raises(ManifestError, match="must be relative"):
        Manifest.read(tmp_path / "m.csv")
    assert Manifest.read(tmp_path / "m.csv", root=tmp_path).root == tmp_path


def test_a_clip_of_independent_labels_has_all_of_its_own_or_else_of_its_frames(manifest_of):
    m = manifest_of(
        path=["a.avi", "b.avi", "b.avi", "c.avi", "c.avi", "d.jpg", "e.jpg"],
        kind=["video", "frame", "frame", "video", "frame", "still", "still"],
        time_s=[None, 0.0, 1.0, None, 1.0, None, None],
        label=[None, "tiger", "empty", "leopard", None, "empty", None],
        labels=["deer + leopard", None, None, None, "deer + tiger", None, None],
    )
    assert m.clip_label_sets().tolist() == ["deer + leopard", "tiger", "leopard", "empty"]
    assert m.clip_labels().tolist() == ["leopard", "empty", "tiger"], "rows of several labels have no single one"
