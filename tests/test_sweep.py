"""`python -m train sweep`: strict files, trials that a kill does not change, pruning, and what is left behind."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner, Result
from conftest import fill, python

import train.run
from isnad.config import dump
from isnad.errors import IsnadError
from isnad.files import write_whole
from train.__main__ import main
from train.config import load_run_config
from train.space import load_sweep
from train.sweep import JOURNAL
from train.watch import held, tell

if TYPE_CHECKING:
    from conftest import Newsroom

CONFIG = "kind: recurrent\nlimit: 24\nwidth: 8\nhidden: 8\nbatch_size: 8\nepochs: 4\nlearning_rate: 1.0e-2\n"
SWEEP = """\
metric: dev_macro_f1
trials: 8
prune_after: 3
parameters:
  learning_rate: {log: [1.0e-4, 1.0e-1]}
  composed_weight: {uniform: [0.2, 1.0]}
  hidden: {integers: [4, 8]}
  class_weights: {values: [none, balanced]}
"""


def write(config: str = CONFIG, plan: str = SWEEP) -> None:
    Path("mine.yaml").write_text(config, encoding="utf-8")
    Path("plan.yaml").write_text(plan, encoding="utf-8")


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["sweep", "mine.yaml", "--over", "plan.yaml", *words])


def done(result: Result) -> Path:
    """The folder of the sweep whose best config it printed."""
    assert result.exit_code == 0, (result.stderr, result.exception)
    return Path(result.stdout.strip()).parent


def refused(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (1, ""), (result.stderr, result.exception)
    return result.stderr.splitlines()[-1]


def table(out: Path) -> list[dict[str, str]]:
    head, *rows = [line.split("\t") for line in (out / "trials.tsv").read_text(encoding="utf-8").splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def kept(out: Path) -> dict[str, bytes]:
    """What an observer of a sweep's end may hold against another: tables, configs, metrics and weights; no times."""
    names = ("trials.tsv", "trials.md", "best.yaml", "config.yaml", "metrics.jsonl", "model.safetensors")
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.name in names}


