"""The step loop: killed and started again it ends where an unbroken run ends, and it says what went wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isnad.errors import IsnadError
from train.loop import Checkpoints, LoopConfig, Work, learning_rate_factor, make_optimizers, run_steps

WORK = Work("invented task", 10, 4, "rows")
EVERY_STEP = LoopConfig(checkpoint_minutes=0.0, warmup=0.3, decay=0.5, bf16=False)


class Toy(torch.nn.Module):
    """Embeddings, a hidden matrix and a small head: the loop's two optimisers both get something to do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.embeddings = torch.nn.Embedding(20, 12)
        self.hidden = torch.nn.Linear(12, 12)
        self.head = torch.nn.Linear(12, 3)

    def loss_at(self, step: int) -> torch.Tensor:
        """The loss of the `step`-th batch: of the step and the weights alone, as the loop asks."""
        rows = torch.randint(0, 20, (8, 4), generator=torch.Generator().manual_seed(step))
        states = torch.relu(self.hidden(self.embeddings(rows).mean(1)))
        return torch.nn.functional.cross_entropy(self.head(states), rows[:, 0] % 3)


def killed_at(loss_at: Callable[[int], torch.Tensor], last: int) -> Callable[[int], torch.Tensor]:
    """`loss_at` until step `last`, where the machine goes away."""

    def loss(step: int) -> torch.Tensor:
        if step == last:
            raise KeyboardInterrupt
        return loss_at(step)

    return loss


def steps_of(out: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("killed", [1, 5, 9])
def test_a_killed_run_ends_with_the_weights_of_an_unbroken_one(tmp_path: Path, killed: int) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    straight = Toy()
    run_steps(straight, straight.loss_at, WORK, EVERY_STEP, whole)

    first = Toy()
    with pytest.raises(KeyboardInterrupt):
        run_steps(first, killed_at(first.loss_at, killed), WORK, EVERY_STEP, broken)
    second, seen = Toy(), []
    with torch.no_grad():
        second.hidden.weight.add_(1.0)  # a new process starts from other weights; the checkpoint must win

    def watched(step: int) -> torch.Tensor:
        seen.append(step)
        return second.loss_at(step)

    run_steps(second, watched, WORK, EVERY_STEP, broken)
    assert seen == list(range(killed, 10)), "no step is run twice and none is left out"
    assert steps_of(whole) == steps_of(broken) == [10]
    for (name, a), b in zip(straight.state_dict().items(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_a_finished_run_started_again_changes_nothing(tmp_path: Path) -> None:
    model = Toy()
    run_steps(model, model.loss_at, WORK, EVERY_STEP, tmp_path)
    again = Toy()

    def never(step: int) -> torch.Tensor:
        raise AssertionError(f"step {step} was run again")

    run_steps(again, never, WORK, EVERY_STEP, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_a_half_written_checkpoint_never_counts(tmp_path: Path) -> None:
    model = Toy()
    optimizers = make_optimizers(model, EVERY_STEP)
    checkpoints = Checkpoints(tmp_path)
    (tmp_path / "checkpoint.part").write_bytes(b"PK half of it")
    assert checkpoints.load(model, optimizers) == 0
    checkpoints.save(3, model, optimizers)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]
    (tmp_path / "checkpoint.part").write_bytes(b"PK half of it")
    assert checkpoints.load(Toy(), make_optimizers(model, EVERY_STEP)) == 3


def test_a_checkpoint_can_hold_no_code(tmp_path: Path) -> None:
    class Trojan:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "opened",)

    torch.save({"step": 1, "model": Trojan(), "optimizers": []}, tmp_path / "checkpoint.pt")
    model = Toy()
    with pytest.raises(IsnadError, match="damaged, and no good checkpoint beside it"):
        Checkpoints(tmp_path).load(model, make_optimizers(model, EVERY_STEP))
    assert not (tmp_path / "opened").exists()


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_step(tmp_path: Path) -> None:
    model = Toy()

    def loss_at(step: int) -> torch.Tensor:
        return model.loss_at(step) * (float("nan") if step == 4 else 1.0)

    with pytest.raises(IsnadError, match=r"the loss is nan at step 4; lower `muon_learning_rate`"):
        run_steps(model, loss_at, WORK, EVERY_STEP, tmp_path)
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert kept["step"] == 4
    assert all(bool(torch.isfinite(w).all()) for w in kept["model"].values()), "the last good state is still there"


def test_progress_tells_step_time_left_and_loss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Toy()
    run_steps(model, model.loss_at, WORK, EVERY_STEP, tmp_path)
    said = capsys.readouterr().err
    assert said.startswith("invented task: step 10/10, ")
    assert ", ETA 0s, loss " in said
    row = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert (row["step"], row["rows"]) == (10, 40)
    assert 0 < row["loss"] < 5


# --- the schedule -------------------------------------------------------------------------------


@given(st.integers(1, 4000), st.floats(0, 1), st.floats(0, 1), st.data())
@settings(max_examples=200, deadline=None)
def test_the_rate_stays_between_nothing_and_the_plateau(
    steps: int, warmup: float, decay: float, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, steps - 1))
    factor = learning_rate_factor(step, steps, warmup, decay)
    assert 0 < factor <= 1, "no step is wasted on a rate of 0"
    if round(steps * warmup) - 1 <= step <= steps - max(1, round(steps * decay)):
        assert factor == 1


def test_warm_up_plateau_decay() -> None:
    rates = [learning_rate_factor(s, 100, 0.1, 0.3) for s in range(100)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert rates[9:71] == [1.0] * 62
    assert rates[70:] == sorted(rates[70:], reverse=True)
    assert rates[-1] == pytest.approx(1 / 30)


def test_muon_gets_the_hidden_matrices_alone() -> None:
    model = Toy()
    muon, adam = make_optimizers(model, EVERY_STEP)
    assert [p is model.hidden.weight for g in muon.param_groups for p in g["params"]] == [True]
    rest = {id(p) for g in adam.param_groups for p in g["params"]}
    assert rest == {id(p) for p in model.parameters()} - {id(model.hidden.weight)}
