"""`isnad label -o FILE --resume`: real processes, killed; what comes out is what an undisturbed run writes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, invented, write_lines, write_text

from isnad.classifier import RELEASED

LABEL = [sys.executable, "-m", "isnad", "label"]
AROUND = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}


def label(*words: str | Path, cwd: Path, model: str = "rules") -> subprocess.CompletedProcess[str]:
    command = [*LABEL, "--model", model, *map(str, words)]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=cwd, env=AROUND, check=False)
    assert "Traceback" not in run.stderr, run.stderr
    return run


def started(*words: str | Path, cwd: Path, model: str = "rules") -> subprocess.Popen[bytes]:
    def hear() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job in the background inherits deaf ears

    command = [*LABEL, "--model", model, *map(str, words)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, cwd=cwd, env=AROUND, preexec_fn=hear)


def marks(part: Path) -> int:
    journal = part.with_name(f"{part.name}.journal")
    return journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0


def wait(process: subprocess.Popen[bytes], true: Callable[[], bool]) -> None:
    """Return once it is true or the process has ended."""
    while process.poll() is None and not true():
        time.sleep(0.002)


def kill_at(size: int, part: Path, *words: str | Path, cwd: Path, model: str = "rules") -> None:
    """Start `isnad label` and kill it once `part` has `size` bytes."""
    with started(*words, cwd=cwd, model=model) as process:
        wait(process, lambda: part.exists() and part.stat().st_size >= size)
        process.kill()
        assert process.wait() == -signal.SIGKILL


def article(number: int) -> dict[str, str]:
    made = invented(f"resume-{number}")
    return {name: made[name] for name in ("doc_id", "title", "text", "outlet", "date")}


@pytest.fixture
def archive(tmp_path: Path) -> list[str]:
    """Articles in JSON Lines and as text files, and between them what cannot be read or holds no sentence."""
    write_lines(tmp_path / "a.jsonl", [article(n) for n in range(450)])
    for n in range(40):
        write_text(tmp_path / f"texts/{n:02}.txt", article(1000 + n)["text"])
    write_text(tmp_path / "texts/05-empty.txt", "")
    write_text(tmp_path / "texts/06-invisible.txt", "\u200f\u200f\n")
    write_text(tmp_path / "texts/07-english.txt", "The ministry denied it.\n")
    more = [json.dumps(article(2000 + n), ensure_ascii=False) for n in range(450)]
    write_text(tmp_path / "b.jsonl", "\n".join([*more[:100], "{broken", *more[100:]]) + "\n")
    return ["a.jsonl", "gone.txt", "texts", "b.jsonl"]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_killed_again_and_again_it_loses_and_doubles_nothing(form: str, archive: list[str], tmp_path: Path) -> None:
    whole = label(*archive, "-o", f"whole.{form}", cwd=tmp_path)
    assert whole.returncode == 3
    expected = (tmp_path / f"whole.{form}").read_bytes()
    out, part = tmp_path / f"out.{form}", tmp_path / f"out.{form}.part"
    rng = random.Random(13)
    for size in sorted(rng.randrange(len(expected) * 9 // 10) for _ in range(6)):
        kill_at(size, part, *archive, "-o", out, "--resume", cwd=tmp_path)
        assert not out.exists()
        with part.open("ab") as stream:  # as a kill within a write would leave it
            stream.write(expected[: rng.randrange(200)])
    assert marks(part) >= 3
    last = label(*archive, "-o", out, "--resume", cwd=tmp_path)
    assert out.read_bytes() == expected
    assert last.returncode == 3
    errors = [line for line in last.stderr.splitlines() if line.startswith("error: ")]
    assert errors == [line for line in whole.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4
    assert last.stderr.splitlines()[-1] == whole.stderr.splitlines()[-1]
    assert {p.name for p in tmp_path.iterdir()} == {"a.jsonl", "b.jsonl", "texts", out.name, f"whole.{form}"}


@pytest.mark.skipif(not (RELEASED / "isnad.json").is_file(), reason="no released model")
def test_the_released_model_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [article(n) for n in range(400)])
    words = ("a.jsonl", "-o")
    assert label(*words, "whole.jsonl", cwd=tmp_path, model=str(RELEASED)).returncode == 0
    expected = (tmp_path / "whole.jsonl").read_bytes()
    part = tmp_path / "out.jsonl.part"
    for share in (3, 2):
        kill_at(len(expected) // share, part, *words, "out.jsonl", "--resume", cwd=tmp_path, model=str(RELEASED))
    assert marks(part) >= 1
    assert label(*words, "out.jsonl", "--resume", cwd=tmp_path, model=str(RELEASED)).returncode == 0
    assert (tmp_path / "out.jsonl").read_bytes() == expected


@pytest.fixture
def half_done(archive: list[str], tmp_path: Path) -> list[str]:
    """The words of a run that was killed."""
    words = [*archive, "-o", "out.jsonl"]
    with started(*words, cwd=tmp_path) as process:
        wait(process, lambda: marks(tmp_path / "out.jsonl.part") >= 2)
        process.kill()
    return words


def test_what_a_killed_run_left_is_not_overwritten(half_done: list[str], tmp_path: Path) -> None:
    part = tmp_path / "out.jsonl.part"
    left = part.read_bytes()
    run = label(*half_done, cwd=tmp_path)
    assert run.returncode == 1
    assert "articles here; go on with --resume, or delete this file" in run.stderr
    assert part.read_bytes() == left
    part.unlink()
    assert label(*half_done, cwd=tmp_path).returncode == 3
    assert not list(tmp_path.glob("out.jsonl.*"))


def test_another_question_is_not_answered_in_the_same_file(half_done: list[str], tmp_path: Path) -> None:
    left = (tmp_path / "out.jsonl.part").read_bytes()
    write_text(tmp_path / "new.txt", article(3000)["text"])
    for more, what in (
        (["--abstain-at", "score=.7"], "--abstain-at"),
        (["--format", "csv"], "--format"),
        (["--column", "text=body"], "--column"),
        (["new.txt"], "the files to label"),
    ):
        run = label(*half_done, "--resume", *more, cwd=tmp_path)
        assert run.returncode == 1
        assert f"found a change of {what};" in run.stderr
    write_text(tmp_path / "a.jsonl", "{}\n")
    run = label(*half_done, "--resume", cwd=tmp_path)
    assert run.returncode == 1
    assert "found a change of the files to label;" in run.stderr
    assert (tmp_path / "out.jsonl.part").read_bytes() == left


def test_output_that_was_spoilt_is_made_again(half_done: list[str], tmp_path: Path) -> None:
    part = tmp_path / "out.jsonl.part"
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    assert label(*half_done, "--resume", cwd=tmp_path).returncode == 3
    assert label(*half_done[:-1], "whole.jsonl", cwd=tmp_path).returncode == 3
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_part_without_a_journal_is_somebody_elses(archive: list[str], tmp_path: Path) -> None:
    part = tmp_path / "out.jsonl.part"
    part.write_text("mine\n", encoding="utf-8")
    journal = tmp_path / "out.jsonl.part.journal"
    for more in ([], ["--resume"]):
        run = label(*archive, "-o", "out.jsonl", *more, cwd=tmp_path)
        assert run.returncode == 1
        assert "out.jsonl.part: expected the journal" in run.stderr
        assert journal.exists() == bool(more)
        journal.write_text("[]\n", encoding="utf-8")
        assert part.read_text(encoding="utf-8") == "mine\n"


def test_ctrl_c_keeps_what_is_done_and_says_so(archive: list[str], tmp_path: Path) -> None:
    part = tmp_path / "out.jsonl.part"
    with started(*archive, "-o", "out.jsonl", cwd=tmp_path) as process:
        wait(process, lambda: marks(part) >= 1)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert process.returncode == 130
    assert "go on with --resume" in said
    assert "Traceback" not in said
    assert label(*archive, "-o", "out.jsonl", "--resume", cwd=tmp_path).returncode == 3


def test_where_nothing_can_go_on_it_says_so(archive: list[str], tmp_path: Path) -> None:
    for words in (
        [*archive, "--resume"],
        [*archive, "--resume", "-o", "out.parquet"],
        [*archive, "--resume", "-o", "out.html"],
        ["-", "--resume", "-o", "out.jsonl"],
        [*archive, "--resume", "-o", "/dev/null", "--format", "jsonl"],
    ):
        run = label(*words, cwd=tmp_path)
        assert run.returncode == 2, words
        assert "expected -o FILE with --format jsonl or csv" in " ".join(run.stderr.split())


def test_two_runs_do_not_write_one_file(archive: list[str], tmp_path: Path) -> None:
    part = tmp_path / "out.jsonl.part"
    with started(*archive, "-o", "out.jsonl", cwd=tmp_path) as process:
        wait(process, part.exists)
        process.send_signal(signal.SIGSTOP)
        try:
            run = label(*archive, "-o", "out.jsonl", "--resume", cwd=tmp_path)
        finally:
            process.send_signal(signal.SIGCONT)
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert run.returncode == 1
    assert "another run is writing this file" in run.stderr
    assert process.returncode == 3, said
    assert (tmp_path / "out.jsonl").is_file()
