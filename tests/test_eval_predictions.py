"""A predictions file is believed only after every line was looked at, and told what is wrong with it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.predictions import Record, Run, parse, read_records, read_run
from isnad.errors import IsnadError
from isnad.labels import Stance

TEXTS = {
    "assert": "افتتحت البلدية الخيالية جسرها الزجاجي صباح الأحد.",
    "deny": "نفى ناطق باسم نادي القوارب الورقية وجود أي خلاف بين أعضائه.",
    "attribute": "قالت مديرة المرصد المتخيَّل إن المذنّب سيظهر فوق قرية التجربة.",
    "speculate": "قد تؤجَّل مسابقة الطائرات الشراعية إلى الشهر المقبل إذا هبّت الرياح.",
}
"""Invented, like every name here."""


def row(**changes: Any) -> dict[str, Any]:
    """A line that holds what it should, with changes; a field set to `...` is left out."""
    good: dict[str, Any] = {
        "doc_id": "doc-1",
        "start": 0,
        "end": 49,
        "outlet": "صحيفة الواحة",
        "kind": "article",
        "origin": "news",
        "corpus": "invented",
        "split": "test",
        "gold": "assert",
        "label": "deny",
        "scores": {"assert": 0.1, "deny": 0.7, "attribute": 0.1, "speculate": 0.1},
    }
    return {k: v for k, v in (good | changes).items() if v is not ...}


def sentences(accuracy: float = 0.8, seed: int = 1, articles: int = 30, **changes: Any) -> list[dict[str, Any]]:
    """Synthetic predictions: the same sentences and gold for every accuracy and seed."""
    gold, given = random.Random(7), random.Random(seed)
    names = [s.value for s in Stance]
    rows = []
    for a in range(articles):
        split = ("dev", "test", "test-outlets")[a % 3]
        news = split != "dev" and a % 5 != 0
        for i in range(6):
            truth = gold.choice(names)
            label = truth if given.random() < accuracy else given.choice(names)
            sure = given.uniform(0.4, 0.97)
            scores = dict.fromkeys(names, (1 - sure) / 3) | {label: sure}
            where = {"doc_id": f"doc-{a}", "start": 100 * i, "end": 100 * i + len(TEXTS[truth]), "split": split}
            kind = {"kind": "target" if a % 4 == 0 else "article", "outlet": ("Harbour Daily", "نشرة التجربة")[a % 2]}
            source = {"origin": "news", "corpus": "invented"} if news else {"origin": "composed", "corpus": None}
            judged = {"gold": truth, "label": label, "scores": scores, "text": TEXTS[truth]}
            rows.append(where | kind | source | judged | changes)
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """One JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path


def run_of(name: str, rows: list[dict[str, Any]]) -> Run:
    """A run in memory."""
    return Run(name, Path(f"{name}.jsonl"), tuple(parse(json.dumps(r)) for r in rows))


def trouble(tmp_path: Path, *lines: Any) -> str:
    """What is said about a file with these lines."""
    file = tmp_path / "p.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    file.write_text("\n".join(texts), encoding="utf-8")
    with pytest.raises(IsnadError) as caught:
        read_records(file)
    return str(caught.value).replace(str(file), "p.jsonl")


def test_a_good_line_becomes_a_record() -> None:
    record = parse(json.dumps(row(cue=[0, 3], gold_cue=None, attributed=True, text="نص")))
    assert (record.gold, record.label, record.scores) == (Stance.ASSERT, Stance.DENY, (0.1, 0.7, 0.1, 0.1))
    assert (record.cue, record.gold_cue, record.looked_at) == ((0, 3), None, {"cue"})
    assert (record.attributed, record.gold_attributed, record.text) == (True, None, "نص")
    assert record.reference == "invented:doc-1:0-49"


def test_a_title_and_a_composed_sentence_have_references_too() -> None:
    assert parse(json.dumps(row(start=-1, end=-1))).reference == "invented:doc-1:title"
    assert parse(json.dumps(row(origin="composed", corpus=None))).reference == "composed:doc-1:0-49"


