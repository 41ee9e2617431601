"""The stress suite: hand-written cases that ask for one capability each (`python -m eval stress RUN…`).

>>> from eval.stress import read_suite, run_suite
>>> from isnad.classifier import load_classifier
>>> run_suite(load_classifier("rules"), read_suite()[:10]).overall.of
10
"""

from __future__ import annotations

from eval.stress.runs import is_stale, stress_of
from eval.stress.suite import SUITE, Capability, Case, Kind, read_capabilities, read_suite
from eval.stress.verdicts import Answer, Result, Tally, Verdict, run_suite

__all__ = [
    "SUITE",
    "Answer",
    "Capability",
    "Case",
    "Kind",
    "Result",
    "Tally",
    "Verdict",
    "is_stale",
    "read_capabilities",
    "read_suite",
    "run_suite",
    "stress_of",
]
