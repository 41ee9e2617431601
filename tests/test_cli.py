"""The command line as a user meets it: real processes, rules only (no weights needed), all news invented."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from isnad import __version__
from isnad.articles import read_articles
from isnad.cli import cli
from isnad.commands.common import count, watched

ROOT = Path(__file__).parent.parent
NEWS = (
    "نفت وزارة الحدائق في لؤلؤة صحة ما تردد عن بيع الحديقة الكبرى.\r\n"
    "وقال المتحدث باسمها سامر الوردي إن الأشجار ستبقى في مكانها.\n\n"
    "وقد ترتفع رسوم الدخول في الربيع المقبل. وافتُتحت الحديقة قبل عشرين عاماً."
)
STANCES = ["deny", "attribute", "speculate", "assert"]
PREDICTION = {"label", "score", "scores", "abstained", "attributed", "cue", "source", "warnings", "label_set"}


def isnad(
    *words: str | Path, stdin: bytes = b"", env: dict[str, str] | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """`isnad WORDS`; output must be UTF-8 whatever the locale, and no failure may show a traceback."""
    command = [sys.executable, "-m", "isnad", *map(str, words)]
    around = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    run = subprocess.run(command, input=stdin, capture_output=True, timeout=240, env=around, cwd=cwd, check=False)
    done = subprocess.CompletedProcess(command, run.returncode, run.stdout.decode(), run.stderr.decode())
    assert "Traceback" not in done.stderr, done.stderr
    return done


def label(*words: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return isnad("label", "--model", "rules", *words, **more)


def records(*words: str | Path, **more: Any) -> list[dict[str, Any]]:
    run = label("--format", "jsonl", *words, **more)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.split("\n")[:-1]]


@pytest.fixture
def news(tmp_path: Path) -> Path:
    path = tmp_path / "news.txt"
    path.write_bytes(NEWS.encode())
    return path


# --- help and version -----------------------------------------------------------------------------


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, isnad.cli\n"
        "try: isnad.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'torch', 'onnxruntime', 'jinja2', 'trafilatura', 'transformers', 'pydantic', 'yaml'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "HEAVY []" in run.stdout
    assert "label" in run.stdout
    assert "check" in run.stdout


def test_version_and_usage_errors() -> None:
    assert isnad("--version").stdout == f"isnad {__version__}\n"
    for words in (["label"], ["label", "x", "--format", "pdf"], ["lable", "x"], ["label", "x", "--no-such"]):
        run = isnad(*words)
        assert run.returncode == 2, words
        assert run.stdout == ""


# --- formats --------------------------------------------------------------------------------------


def test_jsonl_has_every_field_and_offsets_hold(news: Path) -> None:
    found = records(news)
    assert [r["label"] for r in found] == STANCES
    assert [r["sentence"] for r in found] == [0, 1, 2, 3]
    for r in found:
        assert set(r) == {"doc_id", "sentence", "start", "end", "text"} | PREDICTION
        assert NEWS[r["start"] : r["end"]] == r["text"]
        assert r["doc_id"] == "news"
        assert set(r["scores"]) == {"assert", "deny", "attribute", "speculate"}
        for span in (r["cue"], r["source"]):
            assert span is None or NEWS[span["start"] : span["end"]] == span["text"]
    assert found[0]["cue"]["text"] == "نفت"
    assert found[1]["source"] is not None


def test_table_is_the_default(news: Path) -> None:
    run = label(news)
    assert run.returncode == 0
    assert run.stderr == ""
    assert "✕ deny" in run.stdout
    assert "assert 1" in run.stdout
    assert "── news ──" not in run.stdout


def test_several_tables_stand_under_their_names(news: Path, tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("عاد القطار إلى المحطة مساءً.", encoding="utf-8")
    run = label(news, tmp_path / "more.txt")
    assert run.stdout.index("── news ──") < run.stdout.index("── more ──")


def test_html_is_one_page_of_all_articles(news: Path) -> None:
    run = label("--format", "html", news, news)
    assert run.returncode == 0
    assert run.stdout.lower().count("<!doctype html") == 1
    assert "نفت" in run.stdout


# --- inputs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1256"])
def test_encodings_give_the_same_records(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    path.write_bytes(NEWS.encode(encoding))
    found = records(path)
    assert [r["label"] for r in found] == STANCES
    assert all(NEWS[r["start"] : r["end"]] == r["text"] for r in found)


def test_standard_input_is_bytes() -> None:
    assert [r["label"] for r in records("-", stdin=NEWS.encode("cp1256"))] == STANCES


def test_article_jsonl_keeps_ids_and_gives_the_title_as_context(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    rows = [
        {"doc_id": "a-7", "title": "حديقة لؤلؤة", "text": NEWS, "outlet": "نشرة", "sentences": []},
        {"doc_id": "a-8", "text": "نفى المدير ذلك."},
    ]
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    found = records(path)
    assert [r["doc_id"] for r in found] == ["a-7"] * 4 + ["a-8"]
    assert found[4]["sentence"] == 0
    page = label("--format", "html", path)
    assert "حديقة لؤلؤة" in page.stdout


def test_our_own_composed_articles_are_labelled_with_offsets_that_hold() -> None:
    path = ROOT / "data" / "composed" / "a1.jsonl"
    texts = {a.doc_id: a.text for a in read_articles(path)}
    found = records(path)
    assert {r["doc_id"] for r in found} == set(texts)
    for r in found:
        text = texts[r["doc_id"]]
        assert text[r["start"] : r["end"]] == r["text"]
        assert all(text[s["start"] : s["end"]] == s["text"] for s in (r["cue"], r["source"]) if s)


def test_what_is_not_arabic_is_not_labelled(tmp_path: Path) -> None:
    path = tmp_path / "english.txt"
    path.write_text("The ministry denied the report. It said no more.", encoding="utf-8")
    run = label("--format", "jsonl", path)
    assert run.returncode == 0
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(r["label"], r["warnings"], r["score"]) for r in found] == [(None, ["not_arabic"], 0.0)] * 2
    assert run.stderr.startswith("warning: english: expected Arabic")


def test_five_megabytes_finish(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    unit = f"{NEWS}\n".encode()
    path.write_bytes(unit * (5_000_000 // len(unit)))
    found = records(path)
    assert len(found) == 4 * (5_000_000 // len(unit))
    text = path.read_bytes().decode()
    assert all(text[r["start"] : r["end"]] == r["text"] for r in found)


# --- failures -------------------------------------------------------------------------------------


@pytest.fixture
def broken(tmp_path: Path) -> list[Path]:
    """An empty file, a binary one, a missing one, a folder, invisible characters, malformed JSON."""
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "binary.bin").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "folder").mkdir()
    (tmp_path / "invisible.txt").write_text("\u200f\u200f\n", encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text('{"text": 3}\n', encoding="utf-8")
    names = ["empty.txt", "binary.bin", "missing.txt", "folder", "invisible.txt", "bad.jsonl"]
    return [tmp_path / name for name in names]


def test_one_bad_file_is_named_and_the_rest_goes_on(news: Path, broken: list[Path]) -> None:
    run = label("--format", "jsonl", *broken[:3], news, *broken[3:])
    assert run.returncode == 3
    assert len(run.stdout.splitlines()) == 4
    errors = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == len(broken)
    assert all(path.stem in error for path, error in zip(broken, errors, strict=True))
    assert run.stderr.splitlines()[-1] == "articles written: 1; what could not be read or labelled stands above"


def test_all_bad_is_exit_1(broken: list[Path]) -> None:
    for path in broken:
        run = label(path)
        assert run.returncode == 1, path
        assert run.stdout == ""
        assert run.stderr.count("error: ") == 1


def test_a_bad_line_leaves_what_came_before_it(tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    path.write_text('{"text": "قال الحارس إن الباب مغلق."}\n{"text": \n', encoding="utf-8")
    run = label("--format", "jsonl", path)
    assert run.returncode == 3
    assert json.loads(run.stdout)["label"] == "attribute"
    assert "half.jsonl:2" in run.stderr


def test_a_model_that_is_not_there_is_one_line(news: Path, tmp_path: Path) -> None:
    for run in (isnad("label", "--model", tmp_path / "none", news), isnad("model", "--model", tmp_path / "none")):
        assert run.returncode == 1
        assert run.stderr.startswith("error: ")
        assert run.stderr.count("\n") == 1


# --- writing to a file ----------------------------------------------------------------------------


def test_output_replaces_only_when_complete(news: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "found.jsonl"
    out.parent.mkdir()
    assert label("--format", "jsonl", news, "-o", out).returncode == 0
    whole = out.read_bytes()
    assert whole.count(b"\n") == 4
    assert label("--format", "jsonl", tmp_path / "missing.txt", "-o", out).returncode == 1
    assert isnad("label", "--model", tmp_path / "none", news, "-o", out).returncode == 1
    assert out.read_bytes() == whole
    assert [p.name for p in out.parent.iterdir()] == ["found.jsonl"]
    assert label("--format", "jsonl", news, tmp_path / "missing.txt", "-o", out).returncode == 3
    assert out.read_bytes() == whole


def test_output_that_cannot_be(news: Path, tmp_path: Path) -> None:
    run = label(news, "-o", tmp_path / "no" / "where.txt")
    assert run.returncode == 1
    assert "where.txt: cannot be written: No such file or directory" in run.stderr
    assert label(news, "-o", tmp_path).returncode == 2
    same = label(news, "-o", tmp_path / "." / "news.txt")
    assert same.returncode == 2
    assert "one of the files to label" in same.stderr
    assert news.read_bytes() == NEWS.encode()


def test_output_may_be_a_device_or_a_link(news: Path, tmp_path: Path) -> None:
    assert label(news, "-o", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "real.jsonl")
    assert label("--format", "jsonl", news, "-o", link).returncode == 0
    assert link.is_symlink()
    assert (tmp_path / "real.jsonl").read_bytes().count(b"\n") == 4


# --- surroundings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [{}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}])
def test_arabic_prints_in_the_c_locale(news: Path, extra: dict[str, str]) -> None:
    run = label(news, news.with_name("غائب.txt"), env={"LC_ALL": "C", "LANG": "C", **extra})
    assert run.returncode == 3
    assert "نفت" in run.stdout
    assert run.stderr.startswith("error: ")


def test_closed_standard_streams_are_no_traceback(news: Path) -> None:
    start = f"{sys.executable} -m isnad label --model rules"
    for command, code in ((f"{start} - <&-", 1), (f"{start} '{news}' >&-", 0), (f"{start} '{news}' 2>&-", 0)):
        run = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT, check=False)
        assert run.returncode == code, command
        assert "Traceback" not in run.stderr


def test_a_full_disk_is_one_line(news: Path) -> None:
    command = f"{sys.executable} -m isnad label --model rules '{news}' > /dev/full"
    run = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (run.returncode, run.stderr.count("\n")) == (1, 1)
    assert "No space left" in run.stderr


def test_progress_speaks_up_after_ten_seconds_in_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text('{"text": "ع"}\n' * 20, encoding="utf-8")
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr("isnad.commands.common.time.monotonic", lambda: float(next(clock)))
    for articles, files in ((2, ["a"]), (7, [str(path), "missing"]), (4, ["-"])):
        assert list(watched(range(articles), partial(count, files))) == list(range(articles))
    assert capsys.readouterr().err.splitlines() == [
        "labelled 3 of 20 articles, about 68 s left",
        "labelled 6 of 20 articles, about 56 s left",
        "labelled 3 articles in 12 s",
    ]


def test_names_cannot_drive_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m.jsonl"
    row = {"doc_id": "x\x1b]0;owned\x07", "title": "ع\x1b[2J", "text": "قال الحارس إن الباب مغلق."}
    path.write_text(f"{json.dumps(row)}\n{json.dumps(row)}\n{{\n", encoding="utf-8")
    run = label(path)
    assert run.returncode == 3
    assert "\x1b" not in run.stdout + run.stderr


def test_a_closed_pipe_is_no_error_message(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text(f"{NEWS}\n" * 2000, encoding="utf-8")
    command = [sys.executable, "-m", "isnad", "label", "--model", "rules", "--format", "jsonl", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_ctrl_c_is_130_and_leaves_no_half_file(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "isnad", "label", "--model", "rules", "--format", "jsonl", "-", "-o", str(out)]
    hear = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a job in the background inherits deaf ears
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, preexec_fn=hear) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write('{"text": "قال الحارس إن الباب مغلق."}\n'.encode())
        process.stdin.flush()
        until = time.monotonic() + 60
        while not list(tmp_path.iterdir()) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert b"Traceback" not in process.stderr.read()
    assert list(tmp_path.iterdir()) == []


# --- the other commands ---------------------------------------------------------------------------


def test_model_says_what_it_is(tmp_path: Path) -> None:
    assert "kind              rules\n" in isnad("model", "--model", "rules").stdout
    facts = {"schema": "isnad-artefact/1", "kind": "tfidf", "name": "نموذج", "temperature": 1.25}
    (tmp_path / "isnad.json").write_text(json.dumps(facts), encoding="utf-8")
    run = isnad("model", "--model", tmp_path)
    assert run.returncode == 0
    lines = dict(line.split(maxsplit=1) for line in run.stdout.splitlines() if line.count(" ") and "  " in line)
    assert (lines["kind"], lines["name"], lines["recipe"], lines["temperature"]) == ("tfidf", "نموذج", "plain", "1.25")
    assert "data fingerprint  none\n" in run.stdout


def test_check_data_reports_and_exits(tmp_path: Path) -> None:
    assert isnad("check", tmp_path / "none").returncode == 1
    (tmp_path / "data" / "composed").mkdir(parents=True)
    (tmp_path / "data" / "composed" / "x.jsonl").write_text("not json\n", encoding="utf-8")
    run = isnad("check", "data", cwd=tmp_path)
    assert run.returncode == 1
    assert "x.jsonl" in run.stdout
    missing = isnad("check", "data", "--corpora", tmp_path / "none")
    assert missing.returncode == 1
    assert missing.stderr.startswith("error: ")


@pytest.mark.parametrize("command", [["label", "a.txt"], ["page", "a.txt", "-o", "a.html"], ["serve"]])
def test_a_malformed_threshold_is_a_wrong_use_in_every_command(command: list[str]) -> None:
    result = CliRunner().invoke(cli, [*command, "--abstain-at", "sure"])
    assert result.exit_code == 2
    assert "precision=" in result.output
