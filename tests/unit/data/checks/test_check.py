"""Findings: each fault is found, named with its row, and a sound manifest has none."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

import leopardnet.cli.dataset  # noqa: F401  (registers the verbs)
from leopardnet.cli.console import app
from leopardnet.core.columns import FINDINGS
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import read_table
from leopardnet.data.checks.check import check, count_by_rule, count_coverage
from leopardnet.data.checks.file_facts import find_copies, read_file_facts
from leopardnet.data.checks.fingerprints import find_near_pairs, fingerprint
from leopardnet.data.splits.split import split

NOW = datetime(2024, 6, 1)


def scene(seed, *, grey=False, size=(160, 120)):
    """A picture of coloured blots, the same for a seed and unlike for every other."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (8, 10, 3), np.uint8)
    image = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    return image.convert("L").convert("RGB") if grey else image


def save(root, path, image, **options):
    full = root / path
    full.parent.mkdir(parents=True, exist_ok=True)
    image.save(full, **options)


def table(root, rows):
    return Manifest.from_rows(pd.DataFrame(rows).assign(kind=[r.get("kind", "still") for r in rows]), root)


def found(manifest, rule, **options):
    """Row and message of each finding of this rule."""
    findings = check(manifest, now=NOW, **options)
    mine = findings[findings["rule"] == rule]
    return [(None if pd.isna(r) else int(r), m) for r, m in zip(mine["row"], mine["message"], strict=True)]


def rules(manifest, **options):
    return set(check(manifest, now=NOW, **options)["rule"])


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """Four sound pictures at four sites, with times."""
    root = tmp_path_factory.mktemp("four")
    rows = []
    for i in range(4):
        save(root, f"s{i}/IMG_{i}.jpg", scene(i))
        rows.append(
            {"path": f"s{i}/IMG_{i}.jpg", "site": f"s{i}", "label": "tiger", "captured_at": NOW - timedelta(days=i)}
        )
    return table(root, rows)


@pytest.fixture
def blind(tmp_path):
    """Checks of tables alone: the files need not exist."""

    def run(rows, rule, **options):
        manifest = table(tmp_path, rows)
        facts = read_file_facts(manifest).assign(status="ok", reason=None)
        return found(manifest, rule, facts=facts, **options)

    return run


def test_a_sound_manifest_has_no_findings(four):
    findings = check(four, now=NOW)
    assert findings.empty and list(findings.columns) == [c.name for c in FINDINGS]
    assert count_by_rule(findings).empty


def test_the_manifest_is_not_changed(four):
    before = four.table.copy()
    check(four, now=NOW)
    pd.testing.assert_frame_equal(four.table, before)


# --- files ---


def test_missing_empty_unreadable_and_cut_files(tmp_path):
    save(tmp_path, "ok.jpg", scene(1))
    save(tmp_path, "cut.jpg", scene(2, size=(640, 480)), quality=95)
    data = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.avi").touch()
    (tmp_path / "noise.mp4").write_bytes(b"this is no video at all")
    (tmp_path / "noise.jpg").write_bytes(b"\xff\xd8\xff\xe0 nor is this a picture")
    names = ["ok.jpg", "cut.jpg", "empty.avi", "noise.mp4", "noise.jpg", "gone.avi"]
    m = table(tmp_path, [{"path": n, "kind": "video" if n[-1] in "4i" else "still"} for n in names])
    findings = check(m, now=NOW)
    by_rule = {rule: sorted(rows["row"]) for rule, rows in findings.groupby("rule")}
    assert by_rule["file_missing"] == [6]
    assert by_rule["file_empty"] == [3]
    assert by_rule["file_unreadable"] == [4, 5]
    assert by_rule["file_partial"] == [2]
    assert findings["severity"].tolist()[:4] == ["error"] * 4
    assert not findings["message"].str.contains(str(tmp_path), regex=False).any()


def test_headers_alone_and_presence_alone(tmp_path):
    (tmp_path / "noise.jpg").write_bytes(b"no picture")
    m = table(tmp_path, [{"path": "noise.jpg"}, {"path": "gone.jpg"}])
    assert "file_unreadable" in rules(m, perceptual=False)
    assert {"file_missing"} == rules(m, perceptual=False, probe=False, hash_files=False) & {
        "file_missing",
        "file_unreadable",
    }


