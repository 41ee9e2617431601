"""Training of the `recurrent` kind in plain torch."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from isnad.artefact import Manifest
from isnad.runtimes.recurrent import (
    RESERVED,
    RecurrentClassifier,
    RecurrentModel,
    Vocabulary,
    encode,
    pad,
    words_of,
)
from train.config import RecurrentConfig
from train.corpus import TrainingText
from train.progress import track
from train.strategies import Average, draw_alike, objective
from train.targets import Target, padded_gold, tag_tokens
from train.vectors import Vectors, news_vectors, skip_gram
from train.watch import tell

log = logging.getLogger("train")

Score = Callable[[RecurrentClassifier], float]


def word_vectors(config: RecurrentConfig, text: TrainingText | None, targets: Sequence[Target]) -> Vectors:
    """Skip-gram vectors of all that training may read; of the training sentences alone without the news text."""
    if text is not None:
        return news_vectors(text, config.width, config.vector_epochs, config.vocabulary, Path(config.cache))
    lines = [[w for w, _, _ in words_of(t.item.text)] for t in targets]
    return skip_gram(lines, width=config.width, epochs=20, min_count=2, seed=config.seed, workers=1)


def new_model(config: RecurrentConfig, vectors: Vectors) -> tuple[RecurrentModel, Vocabulary]:
    """A model whose embeddings are `vectors`, the rest drawn under the seed."""
    torch.manual_seed(config.seed)
    vocabulary = Vocabulary([*RESERVED, *vectors.words])
    model = RecurrentModel(len(vocabulary.words), config.width, config.hidden, config.dropout)
    scale = 0.5 / float(vectors.matrix.std())
    with torch.no_grad():
        model.embedding.weight[len(RESERVED) :] = torch.from_numpy(vectors.matrix * scale)
        model.segment.weight.zero_()
    return model, vocabulary


def train_recurrent(
    config: RecurrentConfig, manifest: Manifest, targets: list[Target], text: TrainingText | None, score: Score
) -> RecurrentClassifier:
    """Fit on `targets`; keep the epoch with the best `score` (dev macro-F1)."""
    vectors = word_vectors(config, text, targets)
    model, vocabulary = new_model(config, vectors)
    classifier = RecurrentClassifier(manifest, model, vocabulary)
    coded = [encode(t.item, vocabulary, config.max_length) for t in targets]
    tags = [tag_tokens(c[2], t) for c, t in zip(coded, targets, strict=True)]
    loss_of = objective(config, targets)
    average = Average(model, config.ema_decay) if config.ema_decay else None
    dense = [p for n, p in model.named_parameters() if n != "embedding.weight"]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(dense, lr=config.learning_rate, weight_decay=0.01),
        torch.optim.SparseAdam([model.embedding.weight], lr=config.vector_learning_rate),
    ]
    generator = np.random.default_rng(config.seed)
    per_epoch = -(-len(targets) // config.batch_size)
    best, best_state, waited = -1.0, copy.deepcopy(model.state_dict()), 0
    for epoch in range(config.epochs):
        model.train()
        losses = []
        chosen = chosen_rows(config, targets, generator)
        batches = grouped([len(coded[i][0]) for i in chosen], config.batch_size, generator)
        for n, places in enumerate(track(batches, f"epoch {epoch + 1}/{config.epochs}: batches")):
            batch = [chosen[i] for i in places]
            _set_rate(optimizers, config, epoch * per_epoch + n, config.epochs * per_epoch)
            rows, segments = pad([coded[i][:2] for i in batch])
            own = [range(len(tags[i])) for i in batch]
            gold = padded_gold([targets[i] for i in batch], [tags[i] for i in batch], own, rows.shape[1])
            loss = loss_of(model, {"rows": rows, "segments": segments}, gold)
            losses.append(loss.item())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(dense, 1.0)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            if average is not None:
                average.update(epoch * per_epoch + n + 1)
        model.eval()
        with nullcontext() if average is None else average.in_place():
            value = score(classifier)
            if value > best:
                best_state = copy.deepcopy(model.state_dict())
        log.info("epoch %d: loss %.3f, dev macro-F1 %.4f", epoch + 1, float(np.mean(losses)), value)
        row = {"step": (epoch + 1) * per_epoch, "epoch": epoch + 1, "loss": float(np.mean(losses))}
        tell({**row, "dev_macro_f1": value})
        waited = 0 if value > best else waited + 1
        best = max(best, value)
        if waited >= config.patience:
            break
    model.load_state_dict(best_state)
    return classifier


def chosen_rows(config: RecurrentConfig, targets: Sequence[Target], generator: np.random.Generator) -> list[int]:
    """The sentences of an epoch: each once, or under `sampling=balanced` each stance alike often."""
    if config.sampling == "natural":
        return list(range(len(targets)))
    return draw_alike([t.label for t in targets], lambda n: generator.permutation(n).tolist())


def grouped(lengths: Sequence[int], size: int, generator: np.random.Generator) -> list[list[int]]:
    """Batches of like length, in random order: shuffle, sort within pools of 50 batches, cut, shuffle."""
    order = generator.permutation(len(lengths)).tolist()
    batches = []
    for at in range(0, len(order), size * 50):
        pool = sorted(order[at : at + size * 50], key=lambda i: lengths[i])
        batches += [pool[k : k + size] for k in range(0, len(pool), size)]
    return [batches[i] for i in generator.permutation(len(batches))]


def _set_rate(optimizers: list[torch.optim.Optimizer], config: RecurrentConfig, step: int, steps: int) -> None:
    factor = min(1.0, (step + 1) / 50) * (1 - 0.9 * step / steps)
    for optimizer, rate in zip(optimizers, (config.learning_rate, config.vector_learning_rate), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate * factor
