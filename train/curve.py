"""Learning curve: python -m train.curve CONFIG … [--sizes 0.125,0.25,0.5,1] [--seeds 3] [--out runs/curve]

Trains every config on growing shares of the training articles and judges it on dev (never on a test split). Each seed
draws its own articles, larger shares holding the smaller ones. Writes `curve.json`, `curve.md` and `curve.svg` and
prints the table, with what the next thousand sentences should buy by the power law a - b·n^(-c). A training that is
done is kept, so a curve that was stopped goes on.
"""

from __future__ import annotations

import json
import logging
import random
import shutil
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

import click
import numpy as np

from eval.metrics import judge
from isnad.config import dump
from isnad.errors import IsnadError
from isnad.examples import Example
from isnad.files import write_whole
from train.config import NeuralConfig, RunConfig, load_run_config
from train.progress import talk
from train.run import Prepared, answers, fit, new_manifest, prepare

log = logging.getLogger("train")

NEXT = 1000
"""How many more sentences the forecast is for."""


@dataclass(frozen=True, slots=True)
class Point:
    """One training: macro-F1 on dev after `sentences` training sentences."""

    config: str
    share: float
    seed: int
    sentences: int
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What `NEXT` more sentences should add to macro-F1: by the law, and its range over the seeds' own laws."""

    gain: float
    low: float
    high: float


