"""The stress suite: its cases are sound and far from the training data, and its verdicts are what the kinds say."""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT, write_lines, write_text
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from test_eval_predict import make_run

from eval.stress import (
    SUITE,
    Answer,
    Case,
    Kind,
    Tally,
    Verdict,
    is_stale,
    read_capabilities,
    read_suite,
    run_suite,
    stress_of,
)
from eval.stress import Result as Stress
from eval.stress.command import stress_command
from eval.stress.runs import FILE
from eval.stress.verdicts import wilson
from isnad.artefact import MANIFEST
from isnad.classifier import RELEASED, load_classifier
from isnad.duplicates import NEAR, DuplicateIndex, shingles
from isnad.errors import IsnadError
from isnad.examples import find_corpora, load_data, read_documents
from isnad.labels import Stance
from isnad.predictions import Prediction
from isnad.proposition import has_proposition
from isnad.sentences import split_sentences
from isnad.table import ISOLATE, POP

A, D, T, S = Stance
RUN = 8
"""Words in a row that two texts do not share by chance."""

# --- the suite that ships -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return read_suite()


def runs_of(text: str) -> set[int]:
    return set(shingles(text, RUN).tolist())


def test_every_capability_has_its_cases(cases: tuple[Case, ...]) -> None:
    capabilities = read_capabilities()
    assert len(capabilities) >= 40
    assert {c.kind for c in capabilities} == set(Kind)
    assert all(c.asks.endswith(".") and len(c.asks.split()) >= 5 for c in capabilities)
    counts = Counter(c.capability for c in cases)
    assert list(counts) == [c.name for c in capabilities], "in their order"
    assert min(counts.values()) >= 10
    for name, count in counts.items():
        assert [c.number for c in cases if c.capability == name] == list(range(1, count + 1))


def test_the_cases_are_sound(cases: tuple[Case, ...]) -> None:
    sentences = [s for c in cases for s in c.sentences]
    assert len(set(sentences)) == len(sentences)
    assert all(has_proposition(s) for s in sentences)
    assert all(len(split_sentences(c.text)) == 1 for c in cases)
    for case in cases:
        assert (case.changed is None) is (case.kind is Kind.MINIMUM)
        assert case.changed != case.text
        assert (case.changed_label is not None) is (case.kind is Kind.DIRECTIONAL)
        assert case.changed_label is not case.label


def test_the_labels_are_spread(cases: tuple[Case, ...]) -> None:
    for capability in read_capabilities():
        labels = Counter(c.label for c in cases if c.capability == capability.name)
        if capability.kind is Kind.INVARIANCE:
            assert set(labels) == set(Stance), capability.name
            assert max(labels.values()) <= sum(labels.values()) / 2, capability.name
    for kind in (Kind.MINIMUM, Kind.INVARIANCE):
        assert {c.label for c in cases if c.kind is kind} == set(Stance)
    assert {c.changed_label for c in cases if c.kind is Kind.DIRECTIONAL} == set(Stance)


def test_no_two_cases_share_a_run_of_words(cases: tuple[Case, ...]) -> None:
    owner: dict[int, Case] = {}
    torn = set()
    for case in cases:
        for run in {r for s in case.sentences for r in runs_of(s)}:
            other = owner.setdefault(run, case)
            if other is not case:
                torn.add(f"{other.capability} {other.number} and {case.capability} {case.number}")
    assert not torn, f"cases that share {RUN} words in a row; reword one of each pair"


def near(texts: Mapping[str, str], cases: Sequence[Case]) -> list[str]:
    """Which of `texts`, by name and never by their words, come near a case."""
    index = DuplicateIndex({f"{c.capability} {c.number} ({i})": s for c in cases for i, s in enumerate(c.sentences)})
    runs = {r for c in cases for s in c.sentences for r in runs_of(s)}
    found = []
    for name, text in texts.items():
        shared = index.overlaps(text)
        if shared and (max(shared.values()) >= NEAR or runs & runs_of(text)):
            found.append(f"{name} and {max(shared, key=lambda k: shared[k])}")
    return found


