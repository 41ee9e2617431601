"""isnad: who says so? Stance of Arabic news sentences.

>>> import isnad
>>> isnad.Stance("deny").arabic
'نفي'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isnad.classifier import label_article, load_classifier
    from isnad.labels import Stance
    from isnad.predictions import Classifier, LabelledArticle, LabelledSentence, Prediction, Span
    from isnad.sentences import Sentence, split_sentences

__version__ = "0.1.0"

_HOMES = {
    "Stance": "labels",
    "Classifier": "predictions",
    "Prediction": "predictions",
    "Span": "predictions",
    "LabelledArticle": "predictions",
    "LabelledSentence": "predictions",
    "Sentence": "sentences",
    "split_sentences": "sentences",
    "load_classifier": "classifier",
    "label_article": "classifier",
}

__all__ = [
    "Classifier",
    "LabelledArticle",
    "LabelledSentence",
    "Prediction",
    "Sentence",
    "Span",
    "Stance",
    "label_article",
    "load_classifier",
    "split_sentences",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'isnad' has no attribute {name!r}")
    return getattr(import_module(f"isnad.{_HOMES[name]}"), name)
