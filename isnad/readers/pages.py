"""The article of a web page, without its menus, by trafilatura."""

from __future__ import annotations

import logging
import re

from isnad.readers.article import Article, Origin

_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,4000}?-->\s*)*"
    r"<(?:!doctype\s+html|html|head|body|article|section|main|div|p|meta|title|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(r"\s*<\?xml\b", re.IGNORECASE)


def is_page(text: str) -> bool:
    """Whether a text is a web page."""
    return _HTML.match(text) is not None


def is_xml(text: str) -> bool:
    """Whether a text is XML (ask `is_page` first: XHTML is both)."""
    return _XML.match(text) is not None


def page_article(html: str, origin: Origin, doc_id: str, *, date: str | None = None) -> Article:
    """The article of a page; what the page does not say of itself comes from `origin.url` and `date`.

    Raises IsnadError where there is none, or trafilatura is missing.
    """
    found = extracted(html, origin, doc_id, date=date)
    if found is None:
        raise origin.error("found no article in this web page; copy its text into a .txt file")
    return found


def extracted(html: str, origin: Origin, doc_id: str, *, date: str | None = None) -> Article | None:
    """The article of a page, None where trafilatura finds none (a menu, a form, a page that a script fills)."""
    try:
        import trafilatura
    except ImportError:
        raise origin.error('a web page needs one more package; install it with: pip install "isnad[html]"') from None
    for name in ("trafilatura", "htmldate", "courlan"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())  # or Python prints their warnings on stderr
    try:
        found = trafilatura.bare_extraction(html, url=origin.url, with_metadata=True, include_comments=False)
    except Exception as error:  # whatever the page makes of lxml and the rest
        raise origin.error(f"cannot be read as a web page: {type(error).__name__}: {str(error)[:200]}") from None
    if found is None or isinstance(found, dict) or not (found.text or "").strip():
        return None
    return Article(
        doc_id,
        found.text or "",
        found.title or None,
        found.sitename or found.hostname or None,
        found.date or date,
        found.author or None,
        found.categories[0] if found.categories else None,
        found.url or origin.url,
    )
