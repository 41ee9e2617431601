"""Labelled articles to and from pandas and `datasets`, a row a sentence.

>>> from isnad import label_article, load_classifier
>>> article = label_article("نفت الوزارة النبأ.", classifier=load_classifier("rules"))
>>> frame = to_pandas([article])
>>> frame["label"].tolist(), from_pandas(frame) == [article]
(['deny'], True)

The columns are those of `isnad label --format parquet` (see `isnad.output.rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from isnad.errors import need
from isnad.output.rows import from_rows, rows, table
from isnad.predictions import LabelledArticle
from isnad.readers.article import Article

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset, IterableDataset

    Articles = Iterable[LabelledArticle | tuple[Article, LabelledArticle]]


def to_pandas(articles: Articles) -> pd.DataFrame:
    """A frame with a row a sentence, of labelled articles, or of the pairs that `label_articles` gives.

    An article alone gets its number in the order given (from 1) as `doc_id`. What is not known is missing; a lone
    surrogate becomes U+FFFD. Raises IsnadError where pandas or pyarrow is not installed.
    """
    need("pandas", "pyarrow", extra="tables")
    import pandas as pd
    import pyarrow as pa

    types = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return table(_rows(articles)).to_pandas(types_mapper=types.get)


def from_pandas(frame: pd.DataFrame) -> list[LabelledArticle]:
    """The articles of a frame as `to_pandas` makes it.

    Rows may be missing and columns be added. Where a row or the columns `before` and `after` are missing, spaces stand
    in the text, and the offsets hold all the same. Raises IsnadError for rows that make no article.
    """
    need("pandas", "pyarrow", extra="tables")
    import pyarrow as pa

    return from_rows(pa.Table.from_pandas(frame, preserve_index=False).to_pylist())


def to_dataset(articles: Articles) -> Dataset:
    """As `to_pandas`, a `datasets.Dataset`; raises IsnadError where `datasets` is not installed."""
    need("datasets", extra="train")
    from datasets import Dataset

    return Dataset(table(_rows(articles)))


def from_dataset(dataset: Dataset | IterableDataset) -> list[LabelledArticle]:
    """As `from_pandas`, of a `datasets.Dataset` or a stream of one."""
    return from_rows(dataset)


def _rows(articles: Articles) -> Iterator[dict[str, Any]]:
    for number, given in enumerate(articles, 1):
        if isinstance(given, LabelledArticle):
            yield from rows(Article(str(number), given.text), given)
        else:
            yield from rows(*given)
