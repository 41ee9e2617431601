"""Names on the command line: globs, folders, doubles; and how many articles a source holds."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from isnad.articles import KNOWN, count_articles, read_articles, sources
from isnad.errors import IsnadError


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    names = [
        "b.txt",
        "a.html",
        "deep/er/c.jsonl",
        "deep/d.csv.gz",
        "e.md",
        ".hidden.txt",
        ".git/f.txt",
        "deep/g.PARQUET",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("نص")
    (tmp_path / "empty").mkdir()
    return tmp_path


def expanded(*names: object) -> tuple[list[str], list[str]]:
    failures: list[IsnadError] = []
    return list(sources(map(str, names), failures=failures.append)), [str(f) for f in failures]


def test_a_folder_gives_the_files_of_known_kinds_in_order(saved: Path) -> None:
    found, failures = expanded(saved)
    assert failures == []
    expected = ["a.html", "b.txt", "deep/d.csv.gz", "deep/g.PARQUET", "deep/er/c.jsonl"]
    assert [os.path.relpath(name, saved) for name in found] == expected


def test_globs_are_expanded_and_names_left_alone(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(saved)
    assert expanded("*.txt", "-", "https://a.example/*", "absent.txt") == (
        ["b.txt", "-", "https://a.example/*", "absent.txt"],
        [],
    )
    assert expanded("**/*.jsonl", "deep/**") == (["deep/er/c.jsonl", "deep/d.csv.gz", "deep/g.PARQUET"], [])
    (saved / "odd[1].txt").write_text("نص")
    assert expanded("odd[1].txt") == (["odd[1].txt"], []), "a file of that very name"


def test_each_file_comes_once(saved: Path) -> None:
    (saved / "link.txt").symlink_to(saved / "b.txt")
    found, _ = expanded(saved / "b.txt", saved / "*.txt", saved / "deep/../b.txt", "-", "-")
    assert found == [str(saved / "b.txt"), "-"]


def test_what_holds_nothing_is_told(saved: Path) -> None:
    found, failures = expanded(saved / "empty", saved / "*.pdf", saved / "b.txt")
    assert found == [str(saved / "b.txt")]
    assert failures == [
        f"{saved / 'empty'}: expected a file, found no file that ends in {', '.join(KNOWN)}",
        f"{saved / '*.pdf'}: expected a file, found none; check the name, and put quotes around it",
    ]


def test_articles_are_counted_without_reading_them(tmp_path: Path) -> None:
    def count(name: str, data: bytes | str) -> int | None:
        (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
        return count_articles(str(tmp_path / name))

    assert count("a.txt", "نص\nنص") == 1
    assert count("a.html", "<html></html>") == 1
    assert count("a.jsonl", '\n{"text": "نص"}\n{"text": "نص"}\n\n{"text": "نص"}') == 3
    assert count("a.csv", 'text,b\n"نص\n\n""نص""",1\nنص,2\n') == 2
    assert count("b.csv", "text\n" + '"' + "نص\n" * 100_000 + '"\n') == 1
    for name, data in (
        ("a.json", "[{}]"),
        ("b.json", "{\n}"),
        ("a.gz", gzip.compress(b"{}")),
        ("u.txt", "{}".encode("utf-16")),
    ):
        assert count(name, data) is None, name
    assert count_articles("-") is count_articles("https://a.example") is count_articles(str(tmp_path)) is None
    assert count_articles(str(tmp_path / "absent")) is None
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["نص"] * 70}), tmp_path / "a.parquet")
    assert count_articles(str(tmp_path / "a.parquet")) == 70
    assert len(list(read_articles(tmp_path / "a.parquet"))) == 70
