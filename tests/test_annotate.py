"""To annotation tools and back: nothing is lost, files in the tools' documented forms are read, blame is precise."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Newsroom, invented, python
from hypothesis import given
from hypothesis import strategies as st

from isnad.annotate.commands import FORMATS, format_of, read_all
from isnad.annotate.task import Answer, Task, checked, find_span, read_tasks
from isnad.cli import cli
from isnad.errors import IsnadError
from isnad.examples import read_documents, sentence_hash

# --- nothing is lost ------------------------------------------------------------------------------

WORDS = st.text(st.sampled_from("نفتالوزرة ،.«»\"'|\\\t:;=+-😀é0"), min_size=1, max_size=40).filter(str.strip)
NAMES = st.sampled_from(["amal", "badr@desk.example", "reader-3 + reader-11 + adjudicator", "زيد"])


@st.composite
def spans(draw: st.DrawFn, length: int) -> tuple[int, int] | None:
    if draw(st.booleans()):
        return None
    start = draw(st.integers(0, length - 1))
    return start, draw(st.integers(start + 1, length))


@st.composite
def answers(draw: st.DrawFn, task: Task, name: str, *, model: bool = False) -> Answer:
    length = len(task.text)
    flags = {flag: draw(st.booleans()) for flag in ("attributed", "unsure", "trap")}
    label = draw(st.sampled_from(["assert", "deny", "attribute", "speculate", "skip"]))
    own = Answer(name, label, cue=draw(spans(length)), source=draw(spans(length)), guidelines=draw(st.integers(1, 3)))
    score = draw(st.floats(0.25, 1)) if model else None
    return checked(task, replace(own, **flags, score=score))


@st.composite
def batches(draw: st.DrawFn) -> list[Task]:
    found = []
    for number in range(draw(st.integers(1, 3))):
        text = draw(WORDS)
        start = draw(st.sampled_from([-1, 7]))
        end = start if start < 0 else start + len(text)
        task = Task("own", f"a/{number}: ب", start, end, text, title=draw(WORDS).strip(), before=draw(WORDS).strip())
        names = draw(st.lists(NAMES, unique=True, max_size=3))
        suggestion = draw(answers(task, "model-1", model=True)) if draw(st.booleans()) else None
        found.append(replace(task, answers=tuple(draw(answers(task, name)) for name in names), suggestion=suggestion))
    return found


def there_and_back(form: str, tasks: list[Task], folder: Path) -> list[Task]:
    tool = format_of(form)
    paths = []
    for suffix, content in tool.write(tasks).items():
        if suffix.endswith(tool.SUFFIX):
            paths.append(folder / f"batch{suffix}")
            paths[-1].write_text(content, encoding="utf-8")
    return read_all(form, paths)


def by_reference(tasks: list[Task]) -> dict[str, Task]:
    """Order of sentences and of annotators is the tool's affair."""
    return {t.reference: replace(t, answers=tuple(sorted(t.answers, key=lambda a: a.annotator))) for t in tasks}


@pytest.mark.parametrize("form", FORMATS)
@given(tasks=batches())
def test_a_round_trip_loses_nothing(form: str, tasks: list[Task], tmp_path_factory: pytest.TempPathFactory) -> None:
    back = there_and_back(form, tasks, tmp_path_factory.mktemp(form))
    assert by_reference(back) == by_reference(tasks)


# --- files in the documented forms ----------------------------------------------------------------

SENTENCE = "😀 نفت وزارة الري الخبر."
TASK = Task("own", "a1", 5, 5 + len(SENTENCE), SENTENCE, title="عنوان")
CUE, SOURCE = (2, 5), (6, 16)
DENIED = {"label": "deny", "attributed": True, "cue": list(CUE), "source": list(SOURCE)}


def the_answer(form: str, path: Path) -> Answer:
    (task,) = read_all(form, [path])
    (answer,) = task.answers
    assert (task.words(answer.cue), task.words(answer.source)) == ("نفت", "وزارة الري")
    assert (answer.label, answer.attributed) == ("deny", True)
    return answer