def test_what_is_near_a_case_is_found(cases: tuple[Case, ...]) -> None:
    words = cases[0].text.split()
    texts = {
        "same": cases[0].text,
        "run": " ".join([*words[:RUN], *(f"كلمة{i}" for i in range(40))]),
        "far": " ".join(words[:3]) + " كلمات أخرى ليست من النص في شيء",
    }
    assert len(words) > RUN
    assert [line.split()[0] for line in near(texts, cases)] == ["same", "run"]


def test_no_case_is_near_a_labelled_text_that_ships(cases: tuple[Case, ...]) -> None:
    documents = read_documents([*sorted(ROOT.glob("data/composed/*.jsonl")), *sorted(ROOT.glob("seeds/*.gold.jsonl"))])
    assert len(documents) > 400
    runs = {r for c in cases for s in c.sentences for r in runs_of(s)}
    assert not [d.key for d in documents if runs & runs_of(f"{d.title}\n{d.text}")]
    assert not near({f"{d.key}:{u.start}": d.sentence(u) for d in documents for u in d.units}, cases)


def test_no_case_is_near_a_labelled_sentence_of_the_news(
    cases: tuple[Case, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    corpora = find_corpora()
    if corpora is None:
        pytest.skip("the news text is not here")
    documents = [d for found in load_data(ROOT / "data", corpora).documents.values() for d in found]
    assert not near({f"{d.key}:{u.start}": d.sentence(u) for d in documents for u in d.units}, cases)


def test_training_never_reads_the_suite() -> None:
    names = re.compile(r"eval[./]+stress|\bstress(?:_of|_command|\.json)?\b", re.IGNORECASE)
    code = [*ROOT.glob("train/**/*.py"), *ROOT.glob("isnad/**/*.py"), *ROOT.glob("configs/*.yaml")]
    assert len(code) > 50
    assert not [str(p.relative_to(ROOT)) for p in code if names.search(p.read_text(encoding="utf-8"))]


# --- a small suite --------------------------------------------------------------------------------

CAPABILITIES = [
    {"name": "deny-verbs", "kind": "minimum", "asks": "A verb of denial is deny."},
    {"name": "inv-names", "kind": "invariance", "asks": "Other names change nothing."},
    {"name": "dir-deny", "kind": "directional", "asks": "A denial added makes deny."},
]
ROWS: dict[str, list[dict[str, Any]]] = {
    "minimum": [
        {"capability": "deny-verbs", "kind": "minimum", "text": "نفت مديرة الحديقة إغلاق البوابة.", "label": "deny"},
        {"capability": "deny-verbs", "kind": "minimum", "text": "كذب الحارس نبأ بيع الأشجار.", "label": "deny"},
    ],
    "invariance": [
        {
            "capability": "inv-names", "kind": "invariance", "text": "قال سامر إن الجسر مفتوح.",
            "changed": "قال رامي إن الجسر مفتوح.", "label": "attribute",
        },
    ],
    "directional": [
        {
            "capability": "dir-deny", "kind": "directional", "text": "أغلق الجسر الزجاجي مساء السبت.",
            "label": "assert", "changed": "نفت البلدية إغلاق الجسر الزجاجي مساء السبت.", "changed_label": "deny",
        },
    ],
}  # fmt: skip


def small(folder: Path, capabilities: Any = CAPABILITIES, **rows: list[dict[str, Any]]) -> Path:
    """A suite of three capabilities; `minimum=[…]` and so on replace the cases of a kind."""
    write_text(folder / "capabilities.json", json.dumps(capabilities))
    for kind, usual in ROWS.items():
        write_lines(folder / f"{kind}.jsonl", rows.get(kind, usual))
    return folder


def test_cases_are_read_in_the_order_of_the_capabilities(tmp_path: Path) -> None:
    found = read_suite(small(tmp_path, CAPABILITIES[::-1]))
    assert [(c.capability, c.number) for c in found] == [
        ("dir-deny", 1), ("inv-names", 1), ("deny-verbs", 1), ("deny-verbs", 2),
    ]  # fmt: skip
    assert found[0] == Case(
        "dir-deny", Kind.DIRECTIONAL, 1, ROWS["directional"][0]["text"], A, ROWS["directional"][0]["changed"], D
    )
    assert found[-1].sentences == (ROWS["minimum"][1]["text"],)


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("minimum", {"label": "denied"}, 'expected "label" to be .*, found \'denied\'; did you mean deny?'),
        ("minimum", {"label": None}, 'expected "label" to be one line .*, found None'),
        ("minimum", {"text": " "}, 'expected "text" to be one line'),
        ("minimum", {"text": "سطر\nوسطر"}, 'expected "text" to be one line'),
        ("minimum", {"capability": "deny-verb"}, "found 'deny-verb'; did you mean deny-verbs?"),
        ("minimum", {"capability": "inv-names"}, "expected one kind, found 'minimum' in a file of minimum cases"),
        ("minimum", {"kind": "invariance"}, "expected one kind, found 'invariance' in a file of minimum"),
        ("minimum", {"changed": "جملة"}, 'expected capability, kind, text, label, found "changed" too'),
        ("minimum", {"text": ROWS["minimum"][0]["text"]}, "expected each sentence once, found one again after minim"),
        ("invariance", {"changed": ...}, 'expected "changed" in a case of kind invariance, found none; add it'),
        ("invariance", {"changed": ROWS["invariance"][0]["text"]}, 'expected "changed" to differ from "text"'),
        ("directional", {"changed_label": "assert"}, 'expected "changed_label" to differ from "label"'),
        ("directional", {"changed_label": "maybe"}, 'expected "changed_label" to be .*, found \'maybe\'; write one of'),
    ],
)  # fmt: skip
def test_a_wrong_case_is_told_with_its_line(tmp_path: Path, kind: str, changes: dict[str, Any], said: str) -> None:
    rows = [dict(r) for r in ROWS[kind]]
    rows[-1] = {k: v for k, v in (rows[-1] | changes).items() if v is not ...}
    folder = small(tmp_path, **{kind: rows})
    with pytest.raises(IsnadError, match=said) as error:
        read_suite(folder)
    assert (error.value.path, error.value.line) == (folder / f"{kind}.jsonl", len(rows))


