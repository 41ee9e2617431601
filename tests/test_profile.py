"""`isnad profile` as a user meets it: groups, figures, files it cannot use. News is invented, the model is rules."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import PATTERNS, name, python
from hypothesis import given, settings
from hypothesis import strategies as st

from isnad import Stance
from isnad.answers import holds_answers, read_answers
from isnad.archive import month_of
from isnad.artefact import SCHEMA
from isnad.cli import main
from isnad.errors import IsnadError
from isnad.prevalence import label_shares
from isnad.table import ISOLATE, POP

MEANS = [[0.9, 0.02, 0.06, 0.02], [0.2, 0.7, 0.08, 0.02], [0.15, 0.03, 0.8, 0.02], [0.2, 0.02, 0.1, 0.68]]
ERRORS = [[300, 3, 25, 4], [5, 40, 4, 1], [30, 2, 260, 5], [8, 1, 6, 50]]
WEIGHTS = {"assert": 4, "deny": 2, "attribute": 3, "speculate": 1}
NOTHING = [None] * 6

Run = Callable[..., tuple[int, str, str]]


def article(number: int, **facts: Any) -> dict[str, Any]:
    """Ten sentences of the newsroom's patterns and a byline; the number decides which."""
    rng = random.Random(number)
    chosen = [rng.choice(PATTERNS[label])[0] for label in rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=10)]
    text = " ".join(pattern.format(*(name(rng) for _ in range(4))) for pattern in chosen)
    return {"doc_id": f"a-{number}", "text": f"{text}\nدرران - مكتب الأخبار", **facts}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    """Rules with an error matrix."""
    folder = tmp_path / "artefact"
    folder.mkdir()
    facts: dict[str, Any] = {"schema": SCHEMA, "kind": "rules", "name": "قواعد", "settings": {"precision": {}}}
    facts |= {"confusion": ERRORS, "mean_scores": MEANS}
    (folder / "isnad.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    outlets = ["صحيفة الورق"] * 12 + ["إذاعة النخيل"] * 11 + [None] * 3
    return write(tmp_path / "archive.jsonl", [article(i, outlet=outlet) for i, outlet in enumerate(outlets)])


@pytest.fixture
def run(artefact: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str | Path, model: str | Path = artefact) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["profile", *map(str, words), "--model", str(model)])
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out, written.err

    return call


def groups(out: str) -> dict[str, dict[str, Any]]:
    return {g["group"]: g for g in json.loads(out)["groups"]}


def answers_of(archive: Path, model: Path, form: str = "jsonl") -> Path:
    """What `isnad label --format FORM` makes of the archive."""
    path = archive.with_name(f"answers.{form}")
    with pytest.raises(SystemExit) as ended:
        main(["label", str(archive), "--format", form, "--model", str(model), "-o", str(path)])
    assert not ended.value.code
    return path


# --- figures ----------------------------------------------------------------------------------------


def test_figures_are_those_of_the_answers_bylines_left_out(archive: Path, artefact: Path, run: Run) -> None:
    code, out, err = run(archive, "--format", "json")
    assert (code, err) == (0, "")
    rows = [json.loads(line) for line in answers_of(archive, artefact).read_text(encoding="utf-8").splitlines()]
    kept = [r for r in rows if r["label"] is not None]
    assert len(rows) == 286
    assert len(kept) == 260
    scores = [[r["scores"][s.value] for s in Stance] for r in kept]
    expected = label_shares([Stance(r["label"]).id for r in kept], scores, [r["doc_id"] for r in kept], ERRORS, MEANS)
    (found,) = groups(out).values()
    assert (found["group"], found["sentences"], found["articles"], found["too_small"]) == ("all", 260, 26, False)
    for stance, share in expected.labels.items():
        figures = found["labels"][stance.value]
        assert share.acc is not None
        assert share.em is not None
        assert figures["count"] == share.count
        assert figures["naive_percent"] == round(100 * share.naive, 1)
        assert figures["acc_percent"] == round(100 * share.acc.value, 1)
        assert figures["em_percent"] == round(100 * share.em.value, 1)
        assert figures["acc_low_percent"] < figures["acc_percent"] < figures["acc_high_percent"]
        assert figures["em_low_percent"] < figures["em_percent"] < figures["em_high_percent"]


