"""Tables in Markdown that can be read on a terminal too."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], words: int) -> list[str]:
    """Lines of a table, cells padded, the first row its head; columns from `words` on are set flush right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = ["-" * w if i < words else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    padded = [
        [c.ljust(w) if i < words else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True))] for r in rows
    ]
    return ["| " + " | ".join(row) + " |" for row in [padded[0], rule, *padded[1:]]]


def cell(text: str) -> str:
    """Text that does not break a table: one line, bars escaped."""
    return " ".join(text.replace("|", "\\|").split())