def test_a_line_that_is_no_object_is_told(tmp_path: Path) -> None:
    small(tmp_path)
    for line, found in (("{", "expected a JSON object, found none"), ("[]", "expected a JSON object, found list")):
        write_text(tmp_path / "invariance.jsonl", f"\n{line}\n")
        with pytest.raises(IsnadError, match=f"invariance.jsonl:2: {found}"):
            read_suite(tmp_path)
    (tmp_path / "invariance.jsonl").write_bytes(b'{"text": "\xe0"}')
    with pytest.raises(IsnadError, match=r"expected UTF-8, found .* at byte 10; save it so"):
        read_suite(tmp_path)
    (tmp_path / "invariance.jsonl").unlink()
    with pytest.raises(IsnadError, match=r"invariance.jsonl: expected a file of the suite, found none to read"):
        read_suite(tmp_path)


def test_capabilities_are_checked(tmp_path: Path) -> None:
    more = [*CAPABILITIES, {"name": "deny-nominal", "kind": "minimum", "asks": "…"}]
    for wrong, said in (
        (more, "expected cases of every capability, found none of deny-nominal"),
        ([*CAPABILITIES, CAPABILITIES[0]], "expected each capability once, found deny-verbs again"),
        ([{"name": "x", "kind": "odd", "asks": "…"}], "'odd' is not a valid Kind"),
        ([{"name": "x", "kind": "minimum"}], "found KeyError: 'asks'"),
        (7, "expected a list of "),
    ):
        with pytest.raises(IsnadError, match=said):
            read_suite(small(tmp_path, wrong))


