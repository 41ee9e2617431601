"""Everything that can be wrong with the labelled data, found before training meets it.

    isnad check [FOLDER] [--leakage]

A problem names file, line and rule and says what was expected, what was found and what to do.
Sentences appear as `corpus:doc_id:start-end`, never as text: the news belongs to the newspapers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isnad.check_article import LABELS, Problem, RawArticle, article_findings, schema_findings
from isnad.duplicates import NEAR, shingles
from isnad.errors import IsnadError
from isnad.examples import COMPOSED, SPLITS, LabelledData, corpus_articles, publisher
from isnad.labels import Stance
from isnad.text import normalise_text

READINGS = ("first", "second")
"""Folders of single readings; what is published stands in the others."""
FOLDERS = (COMPOSED, "news", *READINGS)
LEAKS = ("split-twice", "publisher", "duplicate-sentence", "near-duplicate")
"""Rules that say that something of one split stands in another."""
REPEAT_WORDS = 6
"""Shorter sentences («اقرأ أيضاً») may repeat across splits."""


@dataclass(frozen=True, slots=True)
class Report:
    """What `check_data` found. `sentences` counts by (split, origin, kind, label); split `""` is none."""

    problems: tuple[Problem, ...]
    articles: int
    missing: int
    sentences: Mapping[tuple[str, str, str, str], int]

    @property
    def errors(self) -> list[Problem]:
        """The problems that must be mended."""
        return [p for p in self.problems if p.severity == "error"]

    def only(self, rules: Collection[str]) -> Report:
        """The same report with the problems of these rules alone."""
        return replace(self, problems=tuple(p for p in self.problems if p.rule in rules))

    @property
    def warnings(self) -> list[Problem]:
        """The problems worth a look."""
        return [p for p in self.problems if p.severity == "warning"]


def check_data(folder: Path, corpora: Path | None = None) -> Report:
    """Check `folder` (`composed/`, `news/`, `first/`, `second/`, `splits/`) with the news text in `corpora`, if any."""
    if not folder.is_dir():
        raise IsnadError(f"expected a folder of labelled data, found nothing at {str(folder)!r}; correct the path")
    problems: list[Problem] = []
    read, keys = _read(folder, problems)
    articles = _join(read, corpora, problems)
    for a in articles:
        problems += [a.problem(rule, message) for rule, message in article_findings(a)]
    published = [a for a in articles if a.folder not in READINGS]
    owner = _owners(folder, keys, problems)
    problems += _twice(published)
    problems += _readings(published, [a for a in articles if a.folder in READINGS])
    problems += [a.problem("no-split", _NO_SPLIT.format(a.key)) for a in published if a.key not in owner]
    placed = [a for a in published if a.key in owner]
    problems += [*_publishers(placed, owner), *_repeats(placed, owner), *_near(placed, owner)]
    counts = Counter(
        (owner.get(a.key, ""), COMPOSED if a.folder == COMPOSED else "news", a.raw["kind"], u["label"])
        for a in published
        for u in a.raw["sentences"]
    )
    problems += _empty(folder, counts)
    problems.sort(key=lambda p: (p.file, p.line))
    return Report(tuple(problems), len(published), sum(a.text is None for a in published), counts)


_NO_SPLIT = "expected every article in one split, found {} in none; add its id to a list in splits/"


# --- reading ------------------------------------------------------------------------------------


def _read(folder: Path, problems: list[Problem]) -> tuple[list[RawArticle], set[str]]:
    """Articles whose shape is right, and the keys of all that have one (a broken article is no missing one)."""
    found: list[RawArticle] = []
    keys: set[str] = set()
    paths = [p for name in FOLDERS for p in sorted((folder / name).glob("*.jsonl"))]
    if not any(p.parent.name not in READINGS for p in paths):
        problems.append(Problem(str(folder), 1, "json", "expected composed/*.jsonl or news/*.jsonl, found neither"))
    for path in paths:
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            article = RawArticle(str(path), number, path.parent.name, {})
            try:
                raw = json.loads(line.decode())
            except ValueError as error:
                message = f"expected one article as JSON in UTF-8, found {type(error).__name__}; rewrite the line"
                problems.append(article.problem("json", message))
                continue
            wrong = list(schema_findings(raw, article.folder))
            problems += [article.problem("schema", message) for message in wrong]
            if isinstance(raw, dict) and "doc_id" in raw and article.folder not in READINGS:
                keys.add(replace(article, raw=raw).key)
            if not wrong:
                found.append(replace(article, raw=raw, title=raw.get("title"), text=raw.get("text")))
    return found, keys


def _join(articles: Sequence[RawArticle], corpora: Path | None, problems: list[Problem]) -> list[RawArticle]:
    wanted: dict[str, set[str]] = {}
    for a in articles:
        if a.folder == "news":
            wanted.setdefault(a.corpus, set()).add(a.raw["doc_id"])
    texts: dict[str, tuple[str, str]] = {}
    for corpus, ids in wanted.items() if corpora is not None else ():
        assert corpora is not None
        try:
            for raw in corpus_articles(corpora, corpus, ids):
                texts[f"{corpus}:{raw['doc_id']}"] = raw["title"] or "", raw["text"]
        except (IsnadError, OSError, EOFError, ValueError, KeyError) as error:
            message = f"expected the text of {corpus}, found {error}; see data/README.md for how to make it"
            problems.append(Problem(str(corpora / f"{corpus}.jsonl.xz"), 1, "corpus", message, "warning"))
    known = {a.key for a in articles if a.folder == "news"} & texts.keys()
    return [replace(a, title=texts[a.key][0], text=texts[a.key][1]) if a.key in known else a for a in articles]


# --- all articles together ----------------------------------------------------------------------


def _twice(articles: Iterable[RawArticle]) -> Iterator[Problem]:
    first: dict[str, RawArticle] = {}
    for a in articles:
        other = first.setdefault(a.key, a)
        if other is not a:
            where = f"{other.path}:{other.line}"
            yield a.problem("duplicate-id", f"expected each id once, found {a.key} at {where} too; rename or remove")


def _readings(published: Sequence[RawArticle], readings: Sequence[RawArticle]) -> Iterator[Problem]:
    known = {a.name(u): u["sha1"] for a in published for u in a.raw["sentences"]}
    for a in readings:
        for u in a.raw["sentences"]:
            if known.get(a.name(u)) != u["sha1"]:
                what = f"expected a published sentence behind {a.name(u)}, found none with this SHA-1"
                yield a.problem("reading", f"{what}; remove it or correct its offsets")


def _owners(folder: Path, keys: set[str], problems: list[Problem]) -> dict[str, str]:
    owner: dict[str, str] = {}
    for split in SPLITS:
        path = folder / "splits" / f"{split}.json"
        try:
            content = path.read_text(encoding="utf-8")
            ids = [str(key) for key in json.loads(content)["articles"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f'expected {{"articles": [ids]}}, found {type(error).__name__}; write the list of this split'
            problems.append(Problem(str(path), 1, "split-file", message))
            continue
        lines = {line.strip().rstrip(",").strip('"'): n for n, line in enumerate(content.splitlines(), 1)}
        for key in ids:
            if key in owner:
                message = f"expected each article once, found {key} in {owner[key]} too; keep it in one split"
                problems.append(Problem(str(path), lines.get(key, 1), "split-twice", message))
            elif key not in keys:
                message = f"expected a labelled article behind {key}, found none; remove the id or restore the article"
                problems.append(Problem(str(path), lines.get(key, 1), "split-unknown", message))
            owner.setdefault(key, split)
    return owner


def _publishers(articles: Sequence[RawArticle], owner: Mapping[str, str]) -> Iterator[Problem]:
    news = [a for a in articles if a.folder == "news"]
    held = {publisher(a.corpus, a.raw["outlet"]) for a in news if owner[a.key] == SPLITS[-1]}
    for a in news:
        name = publisher(a.corpus, a.raw["outlet"])
        if name in held and owner[a.key] != SPLITS[-1]:
            message = f"expected {name} in test-outlets alone, found {a.key} in {owner[a.key]}"
            yield a.problem("publisher", f"{message}; move it to test-outlets or remove it")


def _repeats(articles: Sequence[RawArticle], owner: Mapping[str, str]) -> Iterator[Problem]:
    units = [(a, unit) for a in articles for unit in a.raw["sentences"]]
    named = [(a.key, a.name(unit), a.sentence(unit) or "") for a, unit in units]
    for place, message in _repeated(named, owner):
        yield units[place][0].problem("duplicate-sentence", message)


def _repeated(sentences: Iterable[tuple[str, str, str]], owner: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Of sentences (article, name, text), the place of each that stands in another split too, and what to do."""
    first: dict[str, tuple[str, str]] = {}
    for place, (key, name, raw) in enumerate(sentences):
        text = normalise_text(raw, "plain")
        if len(text.split()) < REPEAT_WORDS:
            continue
        other, other_name = first.setdefault(text, (key, name))
        if owner[other] != owner[key]:
            yield (
                place,
                f"expected a sentence in one split only, found {name} ({owner[key]}) to repeat "
                f"{other_name} ({owner[other]}); put both articles in one split or reword one",
            )


