"""The pool that suggestions are chosen from, and the batch file that they go into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from isnad.annotate.suggest import Known
from isnad.annotate.task import OWN, Task, article_lines, suggestion_of, task_at, unit_of
from isnad.articles import Article, read_articles
from isnad.examples import corpus_articles, sentence_hash
from isnad.files import write_whole
from isnad.predictions import Prediction
from isnad.sentences import split_sentences

PACKED = ".jsonl.xz"


@dataclass(frozen=True, slots=True)
class Pool:
    """Sentences that may be suggested, the text of their articles, and how many articles were left out."""

    tasks: list[Task]
    texts: dict[str, dict[str, str]]
    left_out: int


def read_pool(files: Sequence[Path], known: Known, tell: Callable[[int], None] | None = None) -> Pool:
    """All new sentences of `files`: articles as `isnad label` reads them, or `CORPUS.jsonl.xz` of the news text.

    `tell(n)` is called after the n-th article.
    """
    tasks: list[Task] = []
    texts: dict[str, dict[str, str]] = {}
    left_out = 0
    for number, (corpus, article) in enumerate(_articles(files), 1):
        if tell:
            tell(number)
        key = f"{corpus}:{article.doc_id}"
        title, outlet = article.title or "", article.outlet or "unknown"
        if key in texts or not known.admits_article(key, corpus, outlet, f"{title}\n{article.text}"):
            left_out += 1
            continue
        texts[key] = {"title": title, "text": article.text}
        about = {
            "corpus": corpus,
            "doc_id": article.doc_id,
            "outlet": outlet,
            "date": article.date or "",
            "kind": "target",
        }
        own = (task_at(title, article.text, s.start, s.end, **about) for s in split_sentences(article.text))
        tasks += [task for task in own if known.admits(task)]
    return Pool(tasks, texts, left_out)


def _articles(files: Sequence[Path]) -> Iterator[tuple[str, Article]]:
    for path in files:
        if path.name.endswith(PACKED):
            corpus = path.name.removesuffix(PACKED)
            for raw in corpus_articles(path.parent, corpus):
                yield corpus, Article(raw["doc_id"], raw["text"], raw["title"], raw["outlet"], raw["date"])
        else:
            yield from ((OWN, article) for article in read_articles(path))


def write_batch(
    chosen: Sequence[tuple[Task, Prediction]], texts: dict[str, dict[str, str]], path: Path, model: str
) -> None:
    """Write the chosen sentences with their articles' text, unlabelled, the answer of `model` as `suggestion`."""
    units = []
    for task, found in chosen:
        unit: dict[str, object] = {"start": task.start, "end": task.end, "sha1": sentence_hash(task.text)}
        answer = suggestion_of(task, found, model)
        units.append((task, unit | ({"suggestion": unit_of(task, answer)} if answer else {})))
    write_whole(path, "".join(line + "\n" for line in article_lines(units, texts)))
