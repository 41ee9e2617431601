"""Whatever the bytes are, readers give articles and told failures, and nothing else leaves them.

ISNAD_FUZZ=20000 tries as many examples a reader; the default is small.
"""

from __future__ import annotations

import gzip
import io
import json
import os
from importlib.util import find_spec

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isnad.articles import Article, count_articles, read_bytes, sources
from isnad.errors import IsnadError

TRIES = settings(
    max_examples=int(os.environ.get("ISNAD_FUZZ", "60")),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
)
TEXT = "نفى رئيس النادي ما قيل عن بيع الملعب، وقال إن العمل يجري كما خطط له."
HTML = (
    '<!DOCTYPE html><html lang="ar"><head><meta charset="utf-8"><title>الملعب</title><meta name="author" content="س">'
    '<script type="application/ld+json">{"@type": "NewsArticle", "datePublished": "2024-05-14"}</script></head>'
    f"<body><nav><a href='/'>ن</a></nav><article><h1>الملعب</h1>{f'<p>{TEXT}</p>' * 4}"
    "<table><tr><td>س</td></tr></table></article></body></html>"
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1256", "iso8859_6")


def parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table({"text": [TEXT, "", None], "title": ["أ", None, "ب"], "date": [1, 2, 3]}), out)
    return out.getvalue()


def warc(*, packed: bool) -> bytes:
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    out = io.BytesIO()
    writer = WARCWriter(out, gzip=packed)
    for number in range(2):
        http = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
        payload = io.BytesIO(HTML.encode())
        writer.write_record(
            writer.create_warc_record(f"http://a.example/{number}", "response", payload=payload, http_headers=http)
        )
    return out.getvalue()


def seeds() -> dict[str, tuple[str, list[bytes]]]:
    """A file name and sound files for every kind that can be read here."""
    row = {"text": TEXT, "title": "الملعب", "source": "https://a.example", "authors": ["س"]}
    line = json.dumps(row, ensure_ascii=False)
    table = f'text,title,date\n"{TEXT}\n""س""",الملعب,2024\n{TEXT},,\n'
    found = {
        "text": ("a.txt", [TEXT]),
        "lines": ("a.jsonl", [f"{line}\n\n{line}\n"]),
        "list": ("a.json", [f"[{line},\n {line}]", json.dumps([row, row], indent=1)]),
        "object": ("a.json", [json.dumps(row, indent=1, ensure_ascii=False)]),
        "csv": ("a.csv", [table, table.replace(",", ";"), "sep=;\n" + table]),
        "tsv": ("a.tsv", [table.replace(",", "\t")]),
    }
    if find_spec("trafilatura"):
        found["html"] = ("a.html", [HTML])
    kinds = {
        kind: (name, [t.encode(e, "replace") for t in texts for e in ENCODINGS])
        for kind, (name, texts) in found.items()
    }
    kinds["gzip"] = ("a.jsonl.gz", [gzip.compress(line.encode())])
    if find_spec("pyarrow"):
        kinds["parquet"] = ("a.parquet", [parquet()])
    if find_spec("warcio") and find_spec("trafilatura"):
        kinds["warc"] = ("a.warc", [warc(packed=False)])
        kinds["warc-gz"] = ("a.warc.gz", [warc(packed=True)])
    return kinds


SEEDS = seeds()
PIECES = [
    b"\0", b"\n", b'"', b"{", b"]", b",", b"\xff\xfe", b"\x1f\x8b", b"<", b"</", b"\\ud800", b"1e999", b"\r", b"PAR1",
    b"[" * 2000, b"<div>" * 300, b"&#x0;", b"\xd9", "ط§ظ„".encode() * 20, b"Content-Encoding: gzip\r\n",
    b"WARC/1.0\r\n",
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, kind: str) -> bytes:
    """A sound file with pieces cut out, doubled, overwritten or put in."""
    data = bytearray(draw(st.sampled_from(SEEDS[kind][1])))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 1, 2, 9, 60, 10_000])))
        change = draw(st.sampled_from(["out", "twice", "noise", "noise", "piece"]))
        if change == "out":
            del data[start:end]
        elif change == "twice":
            data[start:end] = data[start:end] * 2
        elif change == "noise":
            data[start:end] = draw(st.binary(max_size=8))
        else:
            data[start:end] = draw(st.sampled_from(PIECES))
    return bytes(data)


def settle(data: bytes, name: str, columns: dict[str, str] | None = None, charset: str | None = None) -> None:
    failures: list[IsnadError] = []
    for article in read_bytes(data, name, failures=failures.append, columns=columns, charset=charset):
        assert isinstance(article, Article)
        assert article.text.strip()
        for value in (article.doc_id, article.text, article.title, article.outlet, article.author, article.url):
            (value or "").encode()  # what is read can be written
    assert all(isinstance(f, IsnadError) and str(f).startswith(name) for f in failures)


@pytest.mark.parametrize("kind", SEEDS)
def test_damaged_files_are_articles_or_told_failures(kind: str) -> None:
    @TRIES
    @given(damaged(kind), st.sampled_from([None, None, {"text": "title"}]))
    def run(data: bytes, columns: dict[str, str] | None) -> None:
        settle(data, SEEDS[kind][0], columns)

    run()


@pytest.mark.parametrize("name", ["a", "a.csv", "a.json", "a.html", "a.parquet", "a.warc.gz"])
def test_any_bytes_under_any_name(name: str) -> None:
    heads = st.sampled_from(
        [b"", b"{", b"[{", b"<html>", b"PAR1", b"WARC/1.0\r\n", b"\x1f\x8b\x08", b"\xff\xfe", b"text\n"]
    )

    @TRIES
    @given(heads, st.binary(max_size=400), st.sampled_from([None, "utf-8", "base64", "punycode", "x", "windows-1256"]))
    def run(head: bytes, data: bytes, charset: str | None) -> None:
        settle(head + data, name, charset=charset)

    run()


@TRIES
@given(st.lists(st.text(max_size=12), max_size=3))
def test_any_names(names: list[str]) -> None:
    found = list(sources((f"/nowhere/{n}" for n in names), failures=lambda _: None))
    assert all(count_articles(name) is None for name in found)
