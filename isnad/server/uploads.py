"""What the page hands in beside plain text: the bytes of a file, and with --fetch a web address."""

from __future__ import annotations

import itertools
import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from isnad.articles import Article, read_bytes
from isnad.errors import IsnadError
from isnad.readers.web import fetch
from isnad.server.problems import Refusal
from isnad.server.settings import MAX_ARTICLES, Limits

_PACKED = {b"\x1f\x8b": "a gzip file", b"PAR1": "a Parquet file", b"WARC/": "a web archive"}
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


def read_upload(
    data: bytes, name: str, *, charset: str | None = None, url: str | None = None
) -> tuple[list[Article], list[str]]:
    """The articles of a file dropped on the page, and a sentence for each record in it that could not be read.

    `name` gives only its ending. Packed files are refused: a small one may unpack to one that fills the memory.
    Raises Refusal where no article can be had.
    """
    for magic, kind in _PACKED.items():
        if data.startswith(magic):
            advice = "unpack it, or label it with `isnad label`"
            raise Refusal("unreadable", f"expected text, HTML, JSON or CSV, found {kind}; {advice}")
    suffix = PurePosixPath(name.lower().replace("\\", "/")).suffix
    failures: list[IsnadError] = []
    records = read_bytes(
        data, f"file{suffix if _SUFFIX.fullmatch(suffix) else ''}", failures=failures.append, charset=charset, url=url
    )
    found = list(itertools.islice(records, MAX_ARTICLES + 1))
    if len(found) > MAX_ARTICLES:
        raise Refusal("too_large", f"expected at most {MAX_ARTICLES} articles in a file, found more; split it")
    if not found:
        raise Refusal("unreadable", _sentence(failures[0]) if failures else "expected an article, found none")
    return found, [_sentence(error) for error in failures]


def read_url(url: str, limits: Limits) -> tuple[list[Article], list[str]]:
    """The articles at a public web address, as `read_upload`. Raises Refusal where there is none or it is private."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise Refusal("not_fetched", "expected an address that begins with http:// or https://, found another")
    try:
        page = fetch(url, allow_private=False, timeout=limits.patience, limit=limits.body)
    except IsnadError as error:
        raise Refusal("not_fetched", _sentence(error)) from None
    return read_upload(page.data, "page.html", charset=page.charset, url=page.url)


def _sentence(error: IsnadError) -> str:
    """The error without the name of the file, but with the line."""
    said = str(error)
    where = f"{error.path}:{error.line}: "
    if error.line is not None and said.startswith(where):
        return f"line {error.line}: {said.removeprefix(where)}"
    return said.removeprefix(f"{error.path}: ")
