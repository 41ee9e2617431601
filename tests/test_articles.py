"""Readers: every encoding and shape that is accepted, and the sentence of every refusal."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import time
from pathlib import Path

import pytest

from isnad.articles import MAX_BYTES, STDIN, Article, read_articles
from isnad.errors import IsnadError

TEXT = "قال وزير النقل رياض السالمي إن القطار الجديد سيصل في موعده.\r\n\r\nونفت الشركة وجود أي عطل في السكة.\n"
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1256", "iso8859_6"]


def written(folder: Path, data: bytes | str, name: str = "news.txt") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def only(path: Path) -> Article:
    (article,) = read_articles(path)
    return article


def refusal(path: Path | str) -> str:
    with pytest.raises(IsnadError) as caught:
        list(read_articles(path))
    return str(caught.value)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_plain_text_is_read_unchanged_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    assert only(written(tmp_path, TEXT.encode(encoding))) == Article("news", TEXT)


def test_short_and_latin_texts_pass(tmp_path: Path) -> None:
    assert only(written(tmp_path, "لا.".encode("cp1256"))).text == "لا."
    assert only(written(tmp_path, "no Arabic here, café")).text == "no Arabic here, café"
    assert only(written(tmp_path, TEXT + "\x02")).text == TEXT + "\x02", "one stray control character is no binary file"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "found an empty file"),
        (b" \r\n\n", "found an empty file"),
        (b"\xef\xbb\xbf\n", "found an empty file"),
        (b"%PDF-1.7\n1 0 obj", "found a PDF file"),
        (b"PK\x03\x04\x14\x00", "a Word, OpenDocument or EPUB file"),
        (bytes(range(256)) * 8, "found binary data"),
        ((TEXT * 3).encode()[:-3] + b"\xd8", "found byte 0xd8 at offset"),
        ("L'été à Genève, déjà.".encode("latin-1"), "found byte 0xe9 at offset 2"),
        ("Поезд придет вовремя, сообщил министр.".encode("cp1251"), "save the file as UTF-8"),
        (b"\xff\xfe\x00\xd8\x41\x00", "expected UTF-16"),
        (TEXT.encode().decode("cp1256").encode(), "was once read in another encoding"),
        (TEXT.encode().decode("latin-1").encode(), "was once read in another encoding"),
        (b"\n" + b"a" * MAX_BYTES, "expected at most 5 MB"),
        (b"<?xml version='1.0'?><rss><channel/></rss>", "found XML"),
    ],
)
def test_what_is_no_article_is_refused_in_one_sentence(tmp_path: Path, data: bytes, found: str) -> None:
    message = refusal(written(tmp_path, data))
    assert found in message
    assert message.startswith(f"{tmp_path / 'news.txt'}: expected")


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.txt")
    assert "found a folder" in refusal(tmp_path)


def test_json_lines_give_their_fields_or_defaults(tmp_path: Path) -> None:
    full = {"doc_id": "x", "text": "نص أول.\u2028تتمة.", "title": "عنوان", "outlet": "وادي برس", "date": "2024-05-01"}
    rows = [full, {"text": "نص ثان.", "title": None, "extra": [1]}, {"doc_id": 7, "text": "\ud800نص"}]
    lines = [json.dumps(full, ensure_ascii=False), "", *(json.dumps(row) for row in rows[1:])]
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path = written(tmp_path, "\n".join(lines).encode(encoding), "feed.txt")
        assert list(read_articles(path)) == [Article(**full), Article("feed-3", "نص ثان."), Article("7", "\ufffdنص")]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"text": ', "found: Expecting value at column 9"),
        ('"نص"', "found text"),
        ("[1]", "found a list"),
        ("{}", 'expected a "text" with the article, found none'),
        ('{"text": ""}', "found an empty one"),
        ('{"text": null}', "found null"),
        ('{"text": "نص", "title": ["a"]}', 'expected text for "title", found a list'),
        ('{"text": "نص", "date": true}', "found true or false"),
        ("[" * 100_000, "expected one JSON object a line"),
    ],
)
def test_a_malformed_line_is_named_by_file_and_line(tmp_path: Path, line: str, found: str) -> None:
    path = written(tmp_path, '{"text": "سليم"}\n' + line + "\n", "feed.jsonl")
    reader = read_articles(path)
    assert next(reader).text == "سليم", "good lines come out before the bad one is met"
    with pytest.raises(IsnadError) as caught:
        next(reader)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert found in str(caught.value)


def test_bad_bytes_and_long_lines_in_json_lines(tmp_path: Path) -> None:
    good = b'{"text": "a"}\n'
    assert "news.jsonl:2: expected UTF-8" in refusal(written(tmp_path, good + b'{"text": "\xff"}', "news.jsonl"))
    long = b'{"text": "' + b"a" * MAX_BYTES + b'"}'
    assert "news.jsonl:2: expected at most 5 MB" in refusal(written(tmp_path, good + long, "news.jsonl"))
    assert "news.jsonl:1: expected at most 5 MB" in refusal(written(tmp_path, long, "news.jsonl"))
    first = json.dumps({"text": "كلمة " * 50_000}, ensure_ascii=False).encode()
    assert len(list(read_articles(written(tmp_path, first + b"\n" + good, "news.jsonl")))) == 2


def page(encoding: str) -> bytes:
    body = "".join(
        f"<p>{line} وأضاف أن الرحلة الأولى ستكون مجانية للجميع.</p>" for line in TEXT.split("\n") * 3 if line
    )
    return (
        f'<!-- a --><!DOCTYPE html><html lang="ar"><head><meta charset="{encoding}"><title>القطار يصل</title>'
        '<meta property="og:site_name" content="وادي برس"><meta property="article:published_time" content="2024-03-01">'
        '<meta name="author" content="سلمى النهري"><meta property="article:section" content="نقل">'
        '<link rel="canonical" href="https://wadi.example/train">'
        f"</head><body><nav><a href='/'>الرئيسية</a></nav><article><h1>القطار يصل</h1>{body}</article></body></html>"
    ).encode(encoding, "replace")


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1256", "iso-8859-6", "utf-16"])
def test_web_pages_give_their_article(tmp_path: Path, encoding: str) -> None:
    pytest.importorskip("trafilatura")
    article = only(written(tmp_path, page(encoding)))
    assert "قال وزير النقل رياض السالمي" in article.text
    assert "الرئيسية" not in article.text
    assert "<" not in article.text
    assert (article.doc_id, article.title, article.outlet) == ("news", "القطار يصل", "وادي برس")
    assert (article.date, article.author) == ("2024-03-01", "سلمى النهري")
    assert (article.subject, article.url) == ("نقل", "https://wadi.example/train")


def test_the_charset_of_a_page_is_believed_only_where_it_fits(tmp_path: Path) -> None:
    pytest.importorskip("trafilatura")
    for said, true in (("utf-8", "cp1256"), ("iso-8859-1", "cp1256"), ("windows-1256", "utf-8"), ("base64", "utf-8")):
        lying = page("utf-8").replace(b'charset="utf-8"', f'charset="{said}"'.encode()).decode().encode(true)
        assert only(written(tmp_path, lying)).title == "القطار يصل", (said, true)
    french = page("utf-8").decode().replace("utf-8", "windows-1252").encode("cp1256", "ignore")
    french = re.sub(rb"[\x80-\xff]+", "été".encode("cp1252"), french)
    assert "été" in only(written(tmp_path, french)).text


def test_web_pages_without_an_article_or_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = written(tmp_path, "<html><body></body></html>", "empty.html")
    if "trafilatura" in sys.modules:
        assert "found no article in this web page" in refusal(empty)
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    assert 'pip install "isnad[html]"' in refusal(empty)


def test_with_failures_nothing_is_raised(tmp_path: Path) -> None:
    failures: list[IsnadError] = []
    for path in (tmp_path / "absent.txt", tmp_path, written(tmp_path, b"%PDF-1"), "a\0b"):
        assert list(read_articles(path, failures=failures.append)) == []
    assert [str(f).partition(": ")[2].partition(";")[0] for f in failures] == [
        "no such file",
        "expected a file, found a folder",
        "expected text, HTML, JSON, CSV, Parquet or WARC, found a PDF file",
        "cannot be read: embedded null byte",
    ]


def test_gzip_is_opened(tmp_path: Path) -> None:
    assert only(written(tmp_path, gzip.compress(TEXT.encode("cp1256")), "news.txt.gz")) == Article("news", TEXT)
    assert "damaged" in refusal(written(tmp_path, gzip.compress(TEXT.encode())[:-9], "cut.gz"))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for data, doc_id in ((TEXT.encode("cp1256"), "stdin"), (b'\n{"text": "a"}', "stdin-2")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert [article.doc_id for article in read_articles(STDIN)] == [doc_id]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "cp1256"])
def test_five_megabytes_are_quick(tmp_path: Path, encoding: str) -> None:
    one = TEXT.encode(encoding)
    path = written(tmp_path, one * (5_000_000 // len(one)))
    start = time.process_time()
    assert len(only(path).text) > 2_000_000
    assert time.process_time() - start < 5
