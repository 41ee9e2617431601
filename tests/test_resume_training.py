"""A run that is killed, wherever it is, and started again ends as the one that was left alone, to the last bit.

The killed runs are processes of their own, forked from a server that has torch loaded; SIGKILL ends them.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import forkserver, get_context, set_start_method
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from click.testing import CliRunner
from conftest import ROOT, Newsroom, fill
from safetensors.torch import load_file

import train.run
import train.trainer
import train.transformer
from eval.metrics import judge
from isnad.artefact import read_manifest
from isnad.errors import IsnadError
from train.__main__ import main
from train.checkpoints import COMPLETE, fault, keep_only, last_good, left, name_of, run_mark, seal, steps_down
from train.config import TransformerConfig, load_run_config
from train.loop import LoopConfig, Work, cut_metrics, run_steps
from train.trainer import StanceTrainer
from train.watch import held

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

SETTINGS = """
kind: transformer
recipe: arabert-v02
limit: 16
epochs: 3
patience: 5
batch_size: 2
learning_rate: 2.0e-3
max_length: 64
composed_weight: 0.5
"""
STEPS, LAST = 8, 24
"""Steps of an epoch, and of the run."""


# --- killing ------------------------------------------------------------------------------------


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_step(step: int) -> None:
    """SIGKILL when `step` steps are done and the next one begins."""
    real = StanceTrainer.training_step

    def training_step(self: StanceTrainer, *arguments: Any) -> torch.Tensor:
        if self.state.global_step == step:
            die()
        return real(self, *arguments)

    StanceTrainer.training_step = training_step  # type: ignore[method-assign]


def die_writing(step: int, where: str) -> None:
    """SIGKILL while the checkpoint of `step` is written: half the weights, no optimiser, before or after its seal."""
    real_fill, real_seal = StanceTrainer._fill, train.trainer.seal

    def filled(self: StanceTrainer, part: Path) -> None:
        if self.state.global_step == step and where == "optimiser":
            self._save_optimizer_and_scheduler = lambda _: die()  # type: ignore[method-assign]
        real_fill(self, part)
        if self.state.global_step == step and where == "weights":
            whole = (part / "model.safetensors").read_bytes()
            (part / "model.safetensors").write_bytes(whole[: len(whole) // 2])
            die()

    def sealed(part: Path, **facts: Any) -> Path:
        if part.name == f"checkpoint-{step}.part" and where == "seal":
            die()
        found = real_seal(part, **facts)
        if found.name == f"checkpoint-{step}" and where == "rotation":
            die()
        return found

    StanceTrainer._fill = filled  # type: ignore[method-assign]
    train.trainer.seal = sealed


def die_exporting() -> None:
    """SIGKILL when the weights of the artefact are written and its manifest is not."""
    train.run.write_artefact = lambda folder, manifest, write: (  # type: ignore[assignment]
        folder.with_name("artefact.part").mkdir(exist_ok=True),
        write(folder.with_name("artefact.part")),
        die(),
    )


def full_disk(step: int) -> None:
    """No file may grow beyond 20 kB from the checkpoint of `step` on."""
    real = StanceTrainer._fill

    def filled(self: StanceTrainer, part: Path) -> None:
        if self.state.global_step >= step:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        real(self, part)

    StanceTrainer._fill = filled  # type: ignore[method-assign]


def work(room: str, words: list[str], harm: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """What the process does: train in `room`, the checkpoints kept; an error goes to a file."""
    os.chdir(room)
    torch.set_num_threads(1)
    set_start_method("fork", force=True)  # of the data loader's workers, as in a process that nobody forked
    train.run.drop_checkpoints = lambda out: None
    logging.basicConfig(level=logging.INFO, filename="log.txt", filemode="w", format="%(message)s")
    if harm is not None:
        harm(*arguments)
    try:
        train.run.train(load_run_config(Path("mine.yaml"), words))
    except IsnadError as error:
        Path("error.txt").write_text(str(error), encoding="utf-8")
        raise SystemExit(1) from None


def hold_and_die(folder: str) -> None:
    """SIGKILL in a directory that `held` holds, a forked worker left behind."""
    with held(Path(folder)):
        worker = os.fork()
        if worker == 0:
            signal.pause()
        Path(folder, "worker").write_text(str(worker))
        die()


def context() -> ForkServerContext:
    """Processes that start with torch and the training code loaded."""
    found = get_context("forkserver")
    found.set_forkserver_preload(["pytest", "test_resume_training"])
    with pytest.MonkeyPatch.context() as patch:  # the server looks for what it loads where this process does
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests")]))
        patch.setenv("OMP_NUM_THREADS", "1")
        forkserver.ensure_running()
    return found


def started(room: Newsroom, *words: str, harm: Callable[..., None] | None = None, at: tuple[Any, ...] = ()) -> int:
    """Train in a process of its own and return how it ended: 0, or minus the signal."""
    process = context().Process(target=work, args=(str(room.root), list(words), harm, at))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def killed(room: Newsroom, *words: str, harm: Callable[..., None], at: tuple[Any, ...]) -> None:
    assert started(room, *words, harm=harm, at=at) == -signal.SIGKILL


def said(room: Newsroom) -> str:
    """The log of the process that ran last."""
    return (room.root / "log.txt").read_text(encoding="utf-8")


# --- the same -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tiny_arabert: Path, tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    """A room in which a run was left alone, without workers or checkpoints between epochs: the others must equal it."""
    room = fill(tmp_path_factory.mktemp("whole")).write()
    (room.root / "mine.yaml").write_text(f"{SETTINGS}encoder: {tiny_arabert}\ncorpora: corpora\n")
    assert started(room, "name=whole") == 0
    return room


def state_of(out: Path, step: int = LAST) -> dict[str, Any]:
    """All that the checkpoint of `step` holds, times and best path left out."""
    folder = out / "checkpoints" / name_of(step)
    assert fault(folder) is None
    trainer = json.loads((folder / "trainer_state.json").read_text())
    history = [{k: v for k, v in r.items() if "runtime" not in k and "second" not in k} for r in trainer["log_history"]]
    safe = {p.name: load_file(p) for p in folder.glob("*.safetensors")}
    with torch.serialization.safe_globals([]):
        pickled = {p: torch.load(folder / p, weights_only=True) for p in ("optimizer.pt", "scheduler.pt")}
    kept = {k: trainer[k] for k in ("epoch", "global_step", "best_metric", "best_global_step", "stateful_callbacks")}
    rng = (folder / "rng_state.pth").read_bytes()
    return {"safe": safe, **pickled, "history": history, **kept, "rng": rng}


def same(a: Any, b: Any) -> bool:
    """Equal to the bit, tensors too."""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def assert_the_same(room: Newsroom, name: str, whole: Newsroom) -> None:
    """The run `name` left what the whole one left: weights, optimiser, generators, history, metrics, artefact."""
    ours, theirs = room.root / "runs" / name, whole.root / "runs/whole"
    found, expected = state_of(ours), state_of(theirs)
    for part in expected:
        assert same(found[part], expected[part]), part
    assert (ours / "metrics.jsonl").read_bytes() == (theirs / "metrics.jsonl").read_bytes()
    for path in sorted((theirs / "artefact").glob("*.safetensors")):
        assert (ours / "artefact" / path.name).read_bytes() == path.read_bytes(), path.name
    manifests = [read_manifest(out / "artefact").model_copy(update={"name": ""}) for out in (ours, theirs)]
    assert manifests[0] == manifests[1]


def test_killed_in_every_way_in_turn_and_resumed_it_is_the_unbroken_run(whole: Newsroom) -> None:
    """One run, killed nine times: before anything is saved, within epochs, while writing, at the end."""
    words = ("name=broken", "workers=2", "save_steps=3")
    folder = whole.root / "runs/broken/checkpoints"
    killed(whole, *words, harm=die_at_step, at=(2,))
    assert not steps_down(folder)
    killed(whole, *words, harm=die_at_step, at=(5,))
    killed(whole, *words, harm=die_writing, at=(6, "weights"))
    killed(whole, *words, harm=die_writing, at=(6, "optimiser"))
    assert "runs/broken/checkpoints/checkpoint-6.part is half written; passed over" in said(whole)
    assert "resumed from runs/broken/checkpoints/checkpoint-3" in said(whole)
    killed(whole, *words, harm=die_writing, at=(8, "seal"))
    killed(whole, *words, harm=die_writing, at=(9, "rotation"))
    killed(whole, *words, harm=die_at_step, at=(14,))
    killed(whole, *words, harm=die_writing, at=(16, "rotation"))
    killed(whole, *words, harm=die_exporting, at=())
    assert started(whole, *words, harm=die_at_step, at=(LAST,)) == 0
    assert "resumed from runs/broken/checkpoints/checkpoint-24" in said(whole)
    assert_the_same(whole, "broken", whole)
    assert not list((whole.root / "runs/broken").rglob("*.part"))


def test_killed_at_every_step_of_an_epoch_it_is_the_unbroken_run(whole: Newsroom) -> None:
    words = ("name=each", "workers=1", "save_steps=1")
    for step in range(2 * STEPS + 1, LAST):
        killed(whole, *words, harm=die_at_step, at=(step,))
    assert started(whole, *words) == 0
    assert_the_same(whole, "each", whole)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(whole: Newsroom) -> None:
    words = ("name=damaged", "save_steps=3")
    killed(whole, *words, harm=die_at_step, at=(14,))
    folder = whole.root / "runs/damaged/checkpoints"
    assert [p.name for p in steps_down(folder)] == ["checkpoint-12", "checkpoint-9", "checkpoint-8"]
    spoil(folder / "checkpoint-12/optimizer.pt")
    assert started(whole, *words) == 0
    assert "checkpoint-12 is damaged: expected SHA-256 " in said(whole)
    assert "of optimizer.pt" in said(whole)
    assert "resumed from runs/damaged/checkpoints/checkpoint-9" in said(whole)
    assert_the_same(whole, "damaged", whole)


def test_a_full_disk_ends_with_a_sentence_and_the_run_goes_on_when_there_is_room(whole: Newsroom) -> None:
    words = ("name=full", "save_steps=5")
    assert started(whole, *words, harm=full_disk, at=(10,)) == 1
    error = (whole.root / "error.txt").read_text()
    assert error.startswith("checkpoint-10 cannot be written to runs/full/checkpoints (")
    assert "free space on that disk and start again; " in error
    assert error.endswith("runs/full/checkpoints/checkpoint-8, the last good checkpoint, is kept")
    assert not list((whole.root / "runs/full").rglob("*.part")), "what was half written gives its room back"
    assert started(whole, *words) == 0
    assert "resumed from runs/full/checkpoints/checkpoint-8" in said(whole)
    assert_the_same(whole, "full", whole)


def test_another_config_or_other_data_begin_anew_and_say_so(whole: Newsroom) -> None:
    killed(whole, "name=other", harm=die_at_step, at=(9,))
    killed(whole, "name=other", "learning_rate=1.0e-3", harm=die_at_step, at=(9,))
    assert "the checkpoints in runs/other/checkpoints are of another config or of other data; moved to" in said(whole)
    assert "resumed" not in said(whole)
    killed(whole, "name=other", "learning_rate=1.0e-3", "workers=1", harm=die_at_step, at=(9,))
    assert "resumed from runs/other/checkpoints/checkpoint-8" in said(whole), "the number of workers is no matter"
    killed(whole, "name=other", "learning_rate=1.0e-3", "limit=14", harm=die_at_step, at=(1,))
    assert "begun anew" in said(whole)


def falling(fail: bool) -> None:
    """Dev macro-F1 falls from the first epoch on; with `fail`, no further step may be taken."""
    heard: list[int] = []

    def measured(answers: Any) -> dict[str, float]:
        heard.append(1)
        return {"macro_f1": replace(judge([0], [0]), macro_f1=1 / len(heard)).macro_f1, "one_label": -1}

    train.transformer.measured = measured
    if fail:
        die_at_step(2 * STEPS)
    else:
        die_exporting()


def test_patience_that_ran_out_before_the_kill_stays_out(whole: Newsroom) -> None:
    """Killed between the last checkpoint and the artefact, the run that early stopping ended takes no more steps."""
    words = ("name=early", "patience=1")
    killed(whole, *words, harm=falling, at=(False,))
    assert started(whole, *words, harm=falling, at=(True,)) == 0
    folder = whole.root / "runs/early/checkpoints"
    assert [p.name for p in steps_down(folder)] == ["checkpoint-16", "checkpoint-8"]
    kept = load_file(folder / "checkpoint-8/model.safetensors")["base.classifier.weight"]
    assert torch.equal(
        load_file(whole.root / "runs/early/artefact/model.safetensors")["classifier.weight"], kept.half()
    ), "the best epoch is the first"


@pytest.mark.parametrize("kind", ["tfidf", "rules"])
def test_a_floor_killed_while_it_is_written_comes_out_the_same(whole: Newsroom, kind: str) -> None:
    (whole.root / f"{kind}.yaml").write_text(f"kind: {kind}\ncorpora: corpora\n")
    shutil.copy(whole.root / "mine.yaml", whole.root / "kept.yaml")
    shutil.copy(whole.root / f"{kind}.yaml", whole.root / "mine.yaml")
    try:
        killed(whole, f"name={kind}", harm=die_exporting, at=())
        out = whole.root / "runs" / kind
        assert not (out / "artefact").exists()
        assert [started(whole, f"name={n}") for n in (kind, "straight")] == [0, 0]
    finally:
        shutil.move(whole.root / "kept.yaml", whole.root / "mine.yaml")
    straight = whole.root / "runs/straight"
    assert (out / "metrics.jsonl").read_bytes() == (straight / "metrics.jsonl").read_bytes()
    for path in (straight / "artefact").iterdir():
        if path.name != "isnad.json":
            assert path.suffix in {".json", ".safetensors"}
            assert (out / "artefact" / path.name).read_bytes() == path.read_bytes()
    manifests = [read_manifest(o / "artefact").model_copy(update={"name": ""}) for o in (out, straight)]
    assert manifests[0] == manifests[1]


def test_workers_that_outlive_a_kill_do_not_hold_the_directory(tmp_path: Path) -> None:
    process = context().Process(target=hold_and_die, args=(str(tmp_path),))
    process.start()
    process.join()
    try:
        with held(tmp_path):
            assert (process.exitcode, (tmp_path / "worker").is_file()) == (-signal.SIGKILL, True)
    finally:
        os.kill(int((tmp_path / "worker").read_text()), signal.SIGKILL)


# --- what goes wrong on the way -----------------------------------------------------------------


@pytest.fixture
def room(newsroom: Newsroom, tiny_arabert: Path) -> Newsroom:
    """A newsroom with a config, in which this process stands."""
    newsroom.write()
    (newsroom.root / "mine.yaml").write_text(f"{SETTINGS}encoder: {tiny_arabert}\ncorpora: corpora\nsave_steps: 5\n")
    return newsroom


def refused(*words: str) -> str:
    """The sentence in which training ended."""
    done = CliRunner().invoke(main, ["mine.yaml", *words])
    assert done.exit_code == 1, done.output
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return line


def spoilt_at(step: int, monkeypatch: pytest.MonkeyPatch, loss: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """The loss goes through `loss` once `step` steps are done."""
    real = StanceTrainer.compute_loss

    def compute_loss(self: StanceTrainer, *arguments: Any, **named: Any) -> Any:
        found = real(self, *arguments, **named)
        return loss(found) if self.state.global_step == step and not named.get("return_outputs") else found

    monkeypatch.setattr(StanceTrainer, "compute_loss", compute_loss)


def test_a_loss_that_is_no_number(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt_at(7, monkeypatch, lambda loss: loss * float("nan"))
    assert refused() == (
        "error: the loss is nan at step 8; lower learning_rate=0.002 and start again; "
        "runs/mine/checkpoints/checkpoint-5, the last good checkpoint, is kept"
    )
    assert fault(Path("runs/mine/checkpoints/checkpoint-5")) is None
    assert not Path("runs/mine/artefact").exists()


def test_weights_that_are_no_numbers_never_become_a_checkpoint(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    real = StanceTrainer._save_checkpoint

    def poisoned(self: StanceTrainer, model: Any, trial: Any) -> None:
        if self.state.global_step == 10:
            model.tags.bias.data.fill_(float("inf"))
        real(self, model, trial)

    monkeypatch.setattr(StanceTrainer, "_save_checkpoint", poisoned)
    assert refused() == (
        "error: the weights are no longer numbers at step 10; lower learning_rate=0.002; "
        "runs/mine/checkpoints/checkpoint-8, the last good checkpoint, is kept"
    )
    assert [p.name for p in steps_down(Path("runs/mine/checkpoints"))] == ["checkpoint-8", "checkpoint-5"]


def test_out_of_memory_and_what_it_advises_goes_on_from_the_checkpoint(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(loss: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with monkeypatch.context() as patch:
        spoilt_at(7, patch, full)
        assert refused() == (
            "error: out of memory at batch_size=2; start again with batch_size=1 gradient_accumulation=2 (the same "
            "steps) or gradient_checkpointing=true; "
            "runs/mine/checkpoints/checkpoint-5, the last good checkpoint, is kept"
        )
    caplog.set_level(logging.INFO, "train")
    done = CliRunner().invoke(main, ["mine.yaml", "batch_size=1", "gradient_accumulation=2"])
    assert done.exit_code == 0, done.output
    assert "resumed from runs/mine/checkpoints/checkpoint-5" in caplog.text


def test_a_model_that_calls_everything_the_same_has_collapsed(room: Newsroom) -> None:
    said = refused("learning_rate=0.05", "patience=3")
    assert "error: the model has collapsed: all dev sentences got one label " in said
    assert (
        "in each of the last 3 evaluations; lower learning_rate=0.05, or raise it or epochs=3 where the loss still"
        in said
    )
    (best,) = [p for p in steps_down(Path("runs/mine/checkpoints")) if f"{p}, is kept" in said]
    assert fault(best) is None
    assert not Path("runs/mine/artefact").exists()


def test_one_label_after_a_single_epoch_is_only_a_warning(room: Newsroom, caplog: pytest.LogCaptureFixture) -> None:
    done = CliRunner().invoke(main, ["mine.yaml", "epochs=1", "learning_rate=0.05"])
    assert done.exit_code == 0, done.output
    assert "in the last evaluation; train longer, or on more data" in caplog.text


# --- pretraining's loop -------------------------------------------------------------------------


class Toy(torch.nn.Module):
    """A matrix under dropout: what comes out depends on torch's generator."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.embeddings = torch.nn.Embedding(12, 12)
        self.hidden = torch.nn.Linear(12, 12)

    def loss_at(self, step: int) -> torch.Tensor:
        rows = torch.arange(step, step + 4) % 12
        return torch.nn.functional.dropout(self.hidden(self.embeddings(rows)), 0.5).square().mean()


