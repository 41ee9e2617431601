"""Teachers label unlabelled news, the encoder learns from them: python -m train.weak configs/weak-compact.yaml

Teachers (cue rules and models fitted on train alone) give every sentence of the unlabelled news a
distribution over the stances, an attribution and cue and source words. The pretrained encoder then
learns these beside masked words, in one pass of its own. Only the encoder is kept: fine-tuning
draws its stance head anew.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import AutoTokenizer, ModernBertForMaskedLM
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from isnad.classifier import load_classifier
from isnad.errors import IsnadError
from isnad.examples import corpus_articles, find_corpora
from isnad.labels import Stance
from isnad.predictions import Classifier, Prediction
from isnad.runtimes.base import Item
from isnad.runtimes.transformer import encode, pad, quiet
from isnad.sentences import split_sentences
from isnad.spans import TAGS
from isnad.text import normalise
from train.command import config_command, read_config
from train.corpus import build_guard, prepare_text
from train.loop import LoopConfig, Work, begin, run_steps
from train.losses import joint_loss
from train.masking import masked_batch, word_ids
from train.pretrain import save_encoder
from train.progress import track
from train.recurrent import grouped
from train.targets import Target, padded_gold, tag_tokens

log = logging.getLogger("train.weak")

CHUNK = 512
SENTENCES_PER_ARTICLE = 9
"""About so many; only the progress needs it."""


class WeakConfig(LoopConfig):
    """Everything that decides a pass over weak labels."""

    name: str = "weak"
    recipe: str = "plain"
    data: str = "data"
    corpora: str | None = None
    seeds: str = "seeds"
    cache: str = "cache"
    encoder: str = "runs/pretrain-compact/encoder"
    teachers: list[str] = ["runs/recurrent", "runs/rules"]
    teacher_weights: list[float] = [0.65, 0.35]
    articles: int = 60_000
    workers: int = 2
    rare: float = 0.2
    """Sentences to which the teachers give this much of deny and speculate together all stay."""
    keep_others: float = 0.15
    """Share kept of the other sentences, so that assert and attribute do not drown the rare stances."""
    passes: int = 1
    batch_size: int = 64
    max_length: int = 96
    mask_rate: float = 0.12
    masked_weight: float = 0.15
    attributed_weight: float = 0.3
    span_weight: float = 0.25
    learning_rate: float = 1.5e-3
    muon_learning_rate: float = 0.01
    decay: float = 0.6


def unlabelled_sentences(config: WeakConfig) -> Iterator[Found]:
    """`(sentence, preceding sentence, title)` of articles that training may see, drawn evenly; no sentence twice.

    Sentences that stand in a protected article are passed over, wherever they were found.
    """
    corpora = find_corpora(config.corpora)
    if corpora is None:
        raise IsnadError("expected the news text for weak labels, found none; set `corpora` or ISNAD_CORPORA")
    paths = (Path(config.data), corpora, Path(config.seeds))
    text, guard = prepare_text(*paths, Path(config.cache), config.recipe), build_guard(*paths)
    keys = text.keys()
    chosen = np.random.default_rng(config.seed).permutation(len(keys))[: config.articles]
    wanted: dict[str, set[str]] = {}
    for i in chosen:
        corpus, _, doc_id = keys[i].partition(":")
        wanted.setdefault(corpus, set()).add(doc_id)
    seen: set[int] = set()
    for corpus, ids in wanted.items():
        for article in corpus_articles(corpora, corpus, ids):
            title = article["title"] or None
            before = None
            for sentence in [title, *(s.text for s in split_sentences(article["text"]))]:
                if sentence and 4 <= sentence.count(" ") <= 70 and hash(sentence) not in seen:
                    seen.add(hash(sentence))
                    if not guard.touches(sentence):
                        yield sentence, before, None if sentence is title else title
                before = None if sentence is title else sentence


Found = tuple[str, str | None, str | None]
"""A sentence, the one before it, and its article's title."""


