"""One sentence to be judged, what annotators said of it, and the files of the labelled data it comes from and goes to.

A **task** is a sentence in its context with a suggestion and any number of answers. On disk answers live as
**readings**: one JSON Lines file per annotator, in the form of `data/second/` (offsets and hashes, no text).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from isnad.check_article import LABELS
from isnad.errors import IsnadError
from isnad.examples import COMPOSED, TITLE, Bounds, corpus_articles, sentence_hash
from isnad.files import write_whole
from isnad.labels import SKIP, Stance
from isnad.predictions import Classifier, Prediction
from isnad.sentences import Sentence, split_sentences

OWN = "own"
"""Corpus of articles that come from a file of the user and not from `data/`."""
GUIDELINES = 2
"""Version of `data/GUIDELINES.md` that new answers are made under."""
JOINER = " + "
"""Between the names of several annotators who stand behind one label."""
MARKS = ("attributed", "unsure", "trap")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one annotator, or a model, says of a sentence; spans are `[start, end)` within it."""

    annotator: str
    label: str
    attributed: bool = False
    source: Bounds = None
    cue: Bounds = None
    unsure: bool = False
    trap: bool = False
    guidelines: int = GUIDELINES
    score: float | None = None
    """Calibrated probability (0 to 1) of a suggestion; None for a person."""

    def marks(self) -> list[str]:
        """Those of `MARKS` that hold."""
        return [name for name in MARKS if getattr(self, name)]


@dataclass(frozen=True, slots=True)
class Task:
    """A sentence (`start` and `end` count characters of its article, -1 and -1 mean the title) in its context."""

    corpus: str
    doc_id: str
    start: int
    end: int
    text: str
    title: str = ""
    before: str = ""
    after: str = ""
    outlet: str = "unknown"
    date: str = ""
    kind: str = "target"
    suggestion: Answer | None = None
    answers: tuple[Answer, ...] = field(default=())

    @property
    def reference(self) -> str:
        """`corpus:doc_id:start-end`."""
        return f"{self.corpus}:{self.doc_id}:{self.start}-{self.end}"

    def words(self, span: Bounds) -> str:
        """The words of a span, empty for None."""
        return "" if span is None else self.text[span[0] : span[1]]


_REFERENCE = re.compile(r"([^:]+):(.+):(-?\d+)-(-?\d+)")


def parse_reference(reference: str) -> tuple[str, str, int, int]:
    """`(corpus, doc_id, start, end)`; raises ValueError when it is not of the form `corpus:doc_id:start-end`."""
    match = _REFERENCE.fullmatch(reference.strip())
    if match is None:
        raise ValueError(f"expected corpus:doc_id:start-end, found {reference!r}")
    return match[1], match[2], int(match[3]), int(match[4])


def checked(task: Task, answer: Answer) -> Answer:
    """The answer if it can stand in the data; raises ValueError that says expected and found."""
    if answer.label not in LABELS:
        raise ValueError(f"expected one of {', '.join(LABELS)}, found {answer.label!r}")
    for name, span in (("source", answer.source), ("cue", answer.cue)):
        if span is not None and not 0 <= span[0] < span[1] <= len(task.text):
            raise ValueError(f"expected {name} within 0 to {len(task.text)}, found {span[0]} to {span[1]}")
    if answer.label in (Stance.ASSERT, SKIP):
        return replace(answer, attributed=False, source=None, cue=None)
    attributed = answer.attributed or answer.label == Stance.ATTRIBUTE
    return replace(answer, attributed=attributed, source=answer.source if attributed else None)


def find_span(text: str, words: str, near: int = 0) -> Bounds:
    """Where `words` stand in `text`: whole words before parts of words, then nearest to `near`; None if nowhere.

    Raises ValueError when `words` are not empty and not there.
    """
    if not words:
        return None
    places = [m.span() for m in re.finditer(re.escape(words), text)]
    if not places:
        raise ValueError(f"expected words of the sentence, found {words!r}, which it does not hold")
    whole = [p for p in places if not re.match(r"\w", text[p[1] : p[1] + 1]) and not re.search(r"\w$", text[: p[0]])]
    return min(whole or places, key=lambda p: abs(p[0] - near))


# --- from files ---------------------------------------------------------------------------------


