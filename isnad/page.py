"""Labelled articles as one self-contained HTML page: `isnad page article.txt > article.html`."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from isnad.labels import Stance
from isnad.predictions import LabelledArticle, LabelledSentence, Span
from isnad.table import UNDECIDED, percent

LANGUAGES = ("en", "ar")
"""Languages of the interface; the article itself is Arabic and right to left in both."""

PLAIN = "plain"
"""CSS class of a unit without a stance (byline, credit, link)."""

_LINE = re.compile(r"[\r\n]+|[^\r\n]+")
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")
_FIRST_WORD = re.compile(r"\S{1,16}")
_SHORT = 140


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of text that lies wholly inside or outside the cue and the source."""

    text: str
    cue: bool = False
    source: bool = False

    @property
    def css(self) -> str:
        return " ".join(name for name, on in (("cue", self.cue), ("source", self.source)) if on)


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or that part of it which lies in one paragraph; `number` 0 is text between sentences."""

    pieces: tuple[_Piece, ...]
    number: int = 0
    sentence: LabelledSentence | None = None
    first: bool = False

    @property
    def kind(self) -> str:
        return self.sentence.label.value if self.sentence and self.sentence.label else PLAIN

    @property
    def undecided(self) -> bool:
        return bool(self.sentence and self.sentence.label and self.sentence.abstained)


@dataclass(frozen=True, slots=True)
class _Block:
    """A paragraph of the raw text (`units`), or the line breaks between two (`gap`)."""

    gap: str = ""
    units: tuple[_Unit, ...] = ()

    @property
    def css(self) -> str:
        """Classes that let the filter hide a paragraph once all its sentences are hidden."""
        kinds = {f"has-{u.kind}-undecided" if u.undecided else f"has-{u.kind}" for u in self.units if u.number}
        return " ".join(["filterable", *sorted(kinds)]) if kinds else ""


@dataclass(frozen=True, slots=True)
class _Share:
    """One cell of the summary strip and one segment of its bar; `x` and `width` in percent."""

    stance: Stance
    count: int
    undecided: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class _Quoted:
    """A distinct source and the numbers of the sentences that name it."""

    name: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _View:
    """All that the template shows of one article; `key` begins every id in it."""

    key: str
    title: str
    model: str
    blocks: tuple[_Block, ...]
    numbered: tuple[tuple[int, LabelledSentence], ...]
    shares: tuple[_Share, ...]
    quoted: tuple[_Quoted, ...]
    denied: tuple[tuple[int, LabelledSentence], ...]

    @property
    def total(self) -> int:
        return sum(share.count for share in self.shares)


def render_page(articles: Sequence[LabelledArticle], *, title: str | None = None, language: str = "en") -> str:
    """One HTML page that shows `articles` sentence by sentence and asks nothing of the network.

    `language` ("en" or "ar") is that of the interface when the page opens; the page can switch.
    """
    if language not in LANGUAGES:
        raise ValueError(f"expected language 'en' or 'ar', found {language!r}")
    views = [_view(article, f"a{n}") for n, article in enumerate(articles, 1)]
    only = views[0].title if len(views) == 1 else ""
    style, script = _style(), _asset("page.js")
    template = _environment().get_template("page.html.jinja")
    html = template.render(
        articles=views,
        title=title or "",
        window_title=title or only or ("إسناد" if language == "ar" else "isnad"),
        language=language,
        totals={s: sum(v.shares[s.id].count for v in views) for s in Stance},
        undecided=sum(share.undecided for v in views for share in v.shares),
        plain=sum(x.label is None for v in views for _, x in v.numbered),
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
    )
    return _UNPRINTABLE.sub("\ufffd", html)


def _view(article: LabelledArticle, key: str) -> _View:
    numbered = tuple(enumerate(article.sentences, 1))
    return _View(
        key=key,
        title=article.title or "",
        model=article.model,
        blocks=tuple(_blocks(article.text, numbered)),
        numbered=numbered,
        shares=tuple(_shares(article)),
        quoted=tuple(_quoted(numbered)),
        denied=tuple((n, s) for n, s in numbered if s.label is Stance.DENY),
    )


def _blocks(text: str, numbered: Sequence[tuple[int, LabelledSentence]]) -> Iterator[_Block]:
    """The whole of `text` in order, cut at line breaks; blank lines belong to the breaks."""
    at = 0
    for match in _LINE.finditer(text):
        start, end = match.span()
        if not match.group().strip():
            yield _Block(gap=match.group())
            continue
        while at < len(numbered) and numbered[at][1].end <= start:
            at += 1
        yield _Block(units=tuple(_units(text, start, end, numbered, at)))


def _units(
    text: str, start: int, end: int, numbered: Sequence[tuple[int, LabelledSentence]], at: int
) -> Iterator[_Unit]:
    """The sentences from `numbered[at]` on that touch `text[start:end]`, and what lies between them."""
    cursor = start
    while at < len(numbered) and numbered[at][1].start < end:
        number, sentence = numbered[at]
        at += 1
        left, right = max(cursor, sentence.start), min(end, sentence.end)
        if left > cursor:
            yield _Unit((_Piece(text[cursor:left]),))
        if right > left:
            first = sentence.start >= start
            pieces = _pieces(text, left, right, sentence)
            yield _Unit(tuple(_lead(pieces) if first else pieces), number, sentence, first)
            cursor = right
    if cursor < end:
        yield _Unit((_Piece(text[cursor:end]),))


def _pieces(text: str, start: int, end: int, sentence: LabelledSentence) -> Iterator[_Piece]:
    """`text[start:end]` cut wherever the cue or the source begins or ends; the two may overlap."""
    spans = [span for span in (sentence.cue, sentence.source) if span]
    inner = {at for span in spans for at in (span.start, span.end) if start < at < end}
    cuts = [start, *sorted(inner), end]
    for left, right in pairwise(cuts):
        yield _Piece(text[left:right], _within(sentence.cue, left, right), _within(sentence.source, left, right))


def _lead(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """The same pieces, the first no longer than a word: it stays on one line with the stance mark."""
    piece = next(pieces)
    word = _FIRST_WORD.match(piece.text)
    yield replace(piece, text=piece.text[: word.end() if word else 0])
    yield replace(piece, text=piece.text[word.end() if word else 0 :])
    yield from pieces


def _within(span: Span | None, start: int, end: int) -> bool:
    return span is not None and span.start <= start and end <= span.end


def _shares(article: LabelledArticle) -> Iterator[_Share]:
    counts, x = article.counts, 0.0
    total = sum(counts.values())
    for stance in Stance:
        count = counts[stance.value]
        width = 100 * count / total if total else 0.0
        undecided = sum(s.label is stance and s.abstained for s in article.sentences)
        yield _Share(stance, count, undecided, round(x, 3), round(width, 3))
        x += width


def _quoted(numbered: Iterable[tuple[int, LabelledSentence]]) -> Iterator[_Quoted]:
    """Distinct sources in the order in which they appear; spelling counts, white space does not."""
    found: dict[str, list[int]] = {}
    for number, sentence in numbered:
        if sentence.source and (name := " ".join(sentence.source.text.split())):
            found.setdefault(name, []).append(number)
    return (_Quoted(name, tuple(numbers)) for name, numbers in found.items())


def _short(text: str) -> str:
    """One line of at most `_SHORT` characters, cut between words where there is a space in its second half."""
    line = " ".join(text.split())
    if len(line) <= _SHORT:
        return line
    space = line.rfind(" ", _SHORT // 2, _SHORT)
    return line[: space if space > 0 else _SHORT - 1] + " …"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("isnad", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "short": _short}
    environment.globals |= {"stances": list(Stance), "undecided_icon": UNDECIDED}
    return environment


def _asset(name: str) -> str:
    return files("isnad").joinpath("templates", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _style() -> str:
    """`page.css` behind the rules that follow from `Stance`: colours, and what each checkbox hides."""
    light = "".join(f"--{s}:{s.colour};" for s in Stance)
    dark = "".join(f"--{s}:{s.colour_dark};" for s in Stance)
    rules = [f":root{{{light}}}", f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"]
    rules += [f".{s}{{--c:var(--{s})}}" for s in Stance]
    hide = [":root:has(#f-undecided:not(:checked)) .undecided{display:none}", "p.filterable{display:none}"]
    for kind in (*Stance, PLAIN):
        on = f":root:has(#f-{kind}:checked)"
        hide.append(f":root:has(#f-{kind}:not(:checked)) .s.{kind}{{display:none}}")
        hide.append(f"{on} p.has-{kind},{on}:has(#f-undecided:checked) p.has-{kind}-undecided{{display:block}}")
    return "\n".join([*rules, "@supports selector(:has(*)){", *hide, "}", _asset("page.css")])


def _policy(style: str, script: str) -> str:
    """Content security policy: nothing loads, and only this very style and script run."""
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script)
    )
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )
