"""isnad beside transformers.pipeline: python benchmarks/label_speed.py [--model isnad/model | --base-shape]

From a file of raw articles (JSON Lines) to a written file of labels on both sides, on one machine in one process:
reading, splitting, normalising, the model and the writing are all timed, opening the model is not. All sides get the
same composed articles (data/composed, repeated) and so the same sentences; rounds are interleaved. The bare model, on
batches that were prepared before, shows what the rest costs. Prints Markdown; CPU only.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from typing import Any

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch is imported
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import click

from isnad.artefact import ONNX, Manifest, read_manifest
from isnad.articles import read_articles
from isnad.classifier import CONTEXT, artefact_folder, label_articles, load_classifier
from isnad.errors import IsnadError
from isnad.examples import read_documents
from isnad.files import write_whole
from isnad.labels import Stance
from isnad.output.writers import write_jsonl
from isnad.predictions import Classifier
from isnad.proposition import has_proposition
from isnad.runtimes.base import Item, make_item
from isnad.runtimes.onnx import OnnxClassifier
from isnad.sentences import split_sentences
from isnad.text import normalise_text

PACKAGES = ("torch", "transformers", "onnxruntime")
Labels = list[str | None]
Side = Callable[[Path, Path], Labels]
"""Labels the articles of the first file, writes a line a sentence into the second, and returns the labels."""
BARE = "bare model, batches prepared"


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
    """What `isnad label FILE --format jsonl` does."""

    def run(source: Path, target: Path) -> Labels:
        labels: Labels = []

        def noted() -> Iterator[tuple[Any, Any]]:
            for article, answer in label_articles(read_articles(source), classifier=classifier):
                labels.extend(s.label for s in answer.sentences)
                yield article, answer

        with target.open("w", encoding="utf-8") as sink:
            write_jsonl(noted(), sink)
        return labels

    return run


def items_of(texts: Sequence[str], manifest: Manifest) -> Iterator[tuple[int, int, str, Item | None]]:
    """Article, place and text of every sentence, and what a model is asked: normalised, in its context; or None."""
    for number, text in enumerate(texts):
        sentences = [s.text for s in split_sentences(text)]
        for i, sentence in enumerate(sentences):
            asked = has_proposition(sentence) and has_proposition(sentence, position=i, total=len(sentences))
            before = sentences[max(0, i - CONTEXT) : i] or None
            yield (
                number,
                i,
                sentence,
                make_item(manifest, normalise_text(sentence, manifest.recipe), before, None) if asked else None,
            )


def pipeline_side(pipe: Any, manifest: Manifest, batch: int) -> Side:
    """The same sentences, normalised and with context as the model was trained, through `pipe`; labels only."""

    def run(source: Path, target: Path) -> Labels:
        found = list(items_of([a.text for a in read_articles(source)], manifest))
        items = [
            {"text": i.text, **({"text_pair": i.context} if i.context else {})} for *_, i in found if i is not None
        ]
        answers = iter(pipe(items, batch_size=batch, truncation=True, max_length=manifest.max_length))
        labels: Labels = []
        with target.open("w", encoding="utf-8") as sink:
            for number, place, text, item in found:
                answer: dict[str, Any] = {"label": None, "score": 0.0} if item is None else next(answers)
                row = {"doc_id": number, "sentence": place, "text": text, **answer}
                sink.write(json.dumps(row, ensure_ascii=False) + "\n")
                labels.append(answer["label"])
        return labels

    return run


def bare_side(classifier: OnnxClassifier, texts: Sequence[str]) -> Side:
    """The runs of the model alone, on all cores, on batches of all sentences that were prepared beforehand."""
    found = list(items_of(texts, classifier.manifest))
    coded = classifier.coder.encode([i for *_, i in found if i is not None])
    batches = classifier.batches([len(c.ids) for c in coded])
    feeds = [classifier.padded([coded[i] for i in batch]) for batch in batches]

    def run(_: Path, __: Path) -> Labels:
        with ThreadPoolExecutor(classifier.cores) as pool:
            answers = list(pool.map(lambda feed: classifier.session.run(["stance"], feed)[0], feeds))
        stances: dict[int, str] = {}
        for batch, rows in zip(batches, answers, strict=True):
            stances |= {i: Stance.from_id(int(row.argmax())).value for i, row in zip(batch, rows, strict=True)}
        given = iter(stances[i] for i in range(len(coded)))
        return [None if item is None else next(given) for *_, item in found]

    return run


def sides(folder: Path, texts: Sequence[str], names: Sequence[str]) -> dict[str, Side]:
    """All that this machine can run, by name; of isnad's, the runtimes in `names`."""
    from transformers import pipeline

    from isnad.runtimes.transformer import quiet

    quiet()
    manifest = read_manifest(folder)
    if manifest.kind != "transformer":
        raise IsnadError(f"expected a transformer, found kind {manifest.kind!r}; name another --model", path=folder)
    found: dict[str, Side] = {}
    for name in names:
        runtime, precision = name.split()
        classifier = load_classifier(folder, runtime=runtime, precision=precision)  # type: ignore[arg-type]
        found[f"isnad, {name}"] = isnad_side(classifier)
        if isinstance(classifier, OnnxClassifier) and BARE not in found:
            found[BARE] = bare_side(classifier, texts)
    pipe = pipeline("text-classification", model=str(folder), device="cpu")
    for batch, name in ((1, "pipeline, one by one"), (16, "pipeline, batches of 16")):
        found[name] = pipeline_side(pipe, manifest, batch)
    return found


