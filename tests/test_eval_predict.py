"""Predictions that `eval` makes itself, and the figures of the splitter; every article here is invented."""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eval.predict import evaluation_examples, is_stale, write_predictions
from eval.predictions import FILE, read_run
from eval.splitting import Counts, gold_spans, hard_set, no_proposition
from isnad.artefact import MANIFEST, SCHEMA, Manifest, write_artefact
from isnad.errors import IsnadError
from isnad.examples import SPLITS, Document, Unit, sentence_hash
from isnad.labels import Stance

ROOT = Path(__file__).parent.parent
SENTENCES = {
    "assert": "افتتحت بلدية لؤلؤة صباح الأحد حديقة الورق الكبرى.",
    "deny": "نفت مديرة الحديقة ما تردد عن إغلاق البوابة الشرقية.",
    "attribute": "قال الحارس سامر الوردي إن الأشجار نُقلت في الليل.",
    "speculate": "قد ترتفع رسوم الدخول في الربيع المقبل.",
    "skip": "لؤلؤة - مكتب الحدائق",
}
TITLE = "حديقة الورق تفتح أبوابها"
NEWS_SENTENCE = "أغلقت إدارة الجسر الزجاجي ممر المشاة مساء السبت."


# --- a small world: data, seeds, runs -------------------------------------------------------------


def unit(text: str, label: str, start: int) -> dict[str, Any]:
    end = start if start < 0 else start + len(text)
    marks = {"attributed": label == "attribute", "source": None, "cue": None}
    return {"start": start, "end": end, "sha1": sentence_hash(text), "label": label, **marks, "annotators": ["author"]}


def composed(doc_id: str) -> dict[str, Any]:
    """An article of one sentence a label, a byline and a labelled title."""
    units, text = [unit(TITLE, "assert", -1)], ""
    for label, sentence in SENTENCES.items():
        units.append(unit(sentence, label, len(text)))
        text += sentence + "\n"
    facts = {"outlet": "نشرة لؤلؤة", "date": "", "kind": "article"}
    return {"doc_id": doc_id, "title": TITLE, "text": text, **facts, "sentences": units}


def standoff(doc_id: str) -> dict[str, Any]:
    """Labels of an article whose text is elsewhere."""
    facts = {"corpus": "invented", "outlet": "صحيفة الجسر", "date": "", "kind": "target"}
    return {"doc_id": doc_id, **facts, "sentences": [unit(NEWS_SENTENCE, "assert", 0)]}


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`data/` and `seeds/` in an empty folder that the process stands in, without news text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ISNAD_CORPORA", raising=False)
    ids = {"train": ["w1"], "dev": ["w2"], "test": ["w3", "w4"], "test-outlets": ["w5"]}
    write_lines(tmp_path / "data/composed/w.jsonl", [composed(i) for names in ids.values() for i in names])
    write_lines(tmp_path / "data/news/invented.jsonl", [standoff("n1")])
    for split in SPLITS:
        keys = [f"composed:{i}" for i in ids[split]] + (["invented:n1"] if split == "test" else [])
        write_lines(tmp_path / f"data/splits/{split}.json", [{"split": split, "articles": keys}])
    write_lines(tmp_path / "seeds/seed.gold.jsonl", [composed("seed")])
    return tmp_path


