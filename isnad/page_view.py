"""What the page shows of one labelled article, made ready for the templates: marked pieces of text, shares, lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from isnad.labels import Stance
from isnad.predictions import FAILED, NOT_ARABIC, LabelledArticle, LabelledSentence, Span
from isnad.table import percent

if TYPE_CHECKING:
    from isnad.articles import Article

PLAIN, UNDECIDED = "plain", "undecided"
"""Kinds beside the stances: a unit without a stance (byline, credit, link), and one the classifier abstained on."""
LOW = 0.6
"""An answer less sure than this is marked as one of low confidence."""

_LINE = re.compile(r"[\r\n]+|[^\r\n]+")
_FIRST_WORD = re.compile(r"\S{1,16}")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_SHORT = 140


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that lies wholly inside or outside the cue and the source."""

    text: str
    cue: bool = False
    source: bool = False

    @property
    def css(self) -> str:
        """Its classes; empty outside both."""
        return " ".join(name for name, on in (("cue", self.cue), ("source", self.source)) if on)


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, or that part of it which lies in one paragraph; `number` 0 is text between sentences."""

    pieces: tuple[Piece, ...]
    number: int = 0
    sentence: LabelledSentence | None = None
    first: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """Its stance (or `PLAIN`), and `UNDECIDED` where that is no more than a best guess."""
        return kinds(self.sentence) if self.sentence else ()


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph of the raw text (`units`), or the line breaks between two (`gap`)."""

    gap: str = ""
    units: tuple[Unit, ...] = ()

    @property
    def css(self) -> str:
        """Classes that let the filter hide a paragraph once all its sentences are hidden."""
        return " ".join(["filterable", *has(k for u in self.units for k in u.kinds)]) if any(self.numbers) else ""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of its sentences."""
        return tuple(u.number for u in self.units)


@dataclass(frozen=True, slots=True)
class Share:
    """One cell of the summary strip and one segment of its bar; `x` and `width` in percent."""

    stance: Stance
    count: int
    undecided: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Quoted:
    """A distinct source and the sentences that name it."""

    name: str
    sentences: tuple[tuple[int, LabelledSentence], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands under the title; unknown is empty, and `url` is one a browser may open."""

    outlet: str = ""
    author: str = ""
    date: str = ""
    url: str = ""

    @property
    def iso_date(self) -> str:
        """The date for machines, empty where `date` is in another form."""
        found = _ISO_DATE.match(self.date)
        return found[0] if found else ""


WHOLE = (NOT_ARABIC, FAILED)


@dataclass(frozen=True, slots=True)
class View:
    """All that the templates show of one article; `key` begins every id in it."""

    key: str
    title: str
    model: str
    facts: Facts
    blocks: tuple[Block, ...]
    numbered: tuple[tuple[int, LabelledSentence], ...]
    shares: tuple[Share, ...]
    quoted: tuple[Quoted, ...]
    denied: tuple[tuple[int, LabelledSentence], ...]
    warnings: tuple[str, ...]
    """What holds of every sentence and leaves none a stance: another language, a classifier that failed."""

    @property
    def total(self) -> int:
        """Sentences with a stance."""
        return sum(share.count for share in self.shares)

    @property
    def css(self) -> str:
        """Classes that tell the filter which kinds the article holds."""
        return " ".join(has(k for _, s in self.numbered for k in kinds(s)))


def view_of(article: LabelledArticle, key: str, about: Article | None = None) -> View:
    """The view of `article`; `about` is where its outlet, author, date and url are taken from."""
    numbered = tuple(enumerate(article.sentences, 1))
    return View(
        key=key,
        title=" ".join((article.title or "").split()),
        model=article.model,
        facts=_facts(about),
        blocks=tuple(_blocks(article.text, numbered)),
        numbered=numbered,
        shares=tuple(_shares(article)),
        quoted=tuple(_quoted(numbered)),
        denied=tuple((n, s) for n, s in numbered if s.label is Stance.DENY),
        warnings=tuple(w for w in WHOLE if numbered and all(w in s.warnings for _, s in numbered)),
    )


def kinds(sentence: LabelledSentence) -> tuple[str, ...]:
    """The kinds by which the filter finds a sentence."""
    if sentence.label is None:
        return (PLAIN,)
    return (sentence.label.value, UNDECIDED) if sentence.abstained else (sentence.label.value,)


def has(found: Iterable[str]) -> list[str]:
    """The class `has-KIND` for each kind that was found."""
    return [f"has-{kind}" for kind in sorted(set(found))]


def is_low(sentence: LabelledSentence) -> bool:
    """Whether a sentence has a stance, decided but with little confidence."""
    return sentence.label is not None and not sentence.abstained and sentence.score < LOW