def label_studio(tmp_path: Path, *, shift: int) -> Path:
    """An export as the task format page shows it; `shift` is how far a browser counts an emoji on."""
    about = {"reference": TASK.reference, "sha1": sentence_hash(SENTENCE), "title": "عنوان"}

    def item(name: str, kind: str, value: dict) -> dict:
        return {
            "id": "Dx_aB91ISN",
            "from_name": name,
            "to_name": "text",
            "type": kind,
            "origin": "manual",
            "value": value,
        }

    def mark(name: str, span: tuple[int, int]) -> dict:
        words = SENTENCE[span[0] : span[1]]
        return item(
            "span", "labels", {"start": span[0] + shift, "end": span[1] + shift, "text": words, "labels": [name]}
        )

    result = [item("stance", "choices", {"choices": ["deny"]}), item("marks", "choices", {"choices": ["attributed"]})]
    task = {
        "id": 1, "created_at": "2021-03-09T21:52:49.513742Z", "project": 83, "data": {"text": SENTENCE, **about},
        "annotations": [
            {"id": 1001, "result": [*result, mark("cue", CUE), mark("source", SOURCE)], "was_cancelled": False,
             "ground_truth": False, "lead_time": 4.288, "task": 1,
             "completed_by": {"id": 10, "email": "amal@desk.example", "first_name": "", "last_name": ""}},
            {"id": 1002, "result": [], "was_cancelled": True, "completed_by": 11},
        ],
        "predictions": [],
    }  # fmt: skip
    path = tmp_path / "project-83.json"
    path.write_text(json.dumps([task], ensure_ascii=False), encoding="utf-8")
    return path


@pytest.mark.parametrize("shift", [0, 1], ids=["code points", "UTF-16 units"])
def test_label_studio_export_is_read_however_it_counts(tmp_path: Path, shift: int) -> None:
    assert the_answer("label-studio", label_studio(tmp_path, shift=shift)).annotator == "amal@desk.example"


def test_label_studio_numbers_for_annotators_become_names(tmp_path: Path) -> None:
    path = label_studio(tmp_path, shift=0)
    row = json.loads(path.read_text())
    row[0]["annotations"][0]["completed_by"] = 10
    path.write_text(json.dumps(row))
    assert the_answer("label-studio", path).annotator == "user-10"
    out = tmp_path / "readings"
    result = CliRunner().invoke(
        cli, ["annotate", "import", "label-studio", str(path), "-o", str(out), "--rename", "user-10=amal"]
    )
    assert result.exit_code == 0, result.output
    (document,) = read_documents([out / "amal.jsonl"])
    assert document.units[0].annotators == ("amal",)


def test_label_studio_min_export_is_read(tmp_path: Path) -> None:
    span = [
        {"start": a, "end": b, "text": SENTENCE[a:b], "labels": [n]} for n, (a, b) in (("cue", CUE), ("source", SOURCE))
    ]
    row = {
        "id": 1, "text": SENTENCE, "reference": TASK.reference, "stance": "deny", "marks": "attributed", "span": span,
        "annotator": 3, "annotation_id": 7, "created_at": "2021-03-09T21:52:49.513742Z", "lead_time": 2.1,
    }  # fmt: skip
    (tmp_path / "min.json").write_text(json.dumps([row]))
    assert the_answer("label-studio", tmp_path / "min.json").annotator == "user-3"


def test_argilla_records_are_read(tmp_path: Path) -> None:
    user = "2f0f3b9e-0000-4000-8000-000000000001"
    record = {
        "id": "r1", "_server_id": "f7", "status": "completed", "vectors": {},
        "fields": {"text": SENTENCE, "title": "عنوان"}, "metadata": {"reference": TASK.reference},
        "suggestions": {"stance": {"value": "assert", "score": 0.61, "agent": "rules"}},
        "responses": {
            "stance": [{"value": "deny", "user_id": user}], "marks": [{"value": ["attributed"], "user_id": user}],
            "spans": [{"user_id": user, "value": [
                {"start": CUE[0], "end": CUE[1], "label": "cue"},
                {"start": SOURCE[0], "end": SOURCE[1], "label": "source"}]}],
        },
    }  # fmt: skip
    (tmp_path / "records.json").write_text(json.dumps([record]))
    assert the_answer("argilla", tmp_path / "records.json").annotator == user
    (task,) = read_all("argilla", [tmp_path / "records.json"])
    assert task.suggestion is not None
    assert (task.suggestion.annotator, task.suggestion.label, task.suggestion.score) == ("rules", "assert", 0.61)


