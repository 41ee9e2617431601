"""What an article is about: the subject that it states, or the section that its paper put it in."""

from __future__ import annotations

import re

from isnad.examples import Document

UNKNOWN = "unknown"
"""The subject of an article that nothing tells."""

_SECTIONS = {
    "Politics": "politics",
    "politic": "politics",
    "politique": "politics",
    "Religion": "religion",
    "Sports": "sport",
    "sport": "sport",
    "Technology": "technology",
    "technology": "technology",
    "Culture": "culture",
    "culture": "culture",
    "Finance": "economy",
    "economy": "economy",
    "economie": "economy",
    "Medical": "health",
    "localNews": "local news",
    "regions": "local news",
    "internationalNews": "international",
    "society": "society",
    "societe": "society",
    "faits-divers": "crime and accidents",
    "diverse": "miscellany",
}
"""Sections as the corpora of `data/README.md` name them, in an outlet's name or in an article's id."""


def subject_of(document: Document) -> str:
    """The subject an article states, or the section of its paper that its id or outlet names; else `UNKNOWN`."""
    if document.subject:
        return document.subject
    named = re.search(r"\((\S+)\)$", document.outlet) or re.match(r"(?:JA-)?([A-Za-z]+)[-/]", document.doc_id)
    return _SECTIONS.get(named.group(1), UNKNOWN) if named else UNKNOWN