# --- verdicts -------------------------------------------------------------------------------------


class Told:
    """A classifier that says what it was told to, one sentence at a time and without context."""

    name = "told"

    def __init__(self, answers: Mapping[str, Prediction]) -> None:
        self.answers = answers

    def predict(self, sentences: Sequence[str], *, before: object = None, title: object = None) -> list[Prediction]:
        assert len(sentences) == 1
        assert before is None
        assert title is None
        return [self.answers[sentences[0]]]


def sure(label: Stance | None, of: float | None = None) -> Prediction:
    """An answer, with probabilities where `of`, that of the label, is given."""
    scores = {} if of is None else {s.value: of if s is label else (1 - of) / 3 for s in Stance}
    return Prediction(label, of or 0.0, scores)


def case(kind: Kind, label: Stance, after: Stance | None = None) -> Case:
    return Case("c", kind, 1, "قبل", label, None if kind is Kind.MINIMUM else "بعد", after)


def judged(asked: Case, *answers: Prediction) -> Verdict:
    (verdict,) = run_suite(Told(dict(zip(("قبل", "بعد"), answers, strict=False))), [asked]).verdicts
    return verdict


def test_a_minimum_case_asks_for_gold() -> None:
    for label in Stance:
        verdict = judged(case(Kind.MINIMUM, D), sure(label))
        assert verdict.failed is not verdict.base_right
        assert verdict.base_right is (label is D)
        assert verdict.rose is None
    assert judged(case(Kind.MINIMUM, D), sure(None)).failed
    assert not judged(case(Kind.MINIMUM, D), replace(sure(D), abstained=True)).failed, "the best label counts"


def test_an_invariance_case_asks_for_one_label_right_or_wrong() -> None:
    asked = case(Kind.INVARIANCE, T)
    for before, after, failed, right in (
        (T, T, False, True),
        (A, A, False, False),
        (T, A, True, True),
        (A, T, True, False),
    ):
        verdict = judged(asked, sure(before), sure(after))
        assert (verdict.failed, verdict.base_right, verdict.rose) == (failed, right, None)
    assert judged(asked, sure(None), sure(None)).failed, "no answer twice is no answer"
    assert judged(asked, sure(T), sure(None)).failed


def test_a_directional_case_asks_for_the_new_label() -> None:
    asked = case(Kind.DIRECTIONAL, A, D)
    for before, after, failed, right in (
        (A, D, False, True),
        (D, D, False, False),
        (A, A, True, True),
        (A, S, True, True),
    ):
        verdict = judged(asked, sure(before), sure(after))
        assert (verdict.failed, verdict.base_right, verdict.rose) == (failed, right, None)
    assert judged(asked, sure(A), sure(None)).failed


def test_whether_the_probability_rose_is_told_apart_from_the_label() -> None:
    asked = case(Kind.DIRECTIONAL, A, D)
    nearly = judged(asked, sure(A, 0.97), sure(A, 0.7))
    assert (nearly.failed, nearly.rose) == (True, True)
    less = judged(asked, sure(D, 0.9), sure(D, 0.6))
    assert (less.failed, less.rose) == (False, False)
    assert judged(asked, sure(A, 0.7), sure(A, 0.7)).rose is False
    assert judged(asked, sure(A, 0.7), sure(D)).rose is None


def verdicts(name: str, kind: Kind, failed: int, of: int) -> list[Verdict]:
    wrong = [i < failed for i in range(of)]
    return [Verdict(Case(name, kind, i + 1, f"{name} {i}", D), Answer(A if w else D)) for i, w in enumerate(wrong)]


