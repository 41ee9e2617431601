"""The four stances: the one place for their order, ids, names, definitions and looks.

>>> Stance.DENY.id, Stance.from_id(3).value, Stance("assert").arabic
(1, 'speculate', 'إثبات')
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class _Facts:
    arabic: str
    definition: str
    definition_arabic: str
    icon: str
    colour: str
    colour_dark: str


class Stance(StrEnum):
    """How a news sentence presents its main proposition (see `data/GUIDELINES.md`)."""

    ASSERT = "assert"
    DENY = "deny"
    ATTRIBUTE = "attribute"
    SPECULATE = "speculate"

    @property
    def id(self) -> int:
        """Class index of the models: assert 0, deny 1, attribute 2, speculate 3."""
        return _ORDER.index(self)

    @classmethod
    def from_id(cls, index: int) -> Stance:
        """The stance with this class index (0 to 3)."""
        if not 0 <= index < len(_ORDER):
            raise ValueError(f"expected a class index from 0 to {len(_ORDER) - 1}, found {index}")
        return _ORDER[index]

    @property
    def arabic(self) -> str:
        """Arabic name, e.g. «إسناد»."""
        return _FACTS[self].arabic

    @property
    def definition(self) -> str:
        """What the text does with the proposition, one English clause."""
        return _FACTS[self].definition

    @property
    def definition_arabic(self) -> str:
        """The same in Arabic."""
        return _FACTS[self].definition_arabic

    @property
    def icon(self) -> str:
        """One character that tells the stances apart without colour."""
        return _FACTS[self].icon

    @property
    def colour(self) -> str:
        """CSS colour on a light ground (contrast 4.5:1 or better on white)."""
        return _FACTS[self].colour

    @property
    def colour_dark(self) -> str:
        """CSS colour on a dark ground."""
        return _FACTS[self].colour_dark


_ORDER: tuple[Stance, ...] = (Stance.ASSERT, Stance.DENY, Stance.ATTRIBUTE, Stance.SPECULATE)

_FACTS: dict[Stance, _Facts] = {
    Stance.ASSERT: _Facts(
        "إثبات",
        "states it in the outlet's own voice as a fact",
        "تقرّره الوسيلة بصوتها على أنه واقع",
        "■",
        "#1f5f8b",
        "#7fb8e0",
    ),
    Stance.DENY: _Facts(
        "نفي",
        "rejects a claim: says that something said, reported or believed is not so",
        "يردّ ادعاءً: ما قيل أو نُشر أو ظُنّ ليس كذلك",
        "✕",
        "#a3262a",
        "#ee8d8d",
    ),
    Stance.ATTRIBUTE: _Facts(
        "إسناد",
        "hands the proposition to a source: somebody says, thinks, wants or found it",
        "يسنده إلى مصدر: قاله أو رآه أو أراده أو توصّل إليه غيرُ الوسيلة",
        "❝",
        "#2f6b36",
        "#8fcf97",
    ),
    Stance.SPECULATE: _Facts(
        "ترجيح",
        "leaves it open: possible, likely, expected, rumoured, asked or conditional",
        "يتركه مفتوحاً: ممكن أو مرجّح أو متوقّع أو شائع أو مسؤول عنه أو مشروط",
        "?",
        "#7a4b00",
        "#e3b564",
    ),
}

SKIP = "skip"
"""Label of a unit without a proposition in the data; never an output of a model."""
