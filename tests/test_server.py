"""The server: what it answers and refuses, in a process of its own where a user would notice the difference."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from conftest import BYLINE, ROOT, invented
from uvicorn.server import ServerState

from isnad.articles import Article
from isnad.classifier import label_article, load_classifier
from isnad.errors import IsnadError
from isnad.predictions import LabelledArticle
from isnad.readers.web import Fetched
from isnad.server.app import THREADS, Engine, create_app
from isnad.server.batching import Batcher
from isnad.server.protocol import PatientProtocol
from isnad.server.run import listen
from isnad.server.settings import Limits, Settings, bare
from isnad.server.uploads import read_url

TEXT = (
    BYLINE.format("", "الوادي") + "\n\nافتُتح الجسر صباح أمس. ونفى المقاول سامر الديب إصابة أي عامل، وقد ترتفع الرسوم."
)
JSON = {"Content-Type": "application/json"}
BYTES = {"Content-Type": "application/octet-stream"}
SECRET = "الغرنوق"


@dataclass(frozen=True)
class Running:
    """A server process, its address, and the file that takes its standard error."""

    process: subprocess.Popen[str]
    address: str
    log: Path

    def stop(self, sign: int = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and all it has said."""
        self.process.send_signal(sign)
        rest, _ = self.process.communicate(timeout=60)
        return self.process.returncode, rest + self.log.read_text("utf-8")


@contextmanager
def serving(log: Path, *words: str, code: str | None = None) -> Iterator[Running]:
    """`isnad serve --port 0 WORDS`, or `python -c code`, up and ready."""
    command = ["-c", code] if code else ["-m", "isnad", "serve", "--port", "0", "--model", "rules", *words]
    around = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8", env=around
        )
    assert process.stdout
    try:
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, log.read_text("utf-8")
        yield Running(process, found[0], log)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = ("--max-megabytes", "1", "--max-sentences", "60")
    with serving(tmp_path_factory.mktemp("server") / "log", *limits) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[Any]:
    with httpx.Client(base_url=server.address, timeout=60) as client:
        yield client


@asynccontextmanager
async def inside(classifier: Any, *, fetch: bool = False, **limits: Any) -> AsyncIterator[Any]:
    """A client of an application in this process."""
    app = create_app(classifier, Settings(fetch=fetch, limits=Limits(**limits)))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client


class Gate:
    """The rules, which answer only once `open` is set; `entered` is set when they are asked."""

    name = "gate"

    def __init__(self) -> None:
        self.rules = load_classifier("rules")
        self.open, self.entered = threading.Event(), threading.Event()

    def predict(self, *given: Any, **more: Any) -> Any:
        self.entered.set()
        self.open.wait(60)
        return self.rules.predict(*given, **more)


class Broken:
    """A model that fails and says what it was given."""

    name = "broken"

    def predict(self, sentences: Sequence[str], **_: Any) -> Any:
        raise RuntimeError(f"cannot read {sentences}")


# --- answers --------------------------------------------------------------------------------------------


def test_one_article_is_answered_as_label_article_answers(client: Any) -> None:
    found = client.post("/label", json={"text": TEXT, "title": "جسر جديد"}).json()
    expected = label_article(TEXT, title="جسر جديد", classifier=load_classifier("rules"))
    assert [s["label"] for s in found["sentences"]] == [s.label for s in expected.sentences]
    assert [s["score"] for s in found["sentences"]] == [s.score for s in expected.sentences]
    assert found["counts"] == expected.counts
    assert (found["model"], found["title"]) == ("rules", "جسر جديد")
    for sentence in found["sentences"]:
        assert TEXT[sentence["start"] : sentence["end"]] == sentence["text"]
        for span in filter(None, (sentence["cue"], sentence["source"])):
            assert TEXT[span["start"] : span["end"]] == span["text"]
    assert {"no_proposition"} == {w for s in found["sentences"] if s["label"] is None for w in s["warnings"]}


