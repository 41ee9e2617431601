"""Settle two readings in a terminal: every sentence on which they differ, both answers unnamed, one keystroke.

Answers are kept after every sentence; the command can be stopped and called again, and goes on where it was.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isnad.annotate.task import (
    GUIDELINES,
    JOINER,
    Answer,
    Task,
    answer_of,
    article_lines,
    checked,
    find_span,
    unit_of,
)
from isnad.check_article import LABELS
from isnad.errors import IsnadError
from isnad.files import write_whole
from isnad.labels import SKIP, Stance

QUIT, LATER, UNSURE = "q", "l", "?"
HELP = (
    "a or b: take that reading; 1 to 5: " + ", ".join(f"{n} {label}" for n, label in enumerate(LABELS, 1)) + "; "
    f"{LATER}: later; {UNSURE} before an answer: in doubt; {QUIT}: stop here"
)


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence with two readings that differ; `first` and `second` in an order drawn for this sentence."""

    task: Task
    first: Answer
    second: Answer


def differing(tasks: Sequence[Task], *, spans: bool = False, seed: int = 13) -> list[Case]:
    """The sentences with two answers of unlike label or attribution (or span, when `spans`), in order."""
    cases = []
    for task in tasks:
        if len(task.answers) < 2:
            continue
        one, other = task.answers[:2]
        if _substance(one, spans) != _substance(other, spans):
            pair = [one, other]
            random.Random(f"{seed} {task.reference}").shuffle(pair)
            cases.append(Case(task, *pair))
    return cases


def _substance(answer: Answer, spans: bool) -> tuple[object, ...]:
    both = (answer.label, answer.attributed)
    return (*both, answer.source, answer.cue) if spans else both


class Stop(Exception):
    """The adjudicator has had enough for now."""


def settle(
    cases: Sequence[Case],
    journal: Path,
    adjudicator: str,
    ask: Callable[[str], str],
    show: Callable[[str], None],
) -> dict[str, Answer]:
    """Ask about every case that `journal` does not hold yet; returns all answers by reference.

    `ask(prompt)` returns what was typed; `show` prints. Each answer is appended to the journal at once.
    """
    settled = dict(_journal(journal))
    waiting = [c for c in cases if c.task.reference not in settled]
    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("a", encoding="utf-8") as kept:
        for number, case in enumerate(waiting, len(cases) - len(waiting) + 1):
            show(_shown(case, number, len(cases)))
            try:
                answer = _decide(case, adjudicator, ask, show)
            except (Stop, EOFError):
                break
            if answer is None:
                continue
            settled[case.task.reference] = answer
            kept.write(json.dumps({"reference": case.task.reference, **unit_of(case.task, answer)}) + "\n")
            kept.flush()
    return settled


def _journal(path: Path) -> Iterator[tuple[str, Answer]]:
    """The answers kept so far; a last line cut short by a crash is dropped."""
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8").split("\n")
    whole = [line for line in lines[:-1] if line]
    if lines[-1]:
        write_whole(path, "".join(f"{line}\n" for line in whole))
    for number, line in enumerate(whole, 1):
        try:
            unit = json.loads(line)
            yield unit["reference"], answer_of(unit)
        except (ValueError, KeyError) as error:
            raise IsnadError(f"expected an answer kept earlier, found {error}", path=path, line=number) from error


def _shown(case: Case, number: int, total: int) -> str:
    task = case.task
    lines = [f"── {number} of {total} ── {task.reference}"]
    lines += [f"   {text}" for text in (task.title, task.before) if text]
    lines += [f">> {task.text}"]
    lines += [f"   {task.after}"] if task.after else []
    for letter, answer in (("a", case.first), ("b", case.second)):
        about = [answer.label, *answer.marks()]
        about += [f"cue «{task.words(answer.cue)}»"] if answer.cue else []
        about += [f"source «{task.words(answer.source)}»"] if answer.source else []
        lines.append(f"   {letter}: " + ", ".join(about))
    return "\n".join(lines)


def _decide(case: Case, adjudicator: str, ask: Callable[[str], str], show: Callable[[str], None]) -> Answer | None:
    names = (*(a.annotator for a in case.task.answers[:2]), adjudicator)
    doubt = False
    while True:
        typed = ask("a, b, 1-5, ? or h for help").strip().lower()
        if typed.startswith(UNSURE):
            doubt, typed = True, typed.removeprefix(UNSURE).strip()
        if typed == QUIT:
            raise Stop
        if typed == LATER:
            return None
        chosen: Answer | None = None
        if typed in ("a", "b"):
            chosen = case.first if typed == "a" else case.second
        elif typed.isdecimal() and 1 <= int(typed) <= len(LABELS):
            chosen = _own(case.task, LABELS[int(typed) - 1], ask, show)
        if chosen is not None:
            return replace(chosen, annotator=JOINER.join(names), unsure=doubt, guidelines=GUIDELINES)
        show(HELP)


def _own(task: Task, label: str, ask: Callable[[str], str], show: Callable[[str], None]) -> Answer:
    """A label that neither reading has, with its fields."""
    if label in (Stance.ASSERT, SKIP):
        return Answer("", label)
    attributed = label == Stance.ATTRIBUTE or ask("said by a source other than the outlet? y or n").strip() == "y"
    cue = _asked(task, "cue: the deciding words, or nothing", 0, ask, show)
    source = _asked(task, "source: its words, or nothing", cue[0] if cue else 0, ask, show) if attributed else None
    return checked(task, Answer("", label, attributed, source, cue))


def _asked(
    task: Task, prompt: str, near: int, ask: Callable[[str], str], show: Callable[[str], None]
) -> tuple[int, int] | None:
    while True:
        try:
            return find_span(task.text, ask(prompt).strip(), near)
        except ValueError as error:
            show(str(error))


def write_settled(
    tasks: Sequence[Task], settled: dict[str, Answer], path: Path, *, spans: bool = False
) -> tuple[int, int]:
    """Write one answer a sentence: the settled one, or the first where the readings agree.

    Returns how many sentences were written and how many wait for an answer (and are left out).
    """
    open_cases = {c.task.reference for c in differing(tasks, spans=spans)} - settled.keys()
    units = []
    for task in tasks:
        if task.reference in settled:
            units.append((task, unit_of(task, settled[task.reference])))
        elif task.answers and task.reference not in open_cases:
            units.append((task, unit_of(task, task.answers[0])))
    write_whole(path, "".join(line + "\n" for line in article_lines(units)))
    return len(units), len(open_cases)
