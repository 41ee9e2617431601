"""Sentences of Arabic news, each with its place in the raw text.

>>> text = "وصل د. سمير عند 4.5 مساء. هل بقي؟ «نعم.» قال الحارس."
>>> [s.text for s in split_sentences(text)]
['وصل د. سمير عند 4.5 مساء.', 'هل بقي؟', '«نعم.» قال الحارس.']

A line break always ends a sentence. Within a line every run of stops (. … ؟ !) is a candidate, and one
small method answers each question: is it glued to what follows, an abbreviation, a list number, an
ellipsis, inside brackets, before a closing quote? A comma, a semicolon or a colon never ends a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from isnad.text import normalise_text


@dataclass(frozen=True, slots=True)
class Sentence:
    """`article[start:end] == text`, always."""

    text: str
    start: int
    end: int


def split_sentences(text: str) -> list[Sentence]:
    """The sentences of `text` in order; only white space and invisible marks lie outside them."""
    found: list[Sentence] = []
    for line in _LINE.finditer(text):
        begin = 0
        for cut in [*_Line(line[0]).cuts(), len(line[0])]:
            start, end = _stripped(line[0], begin, cut)
            if start < end:
                place = line.start()
                found.append(Sentence(line[0][start:end], place + start, place + end))
            begin = cut
    return found


# --- characters and words -----------------------------------------------------------------------

_INVISIBLE = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
_GAP = rf"[\s{_INVISIBLE}]"
_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_EDGES = re.compile(rf"{_GAP}*")
_LAST = re.compile(rf"[^\s{_INVISIBLE}]")
_STOPS = ".!?؟…۔"
_PAIRS = {"(": ")", "[": "]", "{": "}", "«": "»", "“": "”", "”": "“", "„": "“", '"': '"'}
_BRACKETS = "([{"
_EVENT = re.compile(rf"[{_STOPS}](?:{_GAP}*[{_STOPS}])*|[«»“”„\"(){{}}\[\]]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_](?:[^\W_]|[\u064b-\u065f\u0670ـ])*")
_STRAY = re.compile(r"['’]+(?!\w)|[»)\]]|[\"“”](?!\w)")
_FOOTNOTES = re.compile(r"(?:\[[0-9٠-٩]{1,3}\])+")
_TOKEN_BEFORE = re.compile(rf"[^\s«»“”„\"()\[\]{{}}،؛:/\-–—!?؟…]+(?={_GAP}*$)")
_LIST_NUMBER = re.compile(rf"(:?){_GAP}*(?<![^:\s{_INVISIBLE}])([0-9٠-٩]{{1,2}}){_GAP}*$")
_NUMBER_THEN_UNIT = re.compile(rf"\d{_GAP}*(?:[^\W\d]ـ?\.?){{1,3}}{_GAP}*$")
_THREE_WORDS = re.compile(r"\W*(?:\w+\W+){2}\w")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# All words here as the recipe `plain` leaves them: one alef, one yeh.
_SAID = _words(
    "قال قالت قالوا اضاف اضافت تابع تابعت اكد اكدت اوضح اوضحت صرح صرحت ذكر ذكرت كتب كتبت علق علقت رد ردت زاد زادت ختم"
    " اختتم استطرد غرد غردت اعلن اعلنت شدد شددت اشار اشارت لفت لفتت تساءل تساءلت يقول تقول"
    " يضيف تضيف يؤكد تؤكد يوضح يشير"
)
_SAYING = _SAID | _words("سال سالت يسال يتساءل هتف هتفت صرخ صرخت صاح صاحت همس همست اجاب اجابت يتابع يعلق يكتب يرد يصرح")
_GOING_ON = _words(
    "بحسب حسب وفق وفقا نقلا طبقا حسبما هكذا بهذه بهذا بتلك بذلك علي في من عن الي ثم الذي التي الذين قائلا قائلة"
    " مشيرا مضيفا مؤكدا موضحا لافتا معتبرا متسائلا مشددا معلقا مستطردا مشيرة مضيفة مؤكدة موضحة معتبرة متسائلة"
    " ليست ليس هو هي كان كانت عبارة هذا فلم فلن فما فكان"
)
# They open a sentence even where the stop before them might be none (abbreviation, ellipsis, question in quotes).
_OPENING = frozenset("و" + word for word in _SAID) | _words(
    "اما لكن كما يذكر يشار وقد ولقد وكان وكانت وفي ومن وعن وعلي والي وهو وهي وهذا وهذه وذلك وكذلك واما ولكن ولم ولن"
    " ولا وليس وليست وبين وبينت وافاد وافادت ونقل ونقلت ونفي ونفت وراي ورات واعتبر واعتبرت ودعا ودعت وطالب وطالبت وحذر"
    " وحذرت وكشف وكشفت وجاء وجاءت وياتي وتاتي ويذكر وتجدر ويشار وتوقع وتوقعت وتعهد واستقبل والتقي وشارك وشاركت وحضر"
    " ووصل ووصلت وانتهي وانتهت وبدا وبدات وبلغ وبلغت واكتفي"
)
_CONJUNCTIONS = _words("ثم او ام بل لكن حتي ان الي من في علي عن مع لا لم لن ليس الا اذ كي لكي")
_SHORT_WORDS = _words("من في لا لم لن ما قد هل ان كل هو هي")
_JOINED_TITLES = _words("ود وم لد بد الد")
_SPELT = _words("جي دي بي سي تي يو اف اس ام ار اتش كيه دبليو")  # Latin initials: «جورج دبليو . بوش»
_LATIN_SHORT = _words("mr mrs ms dr prof st vs no jr sr gen col lt sgt capt rev fig inc ltd co corp")


@lru_cache(maxsize=8192)
def _normal(word: str) -> str:
    return normalise_text(word, "plain")


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """The range without white space and invisible marks at its edges."""
    while end > start and not _LAST.match(text, end - 1):
        end -= 1
    return min(_after_gap(text, start), end), end


def _after_gap(text: str, at: int) -> int:
    gap = _EDGES.match(text, at)
    return gap.end() if gap else at


def _is_arabic(char: str) -> bool:
    return "ء" <= char <= "ي" or "ٱ" <= char <= "ۓ"


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


# --- one line -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stop:
    """A run of stops in `[start, end)`; `after` lies behind the quotes and brackets that it closes."""

    start: int
    end: int
    after: int
    closed: tuple[int, ...]  # where those quotes and brackets opened
    kind: str  # "stop" (one dot), "pause" (two), "trail" (three or more), "loud" (؟ or !)


class _Line:
    """Decides where the sentences of one line end, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.begin = 0  # where the sentence under way begins
        self.listed = 0  # the last number seen of a list «1. … 2. …»
        self.open: list[int] = []  # paired quotes and brackets around here
        self.closer_of = _paired(text)
        self.opener_of = {closer: opener for opener, closer in self.closer_of.items()}
        last = _stripped(text, 0, len(text))[1] - 1
        while last > 0 and text[last] in '»”“")]}':
            last -= 1
        self.is_running = last >= 0 and text[last] in _STOPS  # no headline

    def cuts(self) -> Iterator[int]:
        """Every place where a sentence ends and another begins."""
        for event in _EVENT.finditer(self.text):
            at = event.start()
            if at in self.closer_of:
                self.open.append(at)
            elif at in self.opener_of:
                while self.open and self.open.pop() != self.opener_of[at]:
                    pass
            elif self.text[at] in _STOPS:
                stop = self._stop(at, event.end())
                if self._ends_sentence(stop):
                    self.begin = stop.after
                    yield stop.after

    def _stop(self, start: int, end: int) -> _Stop:
        """The run of stops with what it closes; a closing mark may stand behind a space."""
        closed: list[int] = []
        after = end
        while (at := _after_gap(self.text, after)) < len(self.text):
            if at in self.opener_of and self.opener_of[at] < start:
                closed.append(self.opener_of[at])
                after = at + 1
            elif at == after and (notes := _FOOTNOTES.match(self.text, at)):
                after = notes.end()
            elif at == after and (stray := self._stray_closing(at)):
                closed += [self.begin] * (self.text[at] not in ")]")  # nobody knows where it opened
                after = at + stray
            else:
                break
        run = self.text[start:end]
        dots = run.count(".") + 3 * run.count("…")
        kind = "loud" if any(c in run for c in "!?؟") else "stop" if dots < 2 else "pause" if dots < 3 else "trail"
        return _Stop(start, end, after, tuple(closed), kind)

    def _stray_closing(self, at: int) -> int:
        """The length of closing marks here that have no partner, '' among them."""
        marks = _STRAY.match(self.text, at)
        if not marks or at in self.closer_of or at in self.opener_of:
            return 0
        return len(marks[0])

    # -- the decision ----------------------------------------------------------------------------

    def _ends_sentence(self, stop: _Stop) -> bool:
        if _after_gap(self.text, stop.after) >= len(self.text):
            return True
        if not self._has_letters(stop):
            self._is_list_number(stop)
            return False
        if self._is_in_brackets(stop) or self._goes_on(stop):
            return False
        if stop.closed:
            return self._ends_behind_closing(stop)
        if self._splits_short_quote(stop):
            return False
        if stop.kind in ("pause", "trail"):
            return self._ends_at_dots(stop)
        return stop.kind == "loud" or self._ends_at_full_stop(stop)

    def _has_letters(self, stop: _Stop) -> bool:
        """Something was said before the stop: not a list number, not stray punctuation."""
        return stop.start - self.begin > 60 or bool(_LETTER.search(self.text, self.begin, stop.start))

    def _is_in_brackets(self, stop: _Stop) -> bool:
        near = [at for at in self.open[-9:] if at not in stop.closed]
        return any(self.text[at] in _BRACKETS and self.closer_of[at] - at < 250 for at in near)

    def _goes_on(self, stop: _Stop) -> bool:
        """A comma or the like follows, or letters glued on so that no sentence can begin with them."""
        at = _after_gap(self.text, stop.after)
        following = self.text[at]
        if following in "،؛:,;/%٪" + _STOPS or (stop.closed and following in "-–—"):
            return True
        if at > stop.after:
            return following.isascii() and following.islower() and _is_latin(self._char_before(stop))
        if _is_latin(following) or following.isdigit():
            return stop.kind == "stop" or not _is_arabic(self._char_before(stop))
        if _is_arabic(following) and stop.kind == "stop" and not stop.closed:
            return not self._is_glued_end(stop)
        return not (_is_arabic(following) or following in _PAIRS)

    def _is_glued_end(self, stop: _Stop) -> bool:
        """«انتهى.وقال» ends a sentence; «أ.ف.ب», «د.سمير» and «موقع.كم» do not."""
        before = self._token_before(stop).rsplit(".", 1)[-1]
        after = self._next_word(stop)
        if len(before) == 2 and not before.isdecimal():
            return len(after) >= 4 and after[0] == "و"
        is_word = len(before) >= 2 or self._char_before(stop) in '»”")]'
        return is_word and (len(after) >= 3 or after in _SHORT_WORDS)

    def _ends_behind_closing(self, stop: _Stop) -> bool:
        """«… .» وأضاف: yes; «… .» قال and «… ؟» in the middle of a clause: no."""
        opener = stop.closed[-1]
        is_inserted = self._stands_mid_clause(opener)
        if self.text[opener] in _BRACKETS and is_inserted:
            return False
        word = self._next_word(stop)
        if word in _OPENING:
            return True
        if word in _GOING_ON or _is_saying(word):
            return False
        return stop.kind == "stop" or not is_inserted

    def _stands_mid_clause(self, opener: int) -> bool:
        """Words precede the opening mark in its sentence, and no colon introduces it."""
        before = self.text[max(self.begin, opener - 80) : opener]
        start, end = _stripped(before, 0, len(before))
        return start < end and before[end - 1] not in ":-–—"

    def _splits_short_quote(self, stop: _Stop) -> bool:
        """A quotation is cut inside only if three words or more stand on either side."""
        quotes = [at for at in self.open[-9:] if at >= self.begin]
        if not quotes:
            return False
        before = self.text[quotes[-1] : min(stop.start, quotes[-1] + 200)]
        after = self.text[stop.end : min(self.closer_of[quotes[-1]], stop.end + 200)]
        return not (_THREE_WORDS.match(before) and _THREE_WORDS.match(after))

    def _ends_at_dots(self, stop: _Stop) -> bool:
        """Dots part the halves of a headline or mark a pause, unless a new sentence follows them."""
        word = self._next_word(stop)
        if not self.is_running:
            return False
        if word in _OPENING:
            return True
        return stop.kind == "trail" and word not in _CONJUNCTIONS and word[:1] not in ("و", "ف")

    def _ends_at_full_stop(self, stop: _Stop) -> bool:
        if self._is_list_number(stop):
            return False
        token = self._token_before(stop)
        letters = token.lstrip("0123456789")
        if not _is_abbreviation(letters):
            return True
        word = self._next_word(stop)
        is_unit = letters != token or _NUMBER_THEN_UNIT.search(self.text, max(self.begin, stop.start - 16), stop.start)
        return word in _OPENING or bool(is_unit and word[:1] == "و" and len(word) > 3)  # 2020م. ، 1445 هـ. ، 5 د.ك.

    def _is_list_number(self, stop: _Stop) -> bool:
        """«1. … 2. …» within a line: number one at the start or behind a colon, then each in its turn."""
        found = _LIST_NUMBER.search(self.text, max(self.begin, stop.start - 12), stop.start)
        if not found or int(found[2]) != self.listed + 1:
            return False
        is_first = bool(found[1]) or not self._has_letters(stop)
        if self.listed or is_first:
            self.listed += 1
        return self.listed == int(found[2])

    # -- looking around --------------------------------------------------------------------------

    def _char_before(self, stop: _Stop) -> str:
        start, end = _stripped(self.text, max(self.begin, stop.start - 8), stop.start)
        return self.text[end - 1] if start < end else " "

    def _token_before(self, stop: _Stop) -> str:
        """The word, number or abbreviation before the stop, normalised."""
        found = _TOKEN_BEFORE.search(self.text, max(self.begin, stop.start - 24), stop.start)
        return _normal(found[0]) if found else ""

    def _next_word(self, stop: _Stop) -> str:
        """The word behind the stop, past opening quotes and brackets, with one alef and one yeh."""
        at = _after_gap(self.text, stop.after)
        while at < len(self.text) and self.text[at] in _PAIRS:
            at = _after_gap(self.text, at + 1)
        word = _WORD.match(self.text, at, at + 24)
        return _normal(word[0]) if word else ""


def _is_abbreviation(token: str) -> bool:
    """«د»، «أ.ف.ب»، «ق.م»، «إلخ»، J, U.S, Dr."""
    parts = token.strip(".").split(".")
    if len(parts) > 1:
        return all(len(part) <= 2 for part in parts)
    word = parts[0]
    is_initial = len(word) == 1 and (_is_arabic(word) or word.isupper())
    is_spelt = word in _SPELT or (word[:1] == "و" and word[1:] in _SPELT)
    return is_initial or is_spelt or word in _JOINED_TITLES or word.lower() in _LATIN_SHORT or word == "الخ"


def _is_saying(word: str) -> bool:
    """«قال»، «فأجاب»، «سأله»."""
    bare = word[1:] if word[:1] == "ف" else word
    return any(bare.removesuffix(ending) in _SAYING for ending in ("", "ه", "ها", "هم"))


def _paired(text: str) -> dict[int, int]:
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