def test_several_articles_are_answered_in_order_and_by_their_names(client: Any) -> None:
    articles = [{"doc_id": str(n), "text": invented(f"server-{n}")["text"]} for n in range(4)]
    found = client.post("/label", json={"articles": articles}).json()["articles"]
    for given, answer in zip(articles, found, strict=True):
        alone = client.post("/label", json=given).json()
        assert alone == answer
        assert answer["doc_id"] == given["doc_id"]


def test_text_without_an_arabic_letter_is_given_no_stance(client: Any) -> None:
    articles = [{"text": "The minister denied it. It may rain."}, {"text": TEXT}, {"text": " \n"}]
    english, arabic, empty = client.post("/label", json={"articles": articles}).json()["articles"]
    assert [(s["label"], s["warnings"]) for s in english["sentences"]] == [(None, ["not_arabic"])] * 2
    assert arabic["counts"]["deny"] == 1
    assert empty["sentences"] == []


def test_health_names_the_model_and_counts(client: Any) -> None:
    before = client.get("/health").json()
    client.post("/label", json={"articles": [{"text": TEXT}] * 3})
    after = client.get("/health").json()
    assert (after["status"], after["model"], after["requests"], after["waiting"]) == ("ok", "rules", 0, 0)
    assert after["labelled"] == before["labelled"] + 3
    assert after["uptime"] >= before["uptime"]


def test_abstaining_and_sets_are_those_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--abstain-at", "score=1") as running:
        found = httpx.post(f"{running.address}/label", json={"text": TEXT}).json()
    assert all(s["abstained"] for s in found["sentences"] if s["label"])


