"""Does memory stay flat? python benchmarks/memory.py [--model rules] [--sentences 1000,10000,100000,1000000]

`isnad label ARTICLES --format jsonl` in a fresh process for each number of sentences, reading a file of composed
articles (data/composed, repeated) and writing to a file; the largest resident memory of each process is what the kernel
says. With the released model a million sentences take a quarter of an hour or more; the cue rules, `--model rules`,
stand for the way from file to file. Prints Markdown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

import click
from label_speed import articles_of, machine

from isnad.errors import IsnadError
from isnad.sentences import split_sentences


def write_articles(path: Path, texts: list[str], sentences: int) -> int:
    """Fill `path` with articles, over and over, until they hold `sentences`; returns how many they hold."""
    counts = [len(split_sentences(t)) for t in texts]
    written = 0
    with path.open("w", encoding="utf-8") as sink:
        for text, count in cycle(zip(texts, counts, strict=True)):
            if written >= sentences:
                return written
            sink.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
            written += count
    return written


def peak(source: Path, target: Path, model: str) -> tuple[int, float]:
    """Largest resident memory in bytes of a process that labels `source`, and its seconds."""
    command = [sys.executable, "-m", "isnad", "label", str(source), "--model", model, "-o", str(target)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    error = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise IsnadError(f"expected `isnad label` to end well, found: {error.strip()[-300:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit, time.perf_counter() - began


@click.command(help=__doc__)
@click.option("--model", default="isnad/model", show_default=True, help='Artefact, run or "rules".')
@click.option("--sentences", default="1000,10000,100000,1000000", show_default=True, help="With commas between.")
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path))
def main(model: str, sentences: str, data: Path) -> None:
    """Measure and print."""
    click.echo("| sentences | largest resident memory | the file read | seconds |\n|--:|--:|--:|--:|")
    try:
        texts = articles_of(data, 5000)
        with tempfile.TemporaryDirectory() as scratch:
            source, target = Path(scratch) / "articles.jsonl", Path(scratch) / "answers.jsonl"
            for wanted in (int(n) for n in sentences.split(",")):
                count = write_articles(source, texts, wanted)
                bytes_, seconds = peak(source, target, model)
                size = source.stat().st_size / 1e6
                click.echo(f"| {count:,} | {bytes_ / 1e6:,.0f} MB | {size:,.1f} MB | {seconds:,.0f} |")
                target.unlink()
    except (IsnadError, ValueError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    click.echo(f"\nModel: {model}. {machine()}.")


if __name__ == "__main__":
    main(prog_name="python benchmarks/memory.py")