def test_doccano_export_is_read_and_its_file_names_the_annotator(tmp_path: Path) -> None:
    """doccano keeps the columns that it was given, so a re-export still holds who answered before."""
    row = {"id": 12, "text": SENTENCE, "cats": ["deny", "attributed"], "reference": TASK.reference, "Comments": [],
           "entities": [[*CUE, "cue"], {"id": 4, "label": "source", "start_offset": 6, "end_offset": 16}],
           "answered_by": "somebody before"}  # fmt: skip
    (tmp_path / "amal.jsonl").write_text(json.dumps(row) + "\n")
    assert the_answer("doccano", tmp_path / "amal.jsonl").annotator == "amal"


def test_a_spreadsheet_with_words_alone_is_read(tmp_path: Path) -> None:
    """No hashes, no offsets: the cue is where it first stands as a whole word, the source nearest to it."""
    text = "الوزير في المنفى بعيد، وقد نفى الوزير الخبر."
    head = f"reference,text,annotator,label,attributed,cue,source\r\nown:a1:0-{len(text)},"
    (tmp_path / "sheet.csv").write_text(f'{head}"{text}",amal,DENY,x,نفى,الوزير\r\n', encoding="utf-8-sig")
    (task,) = read_all("csv", [tmp_path / "sheet.csv"])
    (answer,) = task.answers
    assert answer.source == (text.index("الوزير", 9), text.index("الوزير", 9) + 6)
    assert answer.cue == (text.index(" نفى ") + 1, text.index(" نفى ") + 4)


def test_checkthat_tsv_with_three_columns_is_read(tmp_path: Path) -> None:
    text = 'قال "المدير" إن كل شيء تمام'
    (tmp_path / "badr.tsv").write_text(f"sentence_id\tsentence\tlabel\nown:a1:0-{len(text)}\t{text}\tattribute\n")
    (task,) = read_all("checkthat", [tmp_path / "badr.tsv"])
    assert [(a.annotator, a.label, a.attributed) for a in task.answers] == [("badr", "attribute", True)]


# --- blame ----------------------------------------------------------------------------------------


CSV_HEAD, TSV_HEAD = "reference,text,label", "sentence_id\tsentence\tlabel"
TWO_STANCES = '{"id": 1, "reference": "own:a:0-2", "text": "نص", "cats": ["deny", "assert"]}\n'


@pytest.mark.parametrize(
    ("form", "content", "message"),
    [
        ("csv", "text,label\nنص,deny\n", "1: expected the columns reference, text, label, found no reference"),
        ("csv", f"{CSV_HEAD}\nown:a:0-2,نص,denial\n", "2: expected one of assert.*found 'denial'"),
        ("csv", f"{CSV_HEAD},cue\nown:a:0-2,نص,deny,قال\n", "2: expected words of the sentence"),
        ("csv", f"{CSV_HEAD}\nown:a:0-9,نص,deny\n", "2: expected 9 characters"),
        ("csv", f"{CSV_HEAD}\nnothing,نص,deny\n", "2: expected corpus:doc_id:start-end"),
        ("checkthat", f"{TSV_HEAD}\nown:a:0-2\tن\tص\tdeny\n", "2: expected 3 columns, found 4"),
        ("doccano", '{"id": 1, "text": "نص", "cats": ["deny"]}\n', "1: expected the field `reference`"),
        ("doccano", TWO_STANCES, "1: expected one stance .* found deny, assert"),
        ("label-studio", "{}", " expected a list of tasks.*found dict"),
        ("label-studio", '[{"id": 8, "data": {"text": "نص"}}]', " task 8: expected the field `reference`"),
        ("argilla", '[{"id": "r", "fields": {}}]', " record r: expected the field 'text'"),
    ],
)
def test_a_bad_file_is_blamed_where_it_is_bad(tmp_path: Path, form: str, content: str, message: str) -> None:
    (tmp_path / "file.txt").write_text(content, encoding="utf-8")
    with pytest.raises(IsnadError, match=rf"file\.txt:{message}"):
        read_all(form, [tmp_path / "file.txt"])