def test_answers_of_label_give_the_same_as_their_articles(archive: Path, artefact: Path, run: Run) -> None:
    answers = answers_of(archive, artefact)
    for by in ("none", "outlet"):
        assert run(answers, "--by", by, "--format", "csv") == run(archive, "--by", by, "--format", "csv")
    both = groups(run(answers, archive, "--format", "json")[1])["all"]
    assert (both["sentences"], both["articles"]) == (520, 52)


def test_columns_of_another_name_are_named(archive: Path, tmp_path: Path, run: Run) -> None:
    rows = [json.loads(line) for line in archive.read_text(encoding="utf-8").splitlines()]
    renamed = write(tmp_path / "renamed.jsonl", [{"body": r["text"], "paper": r["outlet"]} for r in rows])
    words = ("--by", "outlet", "--format", "csv")
    assert run(renamed, *words, "--column", "text=body", "--column", "outlet=paper") == run(archive, *words)
    code, out, err = run(renamed, "--column", "body")
    assert (code, out) == (2, "")
    assert "expected FIELD=COLUMN, as in text=body, found body" in err


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_answers_in_other_formats_are_the_same(archive: Path, artefact: Path, run: Run, form: str) -> None:
    expected = run(archive, "--by", "outlet", "--format", "csv")
    assert run(answers_of(archive, artefact, form), "--by", "outlet", "--format", "csv") == expected


def test_answers_that_a_spreadsheet_or_gzip_had_in_hand_are_the_same(
    archive: Path, artefact: Path, tmp_path: Path, run: Run
) -> None:
    expected = run(archive, "--format", "csv")
    rows = csv.reader(io.StringIO(answers_of(archive, artefact, "csv").read_text(encoding="utf-8-sig")))
    semicolons = tmp_path / "semicolons.csv"
    with semicolons.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows(rows)
    packed = tmp_path / "answers.jsonl.gz"
    packed.write_bytes(gzip.compress(answers_of(archive, artefact).read_bytes()))
    for path in (semicolons, packed):
        assert run(path, "--format", "csv") == expected
    packed.write_bytes(packed.read_bytes()[:-20])
    code, out, err = run(packed, "--format", "json")
    assert code == 3
    assert groups(out)["all"]["sentences"] > 0
    assert f"error: {packed}: expected answers of `isnad label`, found a file that cannot be read on" in err


def test_articles_of_one_name_stay_apart_in_answers(artefact: Path, tmp_path: Path, run: Run) -> None:
    rows = [{**article(i), "doc_id": "same"} for i in range(4)]
    answers = answers_of(write(tmp_path / "archive.jsonl", rows), artefact)
    assert groups(run(answers, "--format", "json")[1])["all"]["articles"] == 4


def test_csv_has_a_line_a_label_with_counts_whole_and_shares_in_tenths(archive: Path, run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run(archive, "--by", "outlet", "--format", "csv")[1])))
    assert [(r["group"], r["label"]) for r in rows[:5]] == [
        *(("صحيفة الورق", s.value) for s in Stance),
        ("إذاعة النخيل", "assert"),
    ]
    assert [r["sentences"] for r in rows[::4]] == ["120", "110", "30"]
    for group in (rows[:4], rows[4:8], rows[8:]):
        assert sum(int(r["count"]) for r in group) == int(group[0]["sentences"])
        for column in ("naive_percent", "acc_percent", "em_percent"):
            assert sum(float(r[column]) for r in group) == pytest.approx(100, abs=0.21)
            assert all(len(r[column].partition(".")[2]) == 1 for r in group)


