"""Web archives (WARC), record by record, by warcio."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from isnad.errors import IsnadError
from isnad.readers.article import MAX_BYTES, Article, Found, LeftOut, Origin, Place
from isnad.readers.encoding import declared_charset, decode
from isnad.readers.pages import extracted

MAGIC = b"WARC/"
_HTML = ("text/html", "application/xhtml+xml")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_SHORTEST = 100
"""Characters; of a page without an article trafilatura may give the one or two entries of its menu."""


@dataclass(slots=True)
class _Count:
    pages: int = 0
    bare: int = 0
    first_bare: str = ""


def read_warc(stream: io.BufferedReader, origin: Origin) -> Iterator[Found]:
    """The article of each web page that was answered with 200; pages without one are counted in one line at the end."""
    try:
        import trafilatura  # noqa: F401  a missing one is told once, not once a page
        from warcio.archiveiterator import ArchiveIterator
    except ImportError:
        raise origin.error('a web archive needs one more package; install it with: pip install "isnad[warc]"') from None
    count = _Count()
    try:
        for number, record in enumerate(ArchiveIterator(stream), 1):
            if _is_page(record):
                found = _page(record, Place(origin, number, "record"), count)
                if found is not None:
                    yield found
    except IsnadError:
        raise
    except Exception as error:  # warcio, http and zlib each raise their own
        what = " ".join(str(error).split())[:200] or type(error).__name__
        raise origin.error(
            f"expected a WARC file, found a damaged one: {what}; nothing behind it can be read"
        ) from None
    if not count.pages:
        raise origin.error("expected web pages (response records with HTML and status 200), found none")
    if count.bare == count.pages:
        raise origin.error(f"found no article in any of {count.pages} web pages")
    if count.bare:
        yield LeftOut(
            f"left out {count.bare} of {count.pages} web pages, which hold no article (menus, lists); "
            f"the first is {count.first_bare}",
            path=origin.label,
        )


def _is_page(record: Any) -> bool:
    if record.rec_type != "response" or record.http_headers is None:
        return False
    kind = (record.http_headers.get_header("Content-Type") or "").partition(";")[0].strip().lower()
    return str(record.http_headers.get_statuscode()) == "200" and kind in _HTML


def _page(record: Any, place: Place, count: _Count) -> Found | None:
    """The article of a page, why it cannot be read, or None where it holds none."""
    count.pages += 1
    url = record.rec_headers.get_header("WARC-Target-URI") or None
    day = (record.rec_headers.get_header("WARC-Date") or "")[:10] or None
    origin = replace(place.origin, url=url)
    try:
        data = _body(record)
        said = _CHARSET.search(record.http_headers.get_header("Content-Type"))
        text = decode(data, origin, declared=said[1] if said else declared_charset(data))
        found: Article | None = extracted(text, origin, place.doc_id, date=day)
    except IsnadError as error:
        return place.error(str(error).removeprefix(f"{place.origin.label}: ") + f" ({url})")
    except Exception as error:  # a content coding that is damaged or unknown
        return place.error(f"expected the body of a page, found a damaged one: {str(error)[:200]} ({url})")
    if found is None or len(found.text) < _SHORTEST:
        count.bare += 1
        count.first_bare = count.first_bare or str(url)
        return None
    return found


def _body(record: Any) -> bytes:
    """The body, decoded; a byte more than MAX_BYTES at most."""
    stream = record.content_stream()
    parts, size = [], 0
    while size <= MAX_BYTES and (part := stream.read(min(65536, MAX_BYTES + 1 - size))):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
