"""The code that the documentation shows, run as a reader would run it."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PATTERNS, ROOT, invented, name, python


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    """`sentences.csv` as a spreadsheet saves it: 60 articles of four sentences, one of each stance."""
    draw = random.Random(5)
    with (tmp_path / "sentences.csv").open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["article", "text", "label"])
        for i in range(60):
            for label, patterns in PATTERNS.items():
                text, _, _ = draw.choice(patterns)
                rows.writerow([f"a-{i}", text.format(*(name(draw) for _ in range(4))), label])
    return tmp_path


def test_the_table_of_the_training_guide_is_one(tmp_path: Path) -> None:
    (table,) = blocks(ROOT / "docs/training.md", "csv")
    (tmp_path / "sentences.csv").write_text(table, encoding="utf-8")
    done = python("-m", "train.table", "sentences.csv", "-o", "mine", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "mine\n")
    (article,) = [json.loads(line) for line in (tmp_path / "mine/composed/table.jsonl").open(encoding="utf-8")]
    assert [s["label"] for s in article["sentences"]] == ["deny", "speculate", "attribute", "assert"]


def test_the_commands_of_the_training_guide_lead_from_a_table_to_a_report(sentences: Path, tiny_arabert: Path) -> None:
    """As they stand, one after the other; a small AraBERT in the place of the real one needs a higher rate."""
    for shared in ("configs", "seeds"):
        (sentences / shared).symlink_to(ROOT / shared)
    (sentences / "article.txt").write_text(invented("article")["text"], encoding="utf-8")
    commands = "".join(blocks(ROOT / "docs/training.md", "sh"))
    assert commands.count("/path/to/bert-base-arabertv02") == 1
    commands = commands.replace(
        "/path/to/bert-base-arabertv02", f"{tiny_arabert} learning_rate=5.0e-3 epochs=8 patience=8"
    )
    found = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    around = {k: v for k, v in os.environ.items() if k != "ISNAD_CORPORA"}
    done = subprocess.run(
        ["bash", "-euc", commands],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=sentences,
        env={**around, "PATH": found, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "no errors" in done.stdout or "0 errors" in done.stdout
    for made in ("runs/mine/artefact/model-fp32.onnx", "runs/mine-report/report.html", "article.html"):
        assert (sentences / made).is_file(), made
    report = json.loads((sentences / "runs/mine-report/report.json").read_text(encoding="utf-8"))
    assert "mine-rules" in json.dumps(report)


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "README.md", "python")
    done = python("-c", code, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["deny", "speculate"]