def teach(config: WeakConfig, out: Path) -> Path:
    """Write the weak labels to `out/weak.jsonl`, one sentence a line, and their counts beside it."""
    path = out / "weak.jsonl"
    if path.is_file():
        return path
    keep = np.random.default_rng(config.seed)
    counts: Counter[str] = Counter()
    found = track(unlabelled_sentences(config), "weak labels: sentences read", config.articles * SENTENCES_PER_ARTICLE)
    with (
        path.with_suffix(".part").open("w", encoding="utf-8") as target,
        get_context("spawn").Pool(config.workers, _open_teachers, (config,)) as pool,
    ):
        for rows in pool.imap(_label, batched(found, CHUNK)):
            for row in rows:
                rare = row["soft"][Stance.DENY.id] + row["soft"][Stance.SPECULATE.id] >= config.rare
                if not rare and keep.random() >= config.keep_others:
                    continue
                counts[max(zip(row["soft"], Stance, strict=True))[1].value] += 1
                target.write(json.dumps(row, ensure_ascii=False) + "\n")
    (out / "weak.json").write_text(json.dumps({"kept": dict(counts)}, indent=1) + "\n")
    path.with_suffix(".part").rename(path)
    log.info("weak labels kept: %s", dict(counts))
    return path


_opened: tuple[WeakConfig, list[Classifier]] | None = None
"""The teachers of a worker process."""


def _open_teachers(config: WeakConfig) -> None:
    global _opened
    torch.set_num_threads(1)
    _opened = config, [load_classifier(t) for t in config.teachers]


def _label(chunk: Sequence[Found]) -> list[dict[str, Any]]:
    """What the teachers of this process say of `chunk`, where all of them find something to judge."""
    assert _opened is not None
    config, teachers = _opened
    sentences, before, titles = ([f[k] for f in chunk] for k in range(3))
    answers = [t.predict(sentences, before=before, title=titles) for t in teachers]  # type: ignore[arg-type]
    rows = [_weak_row(f[0], given, config) for f, given in zip(chunk, zip(*answers, strict=True), strict=True)]
    return [r for r in rows if r is not None]


def batched(items: Iterable[Found], size: int) -> Iterator[list[Found]]:
    """Lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _weak_row(sentence: str, given: Sequence[Prediction], config: WeakConfig) -> dict[str, Any] | None:
    """The mixed answer of the teachers in normalised offsets; None where one of them finds nothing to judge."""
    if any(p.label is None for p in given):
        return None
    weights = config.teacher_weights
    soft = [sum(w * p.scores[s.value] for w, p in zip(weights, given, strict=True)) for s in Stance]
    normalised = normalise(sentence, config.recipe)
    first = given[0]

    def bounds(name: str) -> list[int] | None:
        span = next((getattr(p, name) for p in given if p.label is first.label and getattr(p, name)), None)
        return list(normalised.from_raw(span.start, span.end)) if span else None

    return {
        "text": normalised.text,
        "soft": [round(s, 4) for s in soft],
        "attributed": bool(first.attributed),
        "cue": bounds("cue"),
        "source": bounds("source"),
    }


def read_targets(path: Path) -> list[Target]:
    """The weak labels in `path` as training targets."""
    found = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            found.append(
                Target(
                    item=Item(row["text"]),
                    soft=tuple(row["soft"]),
                    attributed=row["attributed"],
                    cue=tuple(row["cue"]) if row["cue"] else None,
                    source=tuple(row["source"]) if row["source"] else None,
                )
            )
    return found


class JointModel(nn.Module):
    """The masked-word model with stance, attribution and tag heads on the same states."""

    def __init__(self, masked: ModernBertForMaskedLM) -> None:
        super().__init__()
        self.masked = masked
        width = masked.config.hidden_size
        self.classifier = nn.Linear(width, len(Stance))
        self.norm = nn.LayerNorm(width)
        self.attributed = nn.Linear(width, 1)
        self.tags = nn.Linear(width, TAGS)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """The heads' logits, and the masked-word loss where `labels` is not -100."""
        states = self.masked.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        normed = self.norm(states)
        answers = {
            "stance": self.classifier(self.masked.head(states[:, 0])),
            "attributed": self.attributed(normed[:, 0]).squeeze(-1),
            "tags": self.tags(normed),
        }
        hidden = labels != -100
        logits = self.masked.decoder(self.masked.head(states[hidden]))
        return answers, nn.functional.cross_entropy(logits.float(), labels[hidden])


