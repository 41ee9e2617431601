"""Words in Farasa's segments, as AraBERT v1 and v2 were pretrained on them: «والكتاب» is «و+ ال+ كتاب».

>>> joined("و+ال+كتاب"), list(edits("والكتاب", "و+ ال+ كتاب"))
('و+ ال+ كتاب', [(0, 1, 'و+ '), (2, 3, 'ل+ ')])

Farasa (Abdelali et al. 2016, https://farasa.qcri.org) is a Java program under a licence of its own, and none of it is
here. `ISNAD_FARASA` names FarasaSegmenterJar.jar, or any program that answers a line of words with a line of the same
words in segments (`و+ال+كتاب`), in UTF-8 and at once; unset, the jar that the package farasapy has fetched is taken.
Which segments are prefixes and which suffixes is known from the preprocessor of AraBERT's authors.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from threading import Lock

from isnad.errors import IsnadError

VARIABLE = "ISNAD_FARASA"
NEEDED = (
    "the recipe 'arabert-v2' needs the Farasa segmenter and Java, which isnad does not ship: "
    f"set {VARIABLE}=/path/to/FarasaSegmenterJar.jar (the package farasapy fetches it when first used), or "
    "use a v02 model such as aubmindlab/bert-base-arabertv02 with the recipe 'arabert-v02' instead"
)
JAR = "farasa_bin/lib/FarasaSegmenterJar.jar"
PREFIXES = frozenset(("ال", "و", "ف", "ب", "ك", "ل", "لل", "س"))
SUFFIXES = frozenset(
    ("ه", "ها", "ك", "ي", "هما", "كما", "نا", "كم", "هم", "هن", "كن", "ا", "ان", "ين", "ون", "وا", "ات", "ت", "ن", "ة")
)
LINE = 100
"""Words a line: Farasa breaks on very long ones."""
_WORDS = re.compile(r"\[\w+\]|([ء-ي]+)")
_JAVA = ("-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-jar")


def segmenter() -> Path | None:
    """The jar or program to segment with; None where there is none. Raises IsnadError when ISNAD_FARASA names none."""
    if named := os.environ.get(VARIABLE):
        path = Path(named).expanduser()
        if not path.is_file():
            raise IsnadError(f"expected FarasaSegmenterJar.jar or a program in {VARIABLE}, found no file {named!r}")
        return path
    package = find_spec("farasa")
    folders = package.submodule_search_locations if package else None
    return next((p for f in folders or () if (p := Path(f) / JAR).is_file()), None)


class Segments:
    """A step of a recipe, with `apply` and `edits` as in `isnad.text`: Arabic words in segments, all else as it is."""

    def apply(self, text: str) -> str:
        """The text with a space between the segments of each word."""
        pieces: list[str] = []
        done = 0
        for start, end, new in self.edits(text):
            pieces += (text[done:start], new)
            done = end
        return "".join(pieces) + text[done:]

    def edits(self, text: str) -> Iterator[tuple[int, int, str]]:
        """What `apply` changes, as `(start, end, new)`, in order."""
        found = [m for m in _WORDS.finditer(text) if m[1]]
        for at in range(0, len(found), LINE):
            matches = found[at : at + LINE]
            for match, spaced in zip(matches, segmented(" ".join(m[0] for m in matches)), strict=True):
                for start, end, new in edits(match[0], spaced):
                    yield match.start() + start, match.start() + end, new


@lru_cache(maxsize=4096)
def segmented(words: str) -> tuple[str, ...]:
    """Each word of a line in segments, as `joined` writes them. Raises IsnadError when Farasa fails."""
    path = segmenter()
    if path is None:
        raise IsnadError(NEEDED)
    answer = _process(path).ask(words).split()
    if len(answer) != words.count(" ") + 1:
        raise IsnadError(
            f"expected {words.count(' ') + 1} words in segments from {path}, found {len(answer)}; check that it "
            "answers every line of words with one line"
        )
    return tuple(map(joined, answer))


def joined(word: str) -> str:
    """A word as Farasa writes it, `و+ال+كتاب`, in the pieces of AraBERT's vocabulary: `و+ ال+ كتاب`."""
    parts = [p for p in word.split("+") if p]
    pieces: list[str] = []
    for i, part in enumerate(parts):
        last, leading = i == len(parts) - 1, all(p.endswith("+") for p in pieces)
        if not last and part in PREFIXES and (leading or part not in SUFFIXES):
            pieces.append(f"{part}+")
        elif part in SUFFIXES and len(parts) > 1:
            pieces.append(f"+{part}")
        else:
            pieces.append(part)
    return " ".join(pieces) or word


def edits(word: str, spaced: str) -> Iterator[tuple[int, int, str]]:
    """What makes `spaced` of `word`, letter by letter where only something was put in («للبيت» is «ل+ ال+ بيت»).

    Where letters were replaced the whole word is.
    """
    inserted: list[str] = [""]
    for char in spaced:
        at = len(inserted) - 1
        if at < len(word) and char == word[at]:
            inserted.append("")
        else:
            inserted[-1] += char
    if len(inserted) <= len(word):
        yield 0, len(word), spaced
        return
    for i, char in enumerate(word):
        before = inserted[0] if i == 0 else ""
        if before or inserted[i + 1]:
            yield i, i + 1, before + char + inserted[i + 1]


class _Process:
    """A segmenter that runs as long as this program does; one line at a time."""

    def __init__(self, path: Path) -> None:
        if path.suffix == ".jar" and not which("java"):
            raise IsnadError("expected Java to run Farasa, found none; install a Java runtime (8 or newer)")
        command = ["java", *_JAVA, str(path)] if path.suffix == ".jar" else [str(path)]
        self._path, self._lock = path, Lock()
        try:
            self._running = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise IsnadError(f"expected a program that can be run, found none ({error.strerror})", path=path) from error

    def ask(self, words: str) -> str:
        """The answer to one line."""
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        with self._lock:
            try:
                self._running.stdin.write(f"{words}\n".encode())
                self._running.stdin.flush()
            except OSError:
                answer = b""
            else:
                answer = self._running.stdout.readline()
        if not answer:
            _process.cache_clear()
            self._running.kill()
            self._running.wait()
            raise IsnadError(
                f"expected a line from the segmenter {self._path}, found that it has ended; try it by hand"
            )
        return answer.decode("utf-8", "replace")


@cache
def _process(path: Path) -> _Process:
    return _Process(path)
