"""The data of `verbs` and `phrases`, folded and laid out for look-up by word: built once, on first use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from isnad.rules import phrases, verbs
from isnad.rules.folding import fold_word
from isnad.rules.morphology import Form, inflect


@dataclass(frozen=True, slots=True)
class VerbSense:
    """One reading of a word as a form of a verb in the lexicon."""

    kind: str
    form: Form
    lemma: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PhraseSense:
    """One fixed expression: what each word after the first may be; a last prefix opens the next word."""

    kind: str
    rest: tuple[frozenset[str], ...]
    prefix: str
    gaps: frozenset[int]
    unmarked: int
    """How many words at its end have to follow and are no part of the cue."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Look-up tables, and the word classes of `phrases` as folded sets."""

    verbs: dict[str, tuple[VerbSense, ...]]
    phrases: dict[str, tuple[PhraseSense, ...]]


def words(text: str) -> frozenset[str]:
    """The folded words of a word class; those that end in _ are notes to the reader."""
    return frozenset(fold_word(w) for w in text.split() if not w.endswith("_"))


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The one lexicon of this process."""
    return Lexicon(_verb_table(), _phrase_table())


def _verb_table() -> dict[str, tuple[VerbSense, ...]]:
    barred = words(verbs.HOMOGRAPHS)
    table: dict[str, list[VerbSense]] = {}
    for kind, rows in verbs.KINDS.items():
        for row in rows.strip().splitlines():
            perfect, imperfect, participle, masdar, needs = row.split()
            plain = needs.endswith(",plain")
            wanted = tuple(needs.removesuffix(",plain").split("|"))
            for word, form in inflect(perfect, imperfect, participle, masdar, pronouns=not plain):
                if len(word) < 3 or word in barred:
                    continue
                own = verbs.WORD_NEEDS.get(word)
                sense = VerbSense(kind, form, fold_word(perfect), (own,) if own else wanted)
                senses = table.setdefault(word, [])
                if all((s.kind, s.lemma) != (sense.kind, sense.lemma) for s in senses):
                    senses.append(sense)
    return {word: tuple(senses) for word, senses in table.items()}


def _phrase_table() -> dict[str, tuple[PhraseSense, ...]]:
    table: dict[str, list[PhraseSense]] = {}
    for kind, rows in phrases.PHRASES.items():
        for row in rows.strip().splitlines():
            first, sense = _phrase(kind, row.split())
            for word in first:
                table.setdefault(word, []).append(sense)
    return {w: tuple(sorted(s, key=lambda x: -len(x.rest) - bool(x.prefix))) for w, s in table.items()}


def _phrase(kind: str, parts: list[str]) -> tuple[frozenset[str], PhraseSense]:
    prefix = parts.pop() if len(parts) > 1 and parts[-1] in {"ل", "ب"} else ""
    rest: list[frozenset[str]] = []
    gaps: set[int] = set()
    unmarked = 0
    for part in parts[1:]:
        unmarked += part.startswith("~")
        if part == "…":
            gaps.add(len(rest))
        else:
            rest.append(frozenset(fold_word(w) for w in part.removeprefix("~").split("|")))
    first = frozenset(fold_word(w) for w in parts[0].split("|"))
    return first, PhraseSense(kind, tuple(rest), prefix, frozenset(gaps), unmarked)