def test_the_table_isolates_arabic_names_and_marks_few_articles(archive: Path, run: Run) -> None:
    code, out, _ = run(archive, "--by", "outlet")
    assert code == 0
    lines = out.splitlines()
    assert " ".join(lines[0].split()) == "outlet sentences articles stance naive ACC (95 %) EM (95 %)"
    starts = [line for line in lines if "assert" in line]
    assert [line.split("  ")[0] for line in starts] == [
        f"{ISOLATE}صحيفة الورق{POP}",
        f"{ISOLATE}إذاعة النخيل{POP}",
        "unknown",
    ]
    assert all("■ assert" in line and line.count(" to ") == 2 for line in starts)
    assert ["*" in line for line in starts] == [False, False, True]
    assert out.endswith("* few articles: the intervals are too narrow\n")
    whole = run(archive)[1]
    assert "few articles" not in whole
    assert whole.count(ISOLATE) == 0


def test_names_cannot_steer_the_terminal(tmp_path: Path, run: Run) -> None:
    rows = [article(i, outlet="ورق\u202e\x1b[31m " + "طويل " * 30) for i in range(4)]
    out = run(write(tmp_path / "a.jsonl", rows), "--by", "outlet")[1]
    assert not set(out) & set("\u202e\x1b")
    assert max(map(len, out.splitlines())) < 130


# --- groups -----------------------------------------------------------------------------------------


def test_small_groups_are_counted_and_not_corrected(tmp_path: Path, run: Run) -> None:
    rows = [article(i, outlet="كبير") for i in range(12)] + [article(20, outlet="صغير"), article(21, outlet="صغير")]
    path = write(tmp_path / "a.jsonl", rows)
    code, out, err = run(path, "--by", "outlet", "--format", "json")
    assert (code, err) == (0, "")
    found = groups(out)["صغير"]
    assert (found["sentences"], found["too_small"], groups(out)["كبير"]["too_small"]) == (20, True, False)
    for figures in found["labels"].values():
        assert list(figures.values())[2:] == NOTHING
    assert sum(f["naive_percent"] for f in found["labels"].values()) == pytest.approx(100, abs=0.2)
    table = run(path, "--by", "outlet")[1]
    assert table.count("too few") == 4


