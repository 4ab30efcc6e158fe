"""The whole check: a sound manifest has no findings, and findings are ordered, counted and written."""

import json

import pandas as pd
from typer.testing import CliRunner

import leopardnet.cli.dataset  # noqa: F401  (registers the verbs)
from leopardnet.cli.console import app
from leopardnet.core.columns import FINDINGS
from leopardnet.core.tables import read_table
from leopardnet.data.checks.check import check, count_by_rule, count_coverage
from leopardnet.data.checks.file_facts import read_file_facts
from manifests_to_check import NOW, save, scene, table


def test_a_sound_manifest_has_no_findings(four):
    findings = check(four, now=NOW)
    assert findings.empty and list(findings.columns) == [c.name for c in FINDINGS]
    assert count_by_rule(findings).empty


def test_the_manifest_is_not_changed(four):
    before = four.table.copy()
    check(four, now=NOW)
    pd.testing.assert_frame_equal(four.table, before)


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
    assert "error: row 5 gone.jpg: the file is missing" in result.output and "more in findings.csv" in result.output
    written = read_table(tmp_path / "findings.csv")
    assert written["rule"].tolist()[0] == "file_missing" and len(written) > 1
    document = json.loads(run("check", bad, "--json").stdout)
    assert document["findings"][0]["row"] == 5
    assert {r["label"] for r in document["coverage"]} == {"tiger", "(no label)"}


def test_the_verb_refuses_a_table_name_it_cannot_write(four, tmp_path):
    assert run("check", four.write(four.root / "again.parquet"), "--out", tmp_path / "x.txt").exit_code == 2