@pytest.fixture
def corpora(world: Path) -> Path:
    folder = world / "text"
    folder.mkdir()
    row = {"doc_id": "n1", "title": "الجسر الزجاجي", "text": NEWS_SENTENCE + " ويمر به عشرة آلاف زائر كل يوم."}
    with lzma.open(folder / "invented.jsonl.xz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return folder


def make_run(folder: Path, kind: str) -> Path:
    settings = {
        "majority": {"shares": {"assert": 0.4, "deny": 0.1, "attribute": 0.4, "speculate": 0.1}},
        "rules": {"precision": {}},
    }[kind]
    manifest = Manifest(schema=SCHEMA, kind=kind, name=kind, settings=settings)  # type: ignore[arg-type]
    write_artefact(folder / "artefact", manifest, lambda _: None)
    return folder


def predict(run: Path, corpora: Path | None = None) -> list[dict[str, Any]]:
    made = write_predictions(run, Path("data"), corpora, Path("seeds"))
    return [json.loads(line) for line in made.read_text(encoding="utf-8").splitlines()]


# --- predictions ----------------------------------------------------------------------------------


def test_predictions_cover_all_that_is_no_training_data(world: Path) -> None:
    run = make_run(world / "majority", "majority")
    rows = predict(run)
    assert {(r["split"], r["doc_id"]) for r in rows} == {
        ("dev", "w2"), ("test", "w3"), ("test", "w4"), ("test-outlets", "w5"), ("seed", "seed"),
    }  # fmt: skip
    assert [r["gold"] for r in rows[:5]] == ["assert", "assert", "deny", "attribute", "speculate"]
    assert len(rows) == 25, "title and four sentences an article; the byline is no question"
    assert all(r["text"] == (TITLE if r["start"] == -1 else SENTENCES[r["gold"]]) for r in rows)
    assert {r["label"] for r in rows} == {"assert"}
    assert "attributed" not in rows[0], "the floor does not answer that question"
    assert [r.gold for r in read_run(run).records] == [Stance(r["gold"]) for r in rows]


def test_the_rules_answer_the_second_question_too(world: Path) -> None:
    rows = predict(make_run(world / "rules", "rules"))
    found = {r["gold"]: r for r in rows if r["split"] == "dev" and r["start"] >= 0}
    assert {gold: r["label"] for gold, r in found.items()} == {s.value: s.value for s in Stance}
    assert found["attribute"]["attributed"] is found["attribute"]["gold_attributed"] is True
    start, end = found["deny"]["cue"]
    assert "نفت" in SENTENCES["deny"][start:end]
    assert found["deny"]["gold_cue"] is None


def test_missing_news_text_is_one_line_and_the_rest_goes_on(
    world: Path, corpora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(world / "majority", "majority")
    without = predict(run)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "the text of 1 news articles is not here" in said
    assert "ISNAD_CORPORA" in said
    assert {r["origin"] for r in without} == {"composed"}
    joined = predict(run, corpora)
    assert capsys.readouterr().err == ""
    (news,) = [r for r in joined if r["origin"] == "news"]
    assert len(joined) == len(without) + 1
    assert (news["corpus"], news["doc_id"], news["split"], news["kind"]) == ("invented", "n1", "test", "target")
    assert news["text"] == NEWS_SENTENCE


def test_the_environment_names_the_news_text(
    world: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ISNAD_CORPORA", str(corpora))
    assert sum(r["origin"] == "news" for r in predict(make_run(world / "m", "majority"))) == 1
    assert capsys.readouterr().err == ""


def test_examples_come_with_their_context(world: Path) -> None:
    found = [e for e in evaluation_examples(Path("data"), None, Path("seeds")) if e.doc_id == "w2"]
    assert [e.title for e in found] == [None, TITLE, TITLE, TITLE, TITLE]
    assert [e.before for e in found] == [None, None, *list(SENTENCES.values())[:3]]


def test_no_seed_folder_is_no_trouble(world: Path) -> None:
    assert {e.split for e in evaluation_examples(Path("data"), None, Path("nowhere"))} == {*SPLITS} - {"train"}


def test_stale_is_missing_or_older_than_the_artefact(world: Path) -> None:
    run = make_run(world / "majority", "majority")
    assert is_stale(run)
    predict(run)
    manifest, made = run / "artefact" / MANIFEST, run / FILE
    os.utime(manifest, (1_000, 1_000))
    assert not is_stale(run)
    os.utime(made, (500, 500))
    assert is_stale(run)


def test_predictions_of_somebody_else_are_never_stale(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}\n")
    assert not is_stale(tmp_path)
    assert not is_stale(tmp_path / FILE)


def test_a_failed_run_leaves_the_old_predictions(world: Path) -> None:
    run = make_run(world / "majority", "majority")
    predict(run)
    before = (run / FILE).read_bytes()
    Path("data/splits/test.json").unlink()
    with pytest.raises(IsnadError, match="expected a list of article ids"):
        predict(run)
    assert (run / FILE).read_bytes() == before


# --- a real process -------------------------------------------------------------------------------


def judge(world: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    around = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "eval", *map(str, words), "--bootstrap", "100"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=world, env=around, check=False)
    assert "Traceback" not in run.stderr, run.stderr
    return run


def test_eval_makes_predictions_and_writes_three_reports(world: Path) -> None:
    first, second = make_run(world / "rules", "rules"), make_run(world / "majority", "majority")
    run = judge(world, first, second, "-o", world / "report")
    assert run.returncode == 0, run.stderr
    assert run.stderr.count("is not here: judging on composed news alone") == 2, "a line a run that is labelled"
    assert {p.name for p in (world / "report").iterdir()} == {"report.json", "report.md", "report.html", "errors.html"}
    report = json.loads((world / "report/report.json").read_text(encoding="utf-8"))
    assert [r["name"] for r in report["runs"]] == ["rules", "majority"]
    for found in report["runs"]:
        assert {name: s["main"]["n"] for name, s in found["splits"].items()} == {
            "dev": 5, "test": 10, "test-outlets": 5, "seed": 5,
        }  # fmt: skip
    rules, majority = (r["splits"]["test"]["main"]["macro_f1"]["value"] for r in report["runs"])
    assert rules > 0.9 > 0.2 > majority
    assert all((run / FILE).is_file() for run in (first, second))
    assert "| test " in run.stdout


def test_eval_reads_fresh_predictions_and_makes_stale_ones_anew(world: Path) -> None:
    run = make_run(world / "majority", "majority")
    predict(run)
    os.utime(run / "artefact" / MANIFEST, (1_000, 1_000))
    own = run / FILE
    own.write_text(own.read_text(encoding="utf-8").replace('"label": "assert"', '"label": "deny"'), encoding="utf-8")
    assert judge(world, run).returncode == 0
    assert '"label": "deny"' in own.read_text(encoding="utf-8"), "fresh predictions are believed"
    os.utime(own, (500, 500))
    assert judge(world, run).returncode == 0
    assert '"label": "deny"' not in own.read_text(encoding="utf-8")


# --- the splitter's figures -----------------------------------------------------------------------


def test_counts_add_and_divide() -> None:
    counts = Counts(6, 2, 0) + Counts(0, 0, 4)
    assert counts == Counts(6, 2, 4)
    assert (counts.precision, counts.recall, counts.f1) == (0.75, 0.6, 12 / 18)
    for empty in (Counts(), Counts(0, 3, 0), Counts(0, 0, 3)):
        assert (empty.precision, empty.recall, empty.f1) == (0, 0, 0)


def test_gold_spans_follow_each_other_without_invisible_edges() -> None:
    assert gold_spans("نعم. نعم. لا.", ["نعم.", "نعم.", "لا."]) == {(0, 4), (5, 9), (10, 13)}
    assert gold_spans("\u200fنعم.\u200e لا\u200cشيء.", ["\u200fنعم.\u200e", "لا\u200cشيء."]) == {(1, 5), (7, 14)}
    with pytest.raises(ValueError, match="substring not found"):
        gold_spans("نعم. لا.", ["لا.", "نعم."])


def test_the_hard_set_keeps_its_figure() -> None:
    counts = hard_set(ROOT / "tests/data/hard_sentences.jsonl")
    assert counts.right + counts.missed > 200
    assert counts.f1 >= 0.95


def test_hard_set_counts_whole_spans(tmp_path: Path) -> None:
    cases = [
        {"text": "وصل الوفد. وغادر الوزير.", "sentences": ["وصل الوفد.", "وغادر الوزير."]},
        {"text": "وصل الوفد. وغادر الوزير.", "sentences": ["وصل الوفد. وغادر الوزير."]},
    ]
    write_lines(tmp_path / "cases.jsonl", cases)
    assert hard_set(tmp_path / "cases.jsonl") == Counts(right=2, wrong=2, missed=1)


def document(*pieces: tuple[str, Stance | None]) -> Document:
    """A document of one line a piece."""
    units, text = [], ""
    for words, label in pieces:
        start = len(text)
        units.append(Unit(start, start + len(words), sentence_hash(words), label, False, None, None, ("author",)))
        text += words + "\n"
    return Document("d", TITLE, text, "نشرة لؤلؤة", "", "article", "composed", tuple(units))


def test_no_proposition_is_counted_against_the_labels() -> None:
    byline, news = "الرياض - واس", SENTENCES["assert"]
    assert no_proposition([document((byline, None), (news, Stance.ASSERT))]) == Counts(right=1)
    assert no_proposition([document((byline, Stance.ASSERT), (news, None))]) == Counts(wrong=1, missed=1)
    assert no_proposition([]) == Counts()


def test_no_proposition_judges_a_title_without_a_place() -> None:
    title = Unit(-1, -1, sentence_hash(TITLE), Stance.ASSERT, False, None, None, ("author",))
    base = document((SENTENCES["assert"], Stance.ASSERT))
    with_title = Document(base.doc_id, TITLE, base.text, base.outlet, "", base.kind, base.corpus, (title, *base.units))
    assert no_proposition([with_title]) == Counts()