def read_tasks(paths: Sequence[Path], corpora: Path | None = None) -> list[Task]:
    """The sentences of these files, in order, answers to one sentence brought together.

    A file holds labelled articles (the form of `data/`; news is joined with the text in `corpora`, or with
    an article of the same id in another of these files), or articles as `isnad label` reads them: then all
    their sentences are tasks. Raises IsnadError with file and line.
    """
    raw: list[tuple[Path, int, dict[str, Any]]] = []
    plain: list[Task] = []
    for path in paths:
        labelled = list(_labelled_lines(path))
        raw += [(path, number, article) for number, article in labelled]
        if not labelled:
            plain += _plain_tasks(path)
    texts = {_key(a): (a.get("title") or "", a["text"]) for _, _, a in raw if a.get("text")}
    texts |= _from_corpora([a for _, _, a in raw if _key(a) not in texts], corpora)
    found: list[Task] = []
    for path, number, article in raw:
        try:
            found += _article_tasks(article, texts)
        except (KeyError, TypeError, ValueError) as error:
            what = f"the field {error}" if isinstance(error, KeyError) else str(error)
            raise IsnadError(f"expected a labelled article: {what}", path=path, line=number) from error
    return merge([*found, *plain])


def merge(tasks: Iterable[Task]) -> list[Task]:
    """One task a sentence, in order of appearance, with the answers of all annotators.

    Raises IsnadError where one annotator gives a sentence two answers that differ.
    """
    found: dict[str, Task] = {}
    for task in tasks:
        known = found.get(task.reference, replace(task, answers=()))
        found[task.reference] = replace(
            known, answers=_united(task, known.answers), suggestion=known.suggestion or task.suggestion
        )
    return list(found.values())


def _united(task: Task, known: tuple[Answer, ...]) -> tuple[Answer, ...]:
    by_name = {a.annotator: a for a in known}
    for answer in task.answers:
        if by_name.setdefault(answer.annotator, answer) != answer:
            raise IsnadError(
                f"expected one answer by {answer.annotator} to {task.reference}, found two that differ; remove one, "
                "or give the annotators different names"
            )
    return tuple(by_name.values())


def _key(article: dict[str, Any]) -> str:
    return f"{article.get('corpus', COMPOSED)}:{article.get('doc_id')}"


def _labelled_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines of a JSON Lines file whose first one has `sentences`; nothing for any other file."""
    if not path.is_file():
        raise IsnadError("no such file; check the name", path=path)
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                article = json.loads(line.decode("utf-8-sig"))
            except ValueError as error:
                if number == 1:
                    return
                raise IsnadError(f"expected one JSON object a line: {error}", path=path, line=number) from error
            if not isinstance(article, dict) or not isinstance(article.get("sentences"), list):
                if number == 1:
                    return
                raise IsnadError("expected an article with `sentences`, found none", path=path, line=number)
            yield number, article


def _from_corpora(articles: Iterable[dict[str, Any]], corpora: Path | None) -> dict[str, tuple[str, str]]:
    wanted: dict[str, set[str]] = {}
    for article in articles:
        wanted.setdefault(str(article.get("corpus", COMPOSED)), set()).add(str(article.get("doc_id")))
    texts = {}
    for corpus, ids in wanted.items():
        if corpora is not None and (corpora / f"{corpus}.jsonl.xz").is_file():
            for found in corpus_articles(corpora, corpus, ids):
                texts[f"{corpus}:{found['doc_id']}"] = (found["title"] or "", found["text"])
    return texts


def _article_tasks(article: dict[str, Any], texts: dict[str, tuple[str, str]]) -> Iterator[Task]:
    key = _key(article)
    if key not in texts:
        raise ValueError(
            f"the text of {key} is not here; name the folder of the news text with --corpora, or a file that holds it"
        )
    title, text = texts[key]
    for unit in article["sentences"]:
        task = task_at(
            title, text, unit["start"], unit["end"],
            corpus=str(article.get("corpus", COMPOSED)), doc_id=article["doc_id"],
            outlet=article.get("outlet") or "unknown", date=article.get("date") or "",
            kind=article.get("kind", "target"),
        )  # fmt: skip
        if sentence_hash(task.text) != unit.get("sha1", sentence_hash(task.text)):
            raise ValueError(f"the text of {task.reference} is not the one that was labelled (its SHA-1 differs)")
        if unit.get("label") is not None:
            task = replace(task, answers=(checked(task, answer_of(unit)),))
        if unit.get("suggestion") is not None:
            task = replace(task, suggestion=checked(task, answer_of(unit["suggestion"])))
        yield task


@lru_cache(maxsize=32)
def _sentences(text: str) -> list[Sentence]:
    return split_sentences(text)


def task_at(title: str, text: str, start: int, end: int, **about: Any) -> Task:
    """The task for one sentence of an article, with the sentences beside it as context."""
    if start == TITLE:
        first = next(iter(_sentences(text)), None)
        return Task(start=start, end=end, text=title, after=first.text if first else "", **about)
    if not 0 <= start < end <= len(text):
        raise ValueError(f"expected 0 <= start < end <= {len(text)}, found {start} to {end}")
    sentences = _sentences(text)
    before = [s.text for s in sentences if s.end <= start][-2:]
    after = [s.text for s in sentences if s.start >= end][:1]
    sentence = text[start:end]
    return Task(
        start=start, end=end, text=sentence, title=title, before=" ".join(before), after=" ".join(after), **about
    )


def answer_of(unit: dict[str, Any]) -> Answer:
    """The answer in a sentence of the labelled data."""
    return Answer(
        annotator=JOINER.join(unit.get("annotators") or ["unknown"]),
        label=unit["label"],
        attributed=bool(unit.get("attributed")),
        source=_bounds(unit.get("source")),
        cue=_bounds(unit.get("cue")),
        unsure=bool(unit.get("unsure")),
        trap=bool(unit.get("trap")),
        guidelines=int(unit.get("guidelines", 1)),
        score=unit.get("score"),
    )


def _bounds(raw: Sequence[int] | None) -> Bounds:
    return None if raw is None else (int(raw[0]), int(raw[1]))


def _plain_tasks(path: Path) -> Iterator[Task]:
    from isnad.articles import read_articles

    for article in read_articles(path):
        for s in split_sentences(article.text):
            yield task_at(
                article.title or "", article.text, s.start, s.end, corpus=OWN, doc_id=article.doc_id,
                outlet=article.outlet or "unknown", date=article.date or "", kind="article",
            )  # fmt: skip


# --- suggestions --------------------------------------------------------------------------------


def predictions(tasks: Sequence[Task], classifier: Classifier) -> list[Prediction]:
    """The classifier's answers to the tasks, in order."""
    return classifier.predict(
        [t.text for t in tasks], before=[t.before or None for t in tasks], title=[t.title or None for t in tasks]
    )


