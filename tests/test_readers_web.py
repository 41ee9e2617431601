"""Fetching: real servers on loopback, every refusal in one sentence, and no way to a private address."""

from __future__ import annotations

import gzip
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isnad.articles import Article, read_articles
from isnad.errors import IsnadError
from isnad.readers import web
from isnad.readers.web import HOPS, fetch, is_public

SENTENCE = "قال أمين المكتبة إن المخطوطات نقلت إلى القاعة الجديدة صباح الأحد."
PAGE = f"<html><head><title>المكتبة</title></head><body><article>{f'<p>{SENTENCE}</p>' * 5}</article></body></html>"

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Site:
    """A server on loopback; `answers` maps paths to what happens, `asked` keeps the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str | None]] = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, self.headers["Host"]))
                site.answers[self.path](self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def give(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"Content_Type": "text/html", **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.answers[path] = answer
        return self.url + path


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    found = Site()
    yield found
    found.server.shutdown()
    found.server.server_close()


def refusal(url: str, **options: Any) -> str:
    with pytest.raises(IsnadError) as caught:
        fetch(url, **options)
    assert str(caught.value).startswith(f"{url}: ")
    return str(caught.value).removeprefix(f"{url}: ")


def test_a_page_is_read_by_its_address(site: Site) -> None:
    pytest.importorskip("trafilatura")
    url = site.give(
        "/%D8%AE%D8%A8%D8%B1?%D8%B5=1", PAGE.encode("cp1256"), Content_Type="text/html; charset=windows-1256"
    )
    typed = f"{site.url}/خبر?ص=1#x"
    (article,) = read_articles(typed)
    assert (article.title, article.outlet) == ("المكتبة", f"127.0.0.1:{site.port}")
    assert SENTENCE in article.text
    assert article.url == article.doc_id == typed
    (article,) = read_articles(url)
    assert article.doc_id == url


def test_other_kinds_come_by_address_too(site: Site) -> None:
    lines = site.give("/feed.jsonl", b'{"text": "a"}\n{', Content_Type="application/json")
    failures: list[IsnadError] = []
    assert list(read_articles(lines, failures=failures.append)) == [Article(f"{lines}-1", "a")]
    assert str(failures[0]).startswith(f"{lines}:2: ")
    table = site.give("/a.csv?x=.txt", b"text,title\na,b\n", Content_Type="text/csv")
    assert [a.title for a in read_articles(table)] == ["b"]
    pdf = site.give("/a.pdf", b"%PDF-1", Content_Type="application/pdf")
    assert list(read_articles(pdf, failures=failures.append)) == []
    assert str(failures[-1]) == f"{pdf}: expected a web page or text, found application/pdf"


def test_codings_and_charset_of_the_answer(site: Site) -> None:
    body = PAGE.encode()
    packed = site.give("/g", gzip.compress(body), Content_Encoding="gzip", Content_Type="text/html; charset=UTF-8")
    found = fetch(packed)
    assert (found.data, found.charset, found.media_type, found.url) == (body, "utf-8", "text/html", packed)
    assert "damaged" in refusal(site.give("/h", gzip.compress(body)[:-20], Content_Encoding="gzip"))
    assert "found the coding br" in refusal(site.give("/b", b"x", Content_Encoding="br"))
    bomb = site.give("/z", gzip.compress(bytes(3_000_000)), Content_Encoding="gzip")
    assert "expected at most 1 MB, found more" in refusal(bomb, limit=1024**2)


def test_redirections_are_followed_up_to_a_number(site: Site) -> None:
    site.give("/end", PAGE.encode())
    for hop in range(HOPS + 1):
        site.give(f"/{hop}", b"", 302, Location=f"{hop - 1}" if hop else "/end")
    assert fetch(f"{site.url}/{HOPS - 1}").url == f"{site.url}/end"
    assert f"found more than {HOPS} redirections" in refusal(f"{site.url}/{HOPS}")
    assert "to nowhere" in refusal(site.give("/none", b"", 301))
    assert "expected an http(s) address, found file:///etc/hosts" in refusal(
        site.give("/file", b"", 301, Location="file:///etc/hosts")
    )


def test_answers_that_are_no_page_are_one_sentence(site: Site) -> None:
    assert (
        refusal(site.give("/404", b"", 404)) == "expected a page, found the answer 404 (Not Found); check the address"
    )
    assert "found image/png" in refusal(site.give("/i", b"\x89PNG", Content_Type="image/png"))
    assert "found more; download it" in refusal(site.give("/big", b"a" * 2000), limit=1000)
    assert "its end missing (90 bytes)" in refusal(site.give("/cut", b"a" * 10, Content_Length="100"))
    site.answers["/odd"] = lambda handler: handler.wfile.write(b"what?\r\n\r\n") and None
    assert "127.0.0.1 cannot be read" in refusal(f"{site.url}/odd")


def test_a_slow_answer_ends_with_the_time(site: Site) -> None:
    over = threading.Event()

    def dripping(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not over.wait(0.02):
            try:
                handler.wfile.write(b"a")
            except OSError:
                return

    site.answers["/drip"] = dripping
    site.answers["/mute"] = lambda handler: over.wait() and None
    try:
        for path in ("/drip", "/mute"):
            assert "expected an answer within 0.2 s" in refusal(site.url + path, timeout=0.2)
    finally:
        over.set()


def test_without_a_network_or_a_host(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert "Connection refused" in refusal(f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert "127.0.0.1 cannot be read: " in refusal(f"https://127.0.0.1:{site.port}/"), "it speaks no TLS"

    def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert refusal("http://wadi.example/") == (
        "found no host wadi.example; check the address, and whether there is a network"
    )


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example",
        "http://",
        "http:///x",
        "http://a:99999/",
        "http://u:p@a.example/",
        "http://[::1",
        "http://a..b/",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    assert refusal(url).startswith("expected an ")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%lo", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:a00:1", "2002:7f00:1::", "64:ff9b::a00:1", "2001:0:7f00:1::", "::127.0.0.1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_addresses_that_are_public() -> None:
    assert all(map(is_public, ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"])
def test_a_private_address_is_refused_before_a_word_is_said(site: Site, host: str) -> None:
    site.give("/", PAGE.encode())
    assert "expected a public address, found" in refusal(f"http://{host}:{site.port}/", allow_private=False)
    assert site.asked == []


def named(monkeypatch: pytest.MonkeyPatch, answers: dict[str, list[list[str]]]) -> None:
    """Lets `getaddrinfo` answer with these addresses, one list a question; an address is itself."""

    def resolve(host: str, port: int, *_: object, **__: object) -> list[Any]:
        lists = answers.get(host, [[host]])
        found = lists.pop(0) if len(lists) > 1 else lists[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_a_redirection_to_a_private_address_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One loopback address plays the public one, another the private one."""
    monkeypatch.setattr(web, "is_public", lambda address: address == "127.0.0.1")
    named(monkeypatch, {"public.example": [["127.0.0.1"]], "inside.example": [["127.0.0.2"]]})
    start = f"http://public.example:{site.port}"
    site.give("/", b"", 302, Location=f"http://inside.example:{site.port}/secret")
    site.give("/secret", PAGE.encode())
    assert "expected a public address, found inside.example, which is 127.0.0.2" in refusal(start, allow_private=False)
    assert site.asked == [("/", f"public.example:{site.port}")]
    assert fetch(f"{start}/secret", allow_private=False).data == PAGE.encode()


