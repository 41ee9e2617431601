"""Options that several commands share, checked the same way."""

from __future__ import annotations

import click

from isnad.errors import IsnadError


def _abstain_at(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    from isnad.confidence import parse_abstain_at

    if value is not None:
        try:
            parse_abstain_at(value)
        except IsnadError as error:
            raise click.BadParameter(str(error)) from None
    return value


def _columns(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> dict[str, str] | None:
    """{"text": "body"} of --column text=body."""
    found = {}
    for word in value:
        name, equals, column = word.partition("=")
        if not (name and equals and column):
            raise click.BadParameter(f"expected FIELD=COLUMN, as in text=body, found {word}")
        found[name] = column
    return found or None


abstain_option = click.option(
    "--abstain-at", metavar="precision=P|score=S", callback=_abstain_at,
    help="Mark answers that are less sure than this as undecided: under the score S, or under the one from which on "
    "the model's answers had the precision P on its dev sentences.",
)  # fmt: skip
column_option = click.option(
    "--column", "columns", metavar="FIELD=COLUMN", multiple=True, callback=_columns,
    help="Where CSV, Parquet or JSON Lines keep a field (text, title, outlet, date, author, subject, url), as in "
    "text=body. May be repeated.",
)  # fmt: skip
