"""Fitting of the `rules` kind: how often each rule is right, on train."""

from __future__ import annotations

from collections.abc import Sequence

from isnad.examples import Example
from isnad.rules import RulesClassifier
from isnad.rules.fitting import fired, fit_precision
from train.progress import track


def fit_rules(train: Sequence[Example]) -> RulesClassifier:
    """The cue rules with confidences measured on `train`."""
    cases = []
    for example in track(train, "rules: sentences read"):
        assert example.label is not None
        before = (example.before,) if example.before else ()
        cases.append((fired(example.text, before, example.title), example.label.value))
    return RulesClassifier(fit_precision(cases))
