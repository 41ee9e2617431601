"""The code that the documentation shows, run as a reader would run it."""

from __future__ import annotations

import csv
import json
import random
import re
from pathlib import Path

import pytest
from conftest import PATTERNS, ROOT, name, python

from isnad.check import check_data


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


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


def test_the_csv_of_the_training_guide_becomes_data_that_pass_the_check(sentences: Path) -> None:
    (code,) = python_blocks(ROOT / "docs/training.md")
    done = python("-c", code, cwd=sentences)
    assert (done.returncode, done.stderr) == (0, "")
    report = check_data(sentences / "mine")
    assert (report.errors, report.articles) == ([], 60)
    splits = {p.stem: json.loads(p.read_text())["articles"] for p in (sentences / "mine/splits").glob("*.json")}
    assert sum(map(len, splits.values())) == 60
    assert len(splits["train"]) > len(splits["dev"]) > 0


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    (code,) = python_blocks(ROOT / "README.md")
    done = python("-c", code, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["deny", "speculate"]