def test_months_stand_in_order_and_strange_dates_last(tmp_path: Path, run: Run) -> None:
    dates = ["14/06/2024", "2023-12-31", "soon", "2024-06-01T08:00:00Z", None]
    path = write(tmp_path / "a.jsonl", [article(i, date=date) for i, date in enumerate(dates)])
    found = groups(run(path, "--by", "month", "--format", "json")[1])
    assert [(g, v["articles"]) for g, v in found.items()] == [("2023-12", 1), ("2024-06", 2), ("unknown", 2)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_subjects_come_from_the_articles(tmp_path: Path, run: Run, encoding: str) -> None:
    subjects = ["رياضة", " economy\n", None, ["economy", "x"], "رياضة", ""]
    rows = [json.dumps(article(i, subject=subject), ensure_ascii=False) for i, subject in enumerate(subjects)]
    path = tmp_path / "a.jsonl"
    path.write_bytes("\n\n".join(rows).encode(encoding))
    plain = tmp_path / "plain.txt"
    plain.write_text(article(9)["text"], encoding="utf-8")
    found = groups(run(path, plain, "--by", "subject", "--format", "json")[1])
    assert {g: v["articles"] for g, v in found.items()} == {"رياضة": 2, "economy": 2, "unknown": 3}


@pytest.mark.parametrize(
    ("date", "month"),
    [
        ("2024-05-14", "2024-05"),
        ("2024-5-4", "2024-05"),
        (" 2017-01-20T21:43:00+01:00", "2017-01"),
        ("2017-01-22T185600", "2017-01"),
        ("2015-07-21 02:51:32", "2015-07"),
        ("2024/05", "2024-05"),
        ("17/05/2015", "2015-05"),
        ("3.2.2019 10:00", "2019-02"),
        ("١٤/٠٥/٢٠٢٤", "2024-05"),
        ("الجمعة 02 أكتوبر 2020 - 19:31", "2020-10"),
        ("2 غشت 2021", "2021-08"),
        ("9 كانون الثاني 2022", "2022-01"),
        ("05/14/2024", "unknown"),
        ("31/02/2024", "unknown"),
        ("0000-01-01", "unknown"),
        ("2024-13", "unknown"),
        ("20240514", "unknown"),
        ("14 شيء 2024", "unknown"),
        ("أمس", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_month_of_a_date(date: str | None, month: str) -> None:
    assert month_of(date) == month


# --- models -----------------------------------------------------------------------------------------


def with_tables(artefact: Path, **tables: Any) -> None:
    path = artefact / "isnad.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **tables}), encoding="utf-8")


def test_without_an_error_matrix_one_note_says_how_to_get_one(archive: Path, artefact: Path, run: Run) -> None:
    with_tables(artefact, confusion=None)
    code, out, err = run(archive, "--by", "outlet")
    assert code == 0
    assert err.count("\n") == 1
    assert err.startswith("note: the model قواعد has no error matrix")
    assert "python -m train.calibration" in err
    assert " to " not in out
    assert "%" in out
    code, out, err = run(archive, "--format", "json", model="rules")
    assert err.startswith("note: the rule set has no error matrix")
    assert list(groups(out)["all"]["labels"]["deny"].values())[2:] == NOTHING


def test_a_matrix_without_a_label_is_a_note_too(archive: Path, artefact: Path, run: Run) -> None:
    with_tables(artefact, confusion=[ERRORS[0], [0, 0, 0, 0], *ERRORS[2:]])
    code, out, err = run(archive)
    assert code == 0
    assert err.startswith(
        "note: the error matrix of the model قواعد corrects nothing: expected sentences of every gold"
    )
    assert "naive" in out


def test_mean_scores_that_are_none_are_a_note_and_an_artefact_without_them_corrects_by_the_matrix(
    archive: Path, artefact: Path, run: Run
) -> None:
    with_means = run(archive, "--format", "json")[1]
    with_tables(artefact, mean_scores=[[0.0] * 4] * 4)
    _, out, err = run(archive, "--format", "json")
    assert "corrects nothing: expected 4 × 4 mean probabilities" in err
    assert list(groups(out)["all"]["labels"]["deny"].values())[2:] == NOTHING
    with_tables(artefact, mean_scores=None)
    code, out, err = run(archive, "--format", "json")
    assert (code, err) == (0, "")
    now, before = (groups(text)["all"]["labels"] for text in (out, with_means))
    assert [now[s]["acc_percent"] for s in now] == [before[s]["acc_percent"] for s in now]
    assert [now[s]["em_percent"] for s in now] != [before[s]["em_percent"] for s in now]


def test_a_model_that_is_not_there_is_one_line(archive: Path, tmp_path: Path, run: Run) -> None:
    code, out, err = run(archive, model=tmp_path / "none")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_answers_need_the_matrix_of_the_model_and_not_the_model(
    archive: Path, artefact: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = answers_of(archive, artefact)
    monkeypatch.setattr("isnad.classifier.load_classifier", lambda *_: pytest.fail("no need to open the model"))
    assert " to " in run(answers)[1]


# --- files ------------------------------------------------------------------------------------------


def test_answers_that_do_not_say_can_not_be_grouped(archive: Path, artefact: Path, run: Run) -> None:
    answers = answers_of(archive, artefact)
    code, out, err = run(answers, "--by", "month")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {answers}: expected articles to group by month, found answers of `isnad label`")
    assert "without date" in err
    assert "--by none" in err
    code, out, err = run(answers, archive, "--by", "month", "--format", "json")
    assert (code, groups(out)["unknown"]["articles"]) == (3, 26)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("{", "no answer"),
        ("[]", "no answer"),
        ('{"doc_id": "a", "sentence": 0, "label": "perhaps", "scores": {}}', "label: 'perhaps'"),
        ('{"doc_id": "a", "sentence": "x", "label": null, "scores": {}}', "sentence: 'x'"),
        ('{"doc_id": "a", "sentence": 0, "scores": {}}', "label: None"),
        ('{"doc_id": "a", "sentence": 0, "label": "deny", "scores": {"deny": 1.0}}', "scores: {'deny': 1.0}"),
        (
            '{"doc_id": "a", "sentence": 0, "label": "deny", "scores": '
            '{"assert": NaN, "deny": 1, "attribute": 0, "speculate": 0}}',
            "scores: {'assert': nan",
        ),
        ('{"text": "قال الحارس إن الباب مغلق."}', "doc_id: None"),
    ],
)
def test_a_line_that_is_no_answer_is_named_and_the_others_count(
    archive: Path, artefact: Path, run: Run, line: str, found: str
) -> None:
    answers = answers_of(archive, artefact)
    lines = answers.read_text(encoding="utf-8").splitlines()
    answers.write_text("\n".join([*lines[:100], "", line, *lines[100:]]), encoding="utf-8")
    code, out, err = run(answers, "--format", "json")
    assert (code, groups(out)["all"]["sentences"], groups(out)["all"]["articles"]) == (3, 260, 26)
    assert err.startswith(f"error: {answers}:102: expected an answer of `isnad label`")
    assert f"found {found}" in err


numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([10**400, "1", "x", None, True, [0], {"a": 1}]))
near_answers = st.dictionaries(
    st.sampled_from(["doc_id", "sentence", "label", "scores", "outlet"]),
    st.one_of(numbers, st.text(max_size=4), st.dictionaries(st.sampled_from([s.value for s in Stance]), numbers)),
)
heads = [
    b"PAR1",
    b"\x1f\x8b\x08\x00",
    ",".join(["doc_id", "sentence", "label", *(f"score_{s.value}" for s in Stance)]).encode() + b"\n",
    json.dumps({"doc_id": "a", "sentence": 0, "label": None, "scores": {}}).encode() + b"\n",
]


@given(st.sampled_from(heads), st.one_of(st.binary(max_size=80), st.lists(near_answers, max_size=4)))
@settings(max_examples=150)
def test_whatever_stands_in_a_file_of_answers_it_is_counted_or_named(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, rest: Any
) -> None:
    path = tmp_path_factory.mktemp("near") / "answers"
    path.write_bytes(head + (rest if isinstance(rest, bytes) else "\n".join(map(json.dumps, rest)).encode()))
    failures: list[IsnadError] = []
    if holds_answers(str(path)):
        found = read_answers(str(path), "outlet", itertools.count(), failures.append)
        assert all(len(g.scores) == 4 * len(g.given) == 4 * len(g.articles) for g in found.values())
    assert all(str(e).startswith(f"{path}:") and "expected" in str(e) for e in failures)


def test_bad_files_are_named_and_the_rest_goes_on(archive: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    bad = [tmp_path / "empty.txt", tmp_path / "missing.txt", tmp_path / "folder"]
    code, out, err = run(*bad, archive, "--format", "json")
    assert (code, groups(out)["all"]["articles"]) == (3, 26)
    lines = err.splitlines()
    for path in bad:
        assert sum(line.startswith(f"error: {path}: ") for line in lines) == 1
    assert lines[3:] == ["the shares are of what could be read; what could not stands above"]
    code, out, err = run(*bad)
    assert (code, out, len(err.splitlines())) == (1, "", 3)


def test_a_bad_line_among_articles_is_named_and_the_others_count(archive: Path, run: Run) -> None:
    lines = archive.read_text(encoding="utf-8").splitlines()
    archive.write_text("\n".join([*lines[:5], '{"text": ""}', *lines[5:]]), encoding="utf-8")
    code, out, err = run(archive, "--format", "json")
    assert (code, groups(out)["all"]["articles"]) == (3, 26)
    assert err.startswith(f"error: {archive}:6: ")


def test_folders_patterns_and_tables_are_read_as_label_reads_them(tmp_path: Path, run: Run) -> None:
    saved = tmp_path / "saved"
    (saved / "deep").mkdir(parents=True)
    (saved / "deep" / "one.txt").write_text(article(1)["text"], encoding="utf-8")
    with (saved / "feed.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["النص", "الصحيفة", "القسم", "التاريخ"])
        table.writerows([article(i)["text"], "صحيفة الورق", "رياضة", "3.2.2019"] for i in range(2, 5))
    for by, group in (("outlet", "صحيفة الورق"), ("subject", "رياضة"), ("month", "2019-02")):
        found = groups(run(saved, "--by", by, "--format", "json")[1])
        assert {g: v["articles"] for g, v in found.items()} == {group: 3, "unknown": 1}
    assert groups(run(saved / "**" / "*.txt", "--format", "json")[1])["all"]["articles"] == 1


def test_errors_are_objects_with_a_place_where_json_is_asked_for(archive: Path, artefact: Path, run: Run) -> None:
    answers = answers_of(archive, artefact)
    answers.write_text(answers.read_text(encoding="utf-8") + "{}\n", encoding="utf-8")
    code, _, err = run(answers, "--json-errors")
    said = [json.loads(line) for line in err.splitlines()]
    assert code == 3
    assert [s["level"] for s in said] == ["error", "note"]
    assert (said[0]["path"], said[0]["line"]) == (str(answers), 287)


def test_nothing_with_a_stance_is_an_error(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "english.txt"
    path.write_text("The ministry denied the report.", encoding="utf-8")
    code, out, err = run(path)
    assert (code, out) == (1, "")
    assert "error: expected sentences with a stance, found none" in err


def test_standard_input_and_pipes_take_both_kinds(archive: Path, artefact: Path, tmp_path: Path, run: Run) -> None:
    expected = run(archive, "--format", "csv")[1]
    for path in (archive, answers_of(archive, artefact)):
        words = ("-m", "isnad", "profile", "-", "--format", "csv", "--model", str(artefact))
        piped = python(*words, cwd=tmp_path, typed=path.read_text(encoding="utf-8"))
        assert (piped.returncode, piped.stdout, piped.stderr) == (0, expected, "")
    broken = python("-m", "isnad", "profile", "-", "--model", str(artefact), cwd=tmp_path, typed='{"text": \n')
    assert broken.returncode == 1
    assert broken.stderr.startswith("error: stdin:1: expected one JSON object a line")


def test_a_named_pipe_is_read_once(archive: Path, tmp_path: Path, run: Run) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(archive.read_bytes()), daemon=True)
    writer.start()
    code, out, _ = run(pipe, "--format", "json")
    writer.join()
    assert (code, groups(out)["all"]["articles"]) == (0, 26)


def test_output_is_whole_or_stays_as_it_was(archive: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out" / "shares.csv"
    out.parent.mkdir()
    assert run(archive, "--format", "csv", "-o", out)[:2] == (0, "")
    whole = out.read_bytes()
    assert whole.count(b"\n") == 5
    assert run(tmp_path / "missing.txt", "-o", out)[0] == 1
    assert run(archive, "-o", tmp_path / "no" / "where.csv")[0] == 1
    assert out.read_bytes() == whole
    assert [p.name for p in out.parent.iterdir()] == ["shares.csv"]
    code, _, err = run(archive, "-o", archive)
    assert code == 2
    assert "one of the files to read" in err


def test_a_long_labelling_shows_how_far_it_is(archive: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr("isnad.commands.common.time.monotonic", lambda: float(next(clock)))
    assert "labelled 3 of 26 articles" in run(archive)[2]


def test_the_released_model_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    path.write_text(article(1)["text"], encoding="utf-8")
    done = python("-m", "isnad", "profile", "--format", "json", str(path), cwd=tmp_path)
    assert done.returncode == 0
    found = groups(done.stdout)["all"]
    assert (found["articles"], found["sentences"]) == (1, 10)


def test_usage_errors(archive: Path, run: Run) -> None:
    for words in ((), (archive, "--by", "author"), (archive, "--format", "html")):
        code, out, _ = run(*words)
        assert (code, out) == (2, "")