def subset(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    """The sentences of a share of the articles; larger shares of one seed hold the smaller ones."""
    articles = sorted({(e.corpus, e.doc_id) for e in examples})
    random.Random(seed).shuffle(articles)
    kept = set(articles[: max(1, round(share * len(articles)))])
    return [e for e in examples if (e.corpus, e.doc_id) in kept]


def measure(config: RunConfig, prepared: Prepared, share: float, seed: int, out: Path) -> Point:
    """Train on a share and judge on dev."""
    own = replace(prepared, train=subset(prepared.train, share, seed))
    seeded = config.model_copy(update={"seed": seed}) if isinstance(config, NeuralConfig) else config
    classifier = fit(seeded, new_manifest(seeded, own), own, out)
    found = answers(classifier, own.dev)
    gold = [e.label.id for e in own.dev if e.label is not None]
    score = judge(gold, [-1 if p.label is None else p.label.id for p in found]).macro_f1
    return Point(config.name, share, seed, len(own.train), score)


def curve(
    work: Sequence[tuple[RunConfig, Prepared]], shares: Sequence[float], seeds: Sequence[int], out: Path
) -> list[Point]:
    """All points; those that `out/points` holds for the same data and config are not trained again."""
    points = []
    todo = [(c, prepared, share, seed) for c, prepared in work for share in shares for seed in seeds]
    for number, (config, prepared, share, seed) in enumerate(todo, 1):
        mark = sha256(f"{prepared.fingerprint}\n{dump(config)}\n{share}\n{seed}".encode()).hexdigest()[:16]
        kept = out / "points" / f"{mark}.json"
        if kept.is_file():
            points.append(Point(**json.loads(kept.read_text(encoding="utf-8"))))
            continue
        log.info(
            "curve: %d of %d: %s on %.1f %% of the articles, seed %d", number, len(todo), config.name, 100 * share, seed
        )
        scratch = out / "work"
        points.append(measure(config, prepared, share, seed, scratch))
        shutil.rmtree(scratch, ignore_errors=True)
        write_whole(kept, json.dumps(asdict(points[-1])) + "\n")
    return points


# --- what it says ---------------------------------------------------------------------------------


def law(sizes: Sequence[float], scores: Sequence[float]) -> tuple[float, float, float] | None:
    """`(a, b, c)` of a - b·n^(-c), by least squares; None where three sizes are not there or no law fits."""
    from scipy.optimize import OptimizeWarning, curve_fit

    if len(set(sizes)) < 3:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # points on a line: the law is one of many
            (a, b, c), _ = curve_fit(
                lambda n, a, b, c: a - b * np.power(n, -c), np.array(sizes, float), np.array(scores, float),
                p0=(min(max(scores) + 0.05, 1.0), 1.0, 0.3), bounds=((0, 0, 0.01), (1, 100, 3)), maxfev=20_000,
            )  # fmt: skip
    except RuntimeError:
        return None
    return float(a), float(b), float(c)


def forecast(points: Sequence[Point]) -> Forecast | None:
    """The next thousand sentences, from the points of one config."""
    gains = []
    for own in (list(points), *([p for p in points if p.seed == s] for s in sorted({p.seed for p in points}))):
        fitted = law([p.sentences for p in own], [p.macro_f1 for p in own])
        if fitted is None:
            return None
        _, b, c = fitted
        most = max(p.sentences for p in own)
        gains.append(b * (most**-c - (most + NEXT) ** -c))
    return Forecast(gains[0], min(gains[1:]), max(gains[1:]))


def _grouped(points: Sequence[Point]) -> dict[str, dict[float, list[Point]]]:
    found: dict[str, dict[float, list[Point]]] = {}
    for p in points:
        found.setdefault(p.config, {}).setdefault(p.share, []).append(p)
    return found


def as_markdown(points: Sequence[Point], dev: int) -> str:
    """A row a config, a column a share: mean macro-F1 and lowest to highest seed; then the forecast."""
    grouped = _grouped(points)
    shares = sorted({p.share for p in points})
    sizes = {s: round(np.mean([p.sentences for p in points if p.share == s])) for s in shares}
    lines = ["| training sentences (about) | " + " | ".join(f"{sizes[s]:,}" for s in shares) + f" | next {NEXT:,} |"]
    lines.append("|---|" + "---|" * (len(shares) + 1))
    for name, by_share in grouped.items():
        cells = []
        for s in shares:
            scores = [p.macro_f1 for p in by_share.get(s, [])]
            cells.append(f"{np.mean(scores):.3f} ({min(scores):.3f} to {max(scores):.3f})" if scores else "–")
        told = forecast([p for own in by_share.values() for p in own])
        gain = (
            "–" if told is None else f"{100 * told.gain:+.1f} points ({100 * told.low:+.1f} to {100 * told.high:+.1f})"
        )
        lines.append(f"| {name} | " + " | ".join([*cells, gain]) + " |")
    seeds = len({p.seed for p in points})
    lines += [
        "",
        f"Macro-F1 on the {dev:,} sentences of dev: mean and range over {seeds} seeds, each with its own articles.",
    ]
    return "\n".join(lines) + "\n"


def as_svg(points: Sequence[Point], path: Path) -> None:
    """The curves with their bands over the seeds, sentences on a logarithmic axis."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for (name, by_share), marker in zip(_grouped(points).items(), "osD^v<>" * 9, strict=False):
        shares = sorted(by_share)
        n = [float(np.mean([p.sentences for p in by_share[s]])) for s in shares]
        scores = [[p.macro_f1 for p in by_share[s]] for s in shares]
        (line,) = axes.plot(n, [float(np.mean(s)) for s in scores], marker=marker, label=name)
        axes.fill_between(
            n, [min(s) for s in scores], [max(s) for s in scores], alpha=0.2, color=line.get_color(), lw=0
        )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}")
    axes.set_xlabel("training sentences")
    axes.set_ylabel("macro-F1 on dev (real news)")
    axes.grid(alpha=0.3)
    axes.legend()
    beside = path.with_name(f".{path.name}.part")
    figure.savefig(beside, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    beside.replace(path)


def _numbers(_: click.Context, __: click.Parameter, value: str) -> list[float]:
    try:
        found = sorted({float(word) for word in value.split(",")})
    except ValueError:
        found = []
    if not found or found[0] <= 0 or found[-1] > 1:
        raise click.BadParameter(f"expected shares between 0 and 1, e.g. 0.25,0.5,1, found {value!r}")
    return found


@click.command(help=__doc__)
@click.argument("configs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--sizes", default="0.125,0.25,0.5,1", show_default=True, callback=_numbers, help="Shares of the articles."
)
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1), help="Draws of the articles.")
@click.option("--out", default=Path("runs/curve"), show_default=True, type=click.Path(path_type=Path))
def main(configs: tuple[Path, ...], sizes: list[float], seeds: int, out: Path) -> None:
    """Measure and write the curve."""
    talk()
    try:
        work = [(config, prepare(config)) for config in (load_run_config(path, []) for path in configs)]
        points = curve(work, sizes, range(13, 13 + seeds), out)
        table = as_markdown(points, len(work[0][1].dev))
    except IsnadError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("interrupted; the same command goes on", err=True)
        sys.exit(130)
    write_whole(out / "curve.json", json.dumps([asdict(p) for p in points], indent=1) + "\n")
    write_whole(out / "curve.md", table)
    as_svg(points, out / "curve.svg")
    click.echo(table, nl=False)


if __name__ == "__main__":
    main(prog_name="python -m train.curve")
