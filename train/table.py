"""A folder of training data from a table of labelled sentences: python -m train.table sentences.csv -o mine

The table is CSV or TSV with the names of its columns in the first row, one sentence a row. `text` and `label` are
needed; where there are more, they are used:

\b
    article     rows with the same name are sentences of one article, in their order; without it each stands alone
    outlet      who published the article; default: the name of the table
    title       the headline
    split       train, dev, test or test-outlets; without it an article's name decides: 70, 15 and 15 of 100
    cue         the words that made the label; source: the words that name who said it
    attributed  yes where somebody is named or meant as the source of what is denied or left open

`label` is assert, deny, attribute, speculate, or skip for what states nothing; a row without one is left out.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any

import click

from isnad.annotate.task import find_span
from isnad.check_article import LABELS
from isnad.errors import IsnadError
from isnad.examples import COMPOSED, SPLITS, sentence_hash
from isnad.files import write_whole
from isnad.labels import SKIP, Stance
from isnad.letters import INVISIBLE
from isnad.readers.encoding import guess_narrow
from isnad.text import normalise_text

FILE = "table.jsonl"
YES = ("1", "true", "yes", "x")
_UNSEEN = re.compile(f"[{INVISIBLE}]|[^\\S ]|[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled sentence and the line on which it stands; `cells` by column, without white space around."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        """A cell, empty where the table has no such column."""
        return self.cells.get(column, "")


def read_rows(path: Path) -> list[Row]:
    """The rows of the table that have a label. Raises IsnadError with the line of what is wrong."""
    text = _decoded(path)
    head = text.lstrip("\n").partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        names = [n.strip().lower() for n in next(reader, [])]
        rows = [Row(reader.line_num, dict(zip(names, map(_clean, r), strict=False))) for r in reader if any(r)]
    except csv.Error as error:
        raise IsnadError(f"expected CSV: {error}; is a quote left open?", path=path, line=reader.line_num) from error
    absent = [n for n in ("text", "label") if n not in names]
    if absent:
        found = ", ".join(names) or "nothing"
        raise IsnadError(f"expected the columns text and label, found {found}; name them in the first row", path=path)
    for row in rows:
        _check(row, path)
    return [r for r in rows if r["label"]]


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IsnadError(f"expected a table, found none ({error.strerror})", path=path) from error
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        if data.startswith(b"PK") or (narrow := guess_narrow(data)) is None:
            raise IsnadError("expected CSV in UTF-8, found something else; save it as CSV UTF-8", path=path) from None
        return data.decode(narrow)


def _clean(cell: str) -> str:
    """The cell on one line, without the marks that `isnad check` refuses."""
    return " ".join(_UNSEEN.sub(lambda m: " " if m[0].isspace() else "", cell).split())


def _check(row: Row, path: Path) -> None:
    label = row["label"]
    if label and label not in LABELS:
        raise IsnadError(f"expected a label ({', '.join(LABELS)}), found {label!r}", path=path, line=row.line)
    if label and not row["text"]:
        raise IsnadError("expected the sentence in `text`, found none", path=path, line=row.line)
    if row["split"] not in ("", *SPLITS):
        raise IsnadError(f"expected a split ({', '.join(SPLITS)}), found {row['split']!r}", path=path, line=row.line)


def articles_of(rows: Sequence[Row], path: Path) -> dict[str, list[Row]]:
    """The rows of each article by its name; a sentence without one is named by what it says."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        name = row["article"] or sha1(normalise_text(row["text"], "plain").encode()).hexdigest()[:12]
        first = found.setdefault(name, [row])[0]
        if row is not first:
            found[name].append(row)
            if row["split"] != first["split"]:
                raise IsnadError(
                    f"expected one split for the article {name!r}, found {first['split']!r} on line {first.line} and "
                    f"{row['split']!r}; sentences of one article stay together",
                    path=path,
                    line=row.line,
                )
    return found


