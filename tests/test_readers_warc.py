"""Web archives: pages become articles, menus are counted, damage costs its record."""

from __future__ import annotations

import gzip
import io
import random
import sys
from pathlib import Path

import pytest

from isnad.articles import Article, LeftOut, count_articles, read_articles
from isnad.errors import IsnadError

pytest.importorskip("warcio")
pytest.importorskip("trafilatura")

SENTENCE = "قال مدير الميناء إن السفينة ستغادر صباح الخميس بعد تفريغ حمولتها من القمح والخشب."
MENU = "<html><body><nav><a href='/'>الرئيسية</a></nav></body></html>"


def html(number: int, head: str = "") -> str:
    body = "".join(f"<p>{SENTENCE} وهذه الفقرة رقم {number + n}.</p>" for n in range(4))
    return f"<html><head><title>خبر {number}</title>{head}</head><body><article>{body}</article></body></html>"


class Crawl:
    """A web archive in the making."""

    def __init__(self, *, packed: bool = True) -> None:
        from warcio.warcwriter import WARCWriter

        self.out = io.BytesIO()
        self.writer = WARCWriter(self.out, gzip=packed)
        self.writer.write_record(self.writer.create_warcinfo_record("a.warc", {"software": "test"}))

    def add(
        self, url: str, body: bytes, *, kind: str = "text/html", status: str = "200 OK", record: str = "response",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Crawl:  # fmt: skip
        from warcio.statusandheaders import StatusAndHeaders

        http = StatusAndHeaders(status, [("Content-Type", kind), *headers], protocol="HTTP/1.1")
        day = {"WARC-Date": "2024-05-14T08:00:00Z"}
        found = self.writer.create_warc_record(
            url, record, payload=io.BytesIO(body), http_headers=http, warc_headers_dict=day
        )
        self.writer.write_record(found)
        return self

    def save(self, path: Path) -> Path:
        path.write_bytes(self.out.getvalue())
        return path


def all_of(path: Path) -> tuple[list[Article], list[IsnadError]]:
    failures: list[IsnadError] = []
    return list(read_articles(path, failures=failures.append)), failures


@pytest.mark.parametrize("packed", [True, False])
def test_pages_keep_address_date_and_encoding(tmp_path: Path, packed: bool) -> None:
    crawl = Crawl(packed=packed)
    crawl.add("https://wadi.example/1", html(1).encode())
    crawl.add("https://wadi.example/2", html(2).encode("cp1256"), kind="text/html; charset=windows-1256")
    crawl.add("https://wadi.example/3", html(3, '<meta charset="iso-8859-6">').encode("iso8859_6"))
    zipped = gzip.compress(html(4, '<meta property="article:published_time" content="2023-01-02">').encode())
    crawl.add("https://wadi.example/4", zipped, headers=(("Content-Encoding", "gzip"),))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (html(5).encode()[:99], html(5).encode()[99:], b""))
    crawl.add("https://wadi.example/5", chunks, headers=(("Transfer-Encoding", "chunked"),))
    found, failures = all_of(crawl.save(tmp_path / ("a.warc.gz" if packed else "a.bin")))
    assert failures == []
    assert [a.title for a in found] == [f"خبر {n}" for n in range(1, 6)]
    assert all(a.text.count(SENTENCE) == 4 for a in found)
    assert [a.url for a in found] == [f"https://wadi.example/{n}" for n in range(1, 6)]
    assert [a.date for a in found] == ["2024-05-14"] * 3 + ["2023-01-02", "2024-05-14"]
    assert {a.outlet for a in found} == {"wadi.example"}
    assert len({a.doc_id for a in found}) == 5


def test_what_is_no_page_is_passed_over_and_menus_are_counted_once(tmp_path: Path) -> None:
    crawl = Crawl().add("https://a.example/", MENU.encode())
    crawl.add("https://a.example/no", html(1).encode(), status="404 Not Found")
    crawl.add("https://a.example/x.png", b"\x89PNG", kind="image/png")
    crawl.add("https://a.example/ask", html(1).encode(), record="resource")
    for number in range(30):
        crawl.add(f"https://a.example/m{number}", MENU.encode())
    crawl.add("https://a.example/1", html(1).encode())
    path = crawl.save(tmp_path / "crawl.warc.gz")
    found, failures = all_of(path)
    assert [a.title for a in found] == ["خبر 1"]
    (left_out,) = failures
    assert isinstance(left_out, LeftOut)
    assert str(left_out) == (
        f"{path}: left out 31 of 32 web pages, which hold no article (menus, lists); the first is https://a.example/"
    )
    assert [a.title for a in read_articles(path)] == ["خبر 1"], "it is no error"
    assert count_articles(str(path)) is None


def test_a_damaged_page_costs_itself_and_a_damaged_file_its_rest(tmp_path: Path) -> None:
    crawl = Crawl().add("https://a.example/bad", "Поезд придет вовремя, сообщил министр.".encode("cp1251"))
    crawl.add("https://a.example/1", html(1).encode())
    crawl.add("https://a.example/x", random.Random(7).randbytes(100_000), kind="image/png")
    crawl.add("https://a.example/2", html(2).encode())
    path = crawl.save(tmp_path / "a.warc.gz")
    found, failures = all_of(path)
    assert [a.title for a in found] == ["خبر 1", "خبر 2"]
    assert str(failures[0]).startswith(f"{path}: record 2: expected UTF-8")
    assert str(failures[0]).endswith("(https://a.example/bad)")
    path.write_bytes(path.read_bytes()[:-300])
    found, failures = all_of(path)
    assert "خبر 1" in [a.title for a in found]
    assert "damaged" in str(failures[-1])


def test_archives_without_an_article_say_so(tmp_path: Path) -> None:
    empty = Crawl().save(tmp_path / "a.warc.gz")
    assert "expected web pages (response records with HTML and status 200), found none" in str(all_of(empty)[1][0])
    menus = Crawl().add("https://a.example/", MENU.encode()).save(tmp_path / "b.warc.gz")
    assert "found no article in any of 1 web pages" in str(all_of(menus)[1][0])


def test_the_missing_package_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Crawl().add("https://a.example/1", html(1).encode()).save(tmp_path / "a.warc.gz")
    monkeypatch.setitem(sys.modules, "warcio.archiveiterator", None)
    (failure,) = all_of(path)[1]
    assert 'pip install "isnad[warc]"' in str(failure)