def test_a_sentence_that_the_tool_changed_is_refused(tmp_path: Path) -> None:
    tasks = [replace(TASK, answers=(Answer("amal", "deny"),))]
    content = format_of("csv").write(tasks)[".csv"].replace("الخبر", "الخير")
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(IsnadError, match="found other words"):
        read_all("csv", [tmp_path / "a.csv"])


def test_one_annotator_with_two_answers_to_a_sentence_is_not_settled_in_silence(tmp_path: Path) -> None:
    for name, label in (("a", "deny"), ("b", "assert"), ("c", "deny")):
        tasks = [replace(TASK, answers=(Answer("amal", label),))]
        (tmp_path / f"{name}.csv").write_text(format_of("csv").write(tasks)[".csv"], encoding="utf-8")
    with pytest.raises(IsnadError, match=r"one answer by amal to own:a1:5-.*found two that differ"):
        read_all("csv", [tmp_path / "a.csv", tmp_path / "b.csv"])
    (task,) = read_all("csv", [tmp_path / "a.csv", tmp_path / "c.csv"])
    assert [a.label for a in task.answers] == ["deny"]


def test_words_are_found_whole_and_near() -> None:
    text = "والنفي ثم نفي ثم نفي"
    assert find_span(text, "نفي") == (10, 13)
    assert find_span(text, "نفي", near=19) == (17, 20)
    assert find_span(text, "لنف") == (2, 5)
    assert find_span(text, "") is None


# --- the commands, as processes -------------------------------------------------------------------


def test_from_articles_to_readings_and_a_settled_file(tmp_path: Path) -> None:
    """Export, two annotators, import, agreement, adjudication in two sittings."""
    (tmp_path / "story.txt").write_text(
        "نفت الوزارة النبأ. وقد ترتفع الأسعار. وصل الوفد إلى المدينة.", encoding="utf-8"
    )
    done = run(tmp_path, "export", "csv", "story.txt", "--model", "rules", "-o", "tasks.csv")
    assert "3 sentences, 0 answers" in done.stderr
    rows = (tmp_path / "tasks.csv").read_text(encoding="utf-8-sig").splitlines()
    assert ",deny," in rows[1], "the rules' answer goes along as suggestion"
    for name, labels in (("amal", ["deny", "speculate", "assert"]), ("badr", ["deny", "assert", "attribute"])):
        lines = [rows[0]]
        for row, label in zip(rows[1:], labels, strict=True):
            lines.append(filled(rows[0], row, annotator=name, label=label))
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(tmp_path, "import", "csv", "amal.csv", "badr.csv", "-o", "readings")
    readings = ["readings/amal.jsonl", "readings/badr.jsonl"]
    assert sorted(p.name for p in (tmp_path / "readings").iterdir()) == ["amal.jsonl", "badr.jsonl"]
    assert "نفت" not in (tmp_path / readings[0]).read_text(), "readings hold no text"
    table = run(tmp_path, "agreement", *readings, "--rounds", "5").stdout
    assert "| agreement | 0.333 (0.333 to 0.333) |" in table

    texts = ["--text", "story.jsonl"]
    story = {"doc_id": "story", "corpus": "own", "text": (tmp_path / "story.txt").read_text(), "sentences": []}
    (tmp_path / "story.jsonl").write_text(json.dumps(story), encoding="utf-8")
    first = run(tmp_path, "adjudicate", *readings, *texts, "-o", "settled.jsonl", typed="x\n2\nn\nقد\nq\n")
    assert ">> وقد ترتفع الأسعار." in first.stdout
    assert "a or b: take that reading" in first.stdout, "an unknown key shows what can be typed"
    assert "2 sentences; 1 wait for an answer" in first.stderr
    second = run(tmp_path, "adjudicate", *readings, *texts, "-o", "settled.jsonl", typed="?1\n")
    assert "2 of 2" in second.stdout
    assert "ترتفع" not in second.stdout.split(">>")[1].split("\n")[0], "what is settled is not asked again"
    (document,) = read_documents([tmp_path / "settled.jsonl"])
    labels = [(u.label.value if u.label else "skip", u.annotators, u.unsure) for u in document.units]
    both = ("amal", "badr", "adjudicator")
    assert labels == [("deny", ("amal",), False), ("deny", both, False), ("assert", both, True)]


