"""The report beside a loop over scikit-learn: python -m benchmarks.report_speed [--sentences 10000] [--bootstrap 2000]

Random predictions with probabilities, in articles of about ten sentences, drawn with a fixed seed. The report is the
command itself (`python -m eval`, a process of its own: reading, judging, drawing, writing JSON, Markdown and HTML).
The loop draws the same articles and asks scikit-learn for accuracy and for precision, recall and F1 of every label,
round by round; where `--loop` rounds are fewer than `--bootstrap`, its time is extrapolated and the table says so.
Prints Markdown.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import click
import numpy as np
from sklearn import metrics as sk

from eval import bootstrap
from eval.bootstrap import Draws
from eval.judge import judge_slice
from eval.predictions import FILE, Record, read_records
from isnad.labels import Stance

SEED = 13
PACKAGES = ("numpy", "scikit-learn")
NAMES = [s.value for s in Stance]


def write_run(folder: Path, sentences: int, right: float, seed: int) -> Path:
    """A run directory of random predictions for the split test; gold and articles are the same for every seed."""
    gold, given = np.random.default_rng(SEED), np.random.default_rng(seed)
    sizes: list[int] = []
    while sum(sizes) < sentences:
        sizes.append(min(int(gold.integers(5, 16)), sentences - sum(sizes)))
    folder.mkdir(parents=True)
    with (folder / FILE).open("w", encoding="utf-8") as out:
        for article, size in enumerate(sizes):
            for place in range(size):
                truth = int(gold.choice(4, p=[0.5, 0.1, 0.3, 0.1]))
                label = truth if given.random() < right else int(given.integers(4))
                scores = given.dirichlet(np.ones(4)) * 0.5
                scores[label] += 0.5
                row = {
                    "doc_id": f"article-{article}",
                    "start": 100 * place,
                    "end": 100 * place + 60,
                    "outlet": f"paper {article % 12}",
                    "kind": "article",
                    "origin": "news",
                    "corpus": "random",
                    "split": "test",
                    "gold": NAMES[truth],
                    "label": NAMES[label],
                    "scores": {name: round(float(p), 6) for name, p in zip(NAMES, scores, strict=True)},
                }
                out.write(json.dumps(row) + "\n")
    return folder


def report_seconds(runs: list[Path], rounds: int, out: Path) -> float:
    """The whole command, from the start of the process to its end."""
    asked = ["--bootstrap", str(rounds), "--data", str(out / "none"), "-o", str(out / "report")]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "eval", *map(str, runs), *asked], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def loop(records: tuple[Record, ...], rounds: int) -> tuple[float, np.ndarray]:
    """Seconds, and the ends of the 95 % intervals `[2, 13]` of accuracy and each label's precision, recall and F1."""
    ordered = sorted(records, key=lambda r: r.key)
    gold, given = (
        np.array([label.id for label in labels]) for labels in zip(*((r.gold, r.label) for r in ordered), strict=True)
    )
    article = bootstrap.numbered([r.article for r in ordered])
    times = Draws.of(article, rounds=rounds, seed=SEED).times
    of_article = [np.flatnonzero(article == a) for a in range(times.shape[1])]
    found = []
    began = time.perf_counter()
    for drawn in times.astype(int):
        places = np.concatenate([np.tile(of_article[a], n) for a, n in enumerate(drawn) if n])
        y, p = gold[places], given[places]
        scores = sk.precision_recall_fscore_support(y, p, labels=range(4), zero_division=0)
        found.append([sk.accuracy_score(y, p), *np.concatenate(scores[:3])])
    ends = np.quantile(found, [0.025, 0.975], axis=0)
    return time.perf_counter() - began, ends


def ours(records: tuple[Record, ...], rounds: int) -> tuple[float, np.ndarray]:
    """The same by `eval.judge.judge_slice`, which also gives macro-F1 and Matthews correlation."""
    began = time.perf_counter()
    part = judge_slice("split", "news", records, rounds=rounds, seed=SEED)
    seconds = time.perf_counter() - began
    by_label = [[getattr(part.per_label[s], name) for s in Stance] for name in ("precision", "recall", "f1")]
    figures = [part.accuracy, *(figure for row in by_label for figure in row)]
    return seconds, np.array([[f.low for f in figures], [f.high for f in figures]])


def machine() -> str:
    """Cores and class of CPU, and the versions that matter; nothing that names the machine."""
    try:
        facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        facts = ""
    model = re.search(r"model name\s*:\s*(.+)", facts)
    name = model.group(1).strip() if model else platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {name}; Python {platform.python_version()}, " + ", ".join(
        f"{p} {version(p)}" for p in PACKAGES
    )


@click.command(help=__doc__)
@click.option("--sentences", default=10_000, show_default=True, type=click.IntRange(min=100))
@click.option("--bootstrap", "rounds", default=2000, show_default=True, type=click.IntRange(min=100))
@click.option("--loop", "loop_rounds", default=200, show_default=True, type=click.IntRange(min=10), help="Its rounds.")
def main(sentences: int, rounds: int, loop_rounds: int) -> None:
    """Measure and print."""
    loop_rounds = min(loop_rounds, rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = [write_run(folder / run, sentences, right, seed) for run, right, seed in (("a", 0.8, 1), ("b", 0.7, 2))]
        records = read_records(runs[0] / FILE)
        one, two = (report_seconds(runs[:n], rounds, folder) for n in (1, 2))
        own, _ = ours(records, rounds)
        looped, theirs = loop(records, loop_rounds)
        _, same = ours(records, loop_rounds)
    whole = looped * rounds / loop_rounds
    how = "timed whole" if loop_rounds == rounds else f"extrapolated from {loop_rounds:,} rounds"
    lines = [
        "| | seconds | how |",
        "|---|--:|---|",
        f"| `python -m eval`, one run: the whole report | {one:.1f} | timed whole |",
        f"| `python -m eval`, two runs and their comparison | {two:.1f} | timed whole |",
        f"| intervals of one split by `eval` | {own:.2f} | timed whole |",
        f"| the same intervals, scikit-learn round by round | {whole:.1f} | {how} |",
    ]
    click.echo("\n".join(lines))
    articles = len({r.article for r in records})
    click.echo(f"\n{machine()}.")
    click.echo(f"{sentences:,} predictions with probabilities in {articles:,} articles, {rounds:,} bootstrap rounds.")
    gap = float(np.abs(theirs - same).max())
    click.echo(f"Ends of the intervals over the same {loop_rounds:,} draws differ by {gap:.1e} at most.")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.report_speed")
