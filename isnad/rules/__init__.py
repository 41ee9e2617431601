"""Stance by rules: a lexicon that inflects, the traps, and the decision order of the guidelines.

>>> from isnad.rules import RulesClassifier
>>> RulesClassifier().predict(["أعلنت الشركة أنها ستفتتح فرعاً جديداً."])[0].cue.text
'أعلنت'
"""

from __future__ import annotations

from isnad.rules.classifier import RulesClassifier

__all__ = ["RulesClassifier"]