def test_every_still_of_a_burst_is_looked_at(tmp_path):
    save(tmp_path, "1.jpg", scene(1))
    m = table(tmp_path, [{"path": "1.jpg", "kind": "burst", "paths": json.dumps(["1.jpg", "2.jpg"])}])
    findings = check(m, now=NOW)
    missing = findings[findings["rule"] == "file_missing"].iloc[0]
    assert (missing["row"], missing["path"]) == (1, "2.jpg")


def test_one_row_of_facts_per_file_with_progress(four):
    seen = []
    facts = read_file_facts(four, on_progress=lambda *n: seen.append(n))
    assert facts["path"].tolist() == four.table["path"].tolist()
    assert facts["status"].eq("ok").all() and facts["width_px"].eq(160).all()
    assert facts["digest"].isna().all() or facts["size_bytes"].duplicated().any()
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


# --- copies ---


def with_copies(tmp_path):
    save(tmp_path, "a/1.png", scene(1))
    (tmp_path / "b").mkdir()
    shutil.copy(tmp_path / "a/1.png", tmp_path / "b/2.png")
    save(tmp_path, "c/3.jpg", scene(1).resize((80, 60)), quality=70)
    save(tmp_path, "d/4.png", scene(2))
    return [{"path": p, "site": p[0], "label": "tiger"} for p in ("a/1.png", "b/2.png", "c/3.jpg", "d/4.png")]


def test_equal_files_and_look_alikes_are_found_across_sites(tmp_path):
    m = table(tmp_path, with_copies(tmp_path))
    assert [row for row, _ in found(m, "copy")] == [2]
    assert [row for row, _ in found(m, "near_duplicate")] == [3]
    group = find_copies(m, read_file_facts(m))
    assert group[0] == group[1] == group[2] and pd.isna(group[3])


def test_equal_files_with_two_labels_are_an_error(tmp_path):
    rows = with_copies(tmp_path)
    rows[1]["label"] = "leopard"
    (message,) = [m for _, m in found(table(tmp_path, rows), "copies_disagree")]
    assert "a/1.png" in message and "leopard and tiger" in message


def test_look_alikes_of_one_site_are_no_finding(tmp_path):
    rows = [{**r, "site": "one"} for r in with_copies(tmp_path)]
    assert found(table(tmp_path, rows), "near_duplicate") == []


def test_files_that_are_not_hashed_and_not_decoded_are_no_copies(tmp_path):
    m = table(tmp_path, with_copies(tmp_path))
    assert not rules(m, hash_files=False, perceptual=False) & {"copy", "near_duplicate"}
    assert find_copies(m, read_file_facts(m, hash_files=False, perceptual=False)).isna().all()


def test_copies_cut_by_a_split_are_found_and_keep_together_prevents_it(tmp_path):
    rows = with_copies(tmp_path)
    parts = ["train", "test", "val", "train"]
    cut = table(tmp_path, [{**r, "split": p} for r, p in zip(rows, parts, strict=True)])
    assert [row for row, _ in found(cut, "copies_cut")] == [1]
    m = table(tmp_path, rows)
    kept = split(m, keep_together=find_copies(m, read_file_facts(m)), allow_missing=True)
    assert not rules(kept) & {"copies_cut", "look_alikes_cut"}


def test_flat_pictures_are_never_alike():
    assert fingerprint(np.full((64, 80, 3), 3, np.uint8)).phash is None
    # a banner alone does not make a dark picture a picture
    dark = np.zeros((100, 120, 3), np.uint8)
    dark[94:] = 255
    assert fingerprint(dark).phash is None


def test_a_fingerprint_survives_scaling_and_compression(tmp_path):
    image = scene(5)
    save(tmp_path, "small.jpg", image.resize((80, 60)), quality=60)
    a, b = fingerprint(np.asarray(image)), fingerprint(np.asarray(Image.open(tmp_path / "small.jpg")))
    assert (a.phash ^ b.phash).bit_count() <= 3
    assert (a.phash ^ fingerprint(np.asarray(scene(6))).phash).bit_count() > 10


def test_chroma_of_grey_and_of_red():
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    assert fingerprint(red).chroma == 200.0
    assert fingerprint(np.asarray(scene(1, grey=True))).chroma == 0.0


