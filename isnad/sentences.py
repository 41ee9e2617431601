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

from isnad import abbreviations as words
from isnad import letters
from isnad.letters import GAP, INVISIBLE, PAIRS, STOPS, after_gap, is_arabic, is_latin, stripped
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
            start, end = stripped(line[0], begin, cut)
            if start < end:
                place = line.start()
                found.append(Sentence(line[0][start:end], place + start, place + end))
            begin = cut
    return found


# --- characters and words -----------------------------------------------------------------------

_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_BRACKETS = "([{"
_EVENT = re.compile(rf"[{STOPS}](?:{GAP}*[{STOPS}])*|[«»“”„\"(){{}}\[\]]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_](?:[^\W_]|[\u064b-\u065f\u0670ـ])*")
_STRAY = re.compile(r"['’]+(?!\w)|[»)\]]|[\"“”](?!\w)")
_FOOTNOTES = re.compile(r"(?:\[[0-9٠-٩]{1,3}\])+")
_TOKEN_BEFORE = re.compile(rf"[^\s«»“”„\"()\[\]{{}}،؛:/\-–—!?؟…]+(?={GAP}*$)")
_LIST_NUMBER = re.compile(rf"(:?){GAP}*(?<![^:\s{INVISIBLE}])([0-9٠-٩]{{1,2}}){GAP}*$")
_NUMBER_THEN_UNIT = re.compile(rf"\d{GAP}*(?:[^\W\d]ـ?\.?){{1,3}}{GAP}*$")
_THREE_WORDS = re.compile(r"\W*(?:\w+\W+){2}\w")
_PARTS = re.compile(r"[:«“({\[…]|\.\.")
_TO_QUESTION = re.compile(rf"[^{STOPS}]*[؟?]")


