"""`leopardnet train -m` and `leopardnet runs`, as a user gives them."""

import json

import pytest
from command_line import leopardnet

from leopardnet.cli.model_verbs.sweep import name_job
from leopardnet.compose import expand_sweep
from leopardnet.core.errors import ConfigError

pytest.importorskip("torch", reason="the extra [train] is not installed")


@pytest.fixture(scope="module")
def sweep(labelled, tmp_path_factory):
    """A sweep over two values, of which one cannot be used: its folder, and what was said."""
    here = tmp_path_factory.mktemp("sweep")
    labelled.write(here / "m.parquet")
    return here / "runs", sweep_over(here / "runs", "0,4", code=3)


def sweep_over(runs, batch_sizes, *more, code=0, run=leopardnet):
    settings = ("debug=smoke", f"optim.batch_size={batch_sizes}", *more)
    return run("train", runs.parent / "m.parquet", "--out", runs, "-m", *settings, code=code)


def test_a_job_that_fails_does_not_end_the_others(sweep):
    runs, (table, said) = sweep
    assert "run 1 of 2: optim.batch_size=0" in said and "run 2 of 2: optim.batch_size=4" in said
    assert "failed: optim.batch_size=0" in said and "failed: optim.batch_size=4" not in said
    assert (runs / "optim.batch_size=4" / "bundle" / "card.md").is_file()
    assert "optim.batch_size=4" in table and "optim.batch_size=0" not in table
    assert "for an order, not for a claim" in said


def test_the_same_sweep_again_keeps_what_is_finished_and_tries_the_rest(sweep):
    runs, _ = sweep
    kept = (runs / "optim.batch_size=4" / "bundle" / "SHA256SUMS").read_bytes()
    _, said = sweep_over(runs, "0,4", code=3)
    assert "finished before, and kept: optim.batch_size=4" in said and "failed: optim.batch_size=4" not in said
    assert "failed: optim.batch_size=0" in said
    table, said = sweep_over(runs, "4,4")  # one job, as both values are the same
    assert "finished before, and kept: optim.batch_size=4" in said and "failed" not in said
    assert "optim.batch_size=4" in table
    assert (runs / "optim.batch_size=4" / "bundle" / "SHA256SUMS").read_bytes() == kept


def test_a_finished_run_of_other_settings_is_not_taken_for_this_one(sweep, command):
    runs, _ = sweep
    _, said = sweep_over(runs, "4,4", "seed=8", code=1, run=command)
    assert "this folder holds a finished run" in said and "seed was 7, is 8" in said
    assert "failed: optim.batch_size=4" in said and "finished before" not in said


def test_runs_lists_them_and_writes_a_page(sweep):
    runs, _ = sweep
    out, said = leopardnet("runs", runs, "--json", "--html", runs / "runs.html")
    (row,) = json.loads(out)
    assert row["run"] == "optim.batch_size=4" and row["state"] == "finished" and 0 <= row["macro_f1"] <= 1
    assert "written: " in said and "optim.batch_size=4" in (runs / "runs.html").read_text("utf-8")


def test_a_folder_without_runs_is_an_error(tmp_path):
    _, said = leopardnet("runs", tmp_path, code=1)
    assert "this folder holds no run" in said and "leopardnet train MANIFEST --out runs/first" in said


def test_every_combination_is_a_run_and_settings_of_one_value_are_in_all():
    jobs = expand_sweep(["model=lite0,tiny", "seed=7", "optim.lr=1e-3,1e-4"])
    assert [swept for _, swept in jobs] == [
        ["model=lite0", "optim.lr=0.001"],
        ["model=lite0", "optim.lr=0.0001"],
        ["model=tiny", "optim.lr=0.001"],
        ["model=tiny", "optim.lr=0.0001"],
    ]
    assert jobs[0][0] == ["model=lite0", "seed=7", "optim.lr=0.001"]
    assert expand_sweep([]) == [([], [])]
    with pytest.raises(ConfigError, match="cannot be read"):
        expand_sweep(["optim.lr=[1"])


def test_the_folder_of_a_run_is_named_after_its_values_where_a_name_can_hold_them():
    assert name_job(["model=lite0", "optim.lr=0.001"], 3) == "model=lite0,optim.lr=0.001"
    assert name_job([], 0) == "run00" and name_job(["augment.name=" + "x" * 200], 12) == "run12"
    assert "/" not in name_job(["model.weights=../a/b.pth"], 0)
