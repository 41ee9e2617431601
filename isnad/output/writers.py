"""A writer a format: labelled articles go in one after the other, how many they were comes out.

JSON Lines, CSV and Parquet hold a sentence a line or row and grow as the articles come; the table is for reading;
the page needs all articles at once.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from isnad.articles import Article
from isnad.output.rows import COLUMNS, GAPS, LISTS, record, rows, schema, table
from isnad.predictions import LabelledArticle

Labelled = Iterable[tuple[Article, LabelledArticle]]

SUFFIXES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".parquet": "parquet", ".html": "html",
    ".htm": "html",
}  # fmt: skip
ROW_GROUP = 2048
"""Sentences in memory before a row group of Parquet is written."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula; ours get an apostrophe in front."""

_CSV_COLUMNS = tuple(name for name in COLUMNS if name not in GAPS)


def format_of(output: Path | None) -> str:
    """The format that the name of the output file says, "table" where it says none."""
    return SUFFIXES.get(output.suffix.lower(), "table") if output else "table"


def write_table(articles: Labelled, sink: TextIO) -> int:
    """A table an article; where there are several, each under its `doc_id`."""
    from isnad.table import render_table

    done = 0
    coming = iter(articles)
    first = list(itertools.islice(coming, 2))
    for article, labelled in itertools.chain(first, coming):
        sink.write(("\n" if done else "") + render_table(labelled, heading=article.doc_id if len(first) > 1 else None))
        sink.flush()
        done += 1
    return done


def write_jsonl(articles: Labelled, sink: TextIO) -> int:
    """A JSON object a sentence."""
    done = 0
    for article, labelled in articles:
        for number, sentence in enumerate(labelled.sentences):
            sink.write(json.dumps(record(article, number, sentence), ensure_ascii=False) + "\n")
        sink.flush()
        done += 1
    return done


def write_csv(articles: Labelled, sink: TextIO, *, head: bool = True) -> int:
    """A row a sentence, as a spreadsheet wants it: with a byte order mark, and no cell that is a formula.

    Without `head` (the file has one already) neither the mark nor the names of the columns are written.
    """
    writer = csv.DictWriter(sink, _CSV_COLUMNS, extrasaction="ignore")
    done = 0
    for article, labelled in articles:
        if head:
            sink.write("\ufeff")
            writer.writeheader()
            head = False
        writer.writerows({name: _cell(name, value) for name, value in row.items()} for row in rows(article, labelled))
        sink.flush()
        done += 1
    return done


def _cell(name: str, value: Any) -> Any:
    if name in LISTS and value is not None:
        value = " ".join(value)
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def write_parquet(articles: Labelled, sink: TextIO) -> int:
    """The flat rows, in row groups."""
    import pyarrow.parquet as pq

    done = 0

    def flat() -> Iterator[dict[str, Any]]:
        nonlocal done
        for article, labelled in articles:
            yield from rows(article, labelled)
            done += 1

    coming = flat()
    group = list(itertools.islice(coming, ROW_GROUP))
    if group:
        with pq.ParquetWriter(sink.buffer, schema(), compression="zstd") as writer:
            while group:
                writer.write_table(table(group))
                group = list(itertools.islice(coming, ROW_GROUP))
    return done


def write_html(articles: Labelled, sink: TextIO) -> int:
    """One page of all articles."""
    from isnad.page import render_page

    pairs = list(articles)
    if pairs:
        sink.write(render_page([labelled for _, labelled in pairs], about=[article for article, _ in pairs]))
        sink.flush()
    return len(pairs)


WRITERS: dict[str, Callable[[Labelled, TextIO], int]] = {
    "table": write_table,
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
    "html": write_html,
}
