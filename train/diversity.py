"""How varied is the composed news? python -m train.diversity [--data data] [--corpora …]

Puts the composed articles beside as many words of real news (articles drawn at random, seed 13) and prints a Markdown
table: distinct n-grams, types at growing length, sentence lengths, near-duplicates (exact containment of five-word
runs, which MinHash would estimate); how many denials and doubts the cue rules miss; the runs of words that composed
articles share with one another or with the news. Exit code 1 when a run of 12 words is shared. What is shared with the
news is shown as references only.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import numpy as np

from isnad.duplicates import DuplicateIndex, shingles
from isnad.errors import IsnadError
from isnad.examples import COMPOSED, Document, corpus_articles, document_examples, find_corpora, join, read_documents
from isnad.labels import Stance
from isnad.rules import RulesClassifier
from isnad.sentences import split_sentences
from isnad.text import normalise_text
from train.corpus import CORPORA
from train.progress import talk, track
from train.run import answers

SEED = 13
LONG_RUN, SHORT_RUN = 12, 8
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """The words of a text after normalisation (diacritics, tatweel, letter forms folded)."""
    return _WORD.findall(normalise_text(text, "plain"))


@dataclass(frozen=True, slots=True)
class Variety:
    """Figures of one collection of articles; shares between 0 and 1."""

    articles: int
    words: int
    distinct: tuple[float, ...]
    """Distinct runs of 1, 2, 3 and 4 words, as a share of all such runs."""
    types: tuple[int, ...]
    """Distinct words among the first 5,000, 10,000, 20,000, 40,000."""
    lengths: tuple[float, ...]
    """10th, 50th and 90th percentile of the words of a sentence, and their standard deviation."""
    near: float
    """Share of articles that have a near-duplicate among the others."""


STEPS = (5_000, 10_000, 20_000, 40_000)


def variety(texts: dict[str, str]) -> Variety:
    """All figures of `texts` (id to title and text)."""
    running = [word for text in texts.values() for word in words_of(text)]
    own = [words_of(text) for text in texts.values()]
    distinct = []
    for n in range(1, 5):
        runs = [tuple(w[i : i + n]) for w in own for i in range(len(w) - n + 1)]
        distinct.append(len(set(runs)) / max(1, len(runs)))
    lengths = [len(words_of(s.text)) for text in texts.values() for s in split_sentences(text)]
    index = DuplicateIndex(texts)
    doubles = sum(len(index.near(text)) > 1 for text in texts.values())
    return Variety(
        articles=len(texts),
        words=len(running),
        distinct=tuple(distinct),
        types=tuple(len(set(running[:step])) for step in STEPS if step <= len(running)),
        lengths=(*map(float, np.percentile(lengths, [10, 50, 90])), float(np.std(lengths))),
        near=doubles / max(1, len(texts)),
    )


def sample(articles: Iterable[tuple[str, str]], words: int) -> dict[str, str]:
    """Articles drawn at random until `words` words are together."""
    pool = list(articles)
    random.Random(SEED).shuffle(pool)
    drawn: dict[str, str] = {}
    total = 0
    for key, text in pool:
        if total >= words:
            break
        drawn[key] = text
        total += len(words_of(text))
    return drawn


# --- shared runs of words -------------------------------------------------------------------------


def shared_runs(texts: dict[str, str], width: int) -> dict[str, set[str]]:
    """The longest runs of at least `width` words that two of `texts` or more have in common, and who has them."""
    owners: dict[tuple[str, ...], set[str]] = {}
    for key, text in texts.items():
        own = words_of(text)
        for i in range(len(own) - width + 1):
            owners.setdefault(tuple(own[i : i + width]), set()).add(key)
    shared = {run: who for run, who in owners.items() if len(who) > 1}
    found: dict[str, set[str]] = {}
    for key, text in texts.items():
        own = words_of(text)
        for start, end, who in _stretches([shared.get(tuple(own[i : i + width])) for i in range(len(own))], width):
            found.setdefault(" ".join(own[start:end]), set()).update(who, {key})
    return found


def _stretches(marks: Sequence[set[str] | None], width: int) -> Iterator[tuple[int, int, set[str]]]:
    """`(first word, word behind the last, owners)` of every unbroken stretch of shared runs."""
    starts = [i for i, who in enumerate(marks) if who]
    breaks = [0, *(n for n, (a, b) in enumerate(pairwise(starts), 1) if b != a + 1), len(starts)]
    for a, b in pairwise(breaks):
        if a < b:
            who = set[str]().union(*(marks[i] or set() for i in starts[a:b]))
            yield starts[a], starts[b - 1] + width, who


def shared_with_news(texts: dict[str, str], news: Iterable[tuple[str, str]], width: int) -> dict[str, set[str]]:
    """Composed articles that share a run of `width` words with the news, each with the news articles it shares with."""
    owner: dict[int, set[str]] = {}
    for key, text in texts.items():
        if len(words_of(text)) >= width:
            for value in shingles(text, width):
                owner.setdefault(int(value), set()).add(key)
    mine = np.array(sorted(owner), dtype=np.uint64)
    found: dict[str, set[str]] = {}
    for other, text in news:
        hashes = shingles(text, width)
        at = np.minimum(np.searchsorted(mine, hashes), len(mine) - 1)
        for value in hashes[mine[at] == hashes]:
            for key in owner[int(value)]:
                found.setdefault(key, set()).add(other)
    return found


# --- the command ----------------------------------------------------------------------------------


def _news(corpora: Path) -> Iterator[tuple[str, str]]:
    for corpus in CORPORA:
        for raw in corpus_articles(corpora, corpus):
            yield f"{corpus}:{raw['doc_id']}", f"{raw['title'] or ''}\n{raw['text']}"


def as_markdown(columns: dict[str, Variety]) -> str:
    """A column a collection."""

    def row(name: str, cells: Iterable[str]) -> str:
        return f"| {name} | " + " | ".join(cells) + " |"

    found = list(columns.values())
    lines = [row("", columns), "|---|" + "---|" * len(columns)]
    lines += [row("articles", (f"{v.articles:,}" for v in found)), row("words", (f"{v.words:,}" for v in found))]
    for n in range(4):
        lines.append(row(f"distinct {n + 1}-grams, share", (f"{v.distinct[n]:.3f}" for v in found)))
    for n, step in enumerate(STEPS):
        cells = [f"{v.types[n]:,}" if n < len(v.types) else "–" for v in found]
        lines.append(row(f"types among the first {step:,} words", cells))
    for n, name in enumerate(("10th percentile", "median", "90th percentile", "standard deviation")):
        lines.append(row(f"words a sentence, {name}", (f"{v.lengths[n]:.1f}" for v in found)))
    lines.append(row(f"articles with a near-duplicate (half of the {5}-word runs)", (f"{v.near:.2%}" for v in found)))
    return "\n".join(lines)


def composed_documents(data: Path) -> list[Document]:
    """The composed articles."""
    return join(read_documents(sorted((data / COMPOSED).glob("*.jsonl"))), None)[0]


def missed(documents: Sequence[Document]) -> dict[Stance, tuple[int, int]]:
    """Of the denials and doubts, how many the cue rules take for something else, and how many there are."""
    examples = [e for d in documents for e in document_examples(d, "") if e.label in (Stance.DENY, Stance.SPECULATE)]
    found = answers(RulesClassifier(), examples)
    return {
        stance: (
            sum(e.label is stance and p.label is not stance for e, p in zip(examples, found, strict=True)),
            sum(e.label is stance for e in examples),
        )
        for stance in (Stance.DENY, Stance.SPECULATE)
    }


@click.command(help=__doc__)
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path), help="Folder of the labelled data.")
@click.option("--corpora", metavar="PATH", help="Folder of the news text; default: $ISNAD_CORPORA.")
def main(data: Path, corpora: str | None) -> None:
    """Print the table and the shared runs."""
    talk()
    try:
        documents = composed_documents(data)
        texts = {d.key: f"{d.title}\n{d.text}" for d in documents}
        if not texts:
            raise IsnadError("expected composed articles in composed/*.jsonl, found none", path=data)
        columns, folder = {COMPOSED: variety(texts)}, find_corpora(corpora)
        taken: dict[str, set[str]] = {}
        if folder is not None:
            drawn = sample(track(_news(folder), "drawing real news"), columns[COMPOSED].words)
            columns["real news"] = variety(drawn)
            taken = shared_with_news(texts, track(_news(folder), "comparing with the news"), LONG_RUN)
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    click.echo(as_markdown(columns))
    for stance, (unseen, of) in missed(documents).items():
        click.echo(f"\ncomposed {stance}: the cue rules miss {unseen:,} of {of:,} ({unseen / max(1, of):.0%})")
    if folder is None:
        click.echo("\nThe news text is not here (ISNAD_CORPORA): nothing is said of it.")
    runs = shared_runs(texts, SHORT_RUN)
    long_runs = {run: who for run, who in runs.items() if len(run.split()) >= LONG_RUN}
    click.echo(f"\nruns of {LONG_RUN} words or more in two composed articles: {len(long_runs)}")
    click.echo(f"composed articles with a run of {LONG_RUN} words that stands in the news: {len(taken)}")
    for key, others in sorted(taken.items()):
        click.echo(f"  {key}: {', '.join(sorted(others)[:3])}")
    click.echo(f"runs of {SHORT_RUN} words or more in two composed articles: {len(runs)}")
    for run, who in sorted(runs.items()):
        click.echo(f"  {', '.join(sorted(who))}: {run}")
    sys.exit(1 if long_runs or taken else 0)


if __name__ == "__main__":
    main(prog_name="python -m train.diversity")
