"""The server against requests that nobody would think of.

`ISNAD_FUZZ=500 python -m pytest tests/test_server_fuzz.py` tries that many of each kind instead of the few below.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import invented, python
from hypothesis import given, settings
from hypothesis import strategies as st
from test_server import JSON, TEXT, Running, serving

EXAMPLES = int(os.environ.get("ISNAD_FUZZ", "15"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("fuzz") / "log") as running:
        yield running
        code, said = running.stop()
    assert (code, said) == (0, ""), "it went on, and had nothing to say"


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.address, timeout=60) as client:
        yield client


def test_schemathesis_finds_nothing(server: Running, tmp_path: Path) -> None:
    start = "from schemathesis.cli import schemathesis; schemathesis()"
    words = ["run", f"{server.address}/openapi.json", "--max-examples", str(EXAMPLES), "--generation-deterministic"]
    found = python("-c", start, *words, "--no-color", cwd=tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "Selected: 2/2" in found.stdout
    assert "No issues found" in found.stdout


def has_a_shape(answer: httpx.Response) -> bool:
    """A fragment, or a refusal with a sentence; never an error of the server."""
    if answer.status_code == 200:
        return answer.headers["Content-Type"].startswith("text/html")
    return answer.status_code < 500 and len(answer.json()["error"]["message"]) > 10


@settings(max_examples=EXAMPLES, derandomize=True)
@given(
    data=st.binary(max_size=2000)
    | st.text(max_size=500).map(str.encode)
    | st.sampled_from(["utf-16", "cp1256", "iso8859_6"]).map(lambda e: TEXT.replace("،", ",").encode(e, "ignore"))
    | st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.dictionaries(st.sampled_from(["text", "title"]), x)
    ).map(lambda x: json.dumps(x).encode())
    | st.binary(max_size=50).map(lambda x: b"<html><body><p>" + x + b"</p></body></html>"),
    name=st.text(max_size=20)
    | st.sampled_from(["a.csv", "a.html", "a.json", "../../a.txt", "a.parquet", "a.warc", "a.gz"]),
)
def test_no_file_breaks_the_server(client: httpx.Client, data: bytes, name: str) -> None:
    kind = {"Content-Type": "application/octet-stream"}
    assert has_a_shape(client.post("/page/file", params={"name": name}, content=data, headers=kind))


values = st.none() | st.booleans() | st.integers() | st.text(max_size=300) | st.lists(st.text(max_size=5), max_size=2)


@settings(max_examples=EXAMPLES, derandomize=True)
@given(body=st.dictionaries(st.sampled_from(["text", "title", "url", "x"]), values) | values)
def test_no_boxes_break_the_server(client: httpx.Client, body: Any) -> None:
    assert has_a_shape(client.post("/page", content=json.dumps(body).encode(), headers=JSON))


@settings(max_examples=EXAMPLES, derandomize=True)
@given(
    text=st.text(max_size=400)
    | st.lists(st.sampled_from(list("«».؟!:،\n\r\t \u202e\u200f\0") + TEXT.split())).map(" ".join)
)
def test_offsets_hold_for_any_text(client: httpx.Client, text: str) -> None:
    text = text or "a"
    for sentence in client.post("/label", json={"text": text}).json()["sentences"]:
        assert text[sentence["start"] : sentence["end"]] == sentence["text"]


def test_it_still_answers_afterwards(client: httpx.Client) -> None:
    assert client.post("/label", json={"text": invented("after")["text"]}).status_code == 200
    assert client.get("/health").json()["requests"] == 0