# --- refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "given", "status", "code", "says"),
    [
        ("GET", "/nothing", {}, 404, "not_found", "expected a path of this server"),
        ("GET", "/label", {}, 405, "wrong_method", "Allow"),
        ("POST", "/label", {"json": {}}, 422, "invalid", "text: field required"),
        ("POST", "/label", {"json": {"text": ""}}, 422, "invalid", "text: string should have at least 1 character"),
        ("POST", "/label", {"json": {"text": 3}}, 422, "invalid", "text: input should be a valid string"),
        ("POST", "/label", {"json": {"text": "a", "url": "b"}}, 422, "invalid", "url: extra inputs"),
        ("POST", "/label", {"json": {"articles": []}}, 422, "invalid", "articles: list should have at least 1 item"),
        ("POST", "/label", {"json": {"articles": [{"text": "a"}] * 101}}, 422, "invalid", "at most 100 items"),
        ("POST", "/label", {"json": {"articles": [{"text": "a"}, {}]}}, 422, "invalid", "articles.1.text: field"),
        ("POST", "/label", {"json": [1]}, 422, "invalid", "dictionary"),
        ("POST", "/label", {"content": "null", "headers": JSON}, 422, "invalid", "field"),
        ("POST", "/label", {"json": {"text": "جملة قصيرة هنا. " * 61}}, 413, "too_large", "at most 60 sentences"),
        ("POST", "/label", {"data": {"text": "a"}}, 415, "not_json", "application/json"),
        ("POST", "/label", {"content": "{}", "headers": {"Content-Type": "text/plain"}}, 415, "not_json", "JSON"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_shape(
    client: Any, method: str, path: str, given: dict[str, Any], status: int, code: str, says: str
) -> None:
    answer = client.request(method, path, **given)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "body", ['{"text": ', "", "\xff", "[" * 50_000, '{"text": "\\ud800"}', '{"text": ' + "9" * 5000]
)
def test_broken_json_is_refused_with_a_sentence(client: Any, body: str) -> None:
    answer = client.post("/label", content=body.encode("latin-1"), headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_refused_whether_or_not_it_says_its_length(client: Any, declared: bool) -> None:
    body = json.dumps({"text": "a" * 3_000_000}).encode()
    chunks = (body[i : i + 65536] for i in range(0, len(body), 65536))
    kind = {"Content-Type": "application/json"}
    answer = client.post("/label", content=body if declared else chunks, headers=kind)
    assert answer.status_code == 413
    assert "at most 1 MB" in answer.json()["error"]["message"]
    assert client.post("/label", json={"text": TEXT}).status_code == 200


def test_one_request_too_many_is_sent_away_with_the_time_to_come_again() -> None:
    async def scene() -> None:
        gate = Gate()
        async with inside(gate, requests=1) as client:
            first = asyncio.create_task(client.post("/label", json={"text": TEXT}))
            await asyncio.to_thread(gate.entered.wait, 60)
            refused = await client.post("/label", json={"text": TEXT})
            health = await client.get("/health")
            gate.open.set()
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
            assert int(refused.headers["Retry-After"]) >= 1
            assert health.json()["requests"] == 1
            assert (await first).status_code == 200
            assert (await client.post("/label", json={"text": TEXT})).status_code == 200

    asyncio.run(scene())


def test_a_request_that_takes_too_long_is_given_up() -> None:
    async def scene() -> None:
        gate = Gate()
        async with inside(gate, seconds=0.1) as client:
            late = await client.post("/label", json={"text": TEXT})
            gate.open.set()
            assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")
            assert "send fewer sentences" in late.json()["error"]["message"]

    asyncio.run(scene())


def test_a_failing_model_is_answered_and_logged_without_the_text(capfd: pytest.CaptureFixture[str]) -> None:
    async def scene() -> None:
        async with inside(Broken()) as client:
            answer = await client.post("/label", json={"text": f"وصل {SECRET} إلى المدينة."})
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "failed")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"

    asyncio.run(scene())
    said = "".join(capfd.readouterr())
    assert re.search(r"error: RuntimeError at \S+test_server\.py:\d+", said)
    assert SECRET not in said


class Picky:
    """The rules, which fail on every sentence that holds the secret word, and say it."""

    name = "picky"

    def __init__(self) -> None:
        self.rules = load_classifier("rules")

    def predict(self, sentences: Sequence[str], **more: Any) -> Any:
        if any(SECRET in sentence for sentence in sentences):
            raise RuntimeError(f"cannot read {sentences}")
        return self.rules.predict(sentences, **more)


def test_an_article_that_fails_among_others_is_marked(capfd: pytest.CaptureFixture[str]) -> None:
    async def scene() -> None:
        async with inside(Picky()) as client:
            articles = [{"text": TEXT}, {"text": f"وصل {SECRET} إلى المدينة."}]
            answer = await client.post("/label", json={"articles": articles})
            good, bad = answer.json()["articles"]
            assert good["counts"]["deny"] == 1
            assert [(s["label"], s["warnings"]) for s in bad["sentences"]] == [(None, ["failed"])]
            assert (await client.post("/label", json=articles[1])).status_code == 500

    asyncio.run(scene())
    assert SECRET not in "".join(capfd.readouterr())


# --- batching -------------------------------------------------------------------------------------------


class Recorder:
    """Labels with the rules and remembers the articles of every run; the first run waits for `open`."""

    def __init__(self) -> None:
        self.rules = load_classifier("rules")
        self.open, self.entered = threading.Event(), threading.Event()
        self.runs: list[list[str]] = []

    def __call__(self, articles: Sequence[Article]) -> list[LabelledArticle]:
        self.entered.set()
        self.open.wait(60)
        self.runs.append([a.doc_id for a in articles])
        if any(a.text == "bad" for a in articles):
            raise ValueError("bad")
        return [label_article(a.text, title=a.title, classifier=self.rules) for a in articles]


async def together(
    requests: Sequence[Sequence[Article]], size: int, batch: int, leave: int | None = None
) -> tuple[list[Any], Recorder]:
    """What each of `requests` is answered when they all wait behind another; request `leave` goes away first."""
    recorder = Recorder()
    batcher = Batcher(recorder, batch=batch, gather=0.0)
    batcher.start()
    first = asyncio.create_task(batcher.label([Article("first", TEXT)], 1))
    await asyncio.to_thread(recorder.entered.wait, 60)
    waiting = [asyncio.create_task(batcher.label(articles, size)) for articles in requests]
    while batcher.waiting < sum(map(len, requests)):
        await asyncio.sleep(0)
    if leave is not None:
        waiting[leave].cancel()
        await asyncio.sleep(0)
    recorder.open.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    await first
    await batcher.close()
    return answers, recorder


def test_what_waits_shares_a_run_and_is_labelled_as_if_alone() -> None:
    requests = [[Article(f"{n}-{k}", invented(f"share-{n}-{k}")["text"]) for k in range(n + 1)] for n in range(3)]
    answers, recorder = asyncio.run(together(requests, 10, 1000))
    assert recorder.runs == [["first"], [a.doc_id for articles in requests for a in articles]]
    for articles, answer in zip(requests, answers, strict=True):
        assert answer == [label_article(a.text, classifier=recorder.rules) for a in articles]


@pytest.mark.parametrize(("batch", "runs"), [(1, 6), (10, 6), (20, 3), (59, 2), (60, 1)])
def test_a_run_takes_no_more_sentences_than_it_may(batch: int, runs: int) -> None:
    answers, recorder = asyncio.run(together([[Article(str(n), TEXT)] for n in range(6)], 10, batch))
    assert len(answers) == 6
    assert len(recorder.runs) == 1 + runs


def test_one_bad_request_spoils_no_other() -> None:
    requests = [[Article("a", TEXT)], [Article("b", "bad")], [Article("c", TEXT)]]
    answers, recorder = asyncio.run(together(requests, 1, 1000))
    assert isinstance(answers[1], ValueError)
    assert answers[0] == answers[2] == [label_article(TEXT, classifier=recorder.rules)]


def test_who_goes_away_while_waiting_is_never_run() -> None:
    requests = [[Article(name, TEXT)] for name in "abc"]
    answers, recorder = asyncio.run(together(requests, 1, 1000, leave=1))
    assert isinstance(answers[1], asyncio.CancelledError)
    assert recorder.runs == [["first"], ["a", "c"]]


def test_a_client_that_hangs_up_frees_its_place() -> None:
    async def scene() -> None:
        gate = Gate()
        app = create_app(gate, Settings(limits=Limits(requests=1)))
        body = json.dumps({"text": TEXT}).encode()
        messages = iter([{"type": "http.request", "body": body, "more_body": False}, {"type": "http.disconnect"}])
        sent: list[Any] = []

        async def receive() -> Any:
            message = next(messages)
            if message["type"] == "http.disconnect":
                await asyncio.to_thread(gate.entered.wait, 60)
            return message

        async def send(message: Any) -> None:
            sent.append(message)

        head = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/label", "headers": head, "query_string": b""}
        async with app.router.lifespan_context(app):
            await app(scope, receive, send)
            gate.open.set()
        assert sent == []

    asyncio.run(scene())


def test_clients_that_leave_do_not_multiply_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    running: list[str] = []

    def fetch(url: str, **_: Any) -> Fetched:
        running.append(url)
        gate.wait(60)
        raise IsnadError("nothing", path=url)

    monkeypatch.setattr("isnad.server.uploads.fetch", fetch)

    async def scene() -> None:
        engine = Engine(load_classifier("rules"), Settings())
        left = [asyncio.create_task(engine.run(read_url, f"http://a.example/{n}", Limits())) for n in range(60)]
        await asyncio.sleep(0)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        gate.set()

    asyncio.run(scene())
    assert len(running) <= THREADS


@pytest.mark.parametrize(
    ("host", "name"), [("::1", "::1"), ("[::1]:80", "::1"), ("A.example.:8000", "a.example"), ("", "")]
)
def test_a_host_is_read_without_its_port(host: str, name: str) -> None:
    assert bare(host) == name
    assert not Settings(names=("::1",)).is_called("")


# --- headers, hosts, other sites ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", "/nothing", "/label"])
def test_every_answer_carries_the_headers(client: Any, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Server" not in headers
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:8000", 200), ("LOCALHOST.", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("192.0.2.7:8000", 200),
     ("isnad.example", 400), ("localhost.evil.example", 400), ("127.0.0.1.evil.example", 400), ("", 400)],
)  # fmt: skip
def test_a_name_that_was_turned_to_this_address_is_refused(client: Any, host: str, status: int) -> None:
    answer = client.get("/health", headers={"Host": host})
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["code"] == "bad_host"