def _near(articles: Sequence[RawArticle], owner: Mapping[str, str]) -> Iterator[Problem]:
    placed = {a.key: a for a in articles if a.text is not None}
    for one, other, share in _near_pairs({k: a.whole for k, a in placed.items()}, owner):
        yield placed[one].problem("near-duplicate", _near_message(one, other, share, owner))


def _near_pairs(texts: Mapping[str, str], owner: Mapping[str, str]) -> Iterator[tuple[str, str, float]]:
    """Articles of different splits that share `NEAR` of the shorter one, as `isnad.duplicates` counts it.

    All pairs in one pass: equal shingles stand together once sorted, so shifting the sorted array
    against itself by 1, 2, … meets every pair of articles that share one.
    """
    keys = list(texts)
    parts = [shingles(texts[key]) for key in keys]
    sizes = np.array([len(p) for p in parts], dtype=np.int64)
    hashes = np.concatenate(parts) if parts else np.array([], dtype=np.uint64)
    order = np.argsort(hashes, kind="stable")
    hashes, article = hashes[order], np.repeat(np.arange(len(keys)), sizes)[order]
    pairs, shift = [], 1
    while (same := hashes[shift:] == hashes[:-shift]).any():
        pairs.append(article[:-shift][same] * len(keys) + article[shift:][same])
        shift += 1
    codes, shared = np.unique(np.concatenate(pairs or [sizes[:0]]), return_counts=True)
    one, other = codes // max(len(keys), 1), codes % max(len(keys), 1)
    share = shared / np.minimum(sizes[one], sizes[other])
    for i in np.flatnonzero(share >= NEAR):
        first, second = keys[one[i]], keys[other[i]]
        if owner[first] != owner[second]:
            yield first, second, float(share[i])