def short(text: str) -> str:
    """One line of at most 140 characters, cut between words where there is a space in its second half."""
    line = " ".join(text.split())
    if len(line) <= _SHORT:
        return line
    space = line.rfind(" ", _SHORT // 2, _SHORT)
    return line[: space if space > 0 else _SHORT - 1] + " …"


def spoken(number: int, total: int, sentence: LabelledSentence, language: str) -> str:
    """What a screen reader says of a stance mark, in the interface's language."""
    assert sentence.label is not None
    arabic = language == "ar"
    name = sentence.label.arabic if arabic else sentence.label.value
    if sentence.abstained:
        name = f"غير محسوم، {name}؟" if arabic else f"undecided, {name}?"
    parts = [f"{name} {percent(sentence.score)}"]
    if is_low(sentence):
        parts.append("ثقة منخفضة" if arabic else "low confidence")
    parts.append(f"الجملة {number} من {total}" if arabic else f"sentence {number} of {total}")
    for span, in_english, in_arabic in ((sentence.cue, "cue", "القرينة"), (sentence.source, "source", "المصدر")):
        if span:
            parts.append(f"{in_arabic if arabic else in_english}: {short(span.text)}")
    return ("، " if arabic else ", ").join(parts)


def _facts(about: Article | None) -> Facts:
    if about is None:
        return Facts()
    outlet, author, date, url = (
        " ".join((x or "").split()) for x in (about.outlet, about.author, about.date, about.url)
    )
    return Facts(outlet, author, date, url if _openable(url) else "")


def _openable(url: str) -> bool:
    """Whether a link may lead there: a web address, and nothing that runs."""
    try:
        return urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _blocks(text: str, numbered: Sequence[tuple[int, LabelledSentence]]) -> Iterator[Block]:
    """The whole of `text` in order, cut at line breaks; blank lines belong to the breaks."""
    at = 0
    for match in _LINE.finditer(text):
        start, end = match.span()
        if not match.group().strip():
            yield Block(gap=match.group())
            continue
        while at < len(numbered) and numbered[at][1].end <= start:
            at += 1
        yield Block(units=tuple(_units(text, start, end, numbered, at)))


def _units(
    text: str, start: int, end: int, numbered: Sequence[tuple[int, LabelledSentence]], at: int
) -> Iterator[Unit]:
    """The sentences from `numbered[at]` on that touch `text[start:end]`, and what lies between them."""
    cursor = start
    while at < len(numbered) and numbered[at][1].start < end:
        number, sentence = numbered[at]
        at += 1
        left, right = max(cursor, sentence.start), min(end, sentence.end)
        if left > cursor:
            yield Unit((Piece(text[cursor:left]),))
        if right > left:
            first = sentence.start >= start
            pieces = _pieces(text, left, right, sentence)
            yield Unit(tuple(_lead(pieces) if first else pieces), number, sentence, first)
            cursor = right
    if cursor < end:
        yield Unit((Piece(text[cursor:end]),))


def _pieces(text: str, start: int, end: int, sentence: LabelledSentence) -> Iterator[Piece]:
    """`text[start:end]` cut wherever the cue or the source begins or ends; the two may overlap."""
    spans = [span for span in (sentence.cue, sentence.source) if span]
    inner = {at for span in spans for at in (span.start, span.end) if start < at < end}
    cuts = [start, *sorted(inner), end]
    for left, right in pairwise(cuts):
        yield Piece(text[left:right], _within(sentence.cue, left, right), _within(sentence.source, left, right))


def _lead(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces, the first no longer than a word: it stays on one line with the stance mark."""
    piece = next(pieces)
    word = _FIRST_WORD.match(piece.text)
    yield replace(piece, text=piece.text[: word.end() if word else 0])
    yield replace(piece, text=piece.text[word.end() if word else 0 :])
    yield from pieces


def _within(span: Span | None, start: int, end: int) -> bool:
    return span is not None and span.start <= start and end <= span.end


def _shares(article: LabelledArticle) -> Iterator[Share]:
    counts, x = article.counts, 0.0
    total = sum(counts.values())
    for stance in Stance:
        count = counts[stance.value]
        width = 100 * count / total if total else 0.0
        undecided = sum(s.label is stance and s.abstained for s in article.sentences)
        yield Share(stance, count, undecided, round(x, 3), round(width, 3))
        x += width


def _quoted(numbered: Iterable[tuple[int, LabelledSentence]]) -> Iterator[Quoted]:
    """Distinct sources in the order in which they appear; spelling counts, white space does not."""
    found: dict[str, list[tuple[int, LabelledSentence]]] = {}
    for number, sentence in numbered:
        if sentence.source and (name := " ".join(sentence.source.text.split())):
            found.setdefault(name, []).append((number, sentence))
    return (Quoted(name, tuple(sentences)) for name, sentences in found.items())
