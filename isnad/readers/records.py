"""Rows of tables and objects of JSON as articles, whatever their columns are called.

>>> article({"headline": "خبر", "body": "نص."}, Place(Origin.of("a.csv"), 2), {}).title
'خبر'
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from isnad.errors import IsnadError
from isnad.readers.article import Article, Origin, Place
from isnad.readers.encoding import BOM, SPOILT, is_mojibake

NAMES = {
    "doc_id": (),
    "text": ("body", "content", "article", "article_text", "article_body", "articlebody", "full_text", "maintext",
             "النص", "نص", "نص_الخبر", "المحتوى", "المتن"),
    "title": ("headline", "العنوان", "عنوان", "عنوان_الخبر"),
    "outlet": ("publisher", "newspaper", "sitename", "site_name", "source_name", "source", "hostname",
               "source_hostname", "source_domain", "الصحيفة", "المصدر", "الناشر"),
    "date": ("published", "date_published", "publish_date", "published_at", "publication_date", "date_publish",
             "pubdate", "التاريخ", "تاريخ", "تاريخ_النشر"),
    "author": ("authors", "byline", "الكاتب", "المؤلف", "كاتب"),
    "subject": ("category", "categories", "section", "topic", "القسم", "الموضوع", "التصنيف"),
    "url": ("link", "source_url", "source", "الرابط", "رابط"),
}  # fmt: skip
"""Fields of an article, and the column names that stand for each beside its own; trafilatura's are among them."""

_SEPARATORS = re.compile(r"[\s\-]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHOWN = 12
_STRICT = ("doc_id", "text", "title", "outlet", "date")
"""Fields that must hold text where they stand; others' author or subject may be an object and is passed over."""


def checked_columns(columns: Mapping[str, str] | None) -> Mapping[str, str]:
    """`columns`, which maps fields of an article to names in the source; raises IsnadError for no such field."""
    for name in columns or {}:
        if name not in NAMES:
            raise IsnadError(f"expected a column for one of {', '.join(NAMES)}, found {name}; say --column text=NAME")
    return columns or {}


def check_header(header: Sequence[str], columns: Mapping[str, str], origin: Origin) -> None:
    """Raises IsnadError where a table lacks a column for the text, or one that `columns` names."""
    found = f"found {_listed(header)}"
    for field, name in columns.items():
        if name not in header:
            raise origin.error(f'expected the column "{name}" for {field}, {found}; say --column {field}=NAME')
    if "text" not in columns and not {_key(name) for name in header} & {"text", *NAMES["text"]}:
        raise origin.error(
            f'expected a column "text" (or body, content, article, النص), {found}; say --column text=NAME'
        )


def used(header: Sequence[str], columns: Mapping[str, str]) -> list[str]:
    """The columns of a table that an article is made from."""
    known = {*NAMES, *(name for names in NAMES.values() for name in names)}
    return [name for name in header if name in columns.values() or _key(name) in known]


def article(row: Mapping[str, Any], place: Place, columns: Mapping[str, str]) -> Article:
    """The article of a row; columns are those that `columns` names, else the usual ones.

    Raises IsnadError where there is no text, or a field is no text.
    """
    keyed = {_key(name): value for name, value in row.items()}
    values = {field: _field(row, keyed, field, place, columns.get(field)) for field in NAMES}
    text = values.pop("text")
    if text is None or not text.strip():
        there = row if "text" in columns else keyed
        name = columns.get("text") or next((n for n in ("text", *NAMES["text"]) if n in keyed), "text")
        found = (
            "none" if name not in there else "an empty one" if isinstance(there[name], str) else kind_of(there[name])
        )
        raise place.error(f'expected a "{name}" with the article, found {found}')
    if is_mojibake(text):
        raise place.error(SPOILT)
    return Article(values.pop("doc_id") or place.doc_id, text, **values)


def _field(row: Mapping[str, Any], keyed: Mapping[str, Any], field: str, place: Place, name: str | None) -> str | None:
    """The text of a field: of the column `name`, of its own, or of the first other that holds text."""
    own = row.get(name) if name else keyed.get(field)
    value = _text(own, field)
    if value is None and own is not None and not _is_missing(own) and (name or field in _STRICT):
        label = name or field
        raise place.error(
            f'expected text for "{label}", found {kind_of(own)}'
            if field != "text"
            else f'expected a "{label}" with the article, found {kind_of(own)}'
        )
    for other in () if value or name else NAMES[field]:
        value = _text(keyed.get(other), field)
        if value and other == "source" and (field == "url") != value.startswith(("http://", "https://")):
            value = None  # trafilatura's is a URL, others' the outlet
        if value:
            return value.split(";")[0].strip() if other == "categories" else value
    return value or None


def _text(value: Any, field: str) -> str | None:
    """A value as text: dates in ISO form, integers, several authors, the first of several subjects; else None."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, int) and not isinstance(value, bool) and field != "text":
        return str(value)
    if isinstance(value, datetime):
        return (value.date() if value.time() == value.time().min else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list) and field in ("author", "subject") and all(isinstance(v, str) for v in value):
        parts = [_SURROGATE.sub("\ufffd", v) for v in value if v.strip()]
        return "; ".join(parts) if field == "author" else "".join(parts[:1])
    return None


def _is_missing(value: Any) -> bool:
    """Whether a value is a table's way of saying nothing."""
    return isinstance(value, float) and math.isnan(value)


def _key(name: object) -> str:
    return _SEPARATORS.sub("_", str(name).strip(BOM + " \t\r\n").casefold())


def _listed(names: Iterable[str]) -> str:
    shown = [" ".join(str(name).split())[:40] or "(nameless)" for name in names]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return f"the columns {', '.join(shown[:_SHOWN])}{more}" if shown else "no column"


def kind_of(value: Any) -> str:
    """What a value is, in JSON's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "text", int: "a number", float: "a number", list: "a list", bytes: "bytes that are no text"}
    return next((kind for of, kind in kinds.items() if isinstance(value, of)), "an object")
