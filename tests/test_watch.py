"""What can be seen of a run: its state on the disk, its curve, several seeds, and the reporters."""

from __future__ import annotations

import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from importlib.machinery import ModuleSpec
from pathlib import Path
from statistics import mean, stdev
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT, python, write_lines
from hypothesis import given, settings
from hypothesis import strategies as st

import train.run
from isnad.errors import IsnadError
from train.__main__ import main
from train.config import TransformerConfig, load_run_config
from train.plot import DARK, write_curve
from train.reporting import TensorBoard, reporters
from train.watch import LOCK, Stopped, held, read_state, tell, watched

if TYPE_CHECKING:
    from conftest import Newsroom

RECURRENT = "kind: recurrent\nlimit: 24\nwidth: 8\nhidden: 8\nepochs: 2\nbatch_size: 8\n"


def run(*words: str, config: str = RECURRENT) -> Result:
    Path("mine.yaml").write_text(config, encoding="utf-8")
    return CliRunner().invoke(main, ["mine.yaml", *words])


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def training(monkeypatch: pytest.MonkeyPatch, what: Any) -> None:
    """Let `what(config, out)` stand in for training."""

    def stand_in(config: Any) -> Path:
        out = Path(config.out) / config.name
        what(config, out)
        return out

    monkeypatch.setattr(train.run, "train", stand_in)


def config(*words: str) -> Any:
    Path("mine.yaml").write_text(RECURRENT, encoding="utf-8")
    return load_run_config(Path("mine.yaml"), list(words))


@pytest.fixture(autouse=True)
def _room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# --- metrics and curve --------------------------------------------------------------------------


def texts(path: Path) -> str:
    return " ".join(ET.parse(path).getroot().itertext())


def test_a_recurrent_run_leaves_loss_and_dev_macro_f1_of_each_epoch_and_a_curve(newsroom: Newsroom) -> None:
    newsroom.write(text=False)
    result = run("name=seen")
    assert result.exit_code == 0, result.stderr
    out = Path("runs/seen")
    *epochs, last = rows(out)
    assert [(r["step"], r["epoch"]) for r in epochs] == [(3, 1), (6, 2)]
    assert all(r["loss"] > 0 and 0 <= r["dev_macro_f1"] <= 1 for r in epochs)
    assert "reloaded_labels_equal" in last
    shown = texts(out / "curve.svg")
    best = max(r["dev_macro_f1"] for r in epochs)
    assert all(word in shown for word in ("seen", "training loss", "dev macro-F1", "step", f"best {best:.3f}"))
    state = read_state(out)
    assert state is not None
    assert (state.state, state.why) == ("done", None)
    assert not (out / LOCK).exists()


def test_a_transformer_run_is_watched_too_and_its_curve_grows_with_each_evaluation(
    newsroom: Newsroom, tiny_modernbert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.write(text=False)
    drawn: list[int] = []
    monkeypatch.setattr("train.plot.write_curve", lambda out: drawn.append(len(rows(out))))
    settings = f"kind: transformer\nencoder: {tiny_modernbert}\nlimit: 16\nepochs: 2\nbatch_size: 8\nmax_length: 64\n"
    heard: list[dict[str, float]] = []

    class Ear:
        def row(self, row: dict[str, float]) -> None:
            heard.append(dict(row))

        def end(self, state: str) -> None:
            heard.append({state: 1})

    Path("mine.yaml").write_text(settings, encoding="utf-8")
    out = watched(load_run_config(Path("mine.yaml"), []), Ear())
    found = [r for r in rows(out) if "step" in r]
    assert heard == [*found, {"done": 1}]
    assert [r["epoch"] for r in found if "dev_macro_f1" in r] == [1.0, 2.0]
    assert len(drawn) == 3
    assert drawn == sorted(drawn)


def test_kinds_without_steps_have_no_curve(newsroom: Newsroom) -> None:
    newsroom.write(text=False)
    assert run("name=floor", config="kind: majority\n").exit_code == 0
    assert not Path("runs/floor/curve.svg").exists()
    assert json.loads(Path("runs/floor/state.json").read_text())["state"] == "done"


def test_every_colour_of_the_curve_has_one_for_a_dark_page(tmp_path: Path) -> None:
    write_lines(tmp_path / "metrics.jsonl", [{"step": n, "loss": 1 / n, "dev_macro_f1": n / 9} for n in range(1, 9)])
    path = write_curve(tmp_path)
    assert path is not None
    svg = path.read_text(encoding="utf-8")
    sheet = next(s for s in re.findall(r"<style[^>]*>(.*?)</style>", svg, re.S) if "prefers-color-scheme" in s)
    colours = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg.replace(sheet, "")))
    assert colours <= set(DARK)
    assert all(f'[style*="fill: {light}"]{{fill:{dark}!important}}' in sheet for light, dark in DARK.items())
    assert write_curve(tmp_path) == path
    assert path.read_text(encoding="utf-8") == svg


