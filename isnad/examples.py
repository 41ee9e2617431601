"""Labelled sentences: the documents in `data/`, joined with the news text at run time.

A line of `data/**/*.jsonl` is one article. With `text` it is complete (composed news); without,
it is standoff: `corpus` names the file of the news text, found where `find_corpora` looks, and
every sentence carries the SHA-1 that its text must have.
"""

from __future__ import annotations

import json
import lzma
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha1
from pathlib import Path
from typing import Any

from isnad.errors import IsnadError
from isnad.labels import SKIP, Stance
from isnad.sentences import split_sentences

TITLE = -1
"""`start` and `end` of a labelled title."""
COMPOSED = "composed"
SPLITS = ("train", "dev", "test", "test-outlets")
CORPORA_VARIABLE = "ISNAD_CORPORA"
CORPORA_PLACES = ("corpora", "../shared/corpora")

Bounds = tuple[int, int] | None
"""A span `[start, end)` of characters, or None."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One labelled sentence; spans are `[start, end)` within the sentence, `label` None is `skip`."""

    start: int
    end: int
    sha1: str
    label: Stance | None
    attributed: bool
    source: tuple[int, int] | None
    cue: tuple[int, int] | None
    annotators: tuple[str, ...]
    unsure: bool = False
    """Whether the first reader was in doubt; where nobody noted it, False."""
    guidelines: int = 1
    """Version of `data/GUIDELINES.md` that the label was made, or read again, under."""