def test_a_name_that_changes_its_address_is_connected_to_the_checked_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []
    connect = socket.create_connection

    def watched(address: tuple[str, int], *rest: Any, **options: Any) -> socket.socket:
        connected.append(address[0])
        return connect(address, *rest, **options)

    monkeypatch.setattr(web, "is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setattr(socket, "create_connection", watched)
    site.give("/", PAGE.encode())
    named(monkeypatch, {"turning.example": [["127.0.0.1"], ["127.0.0.9"]]})
    url = f"http://turning.example:{site.port}/"
    assert fetch(url, allow_private=False).data == PAGE.encode()
    assert connected == ["127.0.0.1"]
    assert "expected a public address" in refusal(url, allow_private=False)
    named(monkeypatch, {"both.example": [["127.0.0.1", "10.0.0.1"]]})
    assert "which is 10.0.0.1" in refusal(f"http://both.example:{site.port}/", allow_private=False)


def test_dead_addresses_share_the_time_and_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[float] = []

    def dead(_: tuple[str, int], seconds: float) -> socket.socket:
        tried.append(seconds)
        raise OSError("dead")

    monkeypatch.setattr(socket, "create_connection", dead)
    named(monkeypatch, {"many.example": [[f"93.184.216.{n}" for n in range(1, 40)]] * 2})
    with pytest.raises(IsnadError):
        fetch("http://many.example/", allow_private=False, timeout=9.0)
    assert len(tried) == web.ADDRESSES
    assert tried == sorted(tried, reverse=True)
    assert tried[0] <= 9.0


def test_a_proxy_is_used_only_where_private_addresses_are_allowed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", site.url)
    site.answers["http://wadi.example/a"] = site.answers.setdefault("/", lambda _: None)
    site.give("http://wadi.example/a", b"text")
    assert fetch("http://wadi.example/a").data == b"text"
    named(monkeypatch, {"wadi.example": [["10.0.0.1"]]})
    assert "expected a public address" in refusal("http://wadi.example/a", allow_private=False)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_tls_is_spoken_under_the_name_of_the_host(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate,
         "-subj", "/CN=wadi.example", "-addext", "subjectAltName=DNS:wadi.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    site.give("/", PAGE.encode())
    named(monkeypatch, {name: [["127.0.0.1"]] for name in ("wadi.example", "nahr.example")})
    assert "expected a valid certificate of wadi.example" in refusal(f"https://wadi.example:{site.port}/")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert fetch(f"https://wadi.example:{site.port}/").data == PAGE.encode()
    assert "expected a valid certificate of nahr.example" in refusal(f"https://nahr.example:{site.port}/")
    assert site.asked == [("/", f"wadi.example:{site.port}")]


@given(st.text(max_size=40))
def test_no_address_raises_anything_else(text: str) -> None:
    try:
        fetch(f"http://127.0.0.1:9{text}", timeout=0.5)
    except IsnadError:
        return


@given(st.binary(max_size=300))
def test_no_answer_raises_anything_else(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\n" + answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            fetch(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout=2, allow_private=True)
        except IsnadError:
            pass
        finally:
            thread.join()


def test_a_saved_page_of_the_same_name_is_no_address(tmp_path: Path) -> None:
    (tmp_path / "http.txt").write_text(SENTENCE, encoding="utf-8")
    assert next(read_articles(tmp_path / "http.txt")).text == SENTENCE
