"""Training does not open the test splits. What that means, exactly:

1. No sentence of `test` or `test-outlets` becomes an example, and no article of them is joined with its text, in any
   run, sweep, fold, left-out group, learning curve or calibration.
2. Whatever stands in those articles (other labels, spans, words, hashes), every weight, figure and answer that training
   writes is the same to the byte.
3. What is read of them: which ids they have (the split lists), because a file of the data holds articles of all splits
   and theirs are dropped by id; and, where the recurrent kind or pretraining reads unlabelled news, their text and
   publishers, to keep them and near-duplicates of them out of it (`train.corpus.Guard`). Their labels decide nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from conftest import invented, write_lines

import isnad.examples
from isnad.examples import Document, Example, document_examples, join
from train.__main__ import main
from train.calibration import main as calibration
from train.config import KINDS
from train.corpus import prepare_text
from train.curve import main as curve

if TYPE_CHECKING:
    from conftest import Newsroom

OPEN = {"train", "dev"}
TESTS = ("test", "test-outlets")
SETTINGS = {
    "majority": "",
    "rules": "",
    "tfidf": "min_count: 1\ngrid_c: [1.0]\n",
    "recurrent": "width: 8\nhidden: 8\nepochs: 1\nlimit: 24\n",
    "transformer": "epochs: 1\nlimit: 16\nmax_length: 64\nencoder: {encoder}\n",
}
PLAN = "trials: 2\nparameters: {min_count: {values: [1, 2]}}\n"
DOORS: dict[str, list[str]] = {
    "folds": ["rules.yaml", "--folds", "2"],
    "leave-out": ["rules.yaml", "--leave-out", "origin", "--least", "1"],
    "seeds": ["recurrent.yaml", "--seeds", "2"],
    "sweep": ["sweep", "tfidf.yaml", "--over", "plan.yaml"],
}


def ready(newsroom: Newsroom, encoder: Path) -> None:
    newsroom.write()
    for kind, settings in SETTINGS.items():
        text = f"kind: {kind}\ncorpora: corpora\n{settings.format(encoder=encoder)}"
        Path(f"{kind}.yaml").write_text(text, encoding="utf-8")
    Path("plan.yaml").write_text(PLAN, encoding="utf-8")


def call(words: Sequence[str], command: Any = main) -> None:
    result = CliRunner().invoke(command, list(words))
    assert result.exit_code == 0, (result.stderr, result.exception)


def every_door() -> None:
    """All that trains on labels: each kind, each way to train more than once, the curve, and the calibration."""
    for kind in KINDS:
        call([f"{kind}.yaml"])
    for words in DOORS.values():
        call(words)
    call(["rules.yaml", "--sizes", "0.5,1", "--seeds", "1"], curve)
    call(["runs/tfidf"], calibration)


def closed(newsroom: Newsroom) -> set[str]:
    """The keys of the test articles."""
    lists = [json.loads((newsroom.data / f"splits/{split}.json").read_text(encoding="utf-8")) for split in TESTS]
    return {key for found in lists for key in found["articles"]}


class Watched:
    """Keeps what `isnad.examples` makes examples of, by split, and what it joins, by key."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.splits: set[str] = set()
        self.joined: set[str] = set()
        monkeypatch.setattr(isnad.examples, "document_examples", self.examples)
        monkeypatch.setattr(isnad.examples, "join", self.join)

    def examples(self, document: Document, split: str) -> list[Example]:
        self.splits.add(split)
        return document_examples(document, split)

    def join(self, documents: Sequence[Document], folder: Path | None) -> Any:
        self.joined |= {d.key for d in documents}
        return join(documents, folder)


def relabelled(article: dict[str, Any]) -> None:
    """Other labels, spans elsewhere."""
    for unit in article["sentences"]:
        unit |= {"label": "deny" if unit["label"] != "deny" else "assert", "attributed": not unit["attributed"]}
        unit |= {"cue": [0, 1], "source": None}


def harmed(article: dict[str, Any]) -> None:
    """Other labels, the hashes of no sentence, and composed words backwards."""
    relabelled(article)
    for unit in article["sentences"]:
        unit["sha1"] = "0" * 40
    if "text" in article:
        article |= {"text": article["text"][::-1], "title": article["title"][::-1]}


def poison(newsroom: Newsroom, harm: Callable[[dict[str, Any]], None]) -> int:
    """Harm every labelled article of the test splits, on the disk; how many there were."""
    keys, count = closed(newsroom), 0
    for path in sorted(newsroom.data.glob("*/*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for row in rows:
            if f"{row.get('corpus', 'composed')}:{row['doc_id']}" in keys:
                harm(row)
                count += 1
        write_lines(path, rows)
    return count


def written(folder: Path) -> dict[str, bytes]:
    """Every file of every run but those that hold times, machines and random ids (Optuna's journal, a drawing)."""
    own = {"state.json", "environment.json", "journal.log"}
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in own]
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}
    del found["curve/curve.svg"]
    return found


def test_training_neither_sees_test_articles_nor_depends_on_them(
    newsroom: Newsroom, tiny_modernbert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(newsroom, tiny_modernbert)
    watched = Watched(monkeypatch)
    every_door()
    assert watched.splits == OPEN
    assert watched.joined
    assert not watched.joined & closed(newsroom)
    Path("runs").rename("before")
    assert poison(newsroom, harmed) == len(closed(newsroom)) == 4
    every_door()
    before, after = written(Path("before")), written(Path("runs"))
    assert list(before) == list(after)
    assert [name for name in before if before[name] != after[name]] == []
    assert sum(name.endswith("model.safetensors") for name in after) >= 6


def test_the_unlabelled_news_that_training_reads_leaves_test_articles_out_whatever_their_labels(
    newsroom: Newsroom,
) -> None:
    newsroom.unlabelled["saudinewsnet"] = [invented(f"free-{number}") for number in range(9)]
    newsroom.write()
    places = (newsroom.data, newsroom.corpora, newsroom.seeds)
    text = prepare_text(*places, Path("cache-a"), "plain")
    admitted = text.keys()
    assert "saudinewsnet" in {key.partition(":")[0] for key in admitted}
    assert not set(admitted) & closed(newsroom)
    read = text.lines.read_text(encoding="utf-8")
    for articles in (*newsroom.labelled["test"].values(), *newsroom.labelled["test-outlets"].values()):
        assert not [a["doc_id"] for a in articles if a["title"] in read]
    assert poison(newsroom, relabelled) == 4
    assert prepare_text(*places, Path("cache-b"), "plain").lines.read_text(encoding="utf-8") == read