def test_a_name_can_be_allowed(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--allow-host", "isnad.example") as running:
        for host, status in (("isnad.example:80", 200), ("other.example", 400)):
            assert httpx.get(f"{running.address}/health", headers={"Host": host}).status_code == status


def test_pages_of_other_sites_are_refused(client: Any, server: Running) -> None:
    for origin, status in ((server.address, 200), ("http://evil.example", 403), ("null", 403)):
        assert client.post("/label", json={"text": TEXT}, headers={"Origin": origin}).status_code == status
    preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/label", headers=preflight)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_page_allows_only_its_own_style_and_script(client: httpx.Client) -> None:
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    for kind in ("style", "script"):
        parts = re.findall(rf"<{kind}>(.*?)</{kind}>", answer.text, re.DOTALL)
        hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'" for part in parts]
        assert len(parts) == 2
        assert f"{kind}-src {' '.join(hashes)};" in policy
    assert not re.search(r'\sstyle="|\son\w+="|src=|url\(|@import', answer.text)
    assert "connect-src 'self'" in policy


# --- what the page asks for -----------------------------------------------------------------------------


def test_a_text_becomes_a_fragment_without_scripts(client: httpx.Client) -> None:
    hostile = "<script>alert(1)</script> نفت الوزارة النبأ."
    answer = client.post("/page", json={"text": hostile, "title": "<b>"})
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert 'class="s deny"' in answer.text
    assert "no sentence" in client.post("/page", json={"text": " "}).json()["error"]["message"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1256", "iso8859_6"])
def test_a_file_is_read_in_its_encoding(client: httpx.Client, encoding: str) -> None:
    text = TEXT.replace("ّ", "")
    answer = client.post("/page/file", params={"name": "a.txt"}, content=text.encode(encoding), headers=BYTES)
    assert answer.status_code == 200
    assert "سامر الديب" in answer.text


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (gzip.compress(TEXT.encode()), "unreadable", "found a gzip file; unpack it"),
        (b"PAR1" + bytes(100), "unreadable", "found a Parquet file"),
        (b"%PDF-1.7", "unreadable", "found a PDF file"),
        (b"", "unreadable", "found an empty file"),
        (b'{"text": "a"}\n' * 101, "too_large", "at most 100 articles"),
    ],
)
def test_a_file_that_cannot_be_labelled_is_refused_with_a_sentence(
    client: httpx.Client, data: bytes, code: str, says: str
) -> None:
    error = client.post("/page/file", params={"name": "../../etc/a"}, content=data, headers=BYTES).json()["error"]
    assert error["code"] == code
    assert says in error["message"]
    assert "etc" not in error["message"]