def article(name: str, rows: Sequence[Row], path: Path) -> dict[str, Any]:
    """A line of `composed/`: the article with its sentences one below the other. Raises IsnadError."""
    text, units = "", []
    for row in rows:
        units.append(_unit(row, len(text), path))
        text += row["text"] + "\n"
    facts = {"outlet": rows[0]["outlet"] or path.stem, "date": rows[0]["date"], "kind": "article"}
    return {"doc_id": name, "title": rows[0]["title"], "text": text, **facts, "sentences": units}


def _unit(row: Row, start: int, path: Path) -> dict[str, Any]:
    text, label = row["text"], row["label"]
    try:
        cue = find_span(text, row["cue"])
        source = find_span(text, row["source"], cue[0] if cue else 0)
    except ValueError as error:
        raise IsnadError(str(error), path=path, line=row.line) from error
    attributed = label == Stance.ATTRIBUTE or source is not None or row["attributed"].lower() in YES
    if label in (Stance.ASSERT, SKIP) and (cue or attributed):
        raise IsnadError(
            f"expected no cue, source or attributed beside {label!r}, found one; clear it or change the label",
            path=path,
            line=row.line,
        )
    spans = {"source": source and list(source), "cue": cue and list(cue)}
    place = {"start": start, "end": start + len(text), "sha1": sentence_hash(text)}
    return {**place, "label": label, "attributed": attributed, **spans, "annotators": [row["annotator"] or path.stem]}


def split_of(name: str, rows: Sequence[Row]) -> str:
    """The split that the table says, else one by the article's name: the same whatever else the table holds."""
    draw = int(sha1(name.encode()).hexdigest(), 16) % 20
    return rows[0]["split"] or ("dev" if draw < 3 else "test" if draw < 6 else "train")


def make_data(path: Path, folder: Path) -> Counter[tuple[str, str]]:
    """Write the table at `path` as `folder/composed/` and `folder/splits/`; counts by (split, label).

    Raises IsnadError, and writes nothing, when a row is wrong or `folder` holds other data.
    """
    others = [p for p in (*folder.glob(f"{COMPOSED}/*"), *folder.glob("news/*")) if p.name != FILE]
    if others:
        raise IsnadError(
            f"expected a folder of this command's own, found {others[0].name} in it; name another", path=folder
        )
    articles = articles_of(read_rows(path), path)
    lines = [json.dumps(article(n, rows, path), ensure_ascii=False) + "\n" for n, rows in articles.items()]
    if not lines:
        raise IsnadError("expected sentences with a label, found none", path=path)
    splits = {name: split_of(name, rows) for name, rows in articles.items()}
    write_whole(folder / COMPOSED / FILE, "".join(lines))
    for split in SPLITS:
        keys = [f"{COMPOSED}:{name}" for name, its in splits.items() if its == split]
        write_whole(
            folder / f"splits/{split}.json", json.dumps({"articles": keys}, ensure_ascii=False, indent=1) + "\n"
        )
    return Counter((splits[name], row["label"]) for name, rows in articles.items() for row in rows)


def told(counts: Counter[tuple[str, str]]) -> str:
    """The counts as a table, and what is missing from train or dev."""
    head = f"{'':14}" + "".join(f"{label:>11}" for label in LABELS)
    lines = [f"{s:14}" + "".join(f"{counts[s, label]:11,}" for label in LABELS) for s in SPLITS]
    gaps = [f"{s} has no {label.value}" for s in ("train", "dev") for label in Stance if not counts[s, label]]
    advice = [f"{', '.join(gaps)}: label more, or choose the splits in a column `split`"] if gaps else []
    return "\n".join([head, *lines, *advice])


@click.command(help=__doc__)
@click.argument("table", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to write.")
def main(table: Path, output: Path) -> None:
    """Write the folder, say what is in it."""
    try:
        counts = make_data(table, output)
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    click.echo(told(counts), err=True)
    click.echo(str(output))


if __name__ == "__main__":
    main(prog_name="python -m train.table")