def with_suggestions(tasks: Sequence[Task], classifier: Classifier) -> list[Task]:
    """The tasks with the classifier's answer as suggestion (none where it has none)."""
    return [
        replace(task, suggestion=suggestion_of(task, found, classifier.name))
        for task, found in zip(tasks, predictions(tasks, classifier), strict=True)
    ]


def suggestion_of(task: Task, found: Prediction, name: str) -> Answer | None:
    """A prediction as an answer of the model `name`."""
    if found.label is None:
        return None
    cue, source = ((span.start, span.end) if span else None for span in (found.cue, found.source))
    answer = Answer(name, found.label.value, bool(found.attributed), source, cue, score=round(found.score, 4))
    return checked(task, answer)


# --- to files -----------------------------------------------------------------------------------


def unit_of(task: Task, answer: Answer) -> dict[str, Any]:
    """A sentence of the labelled data."""
    unit: dict[str, Any] = {
        "start": task.start,
        "end": task.end,
        "sha1": sentence_hash(task.text),
        "label": answer.label,
        "attributed": answer.attributed,
        "source": list(answer.source) if answer.source else None,
        "cue": list(answer.cue) if answer.cue else None,
        "annotators": answer.annotator.split(JOINER),
    }
    unit |= {name: True for name in ("unsure", "trap") if getattr(answer, name)}
    if answer.guidelines != 1:
        unit["guidelines"] = answer.guidelines
    if answer.score is not None:
        unit["score"] = answer.score
    return unit


def article_lines(units: Iterable[tuple[Task, dict[str, Any]]], texts: dict[str, Any] | None = None) -> list[str]:
    """One JSON line an article; `texts` maps an article's key to further fields (its title and text)."""
    articles: dict[str, dict[str, Any]] = {}
    for task, unit in units:
        key = f"{task.corpus}:{task.doc_id}"
        head = {"doc_id": task.doc_id, "corpus": task.corpus, "outlet": task.outlet, "date": task.date}
        article = articles.setdefault(key, {**head, **(texts or {}).get(key, {}), "kind": task.kind, "sentences": []})
        article["sentences"].append(unit)
    for article in articles.values():
        article["sentences"].sort(key=lambda u: (u["start"], u["end"]))
    return [json.dumps(article, ensure_ascii=False) for article in articles.values()]


def file_stems(names: Iterable[str]) -> dict[str, str]:
    """A file name without suffix for each annotator; raises IsnadError where two would share one."""
    stems: dict[str, str] = {}
    for name in sorted(set(names)):
        stem = re.sub(r"[^\w.@+-]+", "_", name).strip("._") or "annotator"
        if stem in stems.values():
            raise IsnadError(
                f"expected annotators whose names make different files, found {name!r} twice; use --rename"
            )
        stems[name] = stem
    return stems


def write_readings(tasks: Sequence[Task], folder: Path) -> list[Path]:
    """One file per annotator in `folder`, in the form of `data/second/`; returns what was written."""
    written = []
    for name, stem in file_stems(a.annotator for t in tasks for a in t.answers).items():
        own = ((t, unit_of(t, a)) for t in tasks for a in t.answers if a.annotator == name)
        written.append(folder / f"{stem}.jsonl")
        write_whole(written[-1], "\n".join(article_lines(own)) + "\n")
    return written
