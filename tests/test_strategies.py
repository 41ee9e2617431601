"""Each strategy does what its paper says, on arrays or on a tiny model, and a killed run that uses it ends the same."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from conftest import Newsroom, fill
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from test_resume_training import SETTINGS, die_at_step, killed, same, started, state_of
from torch.nn import functional as F
from transformers import BertConfig, BertForSequenceClassification, pipeline

from isnad.errors import IsnadError
from isnad.runtimes.base import Item
from isnad.runtimes.transformer import StanceModel
from train.__main__ import main
from train.batches import LengthGrouped
from train.config import RecurrentConfig, TransformerConfig
from train.losses import Gold, Objective, StanceLoss, disagreement, joint_loss, twice
from train.strategies import (
    Average,
    add_adapters,
    alone,
    check_processes,
    choose_weights,
    depth_of,
    draw_alike,
    log_shares,
    merge_adapters,
    moved,
    objective,
)
from train.targets import Target

LOGITS = torch.tensor([[2.0, -1.0, 0.5, 0.0], [0.0, 3.0, 0.0, -2.0], [0.1, 0.2, 0.3, 0.4]])
LABELS = torch.tensor([0, 2, 3])
SOFT = F.one_hot(LABELS, 4).float()


# --- losses -------------------------------------------------------------------------------------


def test_smoothing_is_that_of_torch() -> None:
    found = StanceLoss(smoothing=0.1).of(LOGITS, SOFT)
    assert torch.allclose(found, F.cross_entropy(LOGITS, LABELS, label_smoothing=0.1, reduction="none"))
    assert torch.equal(StanceLoss().of(LOGITS, SOFT), StanceLoss(smoothing=0.0).of(LOGITS, SOFT))


def test_focal_loss_is_cross_entropy_at_gamma_0_and_forgives_what_is_known_above_it() -> None:
    plain = F.cross_entropy(LOGITS, LABELS, reduction="none")
    assert torch.allclose(StanceLoss(gamma=0.0).of(LOGITS, SOFT), plain)
    share = LOGITS.softmax(-1)[torch.arange(3), LABELS]
    assert torch.allclose(StanceLoss(gamma=2.0).of(LOGITS, SOFT), (1 - share) ** 2 * plain)
    sure = torch.tensor([[40.0, 0.0, 0.0, 0.0]], requires_grad=True)
    StanceLoss(gamma=0.5).of(sure, SOFT[:1]).sum().backward()
    assert sure.grad is not None
    assert bool(torch.isfinite(sure.grad).all()), "a probability of 1 has a gradient too"


def test_logit_adjustment_adds_the_log_shares_of_train() -> None:
    labels = [0] * 6 + [1] * 2 + [2] * 1 + [3] * 1
    shift = log_shares(labels)
    assert torch.allclose(shift.exp(), torch.tensor([0.6, 0.2, 0.1, 0.1]))
    assert bool(torch.isfinite(log_shares([0, 0])).all()), "a stance that train lacks"
    targets = [target(k) for k in labels]
    for tau in (0.0, 1.0, 2.0):
        config = TransformerConfig(logit_adjustment=tau)
        found = objective(config, targets).stance_loss.of(LOGITS, SOFT)
        assert torch.allclose(found, F.cross_entropy(LOGITS + tau * shift, LABELS, reduction="none"))


def target(label: int, weight: float = 1.0) -> Target:
    return Target(Item("نص", ""), tuple(float(k == label) for k in range(4)), False, None, None, weight)


def gold_of(rows: int, length: int = 6, tags: int = 2) -> Gold:
    own = torch.ones(rows, length, dtype=torch.bool)
    weight = torch.linspace(0.5, 1.5, rows)
    return Gold(torch.eye(4)[torch.arange(rows) % 4], torch.zeros(rows), torch.zeros(rows, length, tags), own, weight)


@pytest.fixture
def tiny() -> StanceModel:
    return new_tiny(dropout=0.3)


def new_tiny(dropout: float) -> StanceModel:
    torch.manual_seed(5)
    shape = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32, num_labels=4,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout, max_position_embeddings=32,
    )  # fmt: skip
    return StanceModel(BertForSequenceClassification(shape))


def batch_of(model: StanceModel, rows: int = 4) -> tuple[dict[str, torch.Tensor], Gold]:
    ids = torch.randint(5, 50, (rows, 6), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        tags = model(input_ids=ids)["tags"].shape[-1]
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, gold_of(rows, tags=tags)


def test_r_drop_adds_nothing_without_dropout_and_the_mean_divergence_with_it() -> None:
    weights = torch.ones(4)
    for dropout, silent in ((0.0, True), (0.3, False)):
        model = new_tiny(dropout).train()
        inputs, gold = batch_of(model)
        plain = Objective(weights, 0.3, 0.5)(model, inputs, gold).detach()
        with_it = Objective(weights, 0.3, 0.5, r_drop=5.0)(model, inputs, gold).detach()
        assert (abs(float(with_it) - float(plain)) < 1e-5) is silent
    logits = torch.cat([LOGITS, LOGITS.roll(1, -1)])
    found = disagreement(logits, gold_of(3), gold_of(3).weight.sum())
    one, other = LOGITS.log_softmax(-1), LOGITS.roll(1, -1).log_softmax(-1)
    both = [F.kl_div(a, b, log_target=True, reduction="none").sum(-1) for a, b in ((one, other), (other, one))]
    weight = gold_of(3).weight
    assert float(found) == pytest.approx(float(((both[0] + both[1]) / 2 * weight).sum() / weight.sum()), rel=1e-5)


def test_the_parts_of_a_step_under_every_loss_make_the_whole() -> None:
    """Two batches of a step, each divided by the totals of both, give the loss of one batch with all sentences."""
    model = new_tiny(0.0).train()
    inputs, gold = batch_of(model, 8)
    shift = log_shares([0, 0, 0, 1, 2, 3])
    loss = Objective(torch.tensor([0.5, 2.0, 1.0, 1.5]), 0.3, 0.5, StanceLoss(0.1, 2.0, shift), r_drop=1.0)
    whole, totals = loss(model, inputs, gold).detach(), loss.totals(gold)
    parts = []
    for at in (slice(0, 3), slice(3, 8)):
        some = Gold(gold.soft[at], gold.attributed[at], gold.tags[at], gold.own[at], gold.weight[at])
        parts.append(loss(model, {k: v[at] for k, v in inputs.items()}, some, totals).detach())
    assert float(sum(parts)) == pytest.approx(float(whole), rel=1e-5)


def test_a_batch_behind_itself_has_the_same_loss() -> None:
    model = new_tiny(0.0).eval()
    inputs, gold = batch_of(model)
    answers = model(**inputs)
    doubled = {k: torch.cat([v, v]) for k, v in answers.items()}
    once, both = (joint_loss(a, g, torch.ones(4), 0.3, 0.5) for a, g in ((answers, gold), (doubled, twice(gold))))
    assert float(once.detach()) == pytest.approx(float(both.detach()))


# --- sampling -----------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(0, 99))
def test_every_class_comes_alike_often(labels: list[int], seed: int) -> None:
    draws = []
    for generator in (np.random.default_rng(seed), np.random.default_rng(seed)):
        draws.append(draw_alike(labels, lambda n, drawn=generator: drawn.permutation(n).tolist()))
    assert draws[0] == draws[1], "the seed decides"
    assert len(draws[0]) == len(labels)
    counts = Counter(labels[i] for i in draws[0])
    assert set(counts) == set(labels)
    assert max(counts.values()) - min(counts.values()) <= 1
    times = Counter(draws[0])
    for label in set(labels):
        own = [times[i] for i, found in enumerate(labels) if found == label]
        assert max(own) - min(own) <= 1, "none comes again before all have come"


def test_a_balanced_epoch_is_as_long_and_another_each_time() -> None:
    labels = [0] * 30 + [1] * 6 + [2] * 3 + [3]
    order = LengthGrouped([4 + i % 7 for i in range(40)], 8, 1, labels)
    torch.manual_seed(2)
    first, second = list(order), list(order)
    torch.manual_seed(2)
    assert list(order) == first != second
    assert Counter(labels[i] for i in first) == dict.fromkeys(range(4), 10)


# --- averages and adversaries -------------------------------------------------------------------


def test_the_average_is_the_closed_form_and_leaves_the_weights_alone(tiny: StanceModel) -> None:
    average = Average(tiny, 0.4)
    seen = [tiny.tags.weight.detach().clone()]
    for step in range(1, 8):
        with torch.no_grad():
            tiny.tags.weight.add_(step)
        seen.append(tiny.tags.weight.detach().clone())
        average.update(step)
    decays = [min(0.4, (1 + step) / (10 + step)) for step in range(1, 8)]
    shares = [math.prod(decays), *((1 - d) * math.prod(decays[k + 1 :]) for k, d in enumerate(decays))]
    assert sum(shares) == pytest.approx(1)
    expected = sum(share * weight for share, weight in zip(shares, seen, strict=True))
    assert torch.allclose(average.weights["tags.weight"], torch.as_tensor(expected), atol=1e-5)
    with average.in_place():
        assert torch.equal(tiny.tags.weight, average.weights["tags.weight"])
    assert torch.equal(tiny.tags.weight, seen[-1])
    again = Average(new_tiny(0.3), 0.4)
    again.load(average.state())
    assert same(again.weights, average.weights)


def test_fgm_raises_the_loss_where_it_stands_and_puts_the_weights_back() -> None:
    model = new_tiny(0.0).train()
    inputs, gold = batch_of(model)
    loss, words = Objective(torch.ones(4), 0.3, 0.5), model.base.get_input_embeddings().weight
    words.grad = kept = torch.full_like(words, 7.0)
    before = words.detach().clone()
    with alone(words):
        here = loss(model, inputs, gold)
        here.backward()
        own = words.grad.clone()
        with moved(words, 0.5):
            assert float((words - before).detach().norm()) == pytest.approx(0.5, rel=1e-4)
            there = loss(model, inputs, gold)
            there.backward()
        both = words.grad.clone()
    assert bool(there > here)
    assert torch.equal(words, before)
    assert not torch.equal(both, own), "the second pass is learnt from too"
    assert torch.allclose(words.grad, kept + both), "what earlier batches of the step left stays"
    words.grad = None
    with moved(words, 0.5):
        assert torch.equal(words, before), "no gradient, no move"


# --- frozen weights and adapters ----------------------------------------------------------------


def step_of(model: StanceModel) -> set[str]:
    """The names of the parameters that a step of training moved."""
    inputs, gold = batch_of(model)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=0.01, weight_decay=0.1)
    for _ in range(2):  # an adapter's first matrix moves when its second has
        optimizer.zero_grad()
        Objective(torch.ones(4), 0.3, 0.5)(model, inputs, gold).backward()
        optimizer.step()
    return {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}


@pytest.mark.parametrize(("frozen", "lowest"), [(None, 0), (0, 1), (2, 3), (3, 4)])
def test_frozen_layers_do_not_move_and_all_others_do(tiny: StanceModel, frozen: int | None, lowest: int) -> None:
    choose_weights(tiny, TransformerConfig(frozen_layers=frozen))
    moved_depths = {depth_of(n, 3) for n in step_of(tiny)}
    assert moved_depths == set(range(lowest, 5))


def test_lora_moves_adapters_and_heads_alone_and_merges_into_the_same_answers(tiny: StanceModel) -> None:
    names, plain = set(tiny.state_dict()), new_tiny(0.3)
    add_adapters(tiny, 4, 16.0, 0.1)
    inputs, _ = batch_of(plain)
    with torch.no_grad():
        assert torch.allclose(tiny.eval()(**inputs)["stance"], plain.eval()(**inputs)["stance"]), "they begin at zero"
    changed = step_of(tiny.train())
    adapters = {n for n in changed if ".lora_" in n}
    assert {n.split(".")[4] for n in adapters} == {"0", "1", "2"}
    assert all(depth_of(n, 3) == 4 for n in changed - adapters)
    assert {"base.classifier.weight", "tags.weight", "attributed.weight", "base.bert.pooler.dense.weight"} <= changed
    with torch.no_grad():
        before = tiny.eval()(**inputs)
        merge_adapters(tiny)
        after = tiny(**inputs)
    assert all(torch.allclose(before[k], after[k], atol=1e-5) for k in before)
    assert set(tiny.state_dict()) == names
    assert not torch.equal(
        tiny.base.bert.encoder.layer[0].output.dense.weight, plain.base.bert.encoder.layer[0].output.dense.weight
    )


# --- what does not go together ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"class_weights": "balanced", "sampling": "balanced"}, "found class_weights=balanced and sampling=balanced; "),
        ({"sampling": "balanced", "logit_adjustment": 1.0}, "found sampling=balanced and logit_adjustment=1.0; each"),
        ({"lora_rank": 8, "frozen_layers": 0}, "LoRA freezes the whole encoder: leave frozen_layers out"),
        ({"lora_rank": 8, "fgm": 0.5}, "expected trainable word embeddings for fgm=0.5, found lora_rank=8, which"),
        ({"frozen_layers": 0, "fgm": 0.5}, "found frozen_layers=0, which freezes them; leave one"),
    ],
)
def test_what_does_not_go_together_is_refused(words: dict[str, Any], sentence: str) -> None:
    with pytest.raises(IsnadError) as caught:
        TransformerConfig(**words)
    assert sentence in str(caught.value)


def test_the_recurrent_kind_refuses_two_remedies_too() -> None:
    with pytest.raises(IsnadError, match="expected one remedy for rare stances"):
        RecurrentConfig(sampling="balanced", logit_adjustment=1.0)


def test_more_frozen_layers_than_there_are(tiny: StanceModel) -> None:
    with pytest.raises(IsnadError, match=r"expected frozen_layers up to 3, all that .* has; found 4; lower"):
        choose_weights(tiny, TransformerConfig(frozen_layers=4))


@pytest.mark.parametrize(
    ("words", "processes", "sharded", "sentence"),
    [
        ({"fgm": 0.5}, 2, False, "expected one process for fgm=0.5, found 2"),
        ({"ema_decay": 0.9}, 2, True, "for ema_decay=0.9, found FSDP"),
        ({"lora_rank": 8}, 2, True, "for lora_rank=8, found FSDP"),
        ({"frozen_layers": 0}, 1, True, "for frozen_layers=0, found FSDP"),
    ],
)
def test_what_several_processes_cannot_do(words: dict[str, Any], processes: int, sharded: bool, sentence: str) -> None:
    config = TransformerConfig(**words)
    with pytest.raises(IsnadError, match=sentence):
        check_processes(config, processes, sharded=sharded)
    check_processes(config, 1, sharded=False)
    check_processes(TransformerConfig(), processes, sharded=sharded)


# --- whole runs ---------------------------------------------------------------------------------

EVERYTHING = (
    "label_smoothing=0.1", "focal_gamma=1.0", "logit_adjustment=0.5", "r_drop=1.0", "ema_decay=0.9", "fgm=0.3",
    "layer_decay=0.9", "gradient_accumulation=2", "batch_size=1", "gradient_checkpointing=true",
)  # fmt: skip
ADAPTED = ("lora_rank=4", "sampling=balanced", "ema_decay=0.9", "r_drop=1.0")
FROZEN = ("frozen_layers=1", "sampling=balanced", "focal_gamma=2.0")


@pytest.fixture(scope="module")
def room(tiny_arabert: Path, tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    """A newsroom with a config of two epochs of eight steps."""
    found = fill(tmp_path_factory.mktemp("strategies")).write()
    settings = SETTINGS.replace("epochs: 3", "epochs: 2")
    (found.root / "mine.yaml").write_text(f"{settings}encoder: {tiny_arabert}\ncorpora: corpora\n")
    return found


@pytest.mark.parametrize("words", [EVERYTHING, ADAPTED, FROZEN], ids=["everything", "lora", "frozen"])
def test_killed_within_an_epoch_it_is_the_unbroken_run(room: Newsroom, words: tuple[str, ...]) -> None:
    name = words[0].partition("=")[0]
    assert started(room, f"name={name}", *words) == 0
    killed(room, f"name={name}-broken", "save_steps=3", *words, harm=die_at_step, at=(4,))
    killed(room, f"name={name}-broken", "save_steps=3", *words, harm=die_at_step, at=(13,))
    assert started(room, f"name={name}-broken", "save_steps=3", *words) == 0
    assert "checkpoints/checkpoint-12" in (room.root / "log.txt").read_text(encoding="utf-8")
    ours, theirs = (room.root / "runs" / n for n in (f"{name}-broken", name))
    found, expected = state_of(ours, 16), state_of(theirs, 16)
    for part in expected:
        assert same(found[part], expected[part]), part
    assert (ours / "metrics.jsonl").read_bytes() == (theirs / "metrics.jsonl").read_bytes()
    for path in sorted((theirs / "artefact").glob("*.safetensors")):
        assert (ours / "artefact" / path.name).read_bytes() == path.read_bytes(), path.name


def run(room: Newsroom, monkeypatch: pytest.MonkeyPatch, *words: str) -> Path:
    """The artefact of a run in this process."""
    monkeypatch.chdir(room.root)
    done = CliRunner().invoke(main, ["mine.yaml", *words])
    assert done.exit_code == 0, done.output
    return room.root / done.stdout.strip() / "artefact"


def test_two_batches_of_eight_are_one_of_sixteen(
    room: Newsroom, tiny_arabert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = shutil.copytree(tiny_arabert, room.root / "encoder")
    shape = json.loads((encoder / "config.json").read_text())
    (encoder / "config.json").write_text(json.dumps(shape | {"attention_probs_dropout_prob": 0.0}))
    torch.set_num_threads(1)
    words = ("encoder=encoder", "dropout=0.0", "precision=fp32", "epochs=1", "limit=64", "class_weights=balanced")
    one = run(room, monkeypatch, "name=sixteen", "batch_size=16", *words)
    two = run(room, monkeypatch, "name=eights", "batch_size=8", "gradient_accumulation=2", *words)
    for name in ("model.safetensors", "heads.safetensors"):
        a, b = load_file(one / name), load_file(two / name)
        for key in a:
            assert torch.allclose(a[key].float(), b[key].float(), atol=2e-3), key


def test_the_average_is_judged_and_exported(
    room: Newsroom, tiny_arabert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An average that forgets nothing is the start, whatever the steps did."""
    monkeypatch.setattr(Average, "decay_at", lambda self, step: 1.0)
    artefact = run(room, monkeypatch, "name=still", "ema_decay=0.999", "epochs=1")
    start = load_file(tiny_arabert / "model.safetensors")
    found = load_file(artefact / "model.safetensors")
    name = "bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(found[name], start[name].half())


