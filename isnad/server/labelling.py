"""From a request's articles to labelled ones, and to the JSON of an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from isnad.articles import Article
from isnad.classifier import label_articles
from isnad.predictions import FAILED, Classifier, LabelledArticle
from isnad.sentences import split_sentences
from isnad.server.problems import Refusal
from isnad.server.settings import Limits


def labeller(classifier: Classifier) -> Callable[[Sequence[Article]], list[LabelledArticle]]:
    """What the thread of the model runs: one call of `label_articles` for all articles, in order."""

    def label(articles: Sequence[Article]) -> list[LabelledArticle]:
        return [answer for _, answer in label_articles(articles, classifier=classifier)]

    return label


def has_failed(article: LabelledArticle) -> bool:
    """Whether the classifier failed on the article."""
    return any(FAILED in sentence.warnings for sentence in article.sentences)


def count_sentences(articles: Iterable[Article], limits: Limits) -> int:
    """Sentences of all `articles`. Raises Refusal where there are more than a request may hold."""
    count = 0
    for article in articles:
        count += len(split_sentences(article.text))
        if count > limits.sentences:
            found = f"expected at most {limits.sentences} sentences a request, found more; send several requests"
            raise Refusal("too_large", found)
    return count


def as_json(article: LabelledArticle, doc_id: str | None) -> dict[str, Any]:
    """The article as `isnad.server.schema.ArticleOut` describes it."""
    return {
        "doc_id": doc_id,
        "title": article.title,
        "model": article.model,
        "counts": article.counts,
        "sentences": [asdict(sentence) for sentence in article.sentences],
    }