class Bench:
    """Stands in for training: a score that grows over the epochs and is best at one learning rate; counts its runs."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.fails: dict[str, Exception] = {}

    def __call__(self, config: Any) -> Path:
        out = Path(config.out) / config.name
        self.runs.append(config.name)
        write_whole(out / "config.yaml", dump(config))
        (out / "metrics.jsonl").unlink(missing_ok=True)
        if config.name in self.fails:
            raise self.fails[config.name]
        best = 1 / (1 + abs(config.learning_rate - 0.01) * 50) * config.composed_weight
        for epoch in range(1, config.epochs + 1):
            tell({"step": epoch * 3, "epoch": epoch, "loss": 1.0, "dev_macro_f1": best * epoch / config.epochs})
        write_whole(out / "artefact/isnad.json", "{}")
        write_whole(out / "metrics.jsonl", json.dumps({"dev_macro_f1": best, "reloaded_labels_equal": 1.0}) + "\n")
        return out


@pytest.fixture
def bench(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Bench:
    newsroom.write(text=False)
    write()
    found = Bench()
    monkeypatch.setattr(train.run, "train", found)
    monkeypatch.setattr("train.plot.write_curve", lambda out: None)
    return found


# --- the file -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("trials: 8", "trials: 0", "plan.yaml:2: `trials`: expected: input should be greater than or equal to 1"),
        ("trials: 8", "trails: 8", "plan.yaml:2: unknown key `trails`; did you mean `trials`?"),
        ("dev_macro_f1", "test_macro_f1", "plan.yaml:1: `metric`: expected: input should be 'dev_macro_f1'; found str"),
        ("1.0e-4, 1.0e-1", "1e-4, 1.0e-1", "plan.yaml:5: `log.0`: expected: input should be a valid number; found str"),
        ("1.0e-4, 1.0e-1", "0.0, 1.0", "plan.yaml:5: `learning_rate`: expected log: [low, high] with 0 < low < high"),
        (
            "0.2, 1.0",
            "1.0, 0.2",
            "plan.yaml:6: `composed_weight`: expected uniform: [low, high] with low < high, found",
        ),
        ("0.2, 1.0", "0.2, 0.4, 1.0", "plan.yaml:6: `uniform`: expected: list should have at most 2 items"),
        ("0.2, 1.0", "-1.0, 1.0", "plan.yaml:6: `composed_weight`: expected: input should be greater than 0; found"),
        ("log: [1", "lag: [1", "plan.yaml:5: unknown key `lag`; did you mean `log`?"),
        ("[none, balanced]", "[none, fair]", "plan.yaml:8: `class_weights`: expected: input should be 'none' or"),
        ("[none, balanced]", "[none, none]", "plan.yaml:8: `class_weights`: expected values that differ, found"),
        ("[none, balanced]", "[]", "plan.yaml:8: `values`: expected: list should have at least 1 item"),
        ("hidden: {", "hiden: {", "plan.yaml:7: unknown key `hiden`; did you mean `hidden`?"),
        ("hidden: {", "hidden: {log: [1.0, 2.0], ", "plan.yaml:7: `hidden`: expected one of log, uniform, integers,"),
        ("hidden: {integers: [4, 8]}", "hidden: {}", "plan.yaml:7: `hidden`: expected one of log, uniform, integers,"),
        ("hidden: {", "seed: {", "plan.yaml:7: expected a key that training learns by, found `seed`; a seed is no"),
        (
            "hidden: {integers: [4, 8]}",
            "hidden: 4",
            "plan.yaml:7: `parameters.hidden`: expected: input should be a val",
        ),
        ("hidden: {", "hidden: [", "plan.yaml:7: expected YAML, found a mistake"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_by_line(bench: Bench, old: str, new: str, said: str) -> None:
    assert old in SWEEP
    write(plan=SWEEP.replace(old, new, 1))
    result = run()
    assert said in refused(result)
    assert "Traceback" not in result.stderr
    assert not bench.runs
    assert not Path("runs").exists()


def test_a_sweep_file_that_is_not_there(bench: Bench) -> None:
    Path("plan.yaml").unlink()
    assert "plan.yaml: expected a YAML config, found no such file" in refused(run())
    without = CliRunner().invoke(main, ["sweep", "mine.yaml"])
    assert (without.exit_code, "--over" in without.stderr) == (2, True)


def test_the_sweep_that_ships_fits_the_config_it_names() -> None:
    root = Path(__file__).parent.parent / "configs"
    plan = load_sweep(root / "sweeps/default.yaml", load_run_config(root / "default.yaml", []))
    assert {"learning_rate", "epochs"} <= set(plan.parameters)


# --- what it does -------------------------------------------------------------------------------


def test_the_best_trial_is_the_one_of_most_dev_macro_f1_and_its_config_runs(bench: Bench) -> None:
    out = done(run("epochs=3"))
    assert out == Path("runs/mine-sweep")
    rows = table(out)
    assert [row["trial"] for row in rows] == [str(n) for n in range(8)]
    whole = [row for row in rows if row["state"] == "complete"]
    best = max(whole, key=lambda row: float(row["dev macro-F1"]))
    config = load_run_config(out / "best.yaml", [])
    trial = load_run_config(out / f"trial-{int(best['trial']):03}" / "config.yaml", [])
    assert config == trial.model_copy(update={"name": "mine-best", "out": "runs"})
    assert {1e-4 <= float(row["learning_rate"]) <= 1e-1 for row in rows} == {True}
    assert {int(row["hidden"]) in range(4, 9) for row in rows} == {True}
    assert len({row["learning_rate"] for row in rows}) == 8
    markdown = (out / "trials.md").read_text(encoding="utf-8").splitlines()
    assert [line.count("|") for line in markdown] == [len(rows[0]) + 1] * 10


def test_trials_are_pruned_on_dev_below_the_median_and_the_first_three_are_whole(bench: Bench) -> None:
    rows = table(done(run()))
    assert [row["state"] for row in rows[:3]] == ["complete"] * 3
    pruned = [row for row in rows if row["state"] == "pruned"]
    assert pruned
    for row in pruned:
        epoch = int(row["epochs done"])
        before = [r for r in rows[: int(row["trial"])] if r["state"] == "complete"]
        at_epoch = sorted(float(r["dev macro-F1"]) * epoch / 4 for r in before)
        middle = len(at_epoch) // 2
        median = at_epoch[middle] if len(at_epoch) % 2 else (at_epoch[middle - 1] + at_epoch[middle]) / 2
        assert float(row["dev macro-F1"]) < median + 1e-4
        state = json.loads((Path("runs/mine-sweep") / f"trial-{int(row['trial']):03}" / "state.json").read_text())
        assert state["state"] == "pruned"


def test_the_same_sweep_makes_the_same_trials_and_another_seed_others(bench: Bench) -> None:
    first = table(done(run("name=a")))
    assert table(done(run("name=b"))) == first
    write(plan=SWEEP + "seed: 14\n")
    assert table(done(run("name=c"))) != first


def test_only_the_best_artefact_stays_unless_all_shall(bench: Bench) -> None:
    out = done(run("name=a"))
    best = max((r for r in table(out) if r["state"] == "complete"), key=lambda r: float(r["dev macro-F1"]))["trial"]
    assert [p.parent.name for p in out.glob("*/artefact")] == [f"trial-{int(best):03}"]
    write(plan=SWEEP + "keep: all\n")
    out = done(run("name=b"))
    assert len(list(out.glob("*/artefact"))) == sum(r["state"] == "complete" for r in table(out))


def test_a_finished_sweep_trains_nothing_and_more_trials_go_on_from_it(bench: Bench) -> None:
    out = done(run())
    before, made = kept(out), list(bench.runs)
    assert kept(done(run())) == before
    assert bench.runs == made
    write(plan=SWEEP.replace("trials: 8", "trials: 10"))
    rows = table(done(run()))
    assert len(rows) == 10
    assert bench.runs == [*made, "trial-008", "trial-009"]


def test_a_journal_cut_anywhere_gives_the_same_sweep(bench: Bench) -> None:
    """A kill leaves the journal at any byte and its lock taken; what trials came after that byte is made again."""
    out = done(run())
    whole, end = (out / JOURNAL).read_bytes(), kept(out)
    for share in (0.2, 0.45, 0.63, 0.8, 0.97):
        (out / JOURNAL).write_bytes(whole[: int(len(whole) * share)])
        (out / f"{JOURNAL}.lock").symlink_to(JOURNAL)  # as a kill within a write leaves it
        assert kept(done(run())) == end


@pytest.mark.parametrize(
    ("words", "plan", "said"),
    [
        (["epochs=5"], SWEEP, "the config"),
        ([], SWEEP.replace("1.0e-4", "2.0e-4"), "parameters"),
        ([], SWEEP + "seed: 3\n", "seed"),
    ],
)
def test_another_sweep_is_not_mixed_into_the_folder(bench: Bench, words: list[str], plan: str, said: str) -> None:
    before = kept(done(run()))
    write(plan=plan)
    assert f"runs/mine-sweep: expected the sweep that was begun here, found a change of {said};" in refused(run(*words))
    assert kept(Path("runs/mine-sweep")) == before


def test_other_data_are_another_sweep(bench: Bench, newsroom: Newsroom) -> None:
    done(run())
    newsroom.composed["train"].pop()
    newsroom.write(text=False)
    assert "found a change of the data;" in refused(run())


def test_a_damaged_journal_is_named(bench: Bench) -> None:
    out = done(run())
    (out / JOURNAL).write_bytes(b"{broken\n" + (out / JOURNAL).read_bytes())
    assert f"{out / JOURNAL}: expected the journal of a sweep, found it damaged; delete the folder" in refused(run())


def test_two_processes_do_not_share_a_sweep(bench: Bench) -> None:
    with held(Path("runs/mine-sweep")):
        assert "another process works in this directory" in refused(run())
    assert not bench.runs


# --- trials that fail ---------------------------------------------------------------------------


def test_a_trial_that_fails_is_told_and_the_sweep_goes_on(bench: Bench) -> None:
    bench.fails = {"trial-001": IsnadError("the loss is nan | at step 3"), "trial-004": IsnadError("collapsed")}
    out = done(run())
    rows = table(out)
    assert [(r["trial"], r["why"]) for r in rows if r["state"] == "fail"] == [
        ("1", "the loss is nan | at step 3"),
        ("4", "collapsed"),
    ]
    assert "the loss is nan \\| at step 3" in (out / "trials.md").read_text(encoding="utf-8")


def test_three_failures_in_a_row_end_the_sweep(bench: Bench) -> None:
    bench.fails = {f"trial-{n:03}": IsnadError(f"no encoder ({n})") for n in range(8)}
    assert "3 trials in a row failed, the last one so: no encoder (2)" in refused(run())
    assert len(bench.runs) == 3


def test_a_full_disk_ends_the_sweep_and_the_trial_goes_on_next_time(bench: Bench) -> None:
    full = IsnadError("the artefact cannot be written (No space left on device)")
    full.__cause__ = OSError(28, "No space left on device")
    bench.fails = {"trial-002": full}
    assert "No space left on device" in refused(run())
    bench.fails = {}
    broken = kept(done(run()))
    assert bench.runs[2:4] == ["trial-002", "trial-002"]
    Path("runs/mine-sweep").rename("runs/first")
    assert kept(done(run())) == broken


def test_without_a_whole_trial_there_is_no_best_one(bench: Bench) -> None:
    write(plan=SWEEP.replace("trials: 8", "trials: 1"))
    bench.fails = {"trial-000": IsnadError("collapsed")}
    assert "expected a trial that came to its end, found none; trials.md says why" in refused(run())


# --- killed -------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
import train.sweep
from train.__main__ import main

trial, epoch = int(sys.argv[1]), int(sys.argv[2])
row = train.sweep.Pruning.row

def heard(self, found):
    row(self, found)
    if (self.trial.number, found["epoch"]) == (trial, epoch):
        os.kill(os.getpid(), signal.SIGKILL)

def tell(self, *given, **named):
    if epoch == 0 and given[0].number == trial:
        os.kill(os.getpid(), signal.SIGKILL)
    return told(self, *given, **named)

train.sweep.Pruning.row = heard
import optuna
told, optuna.Study.tell = optuna.Study.tell, tell
main(["sweep", "mine.yaml", "--over", "plan.yaml"])
"""


