"""Parquet, a batch of rows at a time, by pyarrow."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from isnad.errors import IsnadError
from isnad.readers.article import Found, Origin, Place
from isnad.readers.records import article, check_header, used

MAGIC = b"PAR1"
_ROWS = 64
_BUFFER = 1 << 20


def read_copied(stream: io.BufferedReader, origin: Origin, columns: Mapping[str, str]) -> Iterator[Found]:
    """An article a row of a pipe: the footer stands last, so it goes through a temporary file."""
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy)
        yield from read_parquet(copy, origin, columns)


def read_parquet(file: Any, origin: Origin, columns: Mapping[str, str]) -> Iterator[Found]:
    """An article a row of a binary file that can seek (a pipe cannot: `read_copied`)."""
    with _readable(origin):
        import pyarrow.parquet as pq

        table = pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
        header = table.schema_arrow.names
    check_header(header, columns, origin)
    names = used(header, columns)
    number = 0
    with _readable(origin):
        for batch in table.iter_batches(_ROWS, columns=names):
            rows = [[_value(scalar) for scalar in column] for column in batch.columns]
            for values in zip(*rows, strict=True):
                number += 1
                try:
                    yield article(
                        dict(zip(batch.schema.names, values, strict=True)), Place(origin, number, "row"), columns
                    )
                except IsnadError as error:
                    yield error
    if not number:
        raise origin.error("expected a row, found none")


def _value(scalar: Any) -> Any:
    """A cell as Python's; b"" where its bytes are no such value."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return b""


@contextmanager
def _readable(origin: Origin) -> Iterator[None]:
    try:
        yield
    except IsnadError:
        raise
    except ImportError:
        raise origin.error('Parquet needs one more package; install it with: pip install "isnad[tables]"') from None
    except Exception as error:  # pyarrow raises a dozen kinds for a damaged file
        what = " ".join(str(error).split())[:200]
        raise origin.error(f"expected a Parquet file, found a damaged one: {what}") from None


def count_rows(path: str) -> int | None:
    """How many rows a Parquet file holds, None where it cannot be read."""
    try:
        import pyarrow.parquet as pq

        return int(pq.read_metadata(path).num_rows)
    except Exception:  # the reader will say what is wrong
        return None
