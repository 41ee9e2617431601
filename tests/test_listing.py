"""`python -m train list`: what the files of runs say, side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from conftest import write_lines, write_text

from train.__main__ import main
from train.watch import held

if TYPE_CHECKING:
    from conftest import Newsroom

FINAL = {"dev_macro_f1": 0.7, "dev_accuracy": 0.8, "reloaded_labels_equal": 1.0}


def show(*words: str) -> Result:
    result = CliRunner().invoke(main, ["list", *words])
    assert "Traceback" not in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture(autouse=True)
def _room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(
    name: str,
    rows: list[dict[str, Any]],
    *,
    encoder: str = "own/enc",
    state: dict[str, Any] | None = None,
    data: str = "ab12",
) -> Path:
    out = Path("runs") / name
    write_text(out / "config.yaml", f"kind: transformer\nname: x\nseed: 13\nencoder: {encoder}\nepochs: 5\n")
    write_text(out / "data.json", json.dumps({"fingerprint": data * 16, "train": 3, "dev": 2}))
    write_lines(out / "metrics.jsonl", rows)
    if state is not None:
        write_text(out / "state.json", json.dumps({"began": "2026-01-01T00:00:00+00:00", **state}))
    return out


def test_runs_stand_side_by_side_the_best_first() -> None:
    steps = [{"step": 20, "epoch": 0.5, "loss": 1.0}, {"step": 40, "epoch": 1.0, "dev_macro_f1": 0.6}]
    made("done", [*steps, FINAL], state={"state": "done", "seconds": 75.0})
    made("better-sweep/trial-001", [*steps, {"step": 80, "epoch": 2.0, "dev_macro_f1": 0.9}], state={"state": "pruned"})
    made("failed", steps[:1], state={"state": "failed", "seconds": 3.0, "why": "the loss is nan"})
    made("killed", steps, state={"state": "running"})
    write_text(Path("runs/pretrain/config.yaml"), "tokens: 5\n")
    Path("runs/report").mkdir()
    result = show()
    head, *rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert head == "run kind encoder seed data dev macro-F1 epochs steps state time"
    assert rows[0] == "better-sweep/trial-001 transformer own/enc 13 ab12ab12 0.9000 2/5 80 pruned"
    assert rows[1] == "done transformer own/enc 13 ab12ab12 0.7000 1/5 40 done 1m15s"
    assert rows[2] == "killed transformer own/enc 13 ab12ab12 0.6000 1/5 40 stopped"
    assert rows[3] == "failed transformer own/enc 13 ab12ab12 0.5/5 20 failed 3s"
    assert rows[4:] == ["failed: the loss is nan"]


def test_the_same_as_json_whole_and_with_nothing_cut() -> None:
    long = "somewhere/" + "far/" * 20 + "away"
    made("a", [FINAL], encoder=long, state={"state": "done", "seconds": 2.5})
    assert long not in show().stdout
    assert f"…{long[-31:]}" in show().stdout
    (found,) = json.loads(show("--json").stdout)
    assert found == {
        "name": "a",
        "kind": "transformer",
        "encoder": long,
        "seed": 13,
        "data": "ab12" * 16,
        "dev_macro_f1": 0.7,
        "epoch": None,
        "epochs": 5,
        "step": None,
        "state": "done",
        "seconds": 2.5,
        "why": None,
    }


def test_a_run_that_is_at_work_is_running_and_says_for_how_long() -> None:
    out = made("busy", [{"step": 20, "epoch": 0.5, "loss": 1.0}], state={"state": "running"})
    with held(out):
        (found,) = json.loads(show("--json").stdout)
    assert found["state"] == "running"
    assert found["seconds"] > 0


def test_runs_from_before_there_were_states_are_read_from_their_metrics() -> None:
    made("old", [FINAL])
    made("broken-off", [{"step": 20, "epoch": 0.5, "loss": 1.0}])
    states = {r["name"]: r["state"] for r in json.loads(show("--json").stdout)}
    assert states == {"old": "done", "broken-off": "stopped"}


def test_runs_on_different_data_are_said_not_to_compare() -> None:
    made("a", [FINAL])
    made("b", [FINAL])
    assert "compare" not in show().stdout
    made("c", [FINAL], data="cd34")
    assert show().stdout.splitlines()[-1] == "runs on different data (column data) do not compare"


def test_files_that_are_damaged_cost_their_run_its_figures_and_nothing_else() -> None:
    made("good", [FINAL], state={"state": "done", "seconds": 1.0})
    bad = made("bad", [])
    (bad / "metrics.jsonl").write_bytes(b'{"step": 20, "loss": 1}\n[1]\n\xff\xfe{"dev_')
    (bad / "state.json").write_text("[]")
    (bad / "data.json").write_text("{")
    worse = made("worse", [FINAL])
    (worse / "config.yaml").write_bytes(b"kind: [\xff")
    result = show()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[1].startswith("good")
    assert lines[2].split()[:2] == ["bad", "transformer"]
    assert lines[3].split() == ["worse", "?", "unreadable"]
    assert lines[-1] == "worse: its config.yaml cannot be read"


def test_where_there_is_nothing_to_list_it_says_so() -> None:
    result = show()
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error: runs: expected a folder of runs, found none; train one, or correct the path" in result.stderr
    Path("runs").mkdir()
    result = show("runs")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no runs here\n")


def test_a_real_run_is_listed_and_one_run_may_be_named(newsroom: Newsroom) -> None:
    newsroom.write(text=False)
    Path("mine.yaml").write_text("kind: majority\n", encoding="utf-8")
    assert CliRunner().invoke(main, ["mine.yaml", "name=floor"]).exit_code == 0
    for folder in ("runs", "runs/floor"):
        (found,) = json.loads(show(folder, "--json").stdout)
        assert (found["name"], found["kind"], found["state"], found["encoder"]) == ("floor", "majority", "done", None)
        fingerprint = json.loads(Path("runs/floor/data.json").read_text())["fingerprint"]
        assert found["data"] == fingerprint
        assert found["seconds"] is not None
