"""An archive as `isnad profile` counts it: the groups of its articles, and sources that can be opened twice.

>>> month_of("2024-05-14T08:00:00Z"), month_of("الثلاثاء 14 ماي 2024"), month_of("31/02/2024")
('2024-05', '2024-05', 'unknown')
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from contextlib import nullcontext
from datetime import date
from pathlib import Path

from isnad.articles import STDIN

UNKNOWN = "unknown"
"""Group of the articles that do not say."""
ALL = "all"
"""The one group of the grouping "none"."""
FIELDS = {"outlet": "outlet", "month": "date", "subject": "subject", "none": "doc_id"}
"""The groupings, and the field of an article (or an answer) that each one reads; all have a `doc_id`."""

_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?!\d)")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?!\d)")
_NAMED = re.compile(r"(?<!\d)(\d{1,2})\s+(\D+?)\s+(\d{4})(?!\d)")
_HAMZA = str.maketrans("أإآ", "ااا")
_MONTHS = (
    "يناير جانفي كانون_الثاني",
    "فبراير فيفري شباط",
    "مارس اذار",
    "ابريل افريل نيسان",
    "مايو ماي ايار",
    "يونيو جوان حزيران",
    "يوليو يوليوز جويلية تموز",
    "اغسطس غشت اوت اب",
    "سبتمبر شتنبر ايلول",
    "اكتوبر تشرين_الاول",
    "نوفمبر نونبر تشرين_الثاني",
    "ديسمبر دجنبر كانون_الاول",
)
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}


def month_of(text: str | None) -> str:
    """YYYY-MM of a date as news writes it, else "unknown".

    Read are 2024-05-14 (with or without a time, and 2024-05), 14/05/2024 and 14 ماي 2024; in Arabic digits too.
    """
    text = (text or "").strip()
    if found := _YEAR_FIRST.match(text):
        year, month, day = found[1], int(found[2]), found[3] or "1"
    elif found := _DAY_FIRST.match(text):
        year, month, day = found[3], int(found[2]), found[1]
    elif found := _NAMED.search(text):
        name = "_".join(found[2].translate(_HAMZA).split())
        year, month, day = found[3], _MONTH_NUMBERS.get(name, 0), found[1]
    else:
        return UNKNOWN
    try:
        return date(int(year), month, int(day)).isoformat()[:7]
    except ValueError:
        return UNKNOWN


def group_of(value: object, by: str) -> str:
    """The group of an article whose `FIELDS[by]` is `value`; "unknown" where that is no text or an empty one."""
    if by == "none":
        return ALL
    text = value if isinstance(value, str) else ""
    return month_of(text) if by == "month" else " ".join(text.split()) or UNKNOWN


def reread(name: str, folder: Path) -> str:
    """`name` as a source that can be opened twice: standard input and pipes are copied into `folder`."""
    if name != STDIN and (not os.path.exists(name) or os.path.isfile(name) or os.path.isdir(name)):
        return name
    path = folder / ("stdin" if name == STDIN else Path(name).name)
    if not path.exists():
        with nullcontext(sys.stdin.buffer) if name == STDIN else open(name, "rb") as stream, path.open("wb") as copy:
            shutil.copyfileobj(stream, copy)
    return str(path)