def test_the_worst_capability_comes_first_and_kinds_add_up() -> None:
    found = Stress(
        "told",
        (
            *verdicts("first", Kind.MINIMUM, 2, 10),
            *verdicts("second", Kind.MINIMUM, 5, 10),
            *verdicts("third", Kind.MINIMUM, 4, 20),
            *verdicts("fourth", Kind.INVARIANCE, 7, 10),
        ),
    )
    assert [(t.name, t.failed, t.of) for t in found.capabilities] == [
        ("fourth", 7, 10), ("second", 5, 10), ("first", 2, 10), ("third", 4, 20),
    ]  # fmt: skip
    assert [(t.name, t.kind, t.failed, t.of) for t in found.kinds] == [
        ("minimum", Kind.MINIMUM, 11, 40), ("invariance", Kind.INVARIANCE, 7, 10),
    ]  # fmt: skip
    assert (found.overall.failed, found.overall.of, found.overall.rate) == (18, 50, 0.36)
    assert (found.overall.base_right, found.overall.rose) == (32, None)


@given(st.integers(1, 700).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_wilsons(pair: tuple[int, int]) -> None:
    failed, of = pair
    tally = Tally("t", None, tuple(verdicts("t", Kind.MINIMUM, failed, of)))
    low, high = tally.interval
    z = float(stats.norm.ppf(0.975))
    p = failed / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=1e-9)
    assert low - 1e-12 <= tally.rate <= high + 1e-12
    ends = stats.binomtest(failed, of).proportion_ci(0.95, method="wilson")
    assert (low, high) == (ends.low, ends.high)


def test_intervals_that_can_be_looked_up() -> None:
    assert [tuple(round(x, 3) for x in wilson(k, 10)) for k in (0, 1, 5, 10)] == [
        (0.0, 0.278), (0.018, 0.404), (0.237, 0.763), (0.722, 1.0),
    ]  # fmt: skip
    assert wilson(0, 0) == (0.0, 1.0)
    assert Tally("none", None, ()).rate == 0


# --- answers kept beside the artefact ---------------------------------------------------------------


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return small(tmp_path / "suite")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "majority", "majority")


def test_answers_come_back_from_json_as_they_were(suite: Path) -> None:
    found = run_suite(load_classifier("rules"), read_suite(suite))
    assert Stress.from_json(found.to_json(), read_suite(suite)) == found
    bare = Stress("told", (Verdict(case(Kind.DIRECTIONAL, A, D), Answer(None), Answer(D)),))
    assert Stress.from_json(bare.to_json(), [bare.verdicts[0].case]) == bare
    assert "نفت" not in found.to_json(), "the sentences stand in the suite alone"


def test_json_of_other_cases_is_refused(suite: Path) -> None:
    cases = read_suite(suite)
    told = run_suite(load_classifier("rules"), cases).to_json()
    for other in (cases[:-1], [replace(cases[0], text="نص آخر"), *cases[1:]], [replace(cases[0], label=A), *cases[1:]]):
        with pytest.raises(IsnadError, match="found ValueError: answers to other cases; delete the file"):
            Stress.from_json(told, other)
    for damaged in (
        "",
        "[]",
        "{}",
        told.replace('"label": "deny"', '"label": "no"'),
        told.replace('"number": 2', '"n": 2'),
    ):
        with pytest.raises(IsnadError, match=r"stress.json: expected answers to the stress suite, found \w+: "):
            Stress.from_json(damaged, cases, path=Path("stress.json"))


def test_a_run_is_asked_once(run: Path, suite: Path) -> None:
    first = stress_of(run, suite)
    assert first is not None
    assert (first.model, first.overall.failed, first.overall.of) == ("majority", 3, 4)
    made = run / FILE
    assert sorted(p.name for p in run.iterdir()) == ["artefact", FILE]
    kept = made.read_bytes()
    made.write_bytes(kept.replace(b'"model": "majority"', b'"model": "kept"'))
    again = stress_of(run, suite)
    assert again is not None
    assert again.model == "kept", "fresh answers are believed"
    assert again.verdicts == first.verdicts
    assert made.read_bytes() != kept