def linked(pairs, n):
    """Groups of positions that the pairs link."""
    group = list(range(n))
    for i, j in pairs:
        a, b = group[i], group[j]
        group = [a if g == b else g for g in group]
    return sorted([k for k in range(n) if group[k] == g] for g in set(group))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 63), max_size=3)), max_size=20), st.integers(0, 3)
)
def test_near_pairs_link_the_same_groups_as_comparing_all(items, max_distance):
    centres = [0, 2**64 - 1, 0x00FF00FF00FF00FF, 0x123456789ABCDEF0]
    hashes = [centres[c] ^ sum(1 << bit for bit in flips) for c, flips in items]
    wanted = [
        (i, j) for i in range(len(hashes)) for j in range(i) if (hashes[i] ^ hashes[j]).bit_count() <= max_distance
    ]
    pairs = find_near_pairs(
        np.array(hashes, np.uint64), np.zeros(len(hashes), np.uint64), max_distance=max_distance
    )
    assert linked(pairs.tolist(), len(hashes)) == linked(wanted, len(hashes))


def test_the_second_hash_must_agree():
    near = find_near_pairs(np.array([1, 3], np.uint64), np.array([0, 2**64 - 1], np.uint64))
    assert near.shape == (0, 2)


# --- splits ---


def test_leaks_of_a_split(blind):
    rows = [
        {"path": "1.avi", "site": "a", "sequence_id": "q", "split": "train"},
        {"path": "2.avi", "site": "a", "sequence_id": "q", "split": "test"},
        {"path": "3.avi", "site": "b", "split": "val"},
        {"path": "4.avi", "kind": "frame", "frame_number": 1, "split": "train"},
        {"path": "4.avi", "kind": "frame", "frame_number": 2, "split": "val"},
        {"path": "5.avi"},
    ]
    assert blind(rows, "sequence_cut") == [(1, "sequence q is in test (1) and train (1); split again")]
    assert [row for row, _ in blind(rows, "site_cut")] == [1]
    assert [row for row, _ in blind(rows, "clip_cut")] == [4]
    assert [row for row, _ in blind(rows, "no_split")] == [6]


def test_a_split_by_time_is_no_leak_but_a_note(tmp_path):
    rows = [{"path": f"{i}.avi", "site": "ab"[i % 2], "captured_at": datetime(2024, 1, 1 + i)} for i in range(20)]
    m = split(table(tmp_path, rows), by="time")
    findings = check(m, now=NOW)
    cut = findings[findings["rule"] == "site_cut"]
    assert cut["severity"].tolist() == ["info", "info"]
    mixed = m.table.assign(split=m.table["split"].iloc[::-1].to_numpy())
    findings = check(m.replace(mixed), now=NOW)
    assert findings[findings["rule"] == "site_cut"]["severity"].tolist() == ["error", "error"]


def test_a_split_by_site_has_no_leak(tmp_path):
    rows = [
        {"path": f"{s}/{i}.avi", "site": f"s{s}", "sequence_id": f"{s}{i // 2}"} for s in range(9) for i in range(4)
    ]
    assert not {r for r in rules(split(table(tmp_path, rows))) if r.endswith("_cut")}


# --- labels and boxes ---


def test_labels_at_few_sites_and_rows_without_a_site(blind):
    rows = [{"path": f"{i}.jpg", "site": s, "label": "tiger"} for i, s in enumerate(["a", "b", None, "a"])]
    ((_, message),) = blind(rows, "few_sites")
    assert "'tiger' occurs at 2 known sites (4 rows, 1 without a site)" in message
    assert blind(rows, "few_sites", min_sites=2) == []
    ((row, message),) = blind(rows, "no_site")
    assert row == 3 and "1 of 4 rows" in message


def test_contradicting_labels_of_one_clip(blind):
    rows = [
        {"path": "1.avi", "kind": "video", "label": "empty"},
        {"path": "1.avi", "kind": "frame", "time_s": 1.0, "label": "leopard"},
        {"path": "2.avi", "kind": "video", "label": "tiger"},
        {"path": "2.avi", "kind": "frame", "time_s": 1.0, "label": "empty"},
        {"path": "3.avi", "kind": "frame", "time_s": 1.0, "label": "deer"},
        {"path": "3.avi", "kind": "frame", "time_s": 2.0, "label": "tiger"},
    ]
    ((row, message),) = blind(rows, "labels_disagree")
    assert row == 1 and "'empty'" in message and "'leopard'" in message
    assert [row for row, _ in blind(rows, "several_species")] == [5]


def test_sequences_at_several_sites_are_named(blind):
    rows = [{"path": "1.jpg", "site": "a", "sequence_id": "1"}, {"path": "2.jpg", "site": "b", "sequence_id": "1"}]
    ((row, message),) = blind(rows, "sequence_at_several_sites")
    assert row == 1 and "2 sites" in message


