"""The agreement table on invented readings whose figures are known by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from isnad.annotate.agreement import NAMES, Pair, agreement, contested, history, load, load_files, pairs, table
from isnad.cli import cli
from isnad.errors import IsnadError
from isnad.examples import Document, Unit
from isnad.labels import Stance


def unit(start: int, label: str, cue: tuple[int, int] | None = None, annotators: tuple[str, ...] = ("author",)) -> Unit:
    stance = None if label == "skip" else Stance(label)
    return Unit(start, start + 10, f"{start:040x}", stance, label == "attribute", None, cue, annotators)


def pair(article: int, first: str, second: str, **fields) -> Pair:
    return Pair(f"composed:{article}", unit(0, first, **fields), unit(0, second, **fields))


def document(doc_id: str, *units: Unit) -> Document:
    return Document(doc_id, "", None, "outlet", "", "article", "composed", units, "second/composed.jsonl", 1)


def test_figures_are_those_worked_out_by_hand() -> None:
    """Of 4 labels 3 agree; chance agreement is (2·2 + 1·2 + 1·0) / 16 = 6/16, so κ = (12/16 − 6/16) / (10/16)."""
    found = [pair(i, a, b) for i, (a, b) in enumerate([("assert", "assert"), ("assert", "assert"), ("deny", "deny")])]
    found.append(pair(3, "attribute", "deny"))
    values = dict(zip(NAMES, agreement(found, rounds=20).values, strict=True))
    assert values["agreement"] == pytest.approx(0.75)
    assert values["Cohen κ, five labels"] == pytest.approx(0.6)
    assert values["F1 assert"] == 1
    assert values["F1 deny"] == pytest.approx(2 / 3)
    assert values["F1 attribute"] == 0
    assert np.isnan(values["F1 skip"])
    assert values["macro-F1, five labels"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert values["`attributed` agreement"] == pytest.approx(0.75)


def test_spans_count_only_where_either_reader_marks_one() -> None:
    found = [
        pair(0, "assert", "assert"),
        pair(1, "deny", "deny", cue=(0, 4)),
        Pair("composed:2", unit(0, "deny", (0, 4)), unit(0, "deny", None)),
    ]
    values = dict(zip(NAMES, agreement(found, rounds=5).values, strict=True))
    assert values["cue identical, where either marks one"] == pytest.approx(0.5)
    assert np.isnan(values["source identical, where either marks one"])
    assert agreement(found, rounds=5).cell(NAMES.index("source identical, where either marks one")) == "–"


def test_intervals_come_from_whole_articles_and_are_repeatable() -> None:
    """One article holds every disagreement: resamples without it agree fully, so the interval reaches 1."""
    found = [pair(0, "assert", "deny") for _ in range(5)] + [pair(i, "assert", "assert") for i in range(1, 6)]
    result = agreement(found, rounds=200)
    assert (result.sentences, result.articles) == (10, 6)
    assert result.values[0] == pytest.approx(0.5)
    assert result.high[0] == 1
    assert result.low[0] < 0.3
    again = agreement(found, rounds=200)
    assert (again.low[0], again.high[0]) == (result.low[0], result.high[0])


def test_pairs_are_matched_by_place_and_hash() -> None:
    published = document("a", unit(0, "assert"), unit(20, "deny"))
    (found,) = pairs([published], [document("a", unit(20, "attribute"))])
    assert (found.first.label, found.second.label) == (Stance.DENY, Stance.ATTRIBUTE)
    (settled,) = pairs([published], [document("a", unit(20, "attribute"))], [document("a", unit(20, "assert"))])
    assert settled.first.label is Stance.ASSERT, "the label as first read, not as settled afterwards"
    message = r"second/composed.jsonl:1: expected a published sentence at composed:a:40-50.*isnad check data"
    with pytest.raises(IsnadError, match=message):
        pairs([published], [document("a", unit(40, "deny"))])


def test_history_counts_what_the_first_two_readings_disagreed_on() -> None:
    found = [pair(i, "assert", "assert") for i in range(5)]
    found.append(pair(5, "deny", "deny", annotators=("author", "reader-2", "adjudicator")))
    found.append(pair(6, "skip", "skip"))
    found.append(pair(7, "deny", "assert"))
    assert "except for 1 sentences" in history(found)
    assert "1 more differ and stand as the author labelled them" in history(found)
    assert "for 6 of 8 sentences" in history(found)
    assert history(found) in table({"composed": found}, rounds=3)


def test_a_span_that_overlaps_counts_by_the_characters_in_common() -> None:
    found = [Pair("composed:1", unit(0, "deny", (0, 4)), unit(0, "deny", (2, 8)))]
    values = dict(zip(NAMES, agreement(found, rounds=5).values, strict=True))
    assert values["cue identical, where either marks one"] == 0
    assert values["cue overlap (Dice), where either marks one"] == pytest.approx(2 * 2 / (4 + 6))


def test_alpha_is_that_of_its_definition() -> None:
    """Nominal data: α = 1 - (n - 1) Σ o / (n² - Σ n_c²), here 1 - 7·2 / (64 - (9 + 25))."""
    found = [
        pair(0, "deny", "deny"),
        pair(1, "assert", "assert"),
        pair(2, "assert", "assert"),
        pair(3, "deny", "assert"),
    ]
    values = dict(zip(NAMES, agreement(found, rounds=5).values, strict=True))
    assert values["Krippendorff α, five labels"] == pytest.approx(1 - 7 * 2 / (64 - (3**2 + 5**2)))


def test_contested_cells_are_counted_in_the_order_of_the_readers() -> None:
    found = [pair(i, "assert", "speculate") for i in range(3)] + [
        pair(9, "speculate", "assert"),
        pair(8, "deny", "deny"),
    ]
    assert contested(found) == [("assert", "speculate", 3), ("speculate", "assert", 1)]
    assert "| assert, speculate | 3 |" in table({"news": found}, rounds=2)


def test_readings_in_files_are_compared_two_by_two(tmp_path: Path) -> None:
    line = {"corpus": "p", "doc_id": "1", "outlet": "o", "date": "", "kind": "target"}
    for name, labels in {"amal": ["assert", "deny"], "badr": ["assert", "assert"], "zayd": ["skip", "assert"]}.items():
        units = [
            {"start": 9 * i, "end": 9 * i + 8, "sha1": f"{i:040x}", "label": label, "attributed": False, "source": None,
             "cue": None, "annotators": [name]}
            for i, label in enumerate(labels)
        ]  # fmt: skip
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(line | {"sentences": units}) + "\n")
    found = load_files([tmp_path / f"{n}.jsonl" for n in ("amal", "badr", "zayd")])
    assert list(found) == ["amal, badr", "amal, zayd", "badr, zayd"]
    shares = {name: np.mean([p.first.label == p.second.label for p in own]) for name, own in found.items()}
    assert shares == {"amal, badr": 0.5, "amal, zayd": 0, "badr, zayd": 0.5}
    with pytest.raises(IsnadError, match="two readings or more"):
        load_files([tmp_path / "amal.jsonl"])


def test_the_command_prints_the_table_of_the_shipped_data() -> None:
    data = Path(__file__).parent.parent / "data"
    result = CliRunner().invoke(cli, ["annotate", "agreement", str(data), "--rounds", "2"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(
        "| | news | news, first reader in doubt | news, read again under version 2 | composed |\n"
    )
    assert "The two agreed on both for" in result.output


def test_the_second_reading_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "news/a.jsonl").write_text(
        json.dumps({"corpus": "p", "doc_id": "1", "outlet": "o", "date": "", "kind": "article", "sentences": []})
    )
    with pytest.raises(IsnadError, match="expected the second reading; restore the file"):
        load(tmp_path)
    result = CliRunner().invoke(cli, ["annotate", "agreement", str(tmp_path)])
    assert isinstance(result.exception, IsnadError)
