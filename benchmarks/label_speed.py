"""isnad beside transformers.pipeline: python benchmarks/label_speed.py [--model isnad/model] [--sentences 2000]

From raw article text to written JSON Lines on both sides, on one machine in one process: splitting,
normalising, the model and the writing are all timed, opening the model is not. All sides get the same
composed articles (data/composed, repeated) and so the same sentences; rounds are interleaved. Prints
Markdown; CPU only.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from typing import Any, TextIO

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch is imported
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import click

from isnad.artefact import Manifest, read_manifest
from isnad.classifier import CONTEXT, artefact_folder, label_article
from isnad.errors import IsnadError
from isnad.examples import read_documents
from isnad.labels import Stance
from isnad.predictions import Classifier
from isnad.proposition import has_proposition
from isnad.runtimes.base import make_item
from isnad.runtimes.onnx import MODEL, OnnxClassifier
from isnad.sentences import split_sentences

PACKAGES = ("torch", "transformers", "onnxruntime")
Labels = list[str | None]
Side = Callable[[Sequence[str], TextIO], Labels]
"""Labels the articles, writes a line a sentence, and returns the labels."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One side: sentences a second in each round, and its labels."""

    name: str
    rates: tuple[float, ...]
    labels: Labels

    @property
    def median(self) -> float:
        return statistics.median(self.rates)

    @property
    def spread(self) -> str:
        return f"{min(self.rates):,.0f} to {max(self.rates):,.0f}"


def articles_of(data: Path, sentences: int) -> list[str]:
    """Texts of the composed articles, over and over, until they hold `sentences` sentences."""
    texts = [d.text for d in read_documents(sorted(data.glob("composed/*.jsonl"))) if d.text]
    if not texts:
        raise IsnadError("expected composed/*.jsonl with text, found none; name the folder with --data", path=data)
    found: list[str] = []
    count = 0
    for text in cycle(texts):
        if count >= sentences:
            return found
        found.append(text)
        count += len(split_sentences(text))
    return found


def isnad_side(classifier: Classifier) -> Side:
    """What `isnad label --format jsonl` does with the articles, one after the other."""

    def run(texts: Sequence[str], sink: TextIO) -> Labels:
        labels: Labels = []
        for number, text in enumerate(texts):
            for sentence in label_article(text, classifier=classifier).sentences:
                sink.write(json.dumps({"doc_id": number, **asdict(sentence)}, ensure_ascii=False) + "\n")
                labels.append(sentence.label)
        return labels

    return run


def pipeline_side(pipe: Any, manifest: Manifest, batch: int) -> Side:
    """The same sentences, normalised and with context as the model was trained, through `pipe`; labels only."""

    def pairs(text: str) -> Iterator[tuple[dict[str, Any], dict[str, str] | None]]:
        texts = [s.text for s in split_sentences(text)]
        for i, sentence in enumerate(texts):
            item = None
            if has_proposition(sentence) and has_proposition(sentence, position=i, total=len(texts)):
                made = make_item(manifest, sentence, texts[max(0, i - CONTEXT) : i] or None, None)
                item = {"text": made.text, **({"text_pair": made.context} if made.context else {})}
            yield {"sentence": i, "text": sentence}, item

    def run(texts: Sequence[str], sink: TextIO) -> Labels:
        found = [({"doc_id": n, **row}, item) for n, text in enumerate(texts) for row, item in pairs(text)]
        items = [item for _, item in found if item is not None]
        answers = iter(pipe(items, batch_size=batch, truncation=True, max_length=manifest.max_length))
        labels: Labels = []
        for row, item in found:
            answer: dict[str, Any] = {"label": None, "score": 0.0} if item is None else next(answers)
            sink.write(json.dumps(row | answer, ensure_ascii=False) + "\n")
            labels.append(answer["label"])
        return labels

    return run


