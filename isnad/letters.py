"""The characters of Arabic news: letters and their plain forms, white space, stops, quotes and brackets.

>>> fold("ﺍ"), fold("گ"), fold("٣"), unify("أ"), paired("قال «نعم»")
('ا', 'ك', '3', 'ا', {4: 8})
"""

from __future__ import annotations

import re
import unicodedata

# --- letters and their plain forms --------------------------------------------------------------

_LETTERS = frozenset("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي")
HAMZAS = "\u0653\u0654\u0655"  # combining madda, hamza above, hamza below
_KEPT = "…″‴"  # NFKC would take them apart; the recipes decide
_LATER = frozenset(_LETTERS | set(HAMZAS + "ـ" + _KEPT))

_FOREIGN = {
    foreign: letter
    for letter, group in {
        "ا": "ٱ", "أ": "ٲ", "إ": "ٳ", "ب": "پٻڀٮ", "ت": "ٹٺٽٿټ", "ج": "چڃڄڇڿ", "ح": "ځ", "خ": "څ",
        "د": "ڈډڊڋڌڍڎڏڐۮ", "ر": "ڑڒړڔڕږڗۯ", "ز": "ژڙ", "س": "ښڛ", "ش": "ڜۺ", "ص": "ڝ", "ض": "ڞۻ",
        "ظ": "ڟ", "غ": "ڠۼ", "ف": "ڡڢڣڤڥڦ", "ق": "ٯڧڨ", "ك": "کڪګڬڭڮگڰڱڲڳڴ", "ل": "ڵڶڷڸ",
        "ن": "ںڹڻڼڽ", "ه": "ہھۀۂەۿ", "ة": "ۃ", "و": "ۄۅۆۇۈۉۊۋۏ", "ي": "ؠیێېۍۑے", "ئ": "ۓ",
        "ء": "۽", "م": "۾", ".": "٫۔", ",": "٬",
    }.items()
    for foreign in group
}  # fmt: skip

_NAMED = {
    "ALEF": "ا", "BEH": "ب", "TEH": "ت", "THEH": "ث", "JEEM": "ج", "HAH": "ح", "KHAH": "خ", "DAL": "د",
    "THAL": "ذ", "REH": "ر", "ZAIN": "ز", "SEEN": "س", "SHEEN": "ش", "SAD": "ص", "DAD": "ض", "TAH": "ط",
    "ZAH": "ظ", "AIN": "ع", "GHAIN": "غ", "FEH": "ف", "QAF": "ق", "KAF": "ك", "KEHEH": "ك", "GAF": "ك",
    "LAM": "ل", "MEEM": "م", "NOON": "ن", "HEH": "ه", "WAW": "و", "YEH": "ي", "PEH": "ب", "VEH": "ف",
}  # fmt: skip

_PHRASES = {
    "\ufd40": "رحمه الله", "\ufd41": "رضي الله عنه", "\ufd42": "رضي الله عنها", "\ufd43": "رضي الله عنهم",
    "\ufd44": "رضي الله عنهما", "\ufd45": "رضي الله عنهن", "\ufd46": "صلى الله عليه وآله",
    "\ufd47": "عليه السلام", "\ufd48": "عليهم السلام", "\ufd49": "عليهما السلام",
    "\ufd4a": "عليه الصلاة والسلام", "\ufd4b": "قدس سره", "\ufd4c": "صلى الله عليه وآله وسلم",
    "\ufd4d": "عليها السلام", "\ufd4e": "تبارك وتعالى", "\ufd4f": "رحمهم الله",
    "\ufdfd": "بسم الله الرحمن الرحيم", "\ufdfe": "سبحانه وتعالى", "\ufdff": "عز وجل",
}  # fmt: skip

COMPOSED = {
    "ا\u0653": "آ", "ا\u0654": "أ", "ا\u0655": "إ", "و\u0654": "ؤ", "ي\u0654": "ئ", "ى\u0654": "ئ",
}  # fmt: skip


def fold(char: str) -> str:
    """A character in plain Arabic, Latin or ASCII digits; empty if nobody can see it."""
    category = unicodedata.category(char)
    if char in _LATER:
        return char
    if char in _FOREIGN:
        return _FOREIGN[char]
    if char.isspace():
        return " "
    if _is_removed(char, category):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Cs":
        return "\ufffd"  # half a character: no encoder could write it down
    return _compatible(char)


