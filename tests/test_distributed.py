"""Several processes train as one: two on the CPU (gloo) see the loss curve of one process with twice the batch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from accelerate import FullyShardedDataParallelPlugin
from conftest import ROOT, fill
from safetensors.torch import load_file

from isnad import load_classifier
from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.runtimes.base import Item
from train.batches import LengthGrouped, with_filler
from train.config import MajorityConfig
from train.losses import Gold, joint_loss, loss_totals
from train.processes import check_sharding
from train.run import train
from train.targets import Target

SETTINGS = """
kind: transformer
recipe: arabert-v02
limit: 75
epochs: 3
patience: 5
batch_size: 2
dropout: 0.0
precision: fp32
learning_rate: 2.0e-3
max_length: 64
composed_weight: 0.5
class_weights: balanced
corpora: corpora
"""
SCRIPTS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def room(tiny_arabert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newsroom with a config, and an encoder without dropout in its attention."""
    root = tmp_path_factory.mktemp("ranks")
    fill(root).write()
    encoder = shutil.copytree(tiny_arabert, root / "encoder")
    shape = json.loads((encoder / "config.json").read_text())
    (encoder / "config.json").write_text(json.dumps(shape | {"attention_probs_dropout_prob": 0.0}))
    (root / "mine.yaml").write_text(f"{SETTINGS}encoder: {encoder}\n")
    return root