def test_killed_again_and_again_it_makes_the_trials_of_an_unbroken_sweep(
    tmp_path: Path, tiny_modernbert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real training, real processes: SIGKILL after an epoch is reported, and between a trial's end and its record."""
    settings = "limit: 24\nbatch_size: 8\nepochs: 3\npatience: 9\nmax_length: 64\n"
    plan = "trials: 2\nprune_after: 0\nparameters: {learning_rate: {log: [1.0e-4, 1.0e-2]}}\n"
    for room in (tmp_path / "whole", tmp_path / "killed"):
        fill(room).write(text=False)
        (room / "mine.yaml").write_text(f"kind: transformer\nencoder: {tiny_modernbert}\n{settings}", encoding="utf-8")
        (room / "plan.yaml").write_text(plan, encoding="utf-8")
    said = []
    for trial, epoch in ((0, 2), (1, 0)):
        ended = python("-c", KILLED, str(trial), str(epoch), cwd=tmp_path / "killed")
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        said.append(ended.stderr)
    assert "resumed from runs/mine-sweep/trial-000/checkpoints/checkpoint-3" in said[1]
    ended = python("-m", "train", "sweep", "mine.yaml", "--over", "plan.yaml", cwd=tmp_path / "killed")
    assert (ended.returncode, ended.stdout) == (0, "runs/mine-sweep/best.yaml\n"), ended.stderr
    monkeypatch.chdir(tmp_path / "whole")
    done(run())
    whole, killed = (kept(tmp_path / room / "runs/mine-sweep") for room in ("whole", "killed"))
    assert whole == killed
    assert 1e-4 <= yaml.safe_load(whole["best.yaml"])["learning_rate"] <= 1e-2
    assert sum(name.endswith("model.safetensors") for name in whole) == 1


def test_a_real_sweep_of_a_kind_without_epochs(newsroom: Newsroom) -> None:
    newsroom.write(text=False)
    write("kind: tfidf\ngrid_c: [1.0]\nlimit: 40\n", "trials: 2\nparameters: {min_count: {values: [1, 2]}}\n")
    rows = table(done(run()))
    assert [(r["state"], r["epochs done"]) for r in rows] == [("complete", "")] * 2