def _is_removed(char: str, category: str) -> bool:
    if category in ("Cc", "Cf"):
        return True
    if category != "Mn":
        return False
    arabic = "\u0600" <= char <= "\u08ff" and "ARABIC" in unicodedata.name(char, "")
    return arabic or char == "\u034f" or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _compatible(char: str) -> str:
    """NFKC of one character, folded; an ayah ligature becomes words, a free-standing mark goes."""
    parts = _PHRASES.get(char) or unicodedata.normalize("NFKC", char)
    if parts == char:
        return _by_name(char)
    if parts[0] == " " and len(parts) > 1:  # a mark on its own, such as ´ or an isolated fatha
        return "" if all(fold(c) in ("", " ") for c in parts) else char
    folded = "".join(fold(c) for c in parts).replace("\u2044", "/")
    if " " in folded:
        return f" {folded} "
    return f" {folded}" if "\u2044" in parts else folded  # 3½ is not 31/2


def _by_name(char: str) -> str:
    """Any other Arabic letter by its Unicode name: «BEH WITH THREE DOTS BELOW» is a ب."""
    words = unicodedata.name(char, "").split()
    if words[:2] == ["ARABIC", "LETTER"] and "WITH" in words:
        return _NAMED.get(words[words.index("WITH") - 1], char)
    return char


_UNIFIED = {"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "٪": "%", "−": "-"}
_UNIFIED |= dict.fromkeys("″„〝〞〟", '"') | dict.fromkeys("‘’‚‛′`´", "'")


def unify(char: str) -> str:
    """One alef, one yeh, one quote, one dash."""
    if char in _UNIFIED:
        return _UNIFIED[char]
    return {"Pi": '"', "Pf": '"', "Pd": "-"}.get(unicodedata.category(char), char)


# --- white space, stops, quotes and brackets ------------------------------------------------------

INVISIBLE = (
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
GAP = rf"[\s{INVISIBLE}]"
STOPS = ".!?؟…۔"
PAIRS = {"(": ")", "[": "]", "{": "}", "«": "»", "“": "”", "”": "“", "„": "“", '"': '"'}
_EDGES = re.compile(rf"{GAP}*")
_LAST = re.compile(rf"[^\s{INVISIBLE}]")
_FULL_STOP = re.compile(r"[^\W\d_]{3}[»”\")\]]?\s?\.(?=\s)(?!\s?[.…])")
_TWO_DOTS = re.compile(r"(?<![.…])\.\.(?![.…])")


def is_arabic(char: str) -> bool:
    """An Arabic letter or mark, not punctuation and no digit."""
    return "ء" <= char <= "ي" or "ٱ" <= char <= "ۓ"


def is_latin(char: str) -> bool:
    """An ASCII letter or digit."""
    return char.isascii() and char.isalnum()


def stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """The range without white space and invisible marks at its edges."""
    while end > start and not _LAST.match(text, end - 1):
        end -= 1
    return min(after_gap(text, start), end), end


def after_gap(text: str, at: int) -> int:
    """The next place with something visible."""
    gap = _EDGES.match(text, at)
    return gap.end() if gap else at


def paired(text: str) -> dict[int, int]:
    """Opening quotes and brackets with their closing ones; what has no partner is left out."""
    pairs: dict[int, int] = {}
    waiting: dict[str, list[int]] = {}
    for mark in re.finditer(r"[«»“”„\"(){}\[\]]", text):
        at, char = mark.start(), mark[0]
        kind = "“" if char in "“”„" else {")": "(", "]": "[", "}": "{", "»": "«"}.get(char, char)
        stack = waiting.setdefault(kind, [])
        if char in "([{«" or (kind in '“"' and not (stack and not _looks_opening(text, at))):
            if not (kind in '“"' and _looks_closing(text, at)):
                stack.append(at)
        elif stack:
            pairs[stack.pop()] = at
            if kind in '“"':
                stack.clear()
    return pairs


def _looks_opening(text: str, at: int) -> bool:
    """A space before it and a letter behind."""
    return at > 0 and text[at - 1].isspace() and at + 1 < len(text) and text[at + 1].isalnum()


def _looks_closing(text: str, at: int) -> bool:
    """Glued to what precedes and followed by a space, a stop or the end."""
    return at > 0 and not text[at - 1].isspace() and (at + 1 == len(text) or not text[at + 1].isalnum())


def is_running(text: str) -> bool:
    """Sentences, no headline: the line ends in a stop, or holds a full stop if it ends in dots or nothing."""
    end = stripped(text, 0, len(text))[1]
    bare = text[:end].rstrip('»”“")]} ')
    ends_in_dots = bare.endswith(("…", "..", ". ."))
    return (bare[-1:] in tuple(STOPS) and not ends_in_dots) or bool(_FULL_STOP.search(bare))


def likes_two_dots(text: str) -> bool:
    """Two dots are this author's stop: three of them in the line at least, and more than full stops."""
    return len(_TWO_DOTS.findall(text)) > max(2, len(_FULL_STOP.findall(text)))
