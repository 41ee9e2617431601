"""Labelled articles as one self-contained HTML page: `isnad page article.txt -o article.html`.

The server shows the same page: its template extends `page.html.jinja`, rendered by `environment` with what `context`
gives, and later articles come as fragments of `render_article`, which the page's script takes over where they stand.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from isnad.labels import Stance
from isnad.page_view import LOW, PLAIN, UNDECIDED, is_low, kinds, short, spoken, view_of
from isnad.predictions import LabelledArticle
from isnad.table import UNDECIDED as UNDECIDED_ICON
from isnad.table import percent

if TYPE_CHECKING:
    from isnad.articles import Article

LANGUAGES = ("en", "ar")
"""Languages of the interface; the article itself is Arabic and right to left in both."""

_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_WARNINGS = {
    "not_arabic": ("Not one Arabic letter: no sentence was given a stance.", "لا حرف عربياً فيه: لم تُصنَّف جمله."),
    "failed": ("The classifier failed on it: no sentence was given a stance.", "تعذّر تصنيفه: لم تُصنَّف جمله."),
    "cut": ("longer than the model reads; its end was not seen", "أطول مما يقرؤه النموذج؛ لم يُقرأ آخرها"),
}


def render_page(
    articles: Sequence[LabelledArticle],
    *,
    title: str | None = None,
    language: str = "en",
    about: Sequence[Article | None] = (),
) -> str:
    """One HTML page that shows `articles` sentence by sentence and asks nothing of the network.

    `language` ("en" or "ar") is that of the interface until the reader chooses; the page can switch. `about` runs
    parallel to `articles` where it is given: outlet, author, date and url that stand under the titles. Raises
    ValueError for another language or another length.
    """
    values = context(articles, title=title, language=language, about=about)
    return _printable(environment().get_template("page.html.jinja").render(**values))


def render_article(
    article: LabelledArticle, *, key: str, language: str = "en", about: Article | None = None, level: int = 2
) -> str:
    """The HTML of one article and its summary without style and script, every id in it beginning with `key`.

    It belongs into the element `#articles` of a page. `level` is that of its heading. Raises ValueError for a
    language other than "en" and "ar".
    """
    _check(language)
    template = environment().get_template("article.html.jinja")
    return _printable(template.render(article=view_of(article, key, about), language=language, level=level, ordinal=0))


def context(
    articles: Sequence[LabelledArticle],
    *,
    title: str | None = None,
    language: str = "en",
    about: Sequence[Article | None] = (),
) -> dict[str, Any]:
    """What `page.html.jinja`, and a template that extends it, are rendered with."""
    _check(language)
    if about and len(about) != len(articles):
        raise ValueError(f"expected `about` for {len(articles)} articles, found {len(about)}")
    known = about or [None] * len(articles)
    views = [view_of(x, f"a{n}", y) for n, (x, y) in enumerate(zip(articles, known, strict=True), 1)]
    found = [kind for view in views for _, sentence in view.numbered for kind in kinds(sentence)]
    only = views[0].title if len(views) == 1 else ""
    window = title or only or ("إسناد" if language == "ar" else "isnad")
    return {
        "articles": views,
        "title": title or "",
        "window_title": _DIRECTION.sub("", window),
        "language": language,
        "totals": {kind: found.count(kind) for kind in (*Stance, UNDECIDED, PLAIN)},
        "sentences": sum(len(view.numbered) for view in views),
        "style": Markup(style()),
        "script": Markup(script()),
        "policy": content_security_policy([style()], [script()]),
    }


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Where the page's templates are found; all that they print is escaped."""
    found = Environment(
        loader=PackageLoader("isnad", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"percent": percent, "short": short}
    found.tests |= {"low": is_low}
    found.globals |= {
        "stances": list(Stance), "undecided_icon": UNDECIDED_ICON, "low_percent": percent(LOW), "kinds": kinds,
        "spoken": spoken, "warnings": _WARNINGS,
    }  # fmt: skip
    return found


@lru_cache(maxsize=1)
def style() -> str:
    """The page's CSS: the rules that follow from `Stance` (colours, and what the filter hides), then `page.css`."""
    light = "".join(f"--{s}:{s.colour};" for s in Stance)
    dark = "".join(f"--{s}:{s.colour_dark};" for s in Stance)
    rules = [f":root{{{light}}}", f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"]
    rules += [f".{s}{{--c:var(--{s})}}" for s in Stance]
    shown = ":root[data-show]"
    rules += [f"{shown} .s,{shown} p.filterable,{shown} .text{{display:none}}", f"{shown} .nothing{{display:block}}"]
    for kind in (*Stance, UNDECIDED, PLAIN):
        on = f':root[data-show~="{kind}"]'
        rules += [f"{on} .s.{kind}{{display:inline}}", f"{on} :is(p,.text).has-{kind}{{display:block}}"]
        rules += [f"{on} .has-{kind}+.nothing{{display:none}}"]
    return "\n".join([*rules, _asset("page.css")])


@lru_cache(maxsize=1)
def script() -> str:
    """The page's JavaScript; it listens on the document, so articles that come later need nothing more."""
    return _asset("page.js")


def content_security_policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """A policy by which nothing loads, and only these very styles and scripts run."""
    return (
        f"default-src 'none'; img-src data:; style-src {_hashes(styles)}; script-src {_hashes(scripts)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashes(parts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _asset(name: str) -> str:
    return files("isnad").joinpath("templates", name).read_text(encoding="utf-8")


def _printable(html: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", html)


def _check(language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(f"expected language 'en' or 'ar', found {language!r}")
