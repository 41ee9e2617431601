"""From a cold start to the first label: python benchmarks/cold_start.py [--model isnad/model] [--rounds 7]

`isnad label ARTICLE --format jsonl` and a script of four lines with transformers.pipeline, each in a fresh process with
the same article of data/composed; rounds are interleaved, and the first one, which fills the file cache, is not
counted. Prints Markdown, and what `isnad label` spends on imports (`python -X importtime`).
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from label_speed import articles_of, machine

from isnad.classifier import artefact_folder
from isnad.errors import IsnadError

PIPELINE = """
import sys
from transformers import pipeline
from isnad.sentences import split_sentences
from isnad.text import normalise_text
pipe = pipeline("text-classification", model=sys.argv[1], device="cpu")
text = open(sys.argv[2], encoding="utf-8").read()
for answer in pipe([normalise_text(s.text) for s in split_sentences(text)]):
    print(answer["label"], flush=True)
"""
IMPORT = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \|( *)(\S+)")


def to_first_line(command: list[str]) -> tuple[float, float]:
    """Seconds from the start of the process to its first line of output, and to its end."""
    around = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=around) as process:
        assert process.stdout
        assert process.stderr
        first = process.stdout.readline()
        seconds = time.perf_counter() - began
        process.stdout.read()
        error = process.stderr.read().decode(errors="replace")
    if not first or process.returncode:
        raise IsnadError(f"expected a label from {' '.join(command[:4])}, found: {error.strip()[-300:]}")
    return seconds, time.perf_counter() - began


def imports(command: list[str], most: int = 8) -> list[str]:
    """The packages that cost `command` most, with milliseconds, a package's own modules added up."""
    done = subprocess.run([sys.executable, "-X", "importtime", *command], capture_output=True, text=True, check=False)
    spent: dict[str, int] = {}
    for own, _, _, name in IMPORT.findall(done.stderr):
        package = name.partition(".")[0]
        spent[package] = spent.get(package, 0) + int(own)
    ranked = sorted(spent.items(), key=lambda pair: -pair[1])[:most]
    return [f"{name} {microseconds / 1000:.0f}" for name, microseconds in ranked]


@click.command(help=__doc__)
@click.option("--model", default=Path("isnad/model"), type=click.Path(path_type=Path), help="Artefact or run.")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(min=1))
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path))
def main(model: Path, rounds: int, data: Path) -> None:
    """Measure and print."""
    try:
        folder = artefact_folder(model)
        with tempfile.TemporaryDirectory() as scratch:
            article = Path(scratch) / "article.txt"
            article.write_text(articles_of(data, 1)[0], encoding="utf-8")
            label = ["-m", "isnad", "label", str(article), "--format", "jsonl", "--model", str(folder)]
            commands = {
                "`isnad label`": [sys.executable, *label],
                "transformers.pipeline": [sys.executable, "-c", PIPELINE, str(folder), str(article)],
            }
            seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
            for _ in range(rounds + 1):
                for name, command in commands.items():
                    seconds[name].append(to_first_line(command))
            dearest = imports(label)
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    click.echo("| a fresh process | s to the first label, median | rounds | s to the end |\n|---|--:|--:|--:|")
    for name, found in seconds.items():
        firsts, ends = zip(*found[1:], strict=True)
        middle, end = statistics.median(firsts), statistics.median(ends)
        click.echo(f"| {name} | {middle:.2f} | {min(firsts):.2f} to {max(firsts):.2f} | {end:.2f} |")
    click.echo(f"\nImports of `isnad label`, ms by package: {', '.join(dearest)}.\n\n{machine()}; {rounds} rounds.")


if __name__ == "__main__":
    main(prog_name="python benchmarks/cold_start.py")