def test_an_address_is_fetched_only_where_it_is_switched_on(client: httpx.Client) -> None:
    answer = client.post("/page", json={"url": "http://93.184.216.34/"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_switched_on")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/latest", "http://10.0.0.1/",
     "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "file:///etc/passwd", "ftp://192.0.2.1/", "http://"],
)  # fmt: skip
def test_private_addresses_are_never_fetched(url: str) -> None:
    async def scene() -> None:
        async with inside(load_classifier("rules"), fetch=True) as client:
            answer = await client.post("/page", json={"url": url})
            assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not_fetched")

    asyncio.run(scene())


def test_a_fetched_page_is_labelled_within_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    html = f'<html><meta charset="windows-1256"><body><article><p>{TEXT}</p></article></body></html>'
    asked: dict[str, Any] = {}

    def fetch(url: str, **limits: Any) -> Fetched:
        asked.update(limits, url=url)
        return Fetched("https://isnad.example/b", html.encode("cp1256", "ignore"), "text/html", None)

    async def scene() -> None:
        async with inside(load_classifier("rules"), fetch=True, body=5000, patience=3.0) as client:
            answer = await client.post("/page", json={"url": "https://isnad.example/a"})
            assert "سامر الديب" in answer.text
            assert 'href="https://isnad.example/b"' in answer.text

    monkeypatch.setattr("isnad.server.uploads.fetch", fetch)
    asyncio.run(scene())
    assert asked == {"url": "https://isnad.example/a", "allow_private": False, "timeout": 3.0, "limit": 5000}


# --- the process ----------------------------------------------------------------------------------------


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=60).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_the_running_request_end(tmp_path: Path, sign: int) -> None:
    body = json.dumps({"text": TEXT}).encode()
    with serving(tmp_path / "log") as running:
        host, port = running.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as line:
            head = f"POST /label HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            line.sendall(f"{head}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode())
            assert b"100 Continue" in line.recv(1000)
            running.process.send_signal(sign)
            while answers(host, int(port)):
                pass
            line.sendall(body)
            answer = b"".join(iter(lambda: line.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["counts"]["deny"] == 1
        assert running.process.wait(60) == 0


def test_nothing_of_what_is_sent_is_logged(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as running, httpx.Client(base_url=running.address) as client:
        kind = {"Content-Type": "application/json"}
        client.post("/label", json={"text": f"وصل {SECRET}.", "title": SECRET, "doc_id": SECRET})
        client.post("/label", json={"text": SECRET, SECRET: 1})
        client.post("/label", content=f'{{"text": "{SECRET}'.encode(), headers=kind)
        client.post("/page", json={"text": SECRET})
        client.post("/page/file", params={"name": f"{SECRET}.html"}, content=f"<p>{SECRET}".encode(), headers=BYTES)
        client.get(f"/{SECRET}?{SECRET}")
        code, said = running.stop()
    assert code == 0
    assert said == ""


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as bound:
        port = str(bound.getsockname()[1])
        command = [sys.executable, "-m", "isnad", "serve", "--port", port]
        found = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120)
    assert found.returncode == 1
    assert (
        found.stderr
        == f"error: expected a free port, found {port} in use; name another with --port, or --port 0 for any\n"
    )
    assert found.stdout == ""


def test_an_address_of_another_machine_is_a_sentence() -> None:
    for host in ("192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(IsnadError, match="check --host"):
            listen(host, 0)


IMPATIENT = """
from isnad.classifier import load_classifier
from isnad.server.protocol import PatientProtocol
from isnad.server.run import listen, run
from isnad.server.settings import Limits, Settings
limits = Limits(patience=0.3)
run(load_classifier("rules"), Settings(limits=limits), listen("127.0.0.1", 0), lambda a: print(a, flush=True))
"""


@pytest.mark.parametrize(
    ("half", "answer"),
    [(b"", b""), (b"GET /health HTTP/1.1\r\nHost: ", b""),
     (b"POST /label HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{", b"HTTP/1.1 408")],
)  # fmt: skip
def test_a_slow_client_is_not_waited_for(tmp_path: Path, half: bytes, answer: bytes) -> None:
    with serving(tmp_path / "log", code=IMPATIENT) as running:
        host, port = running.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as line:
            line.sendall(half)
            try:
                found = b"".join(iter(lambda: line.recv(65536), b""))
            except ConnectionResetError:
                found = b""
        assert found.startswith(answer)
        assert bool(found) == bool(answer)
        assert httpx.get(f"{running.address}/health").status_code == 200


class Wire:
    """A transport that remembers whether it was cut."""

    def __init__(self) -> None:
        self.cut = asyncio.Event()

    def get_extra_info(self, name: str) -> None:
        return None

    def abort(self) -> None:
        self.cut.set()


def test_an_answer_that_nobody_reads_is_cut() -> None:
    async def scene() -> None:
        config = uvicorn.Config(create_app(load_classifier("rules")), ws="none")
        for reads in (True, False):
            protocol, wire = PatientProtocol(config, ServerState(), {}), Wire()
            protocol.connection_made(wire)
            protocol.patience = 0.0
            protocol.pause_writing()
            if reads:
                protocol.resume_writing()
                await asyncio.sleep(0)
            else:
                await asyncio.wait_for(wire.cut.wait(), 60)
            assert wire.cut.is_set() is not reads
            protocol.connection_lost(OSError())

    asyncio.run(scene())


def test_a_warning_is_given_where_others_can_reach_it(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--host", "0.0.0.0") as running:
        code, said = running.stop()
    assert code == 0
    assert "whoever reaches this address can use it" in said