def run(folder: Path, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    done = python("-m", "isnad", "annotate", *words, cwd=folder, typed=typed)
    assert done.returncode == 0, done.stderr
    return done


def filled(head: str, row: str, **cells: str) -> str:
    columns, values = head.split(","), row.split(",")
    for name, value in cells.items():
        values[columns.index(name)] = value
    return ",".join(values)


def test_labelled_data_goes_out_with_every_reader(newsroom: Newsroom, tmp_path: Path) -> None:
    """Standoff news is joined with its text; the readings of two folders meet on one task."""
    newsroom.write()
    labelled = newsroom.data / "news/antcorpus.jsonl"
    tasks = read_tasks([labelled], newsroom.corpora)
    assert {a.annotator for t in tasks for a in t.answers} == {"author"}
    assert all(t.text and len(t.text) == t.end - t.start for t in tasks if t.start >= 0)
    assert by_reference(there_and_back("label-studio", tasks, tmp_path)) == by_reference(tasks)
    with pytest.raises(IsnadError, match=r"jsonl:1: .*the text of .* is not here; .*--corpora"):
        read_tasks([labelled], None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["export", "csv", "none.txt", "-o", "x.csv"], "none.txt: no such file"),
        (["import", "csv", "none.csv", "-o", "x"], "none.csv: no such file"),
        (["adjudicate", "a.jsonl", "a.jsonl", "-o", "x"], "a.jsonl: no such file"),
    ],
)
def test_bad_input_ends_in_one_sentence(tmp_path: Path, words: list[str], message: str) -> None:
    done = python("-m", "isnad", "annotate", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


# --- suggestions ----------------------------------------------------------------------------------


def test_suggestions_are_new_unlike_and_never_near_a_held_out_article(newsroom: Newsroom, tmp_path: Path) -> None:
    data = newsroom.write().data
    held = newsroom.composed["test"][0]
    pool = [invented(f"pool-{n}") for n in range(6)]
    near = {**held, "doc_id": "copy", "text": held["text"] + " وختم."}
    file = tmp_path / "pool.jsonl"
    rows = [{k: a[k] for k in ("doc_id", "title", "text", "outlet", "date")} for a in (*pool, near)]
    file.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    words = ["suggest", str(file), "--count", "12", "--model", "rules", "--data", str(data), "-o", "batch.jsonl"]
    done = run(tmp_path, *words)
    assert "1 articles left out" in done.stderr
    batch = [json.loads(line) for line in (tmp_path / "batch.jsonl").read_text().splitlines()]
    assert sum(len(a["sentences"]) for a in batch) == 12
    assert "copy" not in {a["doc_id"] for a in batch}
    assert len(batch) == 6, "with diversity on, no article is drained before the others are touched"
    assert all(a["text"][u["start"] : u["end"]] for a in batch for u in a["sentences"])
    run(tmp_path, "export", "label-studio", "batch.jsonl", "-o", "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert len(tasks) == 12
    assert all(t["predictions"] for t in tasks)
    assert (tmp_path / "tasks.xml").read_text().startswith('<View dir="rtl">')
    run(tmp_path, *words[:-1], "again.jsonl")
    assert (tmp_path / "again.jsonl").read_text() == (tmp_path / "batch.jsonl").read_text()