@pytest.mark.parametrize(
    ("box", "unit", "fault"),
    [
        ([0, 0, 160, 120], "px", None),
        ([0, 0, 161, 120], "px", None),
        ([0, 0, 163, 120], "px", "beyond the picture"),
        ([-5, 0, 10, 10], "px", "beyond the picture"),
        ([10, 10, 10, 20], "px", "no area"),
        ([20, 0, 10, 10], "px", "no area"),
        ([0, 0, 1, 1], "fraction", None),
        ([0, 0, 1.2, 1], "fraction", "beyond the picture"),
    ],
)
def test_boxes_must_lie_in_their_picture(four, box, unit, fault):
    t = four.table.copy()
    t.loc[1, ["boxes", "box_unit"]] = [json.dumps([{"xyxy": box}]), unit]
    findings = found(four.replace(t), "box_outside")
    assert [row for row, _ in findings] == ([] if fault is None else [2])
    assert fault is None or fault in findings[0][1]


@pytest.mark.parametrize(
    "text",
    ["[", "{}x", '[{"xyxy": [1, 2, 3]}]', '[{"box": [1, 2, 3, 4]}]', '[{"xyxy": [1, 2, 3, NaN]}]', "[5]", "5"],
)
def test_boxes_that_cannot_be_read_are_an_error(blind, text):
    assert [row for row, _ in blind([{"path": "1.jpg", "boxes": text, "box_unit": "px"}], "box_unreadable")] == [1]


def test_boxes_of_pictures_of_unknown_size_are_counted(blind):
    rows = [{"path": f"{i}.jpg", "boxes": '[{"xyxy": [0, 0, 5, 5]}]', "box_unit": "px"} for i in range(2)]
    ((_, message),) = blind(rows, "box_not_checked")
    assert "2 rows" in message


# --- clocks ---


def test_clocks_that_were_reset_or_run_ahead(blind):
    times = [datetime(2005, 1, 1), datetime(2024, 5, 31), NOW + timedelta(hours=20), NOW + timedelta(days=2), None]
    rows = [{"path": f"s{i}/1.avi", "captured_at": t} for i, t in enumerate(times)]
    assert [row for row, _ in blind(rows, "clock_early")] == [1]
    assert [row for row, _ in blind(rows, "clock_ahead")] == [4]
    assert blind(rows, "no_time") == [(5, "1 of 5 clips have no capture time")]


def test_time_that_runs_backwards_against_file_numbers(blind):
    hours = {1: 0, 2: 1, 9: 2, 10: -24, 11: -23}
    rows = [
        {"path": f"c/IMAG{n}.JPG", "captured_at": datetime(2024, 5, 3) + timedelta(hours=h)}
        for n, h in hours.items()
    ]
    rows += [
        {"path": "c/VID5.AVI", "captured_at": datetime(2024, 5, 1)},
        {"path": "d/IMAG99.JPG", "captured_at": datetime(2024, 1, 1)},
    ]
    ((row, message),) = blind(rows, "clock_backwards")
    assert row == 4 and "26.0 h before IMAG9.JPG" in message


def test_seconds_backwards_and_names_without_order_are_no_clock_fault(blind):
    near = [{"path": f"c/{i}.jpg", "captured_at": datetime(2024, 5, 3, 12, 0, 30 - i)} for i in range(5)]
    assert blind(near, "clock_backwards") == []
    chaos = [{"path": f"c/x{i}.jpg", "captured_at": datetime(2024, 5, 1 + (i * 7) % 20)} for i in range(20)]
    assert blind(chaos, "clock_backwards") == []
    assert [row for row, _ in blind(chaos, "numbers_not_in_order")] == [1]


def test_times_outside_of_the_deployment(blind, tmp_path):
    places = tmp_path / "d.csv"
    places.write_text("deployment,start,end\nd1,2024-05-01,2024-05-31\n")
    rows = [
        {"path": f"{i}.avi", "deployment": "d1", "captured_at": datetime(2024, m, 15)} for i, m in enumerate([4, 5])
    ]
    assert [row for row, _ in blind(rows, "outside_deployment", deployments=places)] == [1]


