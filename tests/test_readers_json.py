"""JSON readers: lines, lists and single objects, ours and trafilatura's, in every encoding, read as they come."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isnad.articles import MAX_BYTES, STDIN, Article, read_articles, read_bytes
from isnad.errors import IsnadError

TEXT = "قال مدير المرصد إن المجموعة ستصل مساء الغد."
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1256", "iso8859_6"]


def all_of(path: Path, **options: Any) -> tuple[list[Article], list[str]]:
    failures: list[IsnadError] = []
    found = list(read_articles(path, failures=failures.append, **options))
    return found, [str(f).removeprefix(str(path)) for f in failures]


def dumped(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_lines_lists_and_objects_are_read_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    rows = [{"text": TEXT, "title": "المرصد"}, {"text": TEXT + " ثم", "author": "سلمى"}]
    shapes = {
        "lines": "\n".join(map(dumped, rows)),
        "list": dumped(rows),
        "tall": dumped(rows, indent=2),
        "object": dumped(rows[0]),
        "tall-object": dumped(rows[0], indent=2),
    }
    for name, content in shapes.items():
        path = tmp_path / f"{name}.json"
        path.write_bytes(content.encode(encoding))
        found, failures = all_of(path)
        expected = rows if "object" not in name else rows[:1]
        assert failures == [], name
        assert [a.text for a in found] == [row["text"] for row in expected], name
        assert (found[0].title, found[-1].author) == ("المرصد", expected[-1].get("author")), name
        assert len({a.doc_id for a in found}) == len(found)


def test_what_trafilatura_writes_keeps_its_fields(tmp_path: Path) -> None:
    row = {
        "title": "خبر", "author": "سلمى", "hostname": "wadi.example", "date": "2024-05-14", "fingerprint": "ab",
        "id": None, "license": None, "comments": "تعليق", "raw_text": "شيء آخر", "text": TEXT, "language": None,
        "image": None, "pagetype": "article", "source": "https://wadi.example/1", "source-hostname": "wadi",
        "excerpt": "", "categories": "علوم;فضاء", "tags": "",
    }  # fmt: skip
    path = tmp_path / "saved.json"
    path.write_text(dumped(row), encoding="utf-8")
    assert all_of(path) == (
        [Article("saved-1", TEXT, "خبر", "wadi.example", "2024-05-14", "سلمى", "علوم", "https://wadi.example/1")],
        [],
    )
    path.write_text(dumped(row | {"sitename": "وادي برس", "categories": ["علوم", "فضاء"]}), encoding="utf-8")
    (article,), _ = all_of(path)
    assert (article.outlet, article.subject) == ("وادي برس", "علوم")


def test_other_names_are_known_and_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows: list[dict[str, Any]] = [
        {"Body": TEXT, "headline": "خبر", "source": "وادي", "link": "http://a.example", "authors": ["س", "ع"], "id": 3},
        {"النص": TEXT, "العنوان": "خبر", "source": {"name": "وادي"}, "المصدر": "نهر"},
        {"text": "غيره.", "words": TEXT, "title": 7, "author": {"name": "س"}},
    ]
    path.write_text("\n".join(map(dumped, rows)), encoding="utf-8")
    found, failures = all_of(path)
    assert failures == []
    assert found[0] == Article("a-1", TEXT, "خبر", "وادي", author="س; ع", url="http://a.example")
    assert (found[1].title, found[1].outlet) == ("خبر", "نهر")
    assert (found[2].title, found[2].author) == ("7", None)
    found, failures = all_of(path, columns={"text": "words", "doc_id": "id"})
    assert [a.text for a in found] == [TEXT]
    assert [f[:3] for f in failures] == [":1:", ":2:"]
    assert 'expected a "words" with the article, found none' in failures[0]
    with pytest.raises(IsnadError, match="expected a column for one of doc_id, text"):
        list(read_articles(path, columns={"txt": "words"}))


def test_bad_records_are_told_with_their_place_and_the_rest_is_read(tmp_path: Path) -> None:
    good = dumped({"text": TEXT}).encode()
    spoilt = dumped({"text": (TEXT * 3).encode().decode("cp1256")}).encode()
    lines = [good, b"{bad", b'{"text": "\xff"}', b"a" * (MAX_BYTES + 9), b"[1]", spoilt, b'{"text": 3}', b"", good]
    path = tmp_path / "feed.jsonl"
    path.write_bytes(b"\n".join(lines))
    found, failures = all_of(path)
    assert [a.doc_id for a in found] == ["feed-1", "feed-9"]
    assert [f.split(":")[1] for f in failures] == ["2", "3", "4", "5", "6", "7"]
    told = ["Expecting property", "other bytes", "at most 5 MB a line", "found a list", "another encoding", "a number"]
    assert all(why in f for why, f in zip(told, failures, strict=True))

    path = tmp_path / "list.json"
    path.write_text(f"[{good.decode()}, 7, {{}}, {good.decode()}, {{broken", encoding="utf-8")
    found, failures = all_of(path)
    assert [a.doc_id for a in found] == ["list-1", "list-4"]
    assert [f.split(": ")[1] for f in failures] == ["item 2", "item 3", "item 5"]
    path.write_text(f"[{good.decode()}]\n[{good.decode()}]\n", encoding="utf-8")
    found, failures = all_of(path)
    assert [a.doc_id for a in found] == ["list-1"]
    assert "expected the end of the file behind the list, found more" in failures[0]
    path.write_text("[]", encoding="utf-8")
    assert all_of(path) == ([], [": expected a list of articles, found an empty one"])


def test_a_broken_first_line_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_text('{"text": \n' + dumped({"text": TEXT}) + "\n", encoding="utf-8")
    found, failures = all_of(path)
    assert ([a.doc_id for a in found], len(failures)) == (["feed-2"], 1)
    assert failures[0].startswith(":1: expected one JSON object a line")


class Tap(io.RawIOBase):
    """A pipe that never ends, and says how many lines were taken from it."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.given += 1
        line = dumped({"text": f"{TEXT} {self.given}"}).encode() + b"\n"
        buffer[: len(line)] = line
        return len(line)