@settings(max_examples=25)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"step": st.integers(0, 10**7)},
            optional={
                "loss": st.floats(0, 1e6),
                "dev_macro_f1": st.floats(0, 1),
                "epoch": st.floats(0, 99),
                "reloaded_labels_equal": st.just(1.0),
            },
        ),
        max_size=5,
    ),
    st.text(max_size=20),
)
def test_any_metrics_make_a_drawing_or_none(tmp_path_factory: pytest.TempPathFactory, found: Any, torn: str) -> None:
    out = tmp_path_factory.mktemp("run")
    write_lines(out / "metrics.jsonl", found)
    with (out / "metrics.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(torn)
    path = write_curve(out)
    assert (path is None) == (not any("loss" in r or "dev_macro_f1" in r for r in found))
    if path is not None:
        ET.parse(path)


# --- the state ----------------------------------------------------------------------------------


def test_the_state_says_how_a_run_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Path("runs/mine")
    during: list[str] = []

    def failing(error: BaseException) -> Any:
        def work(_: Any, out: Path) -> None:
            state = read_state(out)
            assert state is not None
            during.append(state.state)
            raise error

        return work

    for error, ended, why in (
        (IsnadError("the disk is full"), "failed", "the disk is full"),
        (ValueError(), "failed", "ValueError"),
        (KeyboardInterrupt(), "stopped", "interrupted"),
        (Stopped(), "stopped", None),
    ):
        training(monkeypatch, failing(error))
        with pytest.raises(type(error)):
            watched(config())
        state = read_state(out)
        assert state is not None
        assert (state.state, state.why) == (ended, why)
        assert state.seconds is not None
    assert during == ["running"] * 4


def test_a_killed_run_is_not_running_any_more(tmp_path: Path) -> None:
    """A process that kills itself while it holds its directory."""
    code = (
        "import os, signal, train.run; from pathlib import Path\n"
        "from train.config import RulesConfig; from train.watch import watched\n"
        "train.run.train = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "watched(RulesConfig(name='gone'))\n"
    )
    assert python("-c", code, cwd=tmp_path).returncode == -9
    out = tmp_path / "runs/gone"
    assert json.loads((out / "state.json").read_text())["state"] == "running"
    state = read_state(out)
    assert state is not None
    assert (state.state, state.why) == ("stopped", "killed")
    with held(out):
        assert (read_state(out) or state).state == "running"


def test_two_processes_do_not_train_in_one_directory() -> None:
    with held(Path("runs/mine")):
        result = run()
    assert result.exit_code == 1
    assert "error: runs/mine: another process works in this directory; wait for it, or give a name=" in result.stderr


def test_where_nobody_watches_nothing_is_told() -> None:
    tell({"step": 1, "epoch": 1, "loss": 2.0})
    assert os.listdir() == []


# --- seeds --------------------------------------------------------------------------------------


def test_five_seeds_give_their_mean_and_standard_deviation(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def work(config: Any, out: Path) -> None:
        write_lines(out / "metrics.jsonl", [{"dev_macro_f1": config.seed / 100, "reloaded_labels_equal": 1.0}])

    training(monkeypatch, work)
    result = run("--seeds", "5", "seed=20")
    assert result.stdout.split() == [f"runs/mine-seed{seed}" for seed in range(20, 25)]
    found = json.loads(Path("runs/mine-seeds.json").read_text())
    values = [seed / 100 for seed in range(20, 25)]
    assert found["runs"][1] == {"run": "mine-seed21", "seed": 21, "dev_macro_f1": 0.21}
    assert (found["mean"], found["sd"]) == (pytest.approx(mean(values)), pytest.approx(stdev(values)))
    assert "mine: dev macro-F1 0.2200 ± 0.0158 over 5 seeds" in caplog.messages


def test_seeds_beside_folds_or_groups_are_a_mistake() -> None:
    for words, both in (
        (("--seeds", "2", "--folds", "2"), "--seeds or --folds"),
        (("--seeds", "2", "--leave-out", "origin"), "--seeds or --leave-out"),
        (("--folds", "2", "--leave-out", "origin"), "--folds or --leave-out"),
    ):
        result = run(*words)
        assert result.exit_code == 2
        assert f"expected {both}, found both; run one after the other" in " ".join(result.stderr.split())
    assert run("--seeds", "1").exit_code == 2


def test_seeds_of_what_draws_nothing_are_refused() -> None:
    result = run("--seeds", "3", config="kind: rules\n")
    assert result.exit_code == 1
    assert "found rules: every seed gives the same model; drop --seeds" in result.stderr
    result = run("--seeds", "3", "seeds=[1, 2]")
    assert result.exit_code == 1
    assert "found both; drop one" in result.stderr


# --- reporters ----------------------------------------------------------------------------------


def transformer(*names: Any) -> TransformerConfig:
    return TransformerConfig(name="mine", report=list(names))


def test_a_reporter_that_is_not_installed_is_a_sentence_before_any_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training(monkeypatch, lambda *_: pytest.fail("trained"))
    monkeypatch.setattr("train.reporting.find_spec", lambda name: None if name == "mlflow" else object())
    result = run("report=[tensorboard, mlflow]")
    assert result.exit_code == 1
    assert (
        "error: expected the package mlflow for report: [tensorboard, mlflow], found none; "
        "pip install mlflow, or take it out of `report`" in result.stderr
    )
    assert "input should be 'tensorboard', 'mlflow' or 'wandb'" in run("report=[tensorbord]").stderr


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, round(e.value, 4)) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_tensorboard_shows_what_metrics_jsonl_holds(newsroom: Newsroom) -> None:
    newsroom.write(text=False)
    result = run("name=seen", "report=[tensorboard]")
    assert result.exit_code == 0, result.stderr
    *epochs, _ = rows(Path("runs/seen"))
    expected = {name: [(r["step"], round(r[name], 4)) for r in epochs] for name in ("loss", "dev_macro_f1")}
    assert scalars(Path("runs/seen/tensorboard")) == expected


def test_a_resumed_run_shows_each_step_once(tmp_path: Path) -> None:
    for steps in ((20, 40, 60), (40, 60, 80)):
        board = TensorBoard(transformer(), tmp_path)
        for step in steps:
            board.row({"step": step, "epoch": 1, "loss": step / 100})
        board.end("stopped")
    assert scalars(tmp_path / "tensorboard") == {"loss": [(20, 0.2), (40, 0.4), (60, 0.6), (80, 0.8)]}


class Calls(ModuleType):
    """A module that is called as MLflow and Weights & Biases are, and writes it down."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)
        self.said: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*words: Any, **named: Any) -> Any:
            self.said.append((name, words, named))
            return self

        return call


@pytest.mark.parametrize(("state", "status", "code"), [("done", "FINISHED", 0), ("failed", "FAILED", 1)])
def test_mlflow_and_wandb_hear_settings_figures_and_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: Any, status: str, code: int
) -> None:
    modules = {name: Calls(name) for name in ("mlflow", "wandb")}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    config = transformer("mlflow", "wandb", "mlflow")
    found = reporters(config, tmp_path)
    assert len(found) == 2
    for watcher in found:
        watcher.row({"step": 20, "epoch": 1.0, "loss": 0.5})
        watcher.end(state)
    settings = config.model_dump(mode="json")
    assert modules["mlflow"].said == [
        ("start_run", (), {"run_name": "mine"}),
        ("log_params", (settings,), {}),
        ("log_metrics", ({"loss": 0.5},), {"step": 20}),
        ("end_run", (status,), {}),
    ]
    assert modules["wandb"].said == [
        ("init", (), {"project": "isnad", "name": "mine", "dir": str(tmp_path), "config": settings}),
        ("log", ({"loss": 0.5},), {"step": 20}),
        ("finish", (), {"exit_code": code}),
    ]


def test_help_names_the_doors_without_loading_torch() -> None:
    code = (
        "import sys; from train.__main__ import main\n"
        "main(['--help'], standalone_mode=False); assert not {'torch', 'optuna', 'matplotlib'} & set(sys.modules)"
    )
    ended = python("-c", code, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    assert all(word in ended.stdout for word in ("sweep", "list", "--seeds", "--folds", "--leave-out"))