class WeakBatches:
    """Weak targets as batches of like length: the same order for the same seed."""

    def __init__(self, targets: list[Target], tokenizer: PreTrainedTokenizerBase, config: WeakConfig) -> None:
        self.targets, self.tokenizer, self.config = targets, tokenizer, config
        lengths = [len(t.item.text) for t in targets]
        self.order = [
            batch
            for epoch in range(config.passes)
            for batch in grouped(lengths, config.batch_size, np.random.default_rng([config.seed, epoch]))
        ]

    def batch(self, step: int) -> tuple[dict[str, torch.Tensor], Any]:
        """Inputs and gold of the `step`-th batch."""
        targets = [self.targets[i] for i in self.order[step]]
        rows = encode([t.item for t in targets], self.tokenizer, self.config.max_length)
        inputs = pad(rows, self.tokenizer)
        places = [[i for i, o in enumerate(r["offsets"]) if o is not None] for r in rows]
        tags: list[NDArray[np.float32]] = [
            tag_tokens([r["offsets"][i] for i in at], t) for r, at, t in zip(rows, places, targets, strict=True)
        ]
        return inputs, padded_gold(targets, tags, places, inputs["input_ids"].shape[1])


def softened_weights(targets: Sequence[Target]) -> torch.Tensor:
    """Loss weight of each stance: the square root of how much rarer it is than the mean, so that denials count."""
    mass = torch.tensor([t.soft for t in targets]).sum(0).clamp(min=1)
    return (mass.mean() / mass).sqrt()


def learn(model: JointModel, batches: WeakBatches, config: WeakConfig, out: Path) -> None:
    """One run over the weak labels, from the last checkpoint in `out` on."""
    tokenizer = batches.tokenizer
    words = word_ids(tokenizer)
    weights = softened_weights(batches.targets)

    def loss_at(step: int) -> torch.Tensor:
        inputs, gold = batches.batch(step)
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        ids, labels = masked_batch(inputs["input_ids"], generator, config.mask_rate, tokenizer.mask_token_id, words)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bf16):
            answers, masked = model(ids, inputs["attention_mask"], labels)
        loss = joint_loss(answers, gold, weights, config.attributed_weight, config.span_weight)
        return loss + config.masked_weight * torch.as_tensor(masked)

    run_steps(model, loss_at, Work("weak labels", len(batches.order), config.batch_size, "sentences"), config, out)


def run(config: WeakConfig, out: Path) -> Path:
    """Teach, learn, and write `out/encoder`."""
    quiet()
    begin(config, out)
    targets = read_targets(teach(config, out))
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(config.encoder)
    torch.manual_seed(config.seed)
    model = JointModel(ModernBertForMaskedLM.from_pretrained(config.encoder, dtype=torch.float32))
    batches = WeakBatches(targets, tokenizer, config)
    learn(model, batches, config, out)
    before = json.loads((Path(config.encoder) / "encoder.json").read_text(encoding="utf-8"))
    facts = {**before, "weak": {"sentences": len(targets), "config": config.model_dump(mode="json")}}
    return save_encoder(model.masked, tokenizer, out, facts)


def work(config: WeakConfig) -> list[Path]:
    """Teach and learn in `runs/weak-NAME`."""
    torch.set_flush_denormal(True)
    return [run(config, Path("runs") / f"weak-{config.name}")]


main = config_command(__doc__, partial(read_config, WeakConfig), work)

if __name__ == "__main__":
    main(prog_name="python -m train.weak")
