"""Fitting of the `tfidf` kind with scikit-learn; what it learns opens without it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from eval.metrics import judge
from isnad.artefact import Manifest
from isnad.runtimes.linear import LinearClassifier, ngrams
from train.config import TfidfConfig
from train.progress import track
from train.targets import Target

log = logging.getLogger("train")


class _Analyzer:
    def __init__(self, config: TfidfConfig) -> None:
        self.config = config

    def __call__(self, text: str) -> Iterator[str]:
        return ngrams(text, self.config.word_ngrams, self.config.char_ngrams)


def train_tfidf(config: TfidfConfig, manifest: Manifest, train: list[Target], dev: list[Target]) -> LinearClassifier:
    """Search strength and class weights on dev macro-F1 and keep the best."""
    vectorizer = TfidfVectorizer(
        analyzer=_Analyzer(config), min_df=config.min_count, max_features=config.max_features, sublinear_tf=True
    )
    x = vectorizer.fit_transform([t.item.text for t in train])
    x_dev = vectorizer.transform([t.item.text for t in dev])
    y, y_dev = np.array([t.label for t in train]), np.array([t.label for t in dev])
    grid = [(c, b) for c in config.grid_c for b in config.grid_balanced]
    best: tuple[float, LogisticRegression] | None = None
    for c, balanced in track(grid, "tfidf: settings tried on dev"):
        model = LogisticRegression(
            C=c, class_weight="balanced" if balanced else None, max_iter=400, random_state=config.seed
        ).fit(x, y)
        value = judge(y_dev, model.predict(x_dev)).macro_f1
        log.info("C=%g balanced=%s: dev macro-F1 %.4f", c, balanced, value)
        if best is None or value > best[0]:
            best = (value, model)
    assert best is not None
    return _classifier(manifest, vectorizer, best[1])


def _classifier(manifest: Manifest, vectorizer: TfidfVectorizer, model: LogisticRegression) -> LinearClassifier:
    weights = np.zeros((len(vectorizer.get_feature_names_out()), 4), dtype=np.float32)
    bias = np.full(4, -30.0, dtype=np.float32)
    for row, label in enumerate(model.classes_):
        weights[:, label], bias[label] = model.coef_[row], model.intercept_[row]
    features = [str(f) for f in vectorizer.get_feature_names_out()]
    return LinearClassifier(manifest, features, vectorizer.idf_.astype(np.float32), weights, bias)