def launched(room: Path, *words: str, around: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A launcher (`torchrun`, `accelerate`) with these words and variables `around` it, on one core a process."""
    around = {k: v for k, v in os.environ.items() if k != "ISNAD_CORPORA"} | (around or {})
    around |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    name, *rest = words
    return subprocess.run(
        [str(SCRIPTS / name), *rest], capture_output=True, text=True, cwd=room, env=around, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def alone(room: Path) -> Path:
    """The run of one process with batches of 4."""
    done = launched(room, "python", "-m", "train", "mine.yaml", "name=alone", "batch_size=4")
    assert done.returncode == 0, done.stderr
    return room / "runs/alone"


def curve(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def assert_one_curve(ours: Path, theirs: Path) -> None:
    """Losses, gradient norms and dev figures within rounding at the same steps, and nearly the same weights."""
    found, expected = curve(ours), curve(theirs)
    assert [list(r) for r in found] == [list(r) for r in expected]
    assert sum("loss" in r for r in expected) == 2
    for a, b in zip(found, expected, strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    weights = [load_file(o / "artefact/model.safetensors") for o in (ours, theirs)]
    for name, tensor in weights[1].items():
        assert torch.allclose(weights[0][name].float(), tensor.float(), rtol=2e-2, atol=2e-3), name


def test_two_ranks_follow_the_curve_of_one_process(room: Path, alone: Path) -> None:
    """75 sentences do not go into steps of 4: the last step of an epoch is short, and right all the same."""
    done = launched(room, "torchrun", "--nproc-per-node=2", "-m", "train", "mine.yaml", "name=two", "save_steps=7")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "runs/two\n", "the first process alone says where the run is"
    assert done.stderr.count("2 processes, 4 sentences a step") == 1
    assert_one_curve(room / "runs/two", alone)
    assert not (room / "runs/two/checkpoints").exists()
    (answer,) = load_classifier(room / "runs/two").predict(["نفت بلدية هدران ما تردد عن بيع لؤشاد إلى تجار فنقار."])
    assert answer.label in Stance


FSDP_ON_CPU = """
import os, signal, sys
import torch
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType
from train.__main__ import main
from train.trainer import StanceTrainer

plain, step = AcceleratorState.__init__, StanceTrainer.training_step

def shared_out(self, *arguments, fsdp_plugin=None, **named):
    plain(self, *arguments, fsdp_plugin=fsdp_plugin, **named)
    if fsdp_plugin is not None:
        self.distributed_type, self.fsdp_plugin = DistributedType.FSDP, fsdp_plugin

def watched(self, *arguments):
    parts = [p.to_local().numel() / p.numel() for p in self.model.parameters() if p.ndim == 2 and p.shape[0] % 2 == 0]
    assert set(parts) == {0.5}, "each process holds half of every matrix"
    if self.state.global_step == int(os.environ["KILL_AT"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *arguments)

AcceleratorState.__init__, StanceTrainer.training_step = shared_out, watched
main(sys.argv[1:], prog_name="python -m train")
"""
"""accelerate gives FSDP to GPUs alone: this driver lets it shard on the CPU, checks that it does, and may kill it."""


def test_shared_out_weights_follow_it_too_killed_and_resumed(room: Path, alone: Path) -> None:
    """FSDP2 with the settings that ship, killed after the checkpoint of step 21 and started again."""
    shipped = yaml.safe_load((ROOT / "configs/accelerate/fsdp.yaml").read_text())["fsdp_config"]
    around = {k.upper(): str(v) for k, v in shipped.items()} | {"ACCELERATE_USE_FSDP": "true"}
    (room / "driver.py").write_text(FSDP_ON_CPU)
    words = ("torchrun", "--nproc-per-node=2", "driver.py", "mine.yaml", "name=shared", "save_steps=7")
    killed = launched(room, *words, around=around | {"KILL_AT": "25"})
    assert killed.returncode != 0
    assert "SIGKILL" in killed.stderr, killed.stderr
    done = launched(room, *words, around=around | {"KILL_AT": "-1"})
    assert done.returncode == 0, done.stderr
    assert done.stdout == "runs/shared\n"
    assert "weights and optimiser state shared out over 2 processes" in done.stderr
    assert "resumed from runs/shared/checkpoints/checkpoint-21" in done.stderr
    assert_one_curve(room / "runs/shared", alone)


def test_accelerate_launches_it(room: Path) -> None:
    """`accelerate launch -m train`, by the config for CPUs that ships."""
    config = str(ROOT / "configs/accelerate/cpu.yaml")
    done = launched(
        room, "accelerate", "launch", "--config_file", config, "-m", "train", "mine.yaml", "epochs=1", "limit=8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "runs/mine\n"
    assert "2 processes, 4 sentences a step" in done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "configs/accelerate").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_launch_configs_leave_precision_to_the_run(path: Path) -> None:
    settings = yaml.safe_load(path.read_text())
    assert settings["mixed_precision"] == "no"
    assert f"--config_file configs/accelerate/{path.name}" in path.read_text()


def test_sharding_that_cannot_be_resumed_is_refused() -> None:
    good = FullyShardedDataParallelPlugin(fsdp_version=2, state_dict_type="SHARDED_STATE_DICT")
    check_sharding(good)
    for version, kind in ((2, "FULL_STATE_DICT"), (1, "SHARDED_STATE_DICT")):
        with pytest.raises(
            IsnadError, match=f"found {version} and {kind}; set them as in configs/accelerate/fsdp.yaml"
        ):
            check_sharding(FullyShardedDataParallelPlugin(fsdp_version=version, state_dict_type=kind))


def test_a_kind_that_trains_in_one_process_refuses_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(
        IsnadError, match="expected one process for kind majority, found 2; start it without a launcher"
    ):
        train(MajorityConfig(name="x"))


# --- the parts ----------------------------------------------------------------------------------


def test_the_order_is_filled_up_with_what_counts_nothing() -> None:
    lengths = [5, 9, 3, 7, 8, 2, 6]
    torch.manual_seed(4)
    plain = list(LengthGrouped(lengths, step=4, multiple=1))
    torch.manual_seed(4)
    filled = list(LengthGrouped(lengths, step=4, multiple=4))
    assert sorted(plain) == list(range(7))
    assert filled == [*plain, 7]
    assert len(LengthGrouped(lengths, step=4, multiple=4)) == 8
    rows = [{"input_ids": [0] * n} for n in lengths]
    targets = [Target(Item(str(n)), (1.0, 0.0, 0.0, 0.0), False, None, None) for n in lengths]
    more_rows, more_targets = with_filler(rows, targets)
    assert (len(more_rows), len(more_rows[7]["input_ids"])) == (8, 2)
    assert (more_targets[7].item.text, more_targets[7].weight) == ("2", 0.0)
    assert more_targets[:7] == targets


def test_parts_of_a_step_add_up_to_the_loss_of_the_whole() -> None:
    """However 6 sentences are cut, their losses by the totals of the step sum to the loss of one batch."""
    make = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=make)

    answers = {"stance": draw(6, 4), "attributed": draw(6), "tags": draw(6, 5, 2)}
    own = draw(6, 5) > 0.4
    gold = Gold(torch.eye(4)[[0, 1, 2, 3, 1, 1]], draw(6).round(), draw(6, 5, 2).round(), own, draw(6))
    weight = torch.tensor([1.0, 2.0, 0.5, 4.0])
    whole = joint_loss(answers, gold, weight, 0.3, 0.5)
    for cut in (1, 2, 4):
        halves = [slice(0, cut), slice(cut, 6)]
        golds = [Gold(gold.soft[h], gold.attributed[h], gold.tags[h], gold.own[h], gold.weight[h]) for h in halves]
        totals = torch.stack([loss_totals(g, weight) for g in golds]).sum(0)
        parts = [
            joint_loss({k: v[h] for k, v in answers.items()}, g, weight, 0.3, 0.5, totals)
            for h, g in zip(halves, golds, strict=True)
        ]
        assert float(torch.stack(parts).sum()) == pytest.approx(float(whole), rel=1e-6)