def test_a_run_with_adapters_opens_in_a_bare_pipeline(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    artefact = run(room, monkeypatch, "name=adapted", "lora_rank=4", "epochs=1")
    assert not any("lora" in key for key in load_file(artefact / "model.safetensors"))
    assert {p.name for p in artefact.iterdir()} >= {"config.json", "model.safetensors", "isnad.json"}
    found: Callable[..., Any] = pipeline("text-classification", str(artefact), device="cpu")
    assert found("قال نوران إن العمال وصلوا.")[0]["label"] in {"assert", "deny", "attribute", "speculate"}


def test_the_recurrent_kind_takes_the_switches_that_both_share(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["width: 8", "hidden: 8", "epochs: 2", "batch_size: 8", "limit: 24", "dropout: 0.3"]
    shared = ["label_smoothing: 0.1", "focal_gamma: 1.0", "sampling: balanced", "r_drop: 1.0", "ema_decay: 0.9"]
    monkeypatch.chdir(room.root)
    outcomes = []
    for name, switches in (("plain", []), ("shared", shared), ("again", shared)):
        Path(f"{name}.yaml").write_text("\n".join(["kind: recurrent", *words, *switches]) + "\n")
        done = CliRunner().invoke(main, [f"{name}.yaml"])
        assert done.exit_code == 0, done.output
        outcomes.append((room.root / done.stdout.strip() / "artefact/model.safetensors").read_bytes())
    assert outcomes[0] != outcomes[1] == outcomes[2]