def test_a_pipe_is_answered_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = Tap()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(tap)))
    articles = read_articles(STDIN)
    for number in range(1, 4):
        assert next(articles).text.endswith(f" {number}")
        assert tap.given <= number + 1


@pytest.mark.parametrize("shape", ["lines", "list", "utf-16", "gzip"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, shape: str) -> None:
    row = dumped({"text": TEXT * 50, "title": "خبر"})
    encoding = "utf-16" if shape == "utf-16" else "utf-8"
    path = tmp_path / "many.json"
    with gzip.open(path, "wt", 1) if shape == "gzip" else path.open("w", encoding=encoding) as out:
        ends = ("[", ",\n", "]") if shape == "list" else ("", "\n", "")
        out.write(ends[0] + ends[1].join([row] * 1500) + ends[2])

    def counted(articles: Iterator[Article]) -> int:
        return sum(1 for _ in articles)

    tracemalloc.start()
    try:
        assert counted(read_articles(path)) == 1500
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000, "6 MB of text went through"


def test_bytes_are_read_like_a_file_of_that_name() -> None:
    failures: list[IsnadError] = []
    data = dumped({"body": TEXT}).encode() + b"\n{"
    assert [a.doc_id for a in read_bytes(data, "drop.jsonl", failures=failures.append)] == ["drop-1"]
    assert str(failures[0]).startswith("drop.jsonl:2: ")
    with pytest.raises(IsnadError, match=r"^drop\.jsonl:2: expected one JSON object"):
        list(read_bytes(data, "drop.jsonl"))


def test_a_damaged_gzip_gives_what_was_before_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    rows = "".join(dumped({"text": f"{TEXT} {n * n}"}) + "\n" for n in range(5000))
    path.write_bytes(gzip.compress(rows.encode())[:-2000])
    found, failures = all_of(path)
    assert len(found) > 1000
    assert (found[0].doc_id, failures) == (
        "cut-1",
        [": expected a whole gzip file, found a damaged one; take it from its source again"],
    )