def test_stale_answers_are_made_anew(run: Path, suite: Path) -> None:
    cases = read_suite(suite)
    assert is_stale(run, cases), "there are none yet"
    stress_of(run, suite)
    assert not is_stale(run, cases)
    os.utime(run / FILE, (500, 500))
    assert is_stale(run, cases), "older than the artefact"
    stress_of(run, suite)
    assert not is_stale(run, cases)
    changed = [dict(r) for r in ROWS["minimum"]]
    changed[0]["text"] = "نفى الحارس إغلاق البوابة الشرقية."
    small(suite, minimum=changed)
    assert is_stale(run, read_suite(suite)), "made of other cases"
    found = stress_of(run, suite)
    assert found is not None
    assert found.verdicts[0].case.text == changed[0]["text"]
    assert not is_stale(run, read_suite(suite))


def test_damaged_answers_are_told(run: Path, suite: Path) -> None:
    write_text(run / FILE, "{")
    os.utime(run / "artefact" / MANIFEST, (1_000, 1_000))
    with pytest.raises(IsnadError, match=r"stress.json: expected answers .* delete the file, it is made again"):
        stress_of(run, suite)


def test_without_an_artefact_there_is_no_result(tmp_path: Path, suite: Path) -> None:
    write_text(tmp_path / "predictions.jsonl", "{}\n")
    assert stress_of(tmp_path, suite) is None
    assert not is_stale(tmp_path, read_suite(suite))


def test_nothing_is_written_into_an_artefact(suite: Path) -> None:
    before = sorted(p.name for p in RELEASED.iterdir())
    found = stress_of(RELEASED, suite)
    assert found is not None
    assert found.overall.of == 4
    assert all(v.answer.scores and abs(sum(v.answer.scores) - 1) < 1e-5 for v in found.verdicts)
    assert sorted(p.name for p in RELEASED.iterdir()) == before


def test_an_answer_does_not_depend_on_the_cases_around_it(suite: Path) -> None:
    classifier, cases = load_classifier(), read_suite(suite)
    assert run_suite(classifier, cases).verdicts[1:] == run_suite(classifier, cases[1:]).verdicts


# --- the command ----------------------------------------------------------------------------------


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(stress_command, [*map(str, words)])