@pytest.mark.parametrize("scores", [..., None, {}])
def test_scores_may_be_missing(scores: Any) -> None:
    assert parse(json.dumps(row(scores=scores))).scores is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gold": "denied"}, 'field "gold": expected assert, deny, attribute or speculate, found "denied"; write deny'),
        ({"gold": None}, "found null; write one of these"),
        ({"label": "none"}, 'field "label": expected assert, deny, attribute, speculate or null, found "none"'),
        ({"label": ...}, 'field "label": expected it on every line, found none; add it'),
        ({"outlet": ..., "outlets": "x"}, 'found none; rename "outlets"'),
        ({"doc_id": 7}, 'field "doc_id": expected a string that is not empty, found 7; write the name in quotes'),
        ({"corpus": None}, 'field "corpus": expected a string that is not empty, found null'),
        ({"origin": "composed", "corpus": 3}, 'field "corpus": expected a string or null, found 3'),
        ({"split": "train"}, "expected test, test-outlets, dev or seed, found"),
        ({"kind": "picked"}, "expected article or target, found"),
        ({"start": 9, "end": 9}, "0 <= start < end, or -1 and -1 for the title, found 9 and 9; count characters"),
        ({"start": True}, "found true and 49"),
        ({"end": 4.0}, "found 0 and 4.0"),
        ({"scores": {"deny": 1.0}}, "a probability for each of assert, deny, attribute or speculate, found deny"),
        ({"scores": [1, 0, 0, 0]}, "found [1, 0, 0, 0]; name all four"),
        ({"scores": dict.fromkeys(TEXTS, 2.5)}, "from 0 to 1 that sum to 1"),
        ({"scores": dict.fromkeys(TEXTS, 10**400)}, "write softmax values, not logits"),
        ({"scores": dict.fromkeys(TEXTS, float("nan"))}, "write softmax values, not logits"),
        ({"cue": [3, 3]}, 'field "cue": expected [start, end] with 0 <= start < end, or null, found [3, 3]'),
        ({"abstained": "no"}, 'field "abstained": expected true or false or null, found "no"'),
    ],
)
def test_a_bad_field_is_told_with_file_line_expected_found_and_advice(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    message = trouble(tmp_path, row(doc_id="first"), "", row(**changes))
    assert message.startswith("p.jsonl:3: ")
    assert said in message


@pytest.mark.parametrize("line", ["{", "[]", "7", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_a_line_that_is_no_object(tmp_path: Path, line: str) -> None:
    message = trouble(tmp_path, line)
    assert message.startswith("p.jsonl:1: expected a JSON object, found ")
    assert message.endswith("; write one object a line")
    assert len(message) < 250


def test_a_sentence_may_stand_only_once(tmp_path: Path) -> None:
    message = trouble(tmp_path, row(), row(start=50, end=60), row(kind="target"))
    assert message == (
        "p.jsonl:3: expected each sentence once, found invented:doc-1:0-49 again after line 1; remove one of the two"
    )


def test_up_to_twenty_problems_are_told_at_once(tmp_path: Path) -> None:
    lines = trouble(tmp_path, *(row(doc_id=str(i), gold="?") for i in range(23))).splitlines()
    assert lines[0].startswith("p.jsonl:1: ")
    assert lines[19].startswith("p.jsonl:20: ")
    assert lines[20:] == ["… and 3 more lines with problems"]


def test_an_empty_file_and_another_encoding(tmp_path: Path) -> None:
    assert "found an empty file" in trouble(tmp_path, "\n")
    file = tmp_path / "old.jsonl"
    file.write_bytes(b"\n" + json.dumps(row(), ensure_ascii=False).encode("cp1256"))
    with pytest.raises(IsnadError, match=r"old.jsonl:2: expected UTF-8, found the byte 0x\w\w; save"):
        read_records(file)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(row()).encode() + b"\r\n")
    assert len(read_records(file)) == 1


def test_a_run_is_a_directory_or_a_bare_file(tmp_path: Path) -> None:
    file = write(tmp_path / "arabert" / "predictions.jsonl", [row()])
    assert (read_run(tmp_path / "arabert").name, read_run(file).name) == ("arabert", "predictions")
    assert read_run(tmp_path / "arabert").config_fingerprint is None
    (tmp_path / "arabert" / "config.yaml").write_text("seed: 1\n")
    assert len(read_run(tmp_path / "arabert").config_fingerprint or "") == 12


def test_a_directory_without_predictions_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(IsnadError, match=r"expected a run directory with predictions.jsonl, found none; train first"):
        read_run(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(list(TEXTS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*row(), "text", "cue", "gold_cue", "abstained"]), json_values))
def test_whatever_stands_in_a_line_it_is_a_record_or_a_sentence_for_the_user(changes: dict[str, Any]) -> None:
    try:
        parsed, said = parse(json.dumps(row(**changes))), ""
    except ValueError as error:
        parsed, said = None, str(error)
    assert isinstance(parsed, Record) or ("expected" in said and "found" in said)