# --- videos ---


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    import av

    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for i in range(20):
            frame = av.VideoFrame.from_ndarray(np.asarray(scene(i // 10)), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_labels_beyond_the_end_of_a_video(video):
    rows = [{"path": "clip.mp4", "kind": "frame", "time_s": t} for t in (0.0, 1.9, 2.2, 9.0)]
    rows += [{"path": "clip.mp4", "kind": "frame", "frame_number": n} for n in (19, 20)]
    assert [row for row, _ in found(table(video.parent, rows), "frame_beyond_end")] == [4, 6]


def test_a_video_is_known_by_its_first_frame(video, tmp_path):
    save(tmp_path, "still.jpg", scene(0))
    shutil.copy(video, tmp_path / "clip.mp4")
    m = table(tmp_path, [{"path": "clip.mp4", "kind": "video", "site": "a"}, {"path": "still.jpg", "site": "b"}])
    assert [row for row, _ in found(m, "near_duplicate")] == [2]


# --- the whole ---


def test_findings_are_ordered_and_summed_up(tmp_path):
    m = table(tmp_path, [{"path": f"{i}.jpg", "label": "tiger"} for i in range(3)])
    findings = check(m, now=NOW)
    assert findings["severity"].tolist() == sorted(findings["severity"], key=["error", "warning", "info"].index)
    top = count_by_rule(findings).iloc[0]
    assert (top["severity"], top["rule"], top["count"]) == ("error", "file_missing", 3)


def test_coverage_counts_colour_and_infrared(tmp_path):
    save(tmp_path, "1.jpg", scene(1))
    save(tmp_path, "2.jpg", scene(2, grey=True))
    rows = [{"path": f"{i}.jpg", "site": s, "label": "tiger"} for i, s in ((1, "a"), (2, "b"), (3, "b"))]
    m = table(tmp_path, rows)
    one = count_coverage(m, facts=read_file_facts(m)).to_dict("records")
    assert one == [
        {
            "label": "tiger",
            "n_rows": 3,
            "n_clips": 3,
            "n_sites": 2,
            "n_colour": 1,
            "n_monochrome": 1,
            "n_not_seen": 1,
        }
    ]
    per_site = count_coverage(m, facts=read_file_facts(m), per_site=True)
    assert per_site[["site", "n_colour", "n_monochrome", "n_not_seen"]].to_numpy().tolist() == [
        ["a", 1, 0, 0],
        ["b", 0, 1, 1],
    ]
    assert count_coverage(m)["n_not_seen"].tolist() == [3]


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_verb_ends_with_3_on_errors_and_0_without(four, tmp_path):
    good = four.write(four.root / "good.parquet")
    result = run("check", good)
    assert result.exit_code == 0, result.output
    assert "No findings" in result.output
    bad = table(
        four.root, [*four.table.drop(columns="clip_id").to_dict("records"), {"path": "gone.jpg", "site": "s9"}]
    ).write(four.root / "bad.csv")
    result = run("check", bad, "--out", tmp_path / "findings.csv", "--n-shown", "1")
    assert result.exit_code == 3
    assert "error: row 5 gone.jpg: missing" in result.output and "more in findings.csv" in result.output
    written = read_table(tmp_path / "findings.csv")
    assert written["rule"].tolist()[0] == "file_missing" and len(written) > 1
    document = json.loads(run("check", bad, "--json").stdout)
    assert document["findings"][0]["row"] == 5
    assert {r["label"] for r in document["coverage"]} == {"tiger", "(no label)"}


def test_the_verb_refuses_a_table_name_it_cannot_write(four, tmp_path):
    assert run("check", four.write(four.root / "again.parquet"), "--out", tmp_path / "x.txt").exit_code == 2


def test_real_pictures_have_no_false_look_alikes():
    real = Path(__file__).parents[5] / "shared" / "real"
    if not (real / "images.csv").is_file():
        pytest.skip("no folder of real pictures beside the repository")
    t = pd.read_csv(real / "images.csv", dtype=str, keep_default_na=False, na_values=[""]).iloc[::4]
    m = Manifest.from_rows(t[["path", "label", "site", "sequence_id"]].assign(kind="still"), real)
    facts = read_file_facts(m)
    assert facts["status"].eq("ok").all()
    of_copies = m.table.assign(group=find_copies(m, facts)).dropna(subset="group")
    assert (of_copies.groupby("group")["label"].nunique() == 1).all()
    is_night = t["night_ir"].eq("True").to_numpy()
    assert ((facts["chroma"] < 8).to_numpy() == is_night).mean() > 0.95
