"""A sentence laid out for the rules: its words, and the cues found in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from isnad.rules.folding import Tokens
from isnad.rules.morphology import Form


@dataclass(slots=True)
class Cue:
    """A cue: tokens `first` to `last`, `skip` letters of the first being a clitic."""

    kind: str
    first: int
    last: int
    skip: int
    form: Form
    lemma: str = ""
    clause: str = "main"
    negated: bool = False


@dataclass(slots=True)
class Scene:
    """A sentence laid out for the rules."""

    tokens: Tokens
    bare: list[str]
    """The words, without a leading و or ف where only so they are known."""
    skips: list[int]
    """How many letters that took off."""
    cues: list[Cue] = field(default_factory=list)
    verbs: dict[int, Cue] = field(default_factory=dict)
    """The cues that are verb forms, by token."""

    @property
    def words(self) -> list[str]:
        """The folded words."""
        return self.tokens.words

    def ahead(self, i: int, wanted: frozenset[str], reach: int = 12) -> bool:
        """Whether one of `wanted` stands within `reach` words behind token `i`."""
        words = self.words
        return any(words[k] in wanted for k in range(i + 1, min(i + 1 + reach, len(words))))