@lru_cache(maxsize=8192)
def _normal(word: str) -> str:
    return normalise_text(word, "plain")


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
        self.closer_of = letters.paired(text)
        self.opener_of = {closer: opener for opener, closer in self.closer_of.items()}
        self.likes_two_dots = letters.likes_two_dots(text)
        self.is_running = self.likes_two_dots or letters.is_running(text)

    def cuts(self) -> Iterator[int]:
        """Every place where a sentence ends and another begins."""
        for event in _EVENT.finditer(self.text):
            at = event.start()
            if at in self.closer_of:
                self.open.append(at)
            elif at in self.opener_of:
                while self.open and self.open.pop() != self.opener_of[at]:
                    pass
            elif self.text[at] in STOPS:
                stop = self._stop(at, event.end())
                if self._ends_sentence(stop):
                    self.begin = stop.after
                    yield stop.after

    def _stop(self, start: int, end: int) -> _Stop:
        """The run of stops with what it closes; a closing mark may stand behind a space."""
        closed: list[int] = []
        after = end
        while (at := after_gap(self.text, after)) < len(self.text):
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
        if after_gap(self.text, stop.after) >= len(self.text):
            return True
        if not self._has_letters(stop):
            self._is_list_number(stop)
            return False
        if self._is_in_brackets(stop) or self._goes_on(stop) or self._splits_short_quote(stop):
            return False
        if stop.closed:
            return self._ends_behind_closing(stop)
        if stop.kind in ("pause", "trail"):
            return self._ends_at_dots(stop)
        if stop.kind == "loud":
            return not self._is_loud_name(stop)
        return self._ends_at_full_stop(stop)

    def _has_letters(self, stop: _Stop) -> bool:
        """Something was said before the stop: not a list number, not stray punctuation."""
        return stop.start - self.begin > 60 or bool(_LETTER.search(self.text, self.begin, stop.start))

    def _is_in_brackets(self, stop: _Stop) -> bool:
        near = [at for at in self.open[-9:] if at not in stop.closed]
        return any(self.text[at] in _BRACKETS and self.closer_of[at] - at < 250 for at in near)

    def _goes_on(self, stop: _Stop) -> bool:
        """A comma or the like follows, or letters glued on so that no sentence can begin with them."""
        at = after_gap(self.text, stop.after)
        following = self.text[at]
        if stop.kind == "stop" and self._next_word(stop) in words.WEB_ENDINGS:
            return True
        if following in "،؛:,;/%٪" + STOPS or (stop.closed and following in "-–—"):
            return True
        if at > stop.after:
            return following.isascii() and following.islower() and is_latin(self._char_before(stop))
        if is_latin(following) or following.isdigit():
            return stop.kind == "stop" or not is_arabic(self._char_before(stop))
        if is_arabic(following) and stop.kind == "stop" and not stop.closed:
            return not self._is_glued_end(stop)
        return not (is_arabic(following) or following in PAIRS)

    def _is_glued_end(self, stop: _Stop) -> bool:
        """«انتهى.وقال» ends a sentence; «أ.ف.ب», «د.سمير» and «موقع.كم» do not."""
        before = self._token_before(stop).rsplit(".", 1)[-1]
        after = self._next_word(stop)
        if len(before) == 2 and not before.isdecimal():
            return len(after) >= 4 and after[0] == "و"
        is_word = len(before) >= 2 or self._char_before(stop) in '»”")]'
        return is_word and (len(after) >= 3 or after in words.SHORT_WORDS)

    def _ends_behind_closing(self, stop: _Stop) -> bool:
        """«… .» وأضاف: yes; «… .» قال and «… ؟» in the middle of a clause: no."""
        opener = stop.closed[-1]
        is_inserted = self._stands_mid_clause(opener)
        if self.text[opener] in _BRACKETS and is_inserted:
            return False
        word, second = self._next_words(stop)
        if word == "كما" and second in words.AS_QUOTED:
            return False
        if words.is_opening(word, second):
            return True
        if word in words.GOING_ON or words.is_saying(word):
            return False
        return stop.kind == "stop" or not is_inserted

    def _stands_mid_clause(self, opener: int) -> bool:
        """Words precede the opening mark in its sentence, and no colon introduces it."""
        before = self.text[max(self.begin, opener - 80) : opener]
        start, end = stripped(before, 0, len(before))
        return start < end and before[end - 1] not in ":-–—"

    def _splits_short_quote(self, stop: _Stop) -> bool:
        """A quotation is cut inside only if three words or more stand on either side."""
        quotes = [at for at in self.open[-9:] if at >= self.begin and at not in stop.closed]
        if not quotes:
            return False
        before = self.text[quotes[-1] : min(stop.start, quotes[-1] + 200)]
        after = self.text[stop.after : min(self.closer_of[quotes[-1]], stop.after + 200)]
        return not (_THREE_WORDS.match(before) and _THREE_WORDS.match(after))

    def _ends_at_dots(self, stop: _Stop) -> bool:
        """Dots part the halves of a headline or mark a pause, unless a new sentence follows them."""
        word, second = self._next_words(stop)
        if not self.is_running or word == self._token_before(stop):  # «كنت... كنت أظن»
            return False
        if words.is_opening(word, second) or self._asks(stop, word):
            return True
        if word in words.DEPENDENT or word[:1] in ("", "و", "ف"):
            return False
        return stop.kind == "trail" or (self.likes_two_dots and self._parts_clauses(stop))

    def _asks(self, stop: _Stop, word: str) -> bool:
        """A question follows: «من كان يقودها؟»."""
        return words.is_asking(word) and bool(_TO_QUESTION.match(self.text, stop.after, stop.after + 200))

    def _parts_clauses(self, stop: _Stop) -> bool:
        """Six words before the stop and three behind it, with no other dots, colon or quote between."""
        before = _PARTS.split(self.text[max(self.begin, stop.start - 80) : stop.start])[-1]
        after = _PARTS.split(self.text[stop.after : stop.after + 80])[0]
        return len(before.split()) >= 6 and len(after.split()) >= 3

    def _is_loud_name(self, stop: _Stop) -> bool:
        """«ياهو! تشتري منصة»: the mark belongs to the name."""
        is_name = stop.end == stop.start + 1 and words.is_loud_name(self._token_before(stop))
        return is_name and not words.is_opening(*self._next_words(stop))

    def _ends_at_full_stop(self, stop: _Stop) -> bool:
        if self._is_list_number(stop):
            return False
        token = self._token_before(stop)
        short = token.lstrip("0123456789.,")
        word, second = self._next_words(stop)
        is_unit = short != token or _NUMBER_THEN_UNIT.search(self.text, max(self.begin, stop.start - 16), stop.start)
        if short == "الخ" or (is_unit and short in words.MEASURES):
            goes_on = word in words.QUANTIFIED or (short == "الخ" and word[:2] == "با")
            return words.is_opening(word, second) or not goes_on
        if not words.is_abbreviation(short) or self._is_label(stop):
            return True
        adds = word[:1] == "و" and len(word) > 3  # 2020م. ، 1445 هـ. ، 5 د.ك. ، U.K.
        return words.is_opening(word, second) or (adds and bool(is_unit or is_latin(self._char_before(stop))))

    def _is_label(self, stop: _Stop) -> bool:
        """«فيتامين د»، «المجموعة أ»."""
        before = [_normal(word) for word in self.text[max(self.begin, stop.start - 24) : stop.start].split()]
        return len(before) > 1 and len(before[-1]) == 1 and before[-2] in words.LABELLED

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
        start, end = stripped(self.text, max(self.begin, stop.start - 8), stop.start)
        return self.text[end - 1] if start < end else " "

    def _token_before(self, stop: _Stop) -> str:
        """The word, number or abbreviation before the stop, normalised."""
        found = _TOKEN_BEFORE.search(self.text, max(self.begin, stop.start - 24), stop.start)
        return _normal(found[0]) if found else ""

    def _next_word(self, stop: _Stop) -> str:
        """The word behind the stop, past opening quotes and brackets, with one alef and one yeh."""
        return self._next_words(stop)[0]

    def _next_words(self, stop: _Stop) -> tuple[str, str]:
        """That word and the one behind it."""
        at = after_gap(self.text, stop.after)
        while at < len(self.text) and self.text[at] in PAIRS:
            at = after_gap(self.text, at + 1)
        first = _WORD.match(self.text, at, at + 24)
        if not first:
            return "", ""
        second = _WORD.match(self.text, at := after_gap(self.text, first.end()), at + 24)
        return _normal(first[0]), _normal(second[0]) if second else ""