def base_shape(folder: Path, like: Path, texts: Sequence[str]) -> Path:
    """An artefact of AraBERT-base's shape with random weights, in fp32 and int8, with the tokenizer of `like`."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    from isnad.artefact import write_artefact
    from isnad.runtimes.transformer import StanceModel, TransformerClassifier, quiet

    sys.path.insert(0, str(Path(__file__).parents[1]))  # train/ is never installed
    from train.export import export_onnx

    quiet()
    torch.manual_seed(13)
    names = {s.id: s.value for s in Stance}
    shape = BertConfig(vocab_size=64_000, id2label=names, label2id={v: k for k, v in names.items()})  # 12 x 768
    manifest = read_manifest(like).model_copy(update={"name": "base-shape"})
    tokenizer = AutoTokenizer.from_pretrained(like)
    made = TransformerClassifier(manifest, StanceModel(BertForSequenceClassification(shape)), tokenizer)
    write_artefact(folder, manifest, made.save)
    items = [item for *_, item in items_of(texts, manifest) if item is not None][:64]
    export_onnx(TransformerClassifier.load(folder, manifest), folder / ONNX, measured_on=items)
    return folder


def measure(by_name: dict[str, Side], texts: Sequence[str], rounds: int) -> list[Timed]:
    """Every side once a round, A B A B; before the first round each side warms up on a few articles."""
    rates: dict[str, list[float]] = {name: [] for name in by_name}
    labels: dict[str, Labels] = {}
    with tempfile.TemporaryDirectory() as folder:
        source, warm, target = (Path(folder) / f"{n}.jsonl" for n in ("articles", "warm", "answers"))
        for path, chosen in ((source, texts), (warm, texts[:5])):
            write_whole(path, "".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in chosen))
        for side in by_name.values():
            side(warm, target)
        for number in range(rounds):
            for name, side in by_name.items():
                click.echo(f"round {number + 1} of {rounds}: {name}", err=True)
                began = time.perf_counter()
                labels[name] = side(source, target)
                rates[name].append(len(labels[name]) / (time.perf_counter() - began))
    return [Timed(name, tuple(rates[name]), labels[name]) for name in by_name]


def same(one: Labels, other: Labels) -> float:
    """Share of equal labels among the sentences that a model was asked about."""
    asked = [(a, b) for a, b in zip(one, other, strict=True) if a is not None or b is not None]
    return sum(a == b for a, b in asked) / max(1, len(asked))


def table(found: Sequence[Timed]) -> list[str]:
    """Markdown; the ratios are of medians, the last column compares with the pipeline one by one."""
    single, batched = found[-2:]
    bare = next((f for f in found if f.name == BARE), None)
    lines = [
        "| | sentences/s, median | rounds | to one by one | to batches of 16 | to the bare model "
        "| labels as one by one |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for side in found:
        ratios = [f"{side.median / other.median:.2f} ×" for other in (single, batched)]
        ratios.append(f"{side.median / bare.median:.0%}" if bare else "–")
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
@click.option(
    "--base-shape", "base_shape_", is_flag=True, help="Random weights in the shape of AraBERT-base (12 x 768) instead."
)
@click.option("--runtimes", default="onnx int8,torch fp32", show_default=True, help="Of isnad, with commas between.")
@click.option("--sentences", default=2000, show_default=True, type=click.IntRange(min=1))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path))
def main(model: Path, base_shape_: bool, runtimes: str, sentences: int, rounds: int, data: Path) -> None:
    """Measure and print."""
    try:
        texts = articles_of(data, sentences)
        with tempfile.TemporaryDirectory() as scratch:
            folder = artefact_folder(model)
            if base_shape_:
                folder = base_shape(Path(scratch) / "base-shape", folder, texts)
            found = measure(sides(folder, texts, runtimes.split(",")), texts, rounds)
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    count, asked = len(found[0].labels), sum(label is not None for label in found[0].labels)
    click.echo("\n".join(table(found)))
    click.echo(f"\n{machine()}.")
    click.echo(f"{count:,} sentences in {len(texts):,} articles, {asked:,} put to the model; {rounds} rounds.")
    if base_shape_:
        click.echo("Random weights: scores lie so close together that labels say little.")


if __name__ == "__main__":
    main(prog_name="python benchmarks/label_speed.py")
