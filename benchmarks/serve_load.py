"""`isnad serve` under load on loopback: python benchmarks/serve_load.py [--requests 300] [--model isnad/model]

A server that lets waiting requests share runs of the model and one that runs each alone (--batch 1), in processes of
their own, get the same texts of data/composed, one a request, whole articles and then single sentences, from 1, 4, 16
and 64 clients, each of which sends its next request when the last is answered. One client whose requests run alone is
the one-by-one call that the others are compared with. Rounds are interleaved; every cell is the median of the rounds.
The clients share the machine with the server. Prints Markdown.
"""

from __future__ import annotations

import http.client
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click
from label_speed import articles_of, machine

from isnad.errors import IsnadError
from isnad.sentences import split_sentences

CLIENTS = (1, 4, 16, 64)
SERVERS = {"shared runs": (), "each alone": ("--batch", "1")}
Labels = list[list[str | None]]


@dataclass(frozen=True, slots=True)
class Load:
    """One round of one cell: seconds of each request in order, seconds of all, and the labels."""

    latencies: tuple[float, ...]
    seconds: float
    labels: Labels

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the requests took at most."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, round(share * len(ordered)))]


@contextmanager
def serving(words: Sequence[str], model: str) -> Iterator[str]:
    """Host and port of a server process that is ready."""
    command = [sys.executable, "-m", "isnad", "serve", "--port", "0", "--model", model, *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    assert process.stdout
    found = re.search(r"http://\S+", process.stdout.readline())
    if not found:
        raise IsnadError("expected a server, found none; its error stands above")
    try:
        yield urlsplit(found[0]).netloc
    finally:
        process.terminate()
        process.wait()


def load(place: str, texts: Sequence[str], clients: int) -> Load:
    """Send every text once, from `clients` threads; raises IsnadError where one is refused."""
    bodies = [json.dumps({"text": text}).encode() for text in texts]
    latencies, labels = [0.0] * len(bodies), [[]] * len(bodies)
    refused: list[str] = []
    left = iter(range(len(bodies)))
    lock = threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection(place, timeout=120)
        while True:
            with lock:
                number = next(left, None)
            if number is None or refused:
                return connection.close()
            began = time.perf_counter()
            connection.request("POST", "/label", bodies[number], {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
            latencies[number] = time.perf_counter() - began
            if answer.status != 200:
                refused.append(data.decode())
                return connection.close()
            labels[number] = [s["label"] for s in json.loads(data)["sentences"]]

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if refused:
        raise IsnadError(f"expected answers, found a refusal: {refused[0][:300]}")
    return Load(tuple(latencies), seconds, labels)


def measure(texts: Sequence[str], rounds: int, model: str) -> dict[tuple[str, int], list[Load]]:
    """All cells, server beside server and round after round; each server warms up on a few articles."""
    found: dict[tuple[str, int], list[Load]] = {(name, n): [] for n in CLIENTS for name in SERVERS}
    with ExitStack() as stack:
        places = {name: stack.enter_context(serving(words, model)) for name, words in SERVERS.items()}
        for place in places.values():
            load(place, texts[:4], 2)
        for number in range(rounds):
            for name, clients in found:
                click.echo(f"round {number + 1} of {rounds}: {clients} clients, {name}", err=True)
                found[name, clients].append(load(places[name], texts, clients))
    return found


def table(found: dict[tuple[str, int], list[Load]], texts: Sequence[str]) -> list[str]:
    """Markdown, a line a cell; ratios and labels are compared with one client whose requests run alone."""
    sentences = sum(len(split_sentences(text)) for text in texts)
    alone = found["each alone", 1]
    usual = statistics.median(cell.seconds for cell in alone)
    lines = [
        "| clients | | p50 ms | p95 ms | requests/s | sentences/s | to one by one | labels as one by one |",
        "|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    for (name, clients), cells in found.items():
        p50, p95 = (statistics.median(cell.percentile(share) for cell in cells) for share in (0.5, 0.95))
        seconds = statistics.median(cell.seconds for cell in cells)
        rates = f"{len(texts) / seconds:,.1f} | {sentences / seconds:,.0f} | {usual / seconds:.2f} ×"
        equal = f"{100 * same(cells[-1].labels, alone[-1].labels):.2f} %"
        lines.append(f"| {clients} | {name} | {p50:,.0f} | {p95:,.0f} | {rates} | {equal} |")
    return lines


def same(one: Labels, other: Labels) -> float:
    """Share of equal labels among the sentences that have one."""
    pairs = [(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True)]
    asked = [(a, b) for a, b in pairs if a is not None or b is not None]
    return sum(a == b for a, b in asked) / max(1, len(asked))


@click.command(help=__doc__)
@click.option("--model", default="isnad/model", help='Artefact or run, or "rules".')
@click.option("--requests", "count", default=300, show_default=True, type=click.IntRange(min=64), help="In each cell.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path))
def main(model: str, count: int, rounds: int, data: Path) -> None:
    """Measure and print."""
    try:
        articles = articles_of(data, count * 40)[:count]
        longest = [max((s.text for s in split_sentences(text)), key=len) for text in articles]
        for name, texts in (("Whole articles", articles), ("Single sentences", longest)):
            click.echo(f"{name}:\n\n" + "\n".join(table(measure(texts, rounds, model), texts)) + "\n")
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    click.echo(f"{machine()}.")
    click.echo(f"{count} requests a cell; {rounds} rounds; the clients run on the same cores.")


if __name__ == "__main__":
    main(prog_name="python benchmarks/serve_load.py")
