"""What `isnad label` reads at once and writes: formats, folders, columns, messages for machines, completion, memory."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import ROOT, invented, write_lines, write_text

from isnad.commands.common import speak_json, watched
from isnad.commands.inputs import Inputs
from isnad.frames import from_pandas
from isnad.labels import Stance
from isnad.output.journal import Mark
from isnad.output.writers import format_of
from isnad.predictions import Prediction

AROUND = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
NEWS = "نفت وزارة الحدائق بيع الحديقة. وقال سامر الوردي إن الأشجار باقية.\n"
META = {
    "title": "حديقة",
    "outlet": "نشرة الورق",
    "date": "2024-05-14",
    "author": "سامر",
    "url": "https://example.org/1",
}


def isnad(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "isnad", *map(str, words)]
    run = subprocess.run(command, capture_output=True, cwd=cwd, env=AROUND | (env or {}), check=False)
    assert b"Traceback" not in run.stderr, run.stderr.decode()
    return run


def label(*words: str | Path, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[bytes]:
    run = isnad("label", "--model", "rules", *words, cwd=cwd)
    assert run.returncode == code, run.stderr.decode()
    return run


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """One article that says all about itself, one that says nothing."""
    write_lines(tmp_path / "feed.jsonl", [{"doc_id": "a-1", "text": NEWS, **META}, {"doc_id": "a-2", "text": NEWS}])
    return tmp_path


# --- formats --------------------------------------------------------------------------------------


def test_the_name_of_the_output_says_its_format(feed: Path) -> None:
    for name, beginning in (
        ("a.jsonl", b'{"doc_id"'),
        ("a.ndjson", b'{"doc_id"'),
        ("a.CSV", b"\xef\xbb\xbfdoc_id,"),
        ("a.parquet", b"PAR1"),
        ("a.htm", b"<!"),
        ("a.txt", "── a-1 ──".encode()),
    ):
        label("feed.jsonl", "-o", name, cwd=feed)
        assert (feed / name).read_bytes().startswith(beginning), name
    label("feed.jsonl", "-o", "b.csv", "--format", "jsonl", cwd=feed)
    assert lines((feed / "b.csv").read_bytes())
    assert format_of(None) == "table"


def test_what_is_known_of_an_article_stands_in_its_records(feed: Path) -> None:
    found = lines(label("feed.jsonl", "--format", "jsonl", cwd=feed).stdout)
    assert [r["doc_id"] for r in found] == ["a-1", "a-1", "a-2", "a-2"]
    for r in found[:2]:
        assert META.items() <= r.items()
    assert not set(META) & set(found[2])


def test_csv_holds_what_jsonl_holds(feed: Path) -> None:
    label("feed.jsonl", "-o", "a.csv", cwd=feed)
    with (feed / "a.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = lines(label("feed.jsonl", "--format", "jsonl", cwd=feed).stdout)
    assert len(rows) == len(found) == 4
    for row, r in zip(rows, found, strict=True):
        assert (row["doc_id"], row["text"], row["label"], row["outlet"]) == (
            r["doc_id"],
            r["text"],
            r["label"],
            r.get("outlet", ""),
        )
        assert float(row["score_deny"]) == r["scores"]["deny"]
        assert (row["cue"], int(row["cue_start"])) == (r["cue"]["text"], r["cue"]["start"])


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    odd = ["=HYPERLINK(0) قال الحارس ذلك.", "+قال الحارس ذلك.", "- قال الحارس ذلك.", "@قال الحارس ذلك."]
    write_lines(tmp_path / "a.jsonl", [{"doc_id": "=1", "title": "\t=1", "text": text} for text in odd])
    label("a.jsonl", "-o", "a.csv", cwd=tmp_path)
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["text"] for row in rows] == [f"'{text}" for text in odd]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for row in rows for cell in row.values())


def test_parquet_gives_the_articles_back(feed: Path) -> None:
    label("feed.jsonl", "-o", "a.parquet", cwd=feed)
    first, second = from_pandas(pq.read_table(feed / "a.parquet").to_pandas())
    assert (first.text, first.title, first.model) == (NEWS, "حديقة", "rules")
    assert (second.text, second.title) == (NEWS, None)
    assert [s.label.value for s in first.sentences if s.label] == ["deny", "attribute"]
    assert label("feed.jsonl", "--format", "parquet", cwd=feed).stdout == (feed / "a.parquet").read_bytes()


def test_failing_parquet_leaves_nothing(tmp_path: Path) -> None:
    label("gone.txt", "-o", "a.parquet", cwd=tmp_path, code=1)
    assert list(tmp_path.iterdir()) == []


# --- inputs ---------------------------------------------------------------------------------------


def test_folders_patterns_and_columns(tmp_path: Path) -> None:
    write_text(tmp_path / "in/a.txt", NEWS)
    write_text(tmp_path / "in/deep/b.txt", NEWS)
    write_text(tmp_path / "c.csv", f'headline,body\nحديقة,"{NEWS}"\n')
    write_text(tmp_path / "d.txt", NEWS)
    words = ["in", "d*.txt", "c.csv", "--column", "text=body", "--column", "title=headline"]
    found = lines(label(*words, "--format", "jsonl", cwd=tmp_path).stdout)
    assert [r["doc_id"] for r in found[::2]] == ["a", "b", "d", "c-2"]
    assert found[-1]["title"] == "حديقة"
    run = isnad("label", "d.txt", "--column", "body", cwd=tmp_path)
    assert run.returncode == 2
    assert b"expected FIELD=COLUMN, as in text=body, found body" in run.stderr


def test_answers_within_a_folder_are_not_labelled_again(tmp_path: Path) -> None:
    write_text(tmp_path / "in/a.txt", NEWS)
    for _ in range(2):
        label("in", "-o", "in/answers.jsonl", cwd=tmp_path)
        assert {r["doc_id"] for r in lines((tmp_path / "in/answers.jsonl").read_bytes())} == {"a"}


def test_failures_stand_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_text(tmp_path / "mute.txt", "\u200f\u200f\n")
    write_text(tmp_path / "bad.jsonl", '{"text": 3}\n' + json.dumps({"text": NEWS}) + "\n{\n")
    run = label("gone.txt", "empty", "mute.txt", "bad.jsonl", "none*.html", cwd=tmp_path, code=3)
    errors = [line for line in run.stderr.decode().splitlines() if line.startswith("error: ")]
    for name, error in zip(["gone.txt", "empty", "mute", "bad.jsonl:1", "bad.jsonl:3", "none*"], errors, strict=True):
        assert name in error


def test_an_article_that_the_classifier_fails_on_is_named(feed: Path) -> None:
    class Weak:
        name = "weak"

        def predict(self, sentences: Sequence[str], **_: Any) -> list[Prediction]:
            if any("سامر" in s for s in sentences):
                raise RuntimeError("too much")
            return [Prediction(Stance.DENY, 0.9, {}) for _ in sentences]

    write_lines(feed / "more.jsonl", [{"doc_id": "a-3", "text": "نفى الحارس ذلك."}])
    inputs = Inputs([str(feed / "feed.jsonl"), str(feed / "more.jsonl")], None)
    found = list(inputs.labelled(Weak(), Mark()))
    assert [[s.label for s in answer.sentences] for _, answer in found] == [[None, None], [None, None], [Stance.DENY]]
    assert [str(f).partition(":")[0] for f in inputs.failures] == ["a-1", "a-2"]


# --- messages for machines --------------------------------------------------------------------------


def test_json_errors_are_an_object_a_line(feed: Path) -> None:
    write_text(feed / "bad.jsonl", '{"text": 3}\n')
    write_text(feed / "english.txt", "The ministry denied it.\n")
    run = label("bad.jsonl", "english.txt", "feed.jsonl", "--json-errors", cwd=feed, code=3)
    said = lines(run.stderr)
    assert [(s["level"], s["path"], s["line"]) for s in said] == [
        ("warning", None, None),
        ("error", "bad.jsonl", 1),
        ("note", None, None),
    ]
    assert said[1]["message"].startswith("expected a")
    assert all(set(s) == {"level", "message", "path", "line"} for s in said)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--json-errors", "label", "gone.txt", "--model", "rules"], 1),
        (["label", "--json-errors", "--no-such-option"], 2),
        (["lable", "--json-errors"], 2),
        (["annotate", "agreement", "gone", "gone", "--json-errors"], 2),
        (["label", "a", "--model", "gone", "--json-errors"], 1),
    ],
)
def test_json_errors_hold_for_every_command(words: list[str], code: int, tmp_path: Path) -> None:
    run = isnad(*words, cwd=tmp_path)
    assert run.returncode == code
    assert [s["level"] for s in lines(run.stderr)] == ["error"]
    assert run.stdout == b""


def test_progress_is_an_object_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr("isnad.commands.common.time.monotonic", lambda: float(next(clock)))
    speak_json(True)
    try:
        list(watched(range(4), lambda: 20, already=5))
        list(watched(range(4), lambda: 0))
    finally:
        speak_json(False)
    first, second = lines(capsys.readouterr().err.encode())
    assert (first["level"], first["done"], first["total"], first["seconds_left"]) == ("progress", 8, 20, 48)
    assert first["message"] == "labelled 8 of 20 articles, about 48 s left"
    assert (second["level"], second["done"], "total" in second) == ("progress", 3, False)


# --- completion -------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    command = tmp_path / "bin/isnad"
    write_text(command, f'#!/bin/sh\nexec "{sys.executable}" -m isnad "$@"\n')
    command.chmod(0o755)
    script = (
        'eval "$(isnad completion bash)"\n'
        "complete -p isnad\n"
        'try() { COMP_WORDS=(isnad "$@"); COMP_CWORD=$#; COMPREPLY=(); _isnad_completion isnad; echo ${COMPREPLY[*]}; }'
        "\n"
        "try prof\ntry label --json\ntry label --format j\n"
    )
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, cwd=tmp_path, env={**AROUND, "PATH": path},
        check=True,
    )  # fmt: skip
    assert run.stdout.splitlines() == [
        "complete -o nosort -F _isnad_completion isnad",
        "profile",
        "--json-errors",
        "jsonl",
    ]


def test_completion_for_other_shells(tmp_path: Path) -> None:
    for shell, sign in (("zsh", b"compdef _isnad_completion isnad"), ("fish", b"complete --no-files --command isnad")):
        run = isnad("completion", shell, cwd=tmp_path)
        assert run.returncode == 0
        assert sign in run.stdout
    assert isnad("completion", "cmd", cwd=tmp_path).returncode == 2


# --- memory -----------------------------------------------------------------------------------------


def peak(folder: Path, articles: int, form: str) -> int:
    """Peak memory, in KB, of labelling articles of ten sentences, in a process of its own."""
    write_lines(folder / "many.jsonl", [{"text": invented(f"m-{n % 50}")["text"]} for n in range(articles)])
    code = (
        "import sys\n"
        "from isnad.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(open('/proc/self/status').read(), file=sys.stderr)\n"
    )
    words = ["label", "many.jsonl", "--model", "rules", "-o", f"out.{form}"]
    run = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, cwd=folder, env=AROUND, check=True)
    assert (folder / f"out.{form}").stat().st_size > 1000
    return int(run.stderr.decode().partition("VmHWM:")[2].split()[0])


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="no /proc to read the peak memory from")
@pytest.mark.parametrize(("form", "articles"), [("jsonl", 100), ("parquet", 300)])
def test_memory_does_not_grow_with_the_archive(form: str, articles: int, tmp_path: Path) -> None:
    small, large = peak(tmp_path, articles, form), peak(tmp_path, 2000, form)
    assert large - small < 12_000