def table(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("|") and "---" not in line:
            yield [c.strip() for c in line.strip("|").split("|")]


def test_the_table_holds_the_failures_of_all_runs(run: Path, cases: tuple[Case, ...]) -> None:
    done = call(run, "rules")
    assert done.exit_code == 0, done.output
    head, *rows = table(done.output)
    assert head == ["Failures", "Kind", "majority", "rules"]
    of, failed = (
        Counter(c.kind for c in cases),
        Counter(c.kind for c in cases if c.kind is Kind.MINIMUM and c.label is not A),
    )
    failed += Counter(c.kind for c in cases if c.kind is Kind.DIRECTIONAL and c.changed_label is not A)
    assert [r[:2] for r in rows[:4]] == [["all", ""], *(["all", k.value] for k in Kind)]
    totals = [(failed.total(), of.total()), *((failed[k], of[k]) for k in Kind)]
    assert [r[2].partition(" = ")[0] for r in rows[:4]] == [f"{f}/{n}" for f, n in totals], "it always says assert"
    assert {r[0]: r[1] for r in rows[4:]} == {c.capability: c.kind.value for c in cases}
    shares = [int(r[2].split("/")[0]) / int(r[2].split("/")[1]) for r in rows[4:]]
    assert shares == sorted(shares, reverse=True), "the worst of the first run first"
    assert "rules: right on the unchanged sentence in " in done.output
    assert f"the probability of the new label rose in 0 of {of[Kind.DIRECTIONAL]}" in done.output


def test_the_word_and_an_artefact_of_the_rules_answer_alike(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "of-rules", "rules")
    head, *rows = table(call("rules", folder, folder / "artefact").output)
    assert head[2:] == ["rules", "of-rules", "artefact"]
    assert all(len(set(r[2:])) == 1 for r in rows)
    assert (folder / FILE).is_file()
    assert [p.name for p in (folder / "artefact").iterdir()] == [MANIFEST]


def test_the_answers_of_a_run_are_kept_and_made_anew_when_stale(run: Path) -> None:
    assert call(run).exit_code == 0
    made = run / FILE
    made.write_text(made.read_text().replace('"label": "assert"', '"label": "deny"'))
    believed = call(run).output
    os.utime(made, (500, 500))
    assert call(run).output != believed
    assert '"label": "deny"' not in made.read_text()


def test_listed_cases_are_those_that_fail_with_their_arabic_isolated(run: Path, cases: tuple[Case, ...]) -> None:
    done = call("rules", run, "--list", "dir-claim-named-false")
    assert done.exit_code == 0, done.output
    asked = [c for c in cases if c.capability == "dir-claim-named-false"]
    assert done.output.startswith("dir-claim-named-false (directional): ")
    assert f"majority: {len(asked)} of {len(asked)} fail" in done.output
    _, _, shown = done.output.partition("majority: ")
    for one in asked:
        for text in one.sentences:
            assert f"      {ISOLATE}{text}{POP}\n" in shown
    assert shown.count("expected assert and, changed, deny, found assert (") == len(asked)
    none = call(run, "--list", "assert-plain").output
    assert "majority: 0 of " in none
    assert ISOLATE not in none
    assert "expected one label (gold: " in call("rules", "--list", "inv-typos").output


def test_files_for_machines_and_for_people(run: Path, tmp_path: Path) -> None:
    done = call(run, "rules", "-o", tmp_path / "out.json")
    assert done.exit_code == 0
    told = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [r["name"] for r in told["runs"]] == ["majority", "rules"]
    found = told["runs"][0]
    assert found["overall"]["failed"] == sum(k["failed"] for k in found["kinds"])
    assert [k["name"] for k in found["kinds"]] == [k.value for k in Kind]
    for one in found["capabilities"]:
        assert len(one["failing"]) == one["failed"]
        assert 0 <= one["low"] <= one["rate"] <= one["high"] <= 1
    assert call(run, "rules", "-o", tmp_path / "out.md").exit_code == 0
    assert (tmp_path / "out.md").read_text(encoding="utf-8") == done.output


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / name / "run", "majority") for name in ("a", "b")]
    assert next(table(call(*folders).output))[2:] == ["a/run", "b/run"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Missing argument"),
        (["rulez"], "Path 'rulez' does not exist"),
        (["rules", "rules"], "expected each run once, found one of them twice"),
        (["rules", "--list", "inv-typo"], "found 'inv-typo'; did you mean inv-typos?"),
        (["rules", "-o", "table.txt"], "expected a name that ends in .json or .md, found table.txt"),
    ],
)
def test_a_wrong_call_exits_2(words: list[str], said: str) -> None:
    done = call(*words)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_trouble_exits_1_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "predictions.jsonl").write_text("{}\n")
    done = call(tmp_path)
    assert done.exit_code == 1
    assert f"error: {tmp_path}: expected a run directory with its artefact" in done.output
    done = call("rules", "-o", tmp_path / "predictions.jsonl" / "x.json")
    assert done.exit_code == 1
    assert "error: " in done.output
    assert isinstance(done.exception, SystemExit)


def test_the_suite_lies_beside_its_code() -> None:
    assert Path("eval/stress") == SUITE.relative_to(ROOT)
    assert {p.stem for p in SUITE.glob("*.jsonl")} == {k.value for k in Kind}