def sides(folder: Path) -> dict[str, Side]:
    """All that this machine can run, by name."""
    from transformers import pipeline

    from isnad.runtimes.transformer import TransformerClassifier, quiet

    quiet()
    manifest = read_manifest(folder)
    if manifest.kind != "transformer":
        raise IsnadError(f"expected a transformer, found kind {manifest.kind!r}; name another --model", path=folder)
    found: dict[str, Side] = {}
    if (folder / MODEL).is_file():
        found["isnad, ONNX"] = isnad_side(OnnxClassifier.load(folder, manifest))
    else:
        click.echo(f"{folder / MODEL} is not there: no ONNX (`python -m train.export` makes it)", err=True)
    found["isnad, torch"] = isnad_side(TransformerClassifier.load(folder, manifest))
    pipe = pipeline("text-classification", model=str(folder), device="cpu")
    for batch, name in ((1, "pipeline, one by one"), (16, "pipeline, batches of 16")):
        found[name] = pipeline_side(pipe, manifest, batch)
    return found


def measure(by_name: dict[str, Side], texts: Sequence[str], rounds: int) -> list[Timed]:
    """Every side once a round, A B A B; before the first round each side warms up on two articles."""
    rates: dict[str, list[float]] = {name: [] for name in by_name}
    labels: dict[str, Labels] = {}
    with tempfile.TemporaryDirectory() as folder:
        for side in by_name.values():
            with open(os.devnull, "w", encoding="utf-8") as nowhere:
                side(texts[:2], nowhere)
        for number in range(rounds):
            for name, side in by_name.items():
                click.echo(f"round {number + 1} of {rounds}: {name}", err=True)
                began = time.perf_counter()
                with (Path(folder) / "out.jsonl").open("w", encoding="utf-8") as sink:
                    labels[name] = side(texts, sink)
                rates[name].append(len(labels[name]) / (time.perf_counter() - began))
    return [Timed(name, tuple(rates[name]), labels[name]) for name in by_name]


def same(one: Labels, other: Labels) -> float:
    """Share of equal labels among the sentences that a model was asked about."""
    asked = [(a, b) for a, b in zip(one, other, strict=True) if a is not None or b is not None]
    return sum(a == b for a, b in asked) / max(1, len(asked))


def table(found: Sequence[Timed]) -> list[str]:
    """Markdown; the ratios are of medians, the last column compares with the pipeline one by one."""
    single, batched = found[-2:]
    lines = [
        "| | sentences/s, median | rounds | to one by one | to batches of 16 | labels as one by one |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for side in found:
        ratios = [f"{side.median / other.median:.2f} ×" for other in (single, batched)]
        equal = f"{100 * same(side.labels, single.labels):.2f} %"
        lines.append(f"| {side.name} | {side.median:,.0f} | {side.spread} | {' | '.join(ratios)} | {equal} |")
    return lines


def machine() -> str:
    """Cores and class of CPU, and the versions that matter; nothing that names the machine."""
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        facts = ""
    model = re.search(r"model name\s*:\s*(.+)", facts)
    flags = set(facts.split())
    known = [name for name in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8") if name in flags]
    name = model.group(1).strip() if model else platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    made = [f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in PACKAGES)]
    return f"{cores} cores, {name} ({' '.join(known) or 'flags unknown'}); {', '.join(made)}"


@click.command(help=__doc__)
@click.option("--model", default=Path("isnad/model"), type=click.Path(path_type=Path), help="Artefact or run.")
@click.option("--sentences", default=2000, show_default=True, type=click.IntRange(min=1))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path))
def main(model: Path, sentences: int, rounds: int, data: Path) -> None:
    """Measure and print."""
    try:
        texts = articles_of(data, sentences)
        found = measure(sides(artefact_folder(model)), texts, rounds)
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    count, asked = len(found[0].labels), sum(label is not None for label in found[0].labels)
    click.echo("\n".join(table(found)))
    click.echo(f"\n{machine()}.")
    click.echo(f"{count:,} sentences in {len(texts):,} articles, {asked:,} put to the model; {rounds} rounds.")
    unknown = {label for side in found for label in side.labels} - {*Stance, None}
    if unknown:
        click.echo(f"warning: labels that are no stance: {', '.join(sorted(map(str, unknown)))}", err=True)


if __name__ == "__main__":
    main(prog_name="python benchmarks/label_speed.py")