@dataclass(frozen=True, slots=True)
class Document:
    """One labelled article; `text` is None until a standoff article is joined."""

    doc_id: str
    title: str
    text: str | None
    outlet: str
    date: str
    kind: str
    corpus: str
    units: tuple[Unit, ...]
    path: str = ""
    line: int = 0
    country: str = ""
    """ISO 3166 code; composed articles have one."""
    subject: str = ""

    @property
    def key(self) -> str:
        """`corpus:doc_id`, the id that split lists use."""
        return f"{self.corpus}:{self.doc_id}"

    def sentence(self, unit: Unit) -> str:
        """The words of `unit`; the document must be joined."""
        if self.text is None:
            raise ValueError(f"{self.key} is not joined with its text")
        return self.title if unit.start == TITLE else self.text[unit.start : unit.end]


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled sentence with its context, ready for training or judging."""

    text: str
    label: Stance | None
    attributed: bool
    source: tuple[int, int] | None
    cue: tuple[int, int] | None
    title: str | None
    before: str | None
    doc_id: str
    start: int
    end: int
    outlet: str
    kind: str
    corpus: str
    split: str

    @property
    def origin(self) -> str:
        """`composed` or `news`."""
        return COMPOSED if self.corpus == COMPOSED else "news"

    @property
    def reference(self) -> str:
        """`corpus:doc_id:start-end`, the form that may be published."""
        return f"{self.corpus}:{self.doc_id}:{self.start}-{self.end}"


def publisher(corpus: str, outlet: str) -> str:
    """The publisher of an outlet; the Hespress sections are one."""
    return "hespress.com" if corpus == "hespress" else outlet


def sentence_hash(text: str) -> str:
    """SHA-1 of the sentence in UTF-8, as in the data files."""
    return sha1(text.encode()).hexdigest()


def find_corpora(configured: str | Path | None = None) -> Path | None:
    """The folder of the news text: `configured`, else `ISNAD_CORPORA`, else the usual places; None if absent.

    Raises IsnadError when a folder was named and does not exist.
    """
    named = configured or os.environ.get(CORPORA_VARIABLE)
    if named:
        if not Path(named).is_dir():
            raise IsnadError(
                f"expected the folder of the news text, found nothing at {named!r}; "
                f"correct `corpora` or {CORPORA_VARIABLE}, or leave both out to work on what ships"
            )
        return Path(named)
    return next((Path(p) for p in CORPORA_PLACES if Path(p).is_dir()), None)


def corpus_articles(folder: Path, corpus: str, wanted: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
    """Articles of `folder/corpus.jsonl.xz` in file order (only those with an id in `wanted`, when given)."""
    path = folder / f"{corpus}.jsonl.xz"
    if not path.is_file():
        raise IsnadError("expected this corpus of the news text; see data/README.md for how to make it", path=path)
    ids = None if wanted is None else set(wanted)
    try:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                if ids is None or _id_of(line) in ids:
                    yield json.loads(line)
    except (EOFError, lzma.LZMAError, ValueError) as error:
        raise IsnadError(f"expected an article a line, packed by xz, found it damaged: {error}", path=path) from error


def _id_of(line: str) -> str:
    mark = '"doc_id": "'
    at = line.find(mark)
    return line[at + len(mark) : line.find('"', at + len(mark))] if at >= 0 else ""


def read_documents(paths: Sequence[Path]) -> list[Document]:
    """Documents of these JSONL files, in order; raises IsnadError with file and line on a malformed one."""
    found = []
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                found.append(_document(line, path, number))
    return found


def _document(line: str, path: Path, number: int) -> Document:
    try:
        raw = json.loads(line)
        units = tuple(_unit(u) for u in raw["sentences"])
        return Document(
            doc_id=raw["doc_id"],
            title=raw.get("title") or "",
            text=raw.get("text"),
            outlet=raw["outlet"],
            date=raw["date"],
            kind=raw["kind"],
            corpus=raw.get("corpus", COMPOSED),
            units=units,
            path=str(path),
            line=number,
            country=raw.get("country") or "",
            subject=raw.get("subject") or "",
        )
    except (ValueError, KeyError, TypeError) as error:
        raise IsnadError(
            f"expected one labelled article as JSON, found {type(error).__name__}: {error}; "
            "`isnad check data` lists every problem",
            path=path,
            line=number,
        ) from error


def _unit(raw: dict[str, Any]) -> Unit:
    return Unit(
        start=int(raw["start"]),
        end=int(raw["end"]),
        sha1=raw["sha1"],
        label=None if raw["label"] == SKIP else Stance(raw["label"]),
        attributed=bool(raw["attributed"]),
        source=_span(raw["source"]),
        cue=_span(raw["cue"]),
        annotators=tuple(raw["annotators"]),
        unsure=bool(raw.get("unsure", False)),
        guidelines=int(raw.get("guidelines", 1)),
    )


def _span(raw: Any) -> tuple[int, int] | None:
    if raw is None:
        return None
    start, end = raw
    return int(start), int(end)


def join(documents: Sequence[Document], folder: Path | None) -> tuple[list[Document], list[Document]]:
    """`(joined, missing)`: standoff documents get their text from `folder`; what is not there is missing.

    Raises IsnadError when a sentence's hash says that the text has changed.
    """
    wanted: dict[str, set[str]] = {}
    for d in documents:
        if d.text is None:
            wanted.setdefault(d.corpus, set()).add(d.doc_id)
    texts: dict[str, dict[str, Any]] = {}
    for corpus, ids in wanted.items():
        if folder is None or not (folder / f"{corpus}.jsonl.xz").is_file():
            continue
        for article in corpus_articles(folder, corpus, ids):
            texts[f"{corpus}:{article['doc_id']}"] = article
    joined: list[Document] = []
    missing: list[Document] = []
    for d in documents:
        if d.text is None and d.key in texts:
            d = replace(d, text=texts[d.key]["text"], title=texts[d.key]["title"] or "")
            _check_hashes(d)
        (missing if d.text is None else joined).append(d)
    return joined, missing


def _check_hashes(document: Document) -> None:
    for unit in document.units:
        if sentence_hash(document.sentence(unit)) != unit.sha1:
            raise IsnadError(
                f"the text of {document.key} at {unit.start}-{unit.end} is not the one that was labelled "
                "(its SHA-1 differs); make the corpus again as data/README.md says",
                path=document.path,
                line=document.line,
            )


def read_splits(folder: Path) -> dict[str, str]:
    """Article key to split name, from `folder/{train,dev,test,test-outlets}.json`."""
    owner: dict[str, str] = {}
    for split in SPLITS:
        path = folder / f"{split}.json"
        if not path.is_file():
            raise IsnadError("expected a list of article ids for this split", path=path)
        try:
            keys = json.loads(path.read_text(encoding="utf-8"))["articles"]
        except (ValueError, KeyError, TypeError) as error:
            what = f'expected a list of article ids as {{"articles": [ids]}}, found {type(error).__name__}'
            raise IsnadError(f"{what}; `isnad check data` lists every problem", path=path) from error
        for key in keys:
            if owner.setdefault(key, split) != split:
                raise IsnadError(f"article {key} stands in {owner[key]!r} too; keep it in one", path=path)
    return owner


def document_examples(document: Document, split: str) -> list[Example]:
    """The labelled sentences of a joined document, `skip` included, with title and preceding sentence."""
    assert document.text is not None
    ends = split_sentences(document.text)
    found = []
    for unit in document.units:
        is_title = unit.start == TITLE
        earlier = [] if is_title else [s for s in ends if s.end <= unit.start]
        found.append(
            Example(
                text=document.sentence(unit),
                label=unit.label,
                attributed=unit.attributed,
                source=unit.source,
                cue=unit.cue,
                title=None if is_title else (document.title or None),
                before=earlier[-1].text if earlier else None,
                doc_id=document.doc_id,
                start=unit.start,
                end=unit.end,
                outlet=document.outlet,
                kind=document.kind,
                corpus=document.corpus,
                split=split,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class LabelledData:
    """What a run works on: joined documents by split, and how many articles lacked their text."""

    documents: dict[str, list[Document]]
    missing: int

    def examples(self, split: str, *, skip: bool = False) -> list[Example]:
        """Labelled sentences of `split`; units without a proposition only when `skip`."""
        found = [e for d in self.documents.get(split, []) for e in document_examples(d, split)]
        return [e for e in found if skip or e.label is not None]


def load_data(data: Path, corpora: Path | None, splits: Sequence[str] = SPLITS) -> LabelledData:
    """Everything under `data/composed` and `data/news` of these splits, joined with the text in `corpora`."""
    paths = sorted(data.glob("composed/*.jsonl")) + sorted(data.glob("news/*.jsonl"))
    owner = read_splits(data / "splits")
    documents = [d for d in read_documents(paths) if owner.get(d.key) in splits]
    joined, missing = join(documents, corpora)
    by_split: dict[str, list[Document]] = {s: [] for s in splits}
    for d in joined:
        by_split[owner[d.key]].append(d)
    return LabelledData(by_split, len(missing))
