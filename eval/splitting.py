"""Sentence boundaries on the hard set, and bylines and the like on the labels: python -m eval.splitting"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from isnad.errors import IsnadError
from isnad.examples import SPLITS, TITLE, Document, find_corpora, load_data
from isnad.proposition import has_proposition
from isnad.sentences import split_sentences

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad"


@dataclass(frozen=True, slots=True)
class Counts:
    """True positives, false positives and false negatives."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of what was found that is right (0 where nothing was found)."""
        return self.right / (self.right + self.wrong) if self.right else 0.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found (0 where nothing is there)."""
        return self.right / (self.right + self.missed) if self.right else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed) if self.right else 0.0


def gold_spans(text: str, sentences: list[str]) -> set[tuple[int, int]]:
    """Where `sentences` stand in `text`, one after the other, invisible marks at their edges left out."""
    spans, at = set(), 0
    for sentence in sentences:
        start = text.index(sentence, at)
        at = start + len(sentence)
        bare = sentence.strip(INVISIBLE)
        first = start + sentence.index(bare)
        spans.add((first, first + len(bare)))
    return spans


def hard_set(path: Path) -> Counts:
    """Exact span counts of the splitter on the cases in `path`."""
    total = Counts()
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        gold = gold_spans(case["text"], case["sentences"])
        found = {(s.start, s.end) for s in split_sentences(case["text"])}
        total += Counts(len(gold & found), len(found - gold), len(gold - found))
    return total


def no_proposition(documents: list[Document]) -> Counts:
    """How well `has_proposition` finds the units labelled `skip`, those inside the text by their position."""
    total = Counts()
    for document in documents:
        for said, skip in _units(document):
            total += Counts(int(skip and not said), int(not skip and not said), int(skip and said))
    return total


def _units(document: Document) -> Iterator[tuple[bool, bool]]:
    places = {s.start: i for i, s in enumerate(split_sentences(document.text or ""))}
    for unit in document.units:
        position = None if unit.start == TITLE else places.get(unit.start)
        total = None if position is None else len(places)
        yield has_proposition(document.sentence(unit), position=position, total=total), unit.label is None


@click.command(help=__doc__)
@click.option("--hard", default=Path("tests/data/hard_sentences.jsonl"), type=click.Path(path_type=Path))
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path))
@click.option("--corpora", type=click.Path(path_type=Path))
def main(hard: Path, data: Path, corpora: Path | None) -> None:
    """Print both as Markdown tables."""
    try:
        loaded = load_data(data, find_corpora(corpora))
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    rows = [("sentence spans, hard set", hard_set(hard))]
    for split in SPLITS:
        rows.append((f"no proposition, {split}", no_proposition(loaded.documents[split])))
    click.echo("| | precision | recall | F1 | right | wrong | missed |\n|---|---|---|---|---|---|---|")
    for name, c in rows:
        click.echo(f"| {name} | {c.precision:.3f} | {c.recall:.3f} | {c.f1:.3f} | {c.right} | {c.wrong} | {c.missed} |")


if __name__ == "__main__":
    main(prog_name="python -m eval.splitting")
