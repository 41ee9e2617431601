"""The floors and the ceiling of a report, the file that ships with them, and runs that differ in their seed alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import Newsroom, write_lines, write_text
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score
from test_eval_predictions import TEXTS, row, run_of, sentences, write

from eval.__main__ import main
from eval.judge import Judged, judge_run
from eval.predictions import Run
from eval.yardsticks.ceilings import ceilings
from eval.yardsticks.floors import FILE, floors_for, floors_text, read_floors
from eval.yardsticks.provenance import beside, notes_on
from eval.yardsticks.seeds import seed_groups
from isnad.artefact import SCHEMA, Manifest, write_manifest
from isnad.errors import IsnadError
from isnad.examples import SPLITS, load_data, read_documents, read_splits, sentence_hash
from isnad.fingerprint import data_fingerprint, fingerprint_of
from isnad.labels import Stance

ROOT = Path(__file__).parent.parent
LABELS = [s.value for s in Stance]


# --- floors -------------------------------------------------------------------------------------------


def floor(name: str, accuracy: float, **changes: Any) -> Run:
    """A run on the sentences of `sentences()`."""
    return run_of(name, sentences(accuracy, seed=9, **changes))


def floors_file(folder: Path, *runs: Run) -> Path:
    write_text(folder / "floors.tsv", floors_text(runs))
    return folder / "floors.tsv"


ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=8)


@given(st.lists(st.tuples(ids, st.sampled_from([*LABELS, None]), st.sampled_from([*LABELS, None])), min_size=1))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, answers: list[tuple]) -> None:
    file = tmp_path_factory.getbasetemp() / "round-trip.tsv"
    unique = {doc: (a, b) for doc, a, b in answers}
    runs = [run_of(n, [row(doc_id=d, label=g[i]) for d, g in unique.items()]) for i, n in enumerate("ab")]
    file.write_text(floors_text(runs), encoding="utf-8", newline="")
    found = read_floors(file)
    assert list(found) == ["a", "b"]
    for run in runs:
        assert found[run.name] == {r.reference: r.label for r in run.records}


def test_the_text_is_a_table_without_a_word_of_the_sentences() -> None:
    text = floors_text([floor("one", 0.5), floor("two", 0.9, label=None)])
    lines = text.splitlines()
    assert lines[0] == "reference\tone\ttwo"
    assert len(lines) == 1 + len(sentences())
    assert lines[1:] == sorted(lines[1:])
    assert {line.split("\t")[2] for line in lines[1:]} == {"-"}
    assert not any(t[:15] in text for t in TEXTS.values())


def test_floors_of_other_sentences_and_of_one_name_are_told() -> None:
    with pytest.raises(IsnadError, match=r"expected the sentences of one\.jsonl, found others; predict with"):
        floors_text([floor("one", 0.5), run_of("two", sentences()[1:])])
    with pytest.raises(IsnadError, match="expected floors of different names, found one twice; rename one"):
        floors_text([floor("one", 0.5), floor("one", 0.6)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "found no file; restore it, or `python -m eval floors RUN …`"),
        ("", "found it damaged"),
        ("reference\tone\na:b:0-1\tdenied\n", "found it damaged: 'denied' is not a valid Stance; restore it"),
        ("reference\tone\ttwo\na:b:0-1\tdeny\n", "found it damaged"),
        ("reference\tone\n\n", "found it damaged"),
        (b"\xff\xfe", "found it damaged"),
    ],
)
def test_a_missing_or_damaged_file_is_told(tmp_path: Path, text: str | bytes | None, said: str) -> None:
    file = tmp_path / "floors.tsv"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(IsnadError, match="expected the answers of the floors") as caught:
        read_floors(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_floors_answer_the_sentences_of_the_run_and_carry_nothing_else(tmp_path: Path) -> None:
    asked = {"cue": [0, 3], "gold_cue": [0, 3], "attributed": True, "gold_attributed": True, "abstained": True}
    run = run_of("model", sentences(0.9, **asked))
    floors, notes = floors_for([run], floors_file(tmp_path, floor("low", 0.3), floor("high", 0.7)))
    assert notes == []
    assert [f.name for f in floors] == ["low", "high"]
    for found, wanted in zip(floors, (floor("low", 0.3), floor("high", 0.7)), strict=True):
        assert [(r.key, r.gold, r.label) for r in found.records] == [(r.key, r.gold, r.label) for r in wanted.records]
        split = judge_run(found, rounds=100, seed=13).splits["test"]
        assert (split.confidence, split.kept, split.attributed, split.spans) == (None, None, None, {})


@pytest.mark.parametrize("name", ["low", "runs/low"])
def test_a_floor_among_the_runs_is_not_doubled(tmp_path: Path, name: str) -> None:
    file = floors_file(tmp_path, floor("low", 0.3), floor("high", 0.7))
    floors, notes = floors_for([floor("model", 0.9), floor(name, 0.3)], file)
    assert ([f.name for f in floors], notes) == (["high"], [])


def test_a_split_with_a_sentence_that_is_not_known_is_left_out_with_one_note(tmp_path: Path) -> None:
    file = floors_file(tmp_path, floor("low", 0.3), floor("high", 0.7))
    changed = [r | {"end": r["end"] + (r["split"] == "test" and r["start"] == 100)} for r in sentences(0.9)]
    floors, notes = floors_for([run_of("model", changed)], file)
    assert [{r.split for r in f.records} for f in floors] == [{"dev", "test-outlets"}] * 2
    assert notes == ["no floors for test: floors.tsv does not know all of its sentences."]
    foreign, notes = floors_for([run_of("model", [row(doc_id="other"), row(doc_id="more", split="seed")])], file)
    assert foreign == []
    assert notes == ["no floors for seed, test: floors.tsv does not know all of its sentences."]


def test_some_sentences_of_a_split_are_enough(tmp_path: Path) -> None:
    few = [r for r in sentences(0.9) if r["split"] == "test"][:7]
    floors, notes = floors_for([run_of("model", few)], floors_file(tmp_path, floor("low", 0.3)))
    assert ([len(f.records) for f in floors], notes) == ([7], [])


def floors_call(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["floors", *map(str, arguments)])


def test_the_command_writes_what_the_report_reads(tmp_path: Path) -> None:
    for name, accuracy in (("low", 0.3), ("high", 0.7)):
        write(tmp_path / name / "predictions.jsonl", sentences(accuracy, seed=9))
    out, nowhere = tmp_path / "floors.tsv", ["--data", tmp_path / "none"]
    call = floors_call(tmp_path / "low", tmp_path / "high", "-o", out, *nowhere)
    assert (call.exit_code, call.output.split()) == (0, [str(out), str(tmp_path / "floors.json")])
    assert read_floors(out) == read_floors(floors_file(tmp_path / "again", floor("low", 0.3), floor("high", 0.7)))
    bad = floors_call(tmp_path, "-o", out, *nowhere)
    assert bad.exit_code == 1
    assert "expected a run directory with predictions.jsonl" in bad.output


# --- on which training data -----------------------------------------------------------------------------


def trained_floor(folder: Path, fingerprint: str | None, rows: list[dict[str, Any]]) -> Path:
    """A run directory with an artefact that names its training data, and predictions younger than it."""
    write_manifest_of(folder / "artefact", fingerprint)
    write(folder / "predictions.jsonl", rows)
    return folder


def write_manifest_of(folder: Path, fingerprint: str | None) -> None:
    folder.mkdir(parents=True)
    write_manifest(folder, Manifest(schema=SCHEMA, kind="majority", name=folder.name, data_fingerprint=fingerprint))


def answers_to(room: Newsroom) -> list[dict[str, Any]]:
    """A predictions file for every labelled sentence outside train, all of them asserted."""
    owner = read_splits(room.data / "splits")
    documents = read_documents([*room.data.glob("composed/*.jsonl"), *room.data.glob("news/*.jsonl")])
    return [
        row(
            doc_id=d.doc_id,
            start=u.start,
            end=u.end,
            split=owner[d.key],
            origin="composed" if d.corpus == "composed" else "news",
            corpus=d.corpus,
            gold=u.label.value,
            label="assert",
            scores=None,
        )
        for d in documents
        for u in d.units
        if u.label is not None and owner[d.key] != "train"
    ]


def test_the_fingerprint_of_a_folder_is_that_of_a_training_on_it(newsroom: Newsroom) -> None:
    """With the newspaper text a training reads all labels, without it those of composed articles alone."""
    newsroom.write()
    for corpora, news in ((newsroom.corpora, True), (None, False)):
        loaded = load_data(newsroom.data, corpora, ("train", "dev"))
        assert fingerprint_of(newsroom.data, news=news) == data_fingerprint(loaded.documents)
    before = fingerprint_of(newsroom.data)
    for split in ("test", "train"):
        unit = newsroom.labelled[split]["saudinewsnet" if split == "test" else "antcorpus"][0]["sentences"][0]
        unit["label"] = "deny"
        newsroom.write()
        assert (fingerprint_of(newsroom.data) == before) is (split == "test")


@pytest.mark.parametrize("made_on", ["today", "composed", "other", None])
def test_floors_of_other_training_data_are_told_in_every_report(newsroom: Newsroom, made_on: str | None) -> None:
    newsroom.write()
    known = {"today": fingerprint_of(newsroom.data), "composed": fingerprint_of(newsroom.data, news=False)}
    fingerprint = known.get(made_on, "f" * 64) if made_on else None
    runs = [trained_floor(newsroom.root / name, fingerprint, answers_to(newsroom)) for name in ("low", "lower")]
    out = newsroom.root / "floors.tsv"
    done = floors_call(*runs, "-o", out)
    assert done.exit_code == 0, done.output
    notes = notes_on(["low", "lower"], out, newsroom.data)
    said = {
        "today": [],
        "composed": ["floors low, lower: made on composed articles alone, without the news that is in the training"],
        "other": [
            f"floors low, lower: made on other training data (ffffffff) than that of today ({known['today'][:8]})"
        ],
        None: ["floors low, lower: on which training data they were made is not known; `make floors` makes them anew."],
    }[made_on]
    assert [note[: len(start)] for note, start in zip(notes, said, strict=True)] == said
    assert [line for line in done.stderr.splitlines() if line.startswith("note: ")] == [f"note: {n}" for n in notes]
    assert notes_on([], out, newsroom.data) == []
    assert notes_on(["low"], out, newsroom.root / "none") == []


def test_floors_whose_labels_changed_afterwards_are_told(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newsroom.write()
    out, run = newsroom.root / "floors.tsv", newsroom.root / "low"
    trained_floor(run, fingerprint_of(newsroom.data), answers_to(newsroom))
    assert floors_call(run, "-o", out).exit_code == 0
    monkeypatch.setattr("eval.report.command.FLOORS", out)
    person = write(newsroom.root / "person.jsonl", answers_to(newsroom))
    asked = [str(person), "--bootstrap", "100", "-o", str(newsroom.root / "report")]
    assert "floors low" not in CliRunner().invoke(main, asked).output
    newsroom.composed["train"][0]["sentences"][0]["label"] = "deny"
    newsroom.write()
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    assert "note: floors low: made on other training data" in done.output
    report = json.loads((newsroom.root / "report" / "report.json").read_text(encoding="utf-8"))
    assert [r["name"] for r in report["runs"]] == ["person", "low"]
    assert any(note.startswith("floors low: made on other training data") for note in report["notes"])
    assert "made on other training data" in (newsroom.root / "report" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("damage", ["gone", "no JSON", "[]", '{"schema": "isnad-floors/1"}', "other table"])
def test_a_table_that_nothing_speaks_of_is_told(newsroom: Newsroom, damage: str) -> None:
    newsroom.write()
    out, run = newsroom.root / "floors.tsv", newsroom.root / "low"
    trained_floor(run, fingerprint_of(newsroom.data), answers_to(newsroom))
    assert floors_call(run, "-o", out).exit_code == 0
    assert notes_on(["low"], out, newsroom.data) == []
    side = out.with_suffix(".json")
    if damage == "gone":
        side.unlink()
    elif damage == "other table":
        out.write_text(out.read_text(encoding="utf-8").replace("\tassert", "\tdeny", 1), encoding="utf-8")
    else:
        side.write_text(damage, encoding="utf-8")
    (note,) = notes_on(["low"], out, newsroom.data)
    assert note.startswith("floors: on which training data they were made, floors.json does not say; `make floors`")


def test_floors_that_lack_sentences_are_refused(newsroom: Newsroom) -> None:
    """As they would where the newspaper text is missing: reports would lose their floors."""
    newsroom.write()
    rows = answers_to(newsroom)
    out = newsroom.root / "floors.tsv"
    few = trained_floor(newsroom.root / "few", None, [r for r in rows if r["origin"] == "composed"])
    lacking = floors_call(few, "-o", out)
    assert (lacking.exit_code, out.exists()) == (1, False)
    news = sum(r["origin"] == "news" for r in rows)
    assert f"labelled sentences outside train, found that few lacks: {news}, " in lacking.output
    assert "set ISNAD_CORPORA" in lacking.output
    many = trained_floor(newsroom.root / "many", None, [*rows, rows[0] | {"start": 9000, "end": 9001}])
    assert "found that many has too many: 1, " in floors_call(many, "-o", out).output


# --- the file that ships ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published() -> dict[str, str]:
    """Split of every labelled sentence outside train, by reference; needs no news text."""
    owner = read_splits(ROOT / "data" / "splits")
    folders = [ROOT / "data" / origin for origin in ("composed", "news")]
    documents = read_documents([file for folder in folders for file in sorted(folder.glob("*.jsonl"))])
    seeds = read_documents(sorted((ROOT / "seeds").glob("*.gold.jsonl")))
    placed = [(d, owner[d.key]) for d in documents] + [(d, "seed") for d in seeds]
    return {
        f"{d.key}:{'title' if u.start < 0 else f'{u.start}-{u.end}'}": split
        for d, split in placed
        if split != "train"
        for u in d.units
        if u.label is not None
    }


def test_the_shipped_floors_know_every_labelled_sentence_outside_train(published: dict[str, str]) -> None:
    floors = read_floors()
    assert {"majority", "tfidf", "rules"} <= set(floors)
    assert {*SPLITS, "seed"} - {"train"} == set(published.values())
    for name, answers in floors.items():
        missing, stale = published.keys() - answers.keys(), answers.keys() - published.keys()
        assert not missing, f"{name} lacks {len(missing)}, {min(missing)} for one: python -m eval floors, anew"
        assert not stale, f"{name} has {len(stale)} that are gone, {min(stale)} for one: python -m eval floors, anew"


def test_the_shipped_majority_is_one_label_and_no_floor_keeps_silent() -> None:
    floors = read_floors()
    assert len(set(floors["majority"].values())) == 1
    for name, answers in floors.items():
        assert None not in answers.values(), name
    for name in ("tfidf", "rules"):
        assert set(floors[name].values()) == set(Stance)


def test_the_shipped_floors_quote_nothing() -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        reference, *answers = line.split("\t")
        assert set(answers) <= {*LABELS, "-"}
        corpus, *_, place = reference.split(":")
        assert re.fullmatch(r"title|\d+-\d+", place), reference
        assert not re.search(r"[\u0600-\u06ff]", corpus + place + lines[0])
        assert not re.search(r"\s", reference), "an id of a publisher, never words"


def test_the_shipped_floors_say_on_which_data_they_were_made() -> None:
    made = json.loads(beside(FILE).read_text(encoding="utf-8"))
    assert set(made["floors"]) == set(read_floors())
    assert made["table"] == sha256(FILE.read_bytes()).hexdigest()
    for facts in made["floors"].values():
        assert re.fullmatch("[0-9a-f]{64}", facts["data_fingerprint"])


# --- ceilings -----------------------------------------------------------------------------------------


def standoff(doc_id: str, units: list[tuple[str, bool]], annotator: str = "author") -> dict[str, Any]:
    """An article of `(label, in doubt)`; its sentences are numbers."""
    return {
        "corpus": "invented",
        "doc_id": doc_id,
        "outlet": "نشرة الورق",
        "date": "",
        "kind": "article",
        "sentences": [
            {
                "start": 10 * i,
                "end": 10 * i + 9,
                "sha1": sentence_hash(f"{doc_id}-{i}"),
                "label": label,
                "attributed": False,
                "source": None,
                "cue": None,
                "annotators": [annotator],
                "unsure": unsure,
            }
            for i, (label, unsure) in enumerate(units)
        ],
    }


def reread(article: dict[str, Any], labels: dict[int, str]) -> dict[str, Any]:
    """The second reading of some sentences of `article`, by number."""
    units = [article["sentences"][i] | {"label": v, "annotators": ["reader-2"]} for i, v in labels.items()]
    return article | {"sentences": [{k: v for k, v in u.items() if k != "unsure"} for u in units]}


def data_folder(root: Path, splits: dict[str, list[dict[str, Any]]], second: list[dict[str, Any]]) -> Path:
    for split in SPLITS:
        keys = [f"invented:{a['doc_id']}" for a in splits.get(split, [])]
        write_text(root / "splits" / f"{split}.json", json.dumps({"articles": keys}))
    write_lines(root / "news" / "invented.jsonl", [a for found in splits.values() for a in found])
    write_lines(root / "second" / "news.jsonl", second)
    write_lines(root / "second" / "composed.jsonl", [])
    return root


def add_composed(root: Path, split: str, article: dict[str, Any], second: dict[str, Any]) -> None:
    """A composed article of `split` and its second reading."""
    file = root / "splits" / f"{split}.json"
    keys = json.loads(file.read_text(encoding="utf-8"))["articles"]
    write_text(file, json.dumps({"articles": [*keys, f"composed:{article['doc_id']}"]}))
    write_lines(root / "composed" / "a.jsonl", [article | {"corpus": "composed"}])
    write_lines(root / "second" / "composed.jsonl", [second | {"corpus": "composed"}])


def test_readings_weigh_as_much_as_their_kind_occurs(tmp_path: Path) -> None:
    # 12 labelled sentences, 9 without doubt and 3 in doubt; 3 and 2 were read again
    one = standoff("one", [("assert", False)] * 5 + [("deny", True), ("skip", False)])
    two = standoff("two", [("deny", False)] * 2 + [("attribute", False)] * 2 + [("speculate", True), ("assert", True)])
    second = [reread(one, {0: "assert", 5: "deny"}), reread(two, {0: "attribute", 2: "attribute", 4: "assert"})]
    found = ceilings(data_folder(tmp_path, {"test": [one, two]}, second), rounds=100, seed=13)
    assert {name: list(of) for name, of in found.items()} == {"test": ["news"]}
    first = ["assert", "deny", "deny", "attribute", "speculate"]
    given_ = ["assert", "deny", "attribute", "attribute", "assert"]
    weights = [9 / 3, 3 / 2, 9 / 3, 9 / 3, 3 / 2]
    test = found["test"]["news"]
    assert (test.n, test.articles) == (5, 2)
    assert test.accuracy.value == pytest.approx((3 + 1.5 + 3) / 12)
    assert test.accuracy.value == pytest.approx(accuracy_score(first, given_, sample_weight=weights))
    assert test.macro_f1.value == pytest.approx(f1_score(first, given_, average="macro", sample_weight=weights))
    for figure in (test.accuracy, test.macro_f1):
        assert figure.low <= figure.value <= figure.high


def test_each_split_counts_its_own_doubts_and_train_has_no_ceiling(tmp_path: Path) -> None:
    units = [("assert", False)] * 3 + [("deny", True)]
    train, dev, outlets = standoff("a", units), standoff("b", units[:1] + units[3:]), standoff("c", units)
    stray = standoff("d", units)
    second = [reread(a, {0: "assert", n - 1: "assert"}) for a, n in ((train, 4), (dev, 2), (outlets, 4), (stray, 4))]
    folder = data_folder(tmp_path, {"train": [train], "dev": [dev], "test-outlets": [outlets], "none": [stray]}, second)
    found = ceilings(folder, rounds=100, seed=13)
    assert {name: c["news"].accuracy.value for name, c in found.items()} == {
        "dev": pytest.approx(1 / 2),
        "test-outlets": pytest.approx(3 / 4),
    }


def test_a_sentence_that_either_reader_skips_is_no_pair(tmp_path: Path) -> None:
    article = standoff("one", [("assert", False), ("skip", False), ("deny", False)])
    second = [reread(article, {0: "assert", 1: "assert", 2: "skip"})]
    assert ceilings(data_folder(tmp_path, {"test": [article]}, second), rounds=100, seed=13)["test"]["news"].n == 1


def test_the_first_reading_counts_not_what_an_adjudicator_made_of_it(tmp_path: Path) -> None:
    published = standoff("one", [("deny", False), ("assert", False)])
    before = standoff("one", [("assert", False)])
    folder = data_folder(tmp_path, {"test": [published]}, [reread(published, {0: "deny", 1: "assert"})])
    assert ceilings(folder, rounds=100, seed=13)["test"]["news"].accuracy.value == 1
    write_lines(folder / "first" / "news.jsonl", [before])
    assert ceilings(folder, rounds=100, seed=13)["test"]["news"].accuracy.value == 0.5


def test_composed_readings_are_a_ceiling_of_their_own(tmp_path: Path) -> None:
    news = standoff("one", [("deny", False), ("assert", False)])
    composed = standoff("two", [("deny", False), ("assert", False), ("speculate", False)])
    folder = data_folder(tmp_path, {"test": [news], "dev": []}, [reread(news, {0: "deny", 1: "attribute"})])
    alone = ceilings(folder, rounds=100, seed=13)
    for split in ("test", "dev"):
        add_composed(folder, split, composed, reread(composed, {0: "deny", 1: "assert", 2: "assert"}))
        found = ceilings(folder, rounds=100, seed=13)
        assert found["test"]["news"] == alone["test"]["news"], "whatever was composed, the news figure is the same"
        assert (found[split]["composed"].n, found[split]["composed"].accuracy.value) == (3, pytest.approx(2 / 3))
        write_text(folder / "splits" / "test.json", json.dumps({"articles": ["invented:one"]}))
    assert list(found["dev"]) == ["composed"]


def test_without_a_second_reading_there_is_no_ceiling(tmp_path: Path) -> None:
    assert ceilings(tmp_path, rounds=100, seed=13) == {}


def test_ceilings_of_the_shipped_data_speak_of_their_splits(published: dict[str, str]) -> None:
    sizes = Counter((split, reference.startswith("composed:")) for reference, split in published.items())
    found = ceilings(ROOT / "data", rounds=100, seed=13)
    assert {name: set(of) for name, of in found.items()} == {
        "dev": {"news", "composed"},
        "test": {"news", "composed"},
        "test-outlets": {"news"},
    }
    for name, of in found.items():
        for origin, ceiling in of.items():
            assert 15 <= ceiling.articles <= ceiling.n <= sizes[name, origin == "composed"]
            assert 0.8 < ceiling.macro_f1.low <= ceiling.macro_f1.value <= ceiling.macro_f1.high + 1e-9


# --- seeds --------------------------------------------------------------------------------------------


def trained(folder: Path, accuracy: float, config: str | None) -> tuple[Path, Judged]:
    """A run directory and its judgement."""
    if config is not None:
        write_text(folder / "config.yaml", config)
    run = replace(run_of(folder.name, sentences(accuracy, seed=round(100 * accuracy))), path=folder)
    return folder, judge_run(run, rounds=100, seed=13)


def groups_of(*runs: tuple[Path, Judged], more: tuple[Judged, ...] = ()) -> tuple[Any, ...]:
    return seed_groups([path for path, _ in runs], [*(judged for _, judged in runs), *more])


def test_seeds_of_one_config_spread(tmp_path: Path) -> None:
    config = "name: {0}\nseed: {0}\nout: runs\nlearning_rate: 0.0003\nweights: {{b: 1, a: 2}}\n"
    runs = [trained(tmp_path / f"r{i}", a, config.format(i)) for i, a in ((13, 0.9), (14, 0.7), (15, 0.8))]
    other = trained(tmp_path / "other", 0.5, config.format(16).replace("0003", "0001"))
    found = groups_of(*runs, other, more=(runs[0][1],))
    assert [g.split for g in found] == ["test", "test-outlets", "dev"]
    for g in found:
        values = [judged.splits[g.split].main.macro_f1.value for _, judged in runs]
        assert (g.runs, g.seeds) == (("r13", "r14", "r15"), (13, 14, 15))
        assert (g.mean, g.sd) == (pytest.approx(fmean(values)), pytest.approx(stdev(values)))
        assert (g.lowest, g.highest) == (min(values), max(values))


def test_two_configs_are_two_groups(tmp_path: Path) -> None:
    runs = [trained(tmp_path / f"{e}-{s}", 0.5 + s / 10, f"seed: {s}\nepochs: {e}\n") for e in (2, 3) for s in (1, 2)]
    found = groups_of(*runs)
    assert {g.runs for g in found} == {("2-1", "2-2"), ("3-1", "3-2")}
    assert len(found) == 6


def test_one_seed_or_none_is_no_group(tmp_path: Path) -> None:
    same = [trained(tmp_path / n, 0.8, "seed: 13\n") for n in ("a", "b")]
    bare = trained(tmp_path / "bare", 0.8, None)
    seedless = trained(tmp_path / "seedless", 0.8, "epochs: 2\n")
    listed = trained(tmp_path / "listed", 0.8, "- 13\n")
    assert groups_of(*same, bare, seedless, listed) == ()


def test_a_split_that_one_seed_lacks_has_no_spread(tmp_path: Path) -> None:
    one, two = (trained(tmp_path / str(s), 0.8, f"seed: {s}\n") for s in (1, 2))
    del two[1].splits["dev"]
    assert [g.split for g in groups_of(one, two)] == ["test", "test-outlets"]


def test_a_config_that_is_no_yaml_is_told(tmp_path: Path) -> None:
    one = trained(tmp_path / "one", 0.8, "seed: [13\n")
    with pytest.raises(IsnadError, match=r"config\.yaml: expected the config of the run as YAML, found .*; restore it"):
        groups_of(one)