LOOP, WORK = LoopConfig(checkpoint_minutes=0.0, bf16=False), Work("toy", 9, 4, "rows")


def looped(out: Path, dies: int | None = None) -> dict[str, torch.Tensor]:
    """The weights after all steps; with `dies`, that step raises instead."""
    out.mkdir(exist_ok=True)
    model = Toy()

    def loss_at(step: int) -> torch.Tensor:
        if step == dies:
            raise KeyboardInterrupt
        return model.loss_at(step)

    run_steps(model, loss_at, WORK, LOOP, out)
    return model.state_dict()


@pytest.mark.parametrize("spoilt", [False, True])
def test_the_loop_goes_on_with_the_same_dropout_past_a_damaged_checkpoint(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoilt: bool
) -> None:
    straight = looped(tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        looped(tmp_path / "broken", dies=6)
    latest = tmp_path / "broken/checkpoint.pt"
    if spoilt:
        data = latest.read_bytes()
        weights = Toy().hidden.weight.shape.numel() * 4
        at = data.index(torch.load(latest, weights_only=True)["model"]["hidden.weight"].numpy().tobytes())
        latest.write_bytes(
            data[: at + weights // 2] + bytes([data[at + weights // 2] ^ 1]) + data[at + weights // 2 + 1 :]
        )
    torch.manual_seed(99)
    assert same(looped(tmp_path / "broken"), straight)
    assert ("checkpoint.pt is damaged" in caplog.text) is spoilt


def test_the_loop_says_when_nothing_good_is_left(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        looped(tmp_path, dies=6)
    for path in (tmp_path / "checkpoint.pt", tmp_path / "previous.pt"):
        path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(IsnadError, match=r"checkpoint\.pt: damaged, and no good checkpoint beside it; delete it"):
        looped(tmp_path)


@pytest.mark.parametrize("content", [b"", b"garbage", bytes(900)])
def test_whatever_stands_in_a_checkpoint_the_one_before_it_counts(tmp_path: Path, content: bytes) -> None:
    straight = looped(tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        looped(tmp_path / "broken", dies=6)
    (tmp_path / "broken/checkpoint.pt").write_bytes(content)
    assert same(looped(tmp_path / "broken"), straight)


def test_the_lines_of_steps_that_are_taken_again_go(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 3, "loss": 1.5}\n{"step": 6, "loss": 1.2}\n{"step": 9, "lo')
    cut_metrics(path, 6)
    assert path.read_text() == '{"step": 3, "loss": 1.5}\n{"step": 6, "loss": 1.2}\n'
    cut_metrics(path, 4)
    assert path.read_text() == '{"step": 3, "loss": 1.5}\n'


# --- the folders themselves ---------------------------------------------------------------------


def spoil(path: Path) -> None:
    """Turn one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def checkpoint(folder: Path, step: int, *, best: int | None = None, run: str = "ours") -> Path:
    """A sealed checkpoint with two invented files."""
    part = folder / f"checkpoint-{step}.part"
    (part / "deep").mkdir(parents=True)
    (part / "weights").write_bytes(bytes(range(step)))
    (part / "deep/state").write_bytes(b"state")
    return seal(part, run=run, best=best)


def test_the_latest_whole_checkpoint_is_taken(tmp_path: Path) -> None:
    for step in (9, 100, 20):
        checkpoint(tmp_path, step)
    assert last_good(tmp_path, "ours") == tmp_path / "checkpoint-100"
    assert last_good(tmp_path / "nowhere", "ours") is None


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda c: spoil(c / "deep/state"), "damaged: expected SHA-256 "),
        (lambda c: (c / "weights").unlink(), "damaged: expected weights, found none"),
        (lambda c: (c / "weights").write_bytes(b""), "damaged: expected SHA-256 "),
        (lambda c: (c / COMPLETE).unlink(), "half written: expected a readable complete.json, found none"),
        (lambda c: (c / COMPLETE).write_text('{"run": "ou'), "half written: expected a readable complete.json"),
        (lambda c: spoil(c.with_name("checkpoint-5") / "weights"), "of no use without checkpoint-5, the best so far"),
        (lambda c: shutil.rmtree(c.with_name("checkpoint-5")), "of no use without checkpoint-5, the best so far"),
    ],
)
def test_what_is_not_whole_is_named_and_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], Any], why: str
) -> None:
    checkpoint(tmp_path, 5, best=5)
    checkpoint(tmp_path, 7)
    latest = checkpoint(tmp_path, 9, best=5)
    (tmp_path / "checkpoint-11.part").mkdir()
    harm(latest)
    assert last_good(tmp_path, "ours") == tmp_path / "checkpoint-7"
    lines = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert lines[0] == f"{tmp_path / 'checkpoint-11.part'} is half written; passed over"
    assert lines[1].startswith(f"{latest} is {why}")
    assert lines[1].endswith("; passed over")
    assert not (tmp_path / "checkpoint-11.part").exists()


def test_checkpoints_of_another_run_are_moved_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint(tmp_path / "c", 5, run="theirs")
    assert last_good(tmp_path / "c", "ours") is None
    assert "are of another config or of other data; moved to" in caplog.text
    assert not (tmp_path / "c").exists()
    assert fault(tmp_path / "c.old" / "checkpoint-5") is None


def test_only_the_wanted_checkpoints_stay(tmp_path: Path) -> None:
    assert left(tmp_path) == "no checkpoint was written yet"
    for step in (1, 2, 3):
        checkpoint(tmp_path, step)
    keep_only(tmp_path, {1, 3})
    assert [p.name for p in steps_down(tmp_path)] == ["checkpoint-3", "checkpoint-1"]
    assert left(tmp_path) == f"{tmp_path / 'checkpoint-3'}, the last good checkpoint, is kept"


def test_a_run_is_known_by_what_moves_its_result() -> None:
    config = TransformerConfig(name="a")
    first = run_mark(config, [], [], 1)
    free = {"name": "b", "workers": 3, "save_steps": 7, "gradient_checkpointing": True, "batch_size": 8}
    assert run_mark(config.model_copy(update=free | {"gradient_accumulation": 2}), [], [], 1) == first
    for change in ({"seed": 14}, {"learning_rate": 1e-4}, {"batch_size": 8}, {"epochs": 3}, {"deterministic": True}):
        assert run_mark(config.model_copy(update=change), [], [], 1) != first
    assert run_mark(config, [], [], 2) != first


def test_an_encoder_made_anew_in_its_folder_is_another_run(tmp_path: Path) -> None:
    config = TransformerConfig(name="a", encoder=str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = run_mark(config, [], [], 1)
    assert run_mark(config, [], [], 1) == first
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert run_mark(config, [], [], 1) != first
