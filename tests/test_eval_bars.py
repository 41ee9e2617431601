"""`--fail-under`: what can be asked of a run, how it is written, and when it is missed."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from test_eval_predictions import run_of, sentences, write

from eval.__main__ import main
from eval.bars import ERRORS, OF_SLICE, OF_SPLIT, Bar, BarType, failure
from eval.bootstrap import Interval
from eval.facts import DIMENSIONS
from eval.judge import Judged, judge_run
from eval.predictions import SPLITS
from eval.report.build import Report, as_json
from isnad.errors import IsnadError
from isnad.labels import Stance

ASKED = {"gold_cue": [0, 4], "cue": [0, 5], "gold_source": [2, 6], "source": [2, 6], "gold_attributed": True}


def rows() -> list[dict[str, Any]]:
    """Predictions that answer every question."""
    found = sentences(0.8, **ASKED)
    return [r | {"attributed": i % 4 > 0} for i, r in enumerate(found)]


@pytest.fixture(scope="module")
def judged() -> Judged:
    facts = {r.key: {"subject": ("sport", "local news")[r.start // 100 % 2]} for r in run_of("all", rows()).records}
    return judge_run(run_of("all", rows()), rounds=100, seed=13, facts=facts)


@pytest.fixture(scope="module")
def in_json(judged: Judged) -> dict[str, Any]:
    """The splits as `report.json` has them: a second way to every figure."""
    report = as_json(Report.of([judged], (), seed=13, rounds=100, public=False))
    found: dict[str, Any] = report["runs"][0]["splits"]
    return found


def bar(text: str) -> Bar:
    return BarType().convert(text, None, None)


def refusal(text: str) -> str:
    with pytest.raises(click.BadParameter) as caught:
        bar(text)
    return caught.value.message


def value_in_json(split: dict[str, Any], part: dict[str, Any], figure: str) -> float:
    """The figure where a reader of the file would look for it."""
    name, _, of = figure.rpartition(".")
    if figure in ERRORS:
        found = split["confidence"][figure]
    elif name == "attributed":
        found = split["attributed"][of]
    elif "-" in name:
        found = split["spans"][name][of]
    elif name:
        found = part["per_label"][name][of]
    else:
        found = part[figure]
    return float(found["value"])


# --- what can be asked --------------------------------------------------------------------------------


@pytest.mark.parametrize("split", [None, "test", "test-outlets", "dev"])
@pytest.mark.parametrize("figure", [*OF_SLICE, *OF_SPLIT])
def test_every_figure_of_a_split_is_found(judged: Judged, in_json: Any, figure: str, split: str | None) -> None:
    found = value_in_json(in_json[split or "test"], in_json[split or "test"]["main"], figure)
    place = f"{split}:" if split else ""
    told = failure(judged, bar(f"{place}{figure}={-1 if figure in ERRORS else 2}"))
    how = "most -1.000" if figure in ERRORS else "least 2.000"
    assert told == f"expected {figure} of at {how} in {split or 'test'}, found {found:.3f}"


@pytest.mark.parametrize("figure", OF_SLICE)
@pytest.mark.parametrize("subject", ["sport", "local news"])
def test_every_figure_of_a_slice_is_found(judged: Judged, in_json: Any, figure: str, subject: str) -> None:
    (part,) = [p for p in in_json["test"]["slices"] if (p["dimension"], p["name"]) == ("subject", subject)]
    told = failure(judged, bar(f"test:subject={subject}:{figure}=2"))
    found = value_in_json(in_json["test"], part, figure)
    assert told == f"expected {figure} of at least 2.000 in test, subject {subject}, found {found:.3f}"


def test_a_bar_is_reached_by_its_very_number(judged: Judged) -> None:
    main, confidence = judged.headline.main, judged.headline.confidence
    assert confidence is not None
    for figure, value in (("accuracy", main.accuracy.value), ("ece", confidence.ece.value)):
        assert failure(judged, Bar(None, None, None, figure, value)) is None
        below, above = (failure(judged, Bar(None, None, None, figure, value + d)) for d in (-1e-9, 1e-9))
        assert (below is None, above is None) == ((False, True) if figure == "ece" else (True, False))


@pytest.mark.parametrize("figure", ERRORS)
def test_of_errors_the_number_is_the_most_there_may_be(judged: Judged, figure: str) -> None:
    assert failure(judged, bar(f"{figure}=1")) is None
    assert f"expected {figure} of at most 0.000 in test, found 0." in (failure(judged, bar(f"{figure}=0")) or "")


def test_what_a_run_does_not_hold_is_told_and_what_it_does() -> None:
    bare = judge_run(run_of("bare", sentences(0.8, scores=None)), rounds=100, seed=13)
    for text, said in (
        ("ece=.1", "expected probabilities for ece for --fail-under, found none; name what is there"),
        ("attributed.f1=.1", "expected answers for attributed.f1 for --fail-under, found none"),
        ("cue-exact.f1=.1", "expected answers for cue-exact.f1 for --fail-under, found none"),
        ("seed:mcc=.1", "expected the split seed for --fail-under, found test, test-outlets, dev; name"),
        ("publisher=Nobody:mcc=.1", "expected publisher Nobody in test for --fail-under, found Harbour Daily, نشرة"),
        ("subject=sport:mcc=.1", "expected subject sport in test for --fail-under, found none"),
    ):
        with pytest.raises(IsnadError) as caught:
            failure(bare, bar(text))
        assert said in str(caught.value)
        assert "bare.jsonl" in str(caught.value)


# --- how it is written --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("macro_f1=.70", Bar(None, None, None, "macro_f1", 0.7)),
        ("dev:accuracy=0.5", Bar("dev", None, None, "accuracy", 0.5)),
        ("test-outlets:deny.recall=1", Bar("test-outlets", None, None, "deny.recall", 1)),
        ("subject=sport:mcc=-.1", Bar(None, "subject", "sport", "mcc", -0.1)),
        ("test:length=1 to 10:mcc=+1.", Bar("test", "length", "1 to 10", "mcc", 1)),
        ("length=1 to 10:test:mcc=1", Bar("test", "length", "1 to 10", "mcc", 1)),
        ("publisher=a=b:mcc=1", Bar(None, "publisher", "a=b", "mcc", 1)),
        ("publisher=نشرة الورق:f1=1", None),
        ("publisher=نشرة الورق:mcc=1", Bar(None, "publisher", "نشرة الورق", "mcc", 1)),
    ],
)
def test_places_and_numbers(text: str, expected: Bar | None) -> None:
    if expected is None:
        assert "found 'f1'" in refusal(text)
    else:
        assert bar(text) == expected
        assert BarType().convert(expected, None, None) is expected


@given(
    st.sampled_from([None, *SPLITS]),
    st.none() | st.tuples(st.sampled_from(sorted(DIMENSIONS)), st.text(st.characters(exclude_characters=":"))),
    st.sampled_from(OF_SLICE),
    st.integers(-1000, 1000),
)
def test_whatever_can_be_written_is_read(split: str | None, part: Any, figure: str, thousandths: int) -> None:
    places = [p for p in (split, "=".join(part) if part else None) if p]
    found = bar(":".join([*places, f"{figure}={thousandths / 1000:.3f}"]))
    assert found == Bar(split, *(part or (None, None)), figure, thousandths / 1000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("macro_f1", "expected [SPLIT:][DIMENSION=VALUE:]FIGURE=NUMBER, found 'macro_f1'; write macro_f1=.70 or"),
        ("macro_f1=high", "found 'macro_f1=high'; write"),
        ("macro_f1=", "found 'macro_f1='; write"),
        ("macro_f1=nan", "found 'macro_f1=nan'; write"),
        ("=.7", "found '=.7'; write"),
        ("", "found ''; write"),
        ("test:subject=sport:dev:mcc=.1", "found 'test:subject=sport:dev:mcc=.1'; write"),
        ("macrof1=.7", "found 'macrof1'; did you mean macro_f1?"),
        ("denny.f1=.7", "found 'denny.f1'; did you mean deny.f1?"),
        ("tests:mcc=.7", "expected test, test-outlets, dev, seed, found 'tests'; did you mean test?"),
        ("train:mcc=.7", "found 'train'"),
        ("subjects=sport:mcc=.7", "found 'subjects'; did you mean subject?"),
        ("qqq=.7", "found 'qqq'; write one of these"),
        ("subject=sport:ece=.1", "found 'ece'"),
        ("subject=sport:cue-exact.f1=.1", "found 'cue-exact.f1'"),
        ("test:dev:mcc=.1", "expected one split and one dimension at most, found two in 'test:dev:mcc=.1'"),
        ("subject=sport:part=title:mcc=.1", "found two in 'subject=sport:part=title:mcc=.1'; write the option twice"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, said: str) -> None:
    assert said in refusal(text)


def test_a_figure_just_under_its_bar_is_written_so_that_it_shows(judged: Judged) -> None:
    test = judged.splits["test"]
    for value, asked, said in (
        (0.8496, ".85", "at least 0.8500 in test, found 0.8496"),
        (0.849, ".85", "at least 0.850 in test, found 0.849"),
        (0.85 - 1e-9, ".85", "at least 0.850000000 in test, found 0.849999999"),
    ):
        part = replace(test.main, macro_f1=Interval(value, 0, 1))
        changed = replace(judged, splits={"test": replace(test, main=part)})
        assert failure(changed, bar(f"macro_f1={asked}")) == f"expected macro_f1 of {said}"
    nearest = replace(test.main, macro_f1=Interval(math.nextafter(0.85, 0), 0, 1))
    told = failure(replace(judged, splits={"test": replace(test, main=nearest)}), bar("macro_f1=.85"))
    assert told is not None
    wanted, found = re.findall(r"0\.\d+", told)
    assert float(found) < float(wanted)


# --- through the door ---------------------------------------------------------------------------------


def test_the_command_exits_1_where_a_bar_is_missed_and_writes_the_report(tmp_path: Path) -> None:
    run = write(tmp_path / "run" / "predictions.jsonl", rows()).parent
    fixed = [str(run), "--bootstrap", "100", "--data", str(tmp_path / "none"), "--fail-under"]
    bars = ["deny.f1=.99", "--fail-under", "test:publisher=Harbour Daily:accuracy=.1", "--fail-under", "ece=0"]
    missed = CliRunner().invoke(main, [*fixed, *bars])
    assert missed.exit_code == 1
    told = [line for line in missed.output.splitlines() if line.startswith("error: ")]
    assert [line.partition(" in test, found ")[0] for line in told] == [
        "error: expected deny.f1 of at least 0.990",
        "error: expected ece of at most 0.000",
    ]
    assert json.loads((run / "report.json").read_text(encoding="utf-8"))["runs"][0]["name"] == "run"
    reached = CliRunner().invoke(main, [*fixed, "macro_f1=.5", "--fail-under", "choice=natural:accuracy=.5"])
    assert (reached.exit_code, "error: " in reached.output) == (0, False)
    absent = CliRunner().invoke(main, [*fixed, "country=EG:accuracy=.5"])
    assert absent.exit_code == 1
    assert "expected country EG in test for --fail-under, found none; name what is there" in absent.output
    wrong = CliRunner().invoke(main, [*fixed, "acuracy=.5"])
    assert wrong.exit_code == 2


def test_a_refusal_names_what_there_is() -> None:
    said = refusal("nothing=.5")
    for name in (*(f"{s.value}.recall" for s in Stance), "macro_f1", "aurc", "attributed.f1", "source-overlap.f1"):
        assert name in said