def _near_message(one: str, other: str, share: float, owner: Mapping[str, str]) -> str:
    return (
        f"expected near-duplicates in one split, found {one} ({owner[one]}) and {other} ({owner[other]}) "
        f"to share {share:.0%} of the shorter one; move one to the split of the other or remove it"
    )


def leaks(data: LabelledData) -> list[str]:
    """What stands in two splits of `data`, a sentence of blame each: near-duplicate articles and repeated sentences."""
    documents = [d for found in data.documents.values() for d in found]
    owner = {d.key: split for split, found in data.documents.items() for d in found}
    texts = {d.key: f"{d.title}\n{d.text}" for d in documents}
    named = [(d.key, f"{d.key}:{u.start}-{u.end}", d.sentence(u)) for d in documents for u in d.units]
    near = [_near_message(one, other, share, owner) for one, other, share in _near_pairs(texts, owner)]
    return near + [message for _, message in _repeated(named, owner)]


def _empty(folder: Path, counts: Mapping[tuple[str, str, str, str], int]) -> Iterator[Problem]:
    there = {(split, label) for split, _, _, label in counts}
    for split in ("train", "dev"):
        for stance in Stance:
            if (split, stance.value) not in there:
                path = str(folder / "splits" / f"{split}.json")
                message = f"expected sentences labelled {stance.value!r} in {split}, found none; label or add some"
                yield Problem(path, 1, "empty-class", message)


# --- showing ------------------------------------------------------------------------------------


def render(report: Report) -> str:
    """Plain text for a terminal: problems one a line, then a table of the counts."""
    lines = [
        f"{p.file}:{p.line}: {p.rule}{' (warning)' if p.severity == 'warning' else ''}: {p.message}"
        for p in report.problems
    ]
    table: dict[tuple[str, str, str], Counter[str]] = {}
    for (split, origin, kind, label), n in report.sentences.items():
        for row in ((split or "(none)", origin, kind), ("all", "", "")):
            table.setdefault(row, Counter())[label] += n
    ranks = {name: rank for rank, name in enumerate((*SPLITS, "(none)", "all"))}
    lines += ["" if lines else "no problems", f"{'split':<14}{'origin':<10}{'kind':<9}", ""]
    lines[-2] += "".join(f"{label:>10}" for label in (*LABELS, "sum"))
    for row in sorted(table, key=lambda r: (ranks[r[0]], r[1:])):
        cells = [*(table[row][label] for label in LABELS), table[row].total()]
        lines.append(f"{row[0]:<14}{row[1]:<10}{row[2]:<9}" + "".join(f"{n:>10,}" for n in cells))
    lines += [
        "",
        f"{report.articles:,} articles, the text of {report.missing:,} is not here; "
        f"{len(report.errors):,} errors, {len(report.warnings):,} warnings",
    ]
    return "\n".join(lines)
