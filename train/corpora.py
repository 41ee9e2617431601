"""The news text again, from checkouts of the public repositories: python -m train.corpora SOURCE --from CHECKOUT

    git clone https://github.com/antcorpus/antcorpus.data
    python -m train.corpora antcorpus --from antcorpus.data --out corpora

CHECKOUT is a clone (bare or not; what HEAD holds counts) or an unpacked archive of the repository. Writes
`OUT/SOURCE.jsonl.xz`, one article a line, and compares it with the fingerprint in `data/corpora.json`: the labels fit
the very text that they were made on.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import lzma
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import click

from isnad.errors import IsnadError
from isnad.examples import join, read_documents, sentence_hash
from train.cleaning import clean, is_arabic, unglued
from train.progress import talk, track

Article = dict[str, str]
Files = Iterator[tuple[str, bytes]]

log = logging.getLogger("train")

FINGERPRINTS = "corpora.json"
MIN_WORDS = 5
DIFFERS = 3
"""Exit code where the text was made and is not the text that was labelled."""


# --- files of a checkout --------------------------------------------------------------------------


def files(checkout: Path, prefix: str = "", suffix: str = "") -> Files:
    """`(path, content)` of the files whose path has this prefix and suffix, in git's order of paths.

    Raises IsnadError when there is no checkout or no such file in it.
    """
    if not checkout.is_dir():
        raise IsnadError("expected a checkout of the repository, found nothing there; clone it first", path=checkout)
    found = _of_git(checkout, prefix, suffix) if _is_git(checkout) else _of_folder(checkout, prefix, suffix)
    empty = True
    for path, content in found:
        empty = False
        yield path, content
    if empty:
        what = f"{prefix}*{suffix}"
        raise IsnadError(
            f"expected {what} in this checkout, found none; is it the repository of data/README.md?", path=checkout
        )


def _is_git(checkout: Path) -> bool:
    return (checkout / ".git").exists() or (checkout / "HEAD").is_file()


def _of_folder(checkout: Path, prefix: str, suffix: str) -> Files:
    paths = [p.relative_to(checkout).as_posix() for p in checkout.rglob("*") if p.is_file()]
    for path in sorted(paths, key=os.fsencode):
        if path.startswith(prefix) and path.endswith(suffix):
            yield path, (checkout / path).read_bytes()


def _of_git(checkout: Path, prefix: str, suffix: str) -> Files:
    def git(*words: str) -> list[str]:
        return ["git", "-c", "safe.directory=*", "-C", str(checkout), *words]

    listed = subprocess.run(git("ls-tree", "-r", "-z", "HEAD"), capture_output=True, check=False)
    if listed.returncode:
        raise IsnadError(f"git cannot read it: {listed.stderr.decode('utf-8', 'replace').strip()}", path=checkout)
    wanted = []
    for entry in listed.stdout.split(b"\0"):
        about, _, name = entry.partition(b"\t")
        path = name.decode("utf-8", "replace")
        if b" blob " in about and path.startswith(prefix) and path.endswith(suffix):
            wanted.append((about.split()[2], path))
    with subprocess.Popen(git("cat-file", "--batch"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
        assert cat.stdin is not None
        assert cat.stdout is not None
        for sha, path in wanted:
            cat.stdin.write(sha + b"\n")
            cat.stdin.flush()
            head = cat.stdout.readline().split()
            if head[-1] == b"missing":
                raise IsnadError(f"expected {path} in this clone, found it missing; fetch all of it", path=checkout)
            yield path, cat.stdout.read(int(head[2]))
            cat.stdout.read(1)
        cat.stdin.close()


# --- the four sources -----------------------------------------------------------------------------

_BYLINE = re.compile(r"\s*\bسمات\s[^.؟!]{0,400}$")
BOILERPLATE = {
    "3alyoum": _BYLINE,
    "alweeam": re.compile(r"\s*رابط الخبر بصحيفة الوئام\s*:.*$", re.DOTALL),
    "was": re.compile(r"\s*//\s*انتهى\s*//.*$", re.DOTALL),
    "aawsat": re.compile(r"\s*\.*\s*المزيد\s*$"),
}
"""What four of the Saudi outlets put under every article."""


def saudinewsnet(checkout: Path) -> Iterator[Article]:
    """Zipped JSON lists, one a day; the id is the day and the place in its list."""
    for path, content in files(checkout, "dataset/", ".zip"):
        try:
            archive = zipfile.ZipFile(io.BytesIO(content))
        except zipfile.BadZipFile as error:
            raise IsnadError(f"expected a ZIP archive: {error}", path=checkout / path) from error
        for name in archive.namelist():
            if name.endswith(".json") and not name.startswith("__MACOSX"):
                day = name.removesuffix(".json").rsplit("/", 1)[-1]
                try:
                    rows = json.loads(archive.read(name).decode())
                except ValueError as error:
                    log.warning("%s: %s is no JSON and is passed over: %s", path, name, error)
                    continue
                yield from (_saudi(raw, f"{day}-{place}") for place, raw in enumerate(rows))


def _saudi(raw: dict[str, Any], doc_id: str) -> Article:
    outlet, text = raw.get("source") or "", raw.get("content") or ""
    if outlet in BOILERPLATE:
        text = BOILERPLATE[outlet].sub("", clean(text))
    title, date = raw.get("title") or "", raw.get("date_extracted") or ""
    return {"source": "SaudiNewsNet", "doc_id": doc_id, "title": title, "text": text, "date": date, "outlet": outlet}


def antcorpus(checkout: Path) -> Iterator[Article]:
    """One file an item, in the style of TREC."""
    for path, content in files(checkout, suffix=".txt"):
        raw = content.decode("utf-8", "replace")
        yield {
            "source": "antcorpus",
            "doc_id": _tag("DOCNO", raw).strip() or path,
            "title": _tag("TITLE", raw).strip(),
            "text": clean(_tag("TEXT", raw)),
            "date": _tag("TIME", raw).strip(),
            "outlet": _tag("SRC", raw).strip(),
        }


def _tag(name: str, raw: str) -> str:
    match = re.search(rf"<{name}>(.*?)</{name}>", raw, re.DOTALL)
    return match[1] if match else ""


def sanad_khaleej(checkout: Path) -> Iterator[Article]:
    """One bare text a file; the id is section and number."""
    for path, content in files(checkout, "data2/"):
        doc_id = path.removeprefix("data2/")[:-4]
        text = unglued(clean(content.decode("utf-8", "replace")))
        yield {
            "source": "SANAD-alkhaleej",
            "doc_id": doc_id,
            "title": "",
            "text": text,
            "date": "",
            "outlet": "alkhaleej.ae",
        }


def hespress(checkout: Path) -> Iterator[Article]:
    """One CSV a section."""
    for _, content in files(checkout, "data/stories_", ".csv"):
        for row in csv.DictReader(io.StringIO(content.decode())):
            yield {
                "source": "Hespress",
                "doc_id": row.get("id") or "",
                "title": row.get("title") or "",
                "text": unglued(clean(row.get("story"))),
                "date": row.get("date") or "",
                "outlet": f"hespress.com ({row.get('topic') or ''})",
            }


SOURCES: dict[str, Callable[[Path], Iterator[Article]]] = {
    "antcorpus": antcorpus,
    "hespress": hespress,
    "sanad_khaleej": sanad_khaleej,
    "saudinewsnet": saudinewsnet,
}


# --- all articles of a source ---------------------------------------------------------------------


def lines(articles: Iterator[Article], left_out: Counter[str]) -> Iterator[str]:
    """A JSON line for each article that is Arabic, long enough, and not there already; the others are counted."""
    seen: set[bytes] = set()
    for article in articles:
        article["title"] = clean(article["title"]).replace("\n", " ")
        article["text"] = text = clean(article["text"])
        body = md5(re.sub(r"\s+", " ", text).encode(), usedforsecurity=False).digest()
        if len(text.split()) < MIN_WORDS:
            left_out["short"] += 1
        elif not is_arabic(text):
            left_out["not Arabic"] += 1
        elif body in seen:
            left_out["duplicate"] += 1
        else:
            seen.add(body)
            yield json.dumps(article, ensure_ascii=False) + "\n"


def make(source: str, checkout: Path, out: Path) -> tuple[Path, str, int, Counter[str]]:
    """Write `out/source.jsonl.xz` beside and rename it: its path, SHA-256 of the lines, articles, what was left out."""
    left_out: Counter[str] = Counter()
    digest, count = sha256(), 0
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{source}.jsonl.xz"
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with lzma.open(beside, "wb") as packed:
            for line in track(lines(SOURCES[source](checkout), left_out), f"reading {source}"):
                packed.write(line.encode())
                digest.update(line.encode())
                count += 1
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target, digest.hexdigest(), count, left_out


def fitting(source: str, out: Path, data: Path) -> tuple[int, int]:
    """How many of the labelled sentences of a source have their words in the new text, and how many there are."""
    documents = read_documents([p for p in [data / "news" / f"{source}.jsonl"] if p.is_file()])
    fits = 0
    for document in documents:
        try:
            joined, _ = join([document], out)
        except IsnadError:
            continue
        fits += sum(sentence_hash(d.sentence(u)) == u.sha1 for d in joined for u in d.units)
    return fits, sum(len(d.units) for d in documents)


def fingerprint_of(source: str, path: Path) -> dict[str, Any]:
    """`articles`, `sha256` and `made` of the text that was labelled; raises IsnadError where the file lacks them."""
    try:
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))[source]
        return {name: known[name] for name in ("articles", "sha256", "made")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"expected the fingerprint of {source}, found {type(error).__name__}"
        raise IsnadError(f"{what}; the text was made, but nothing says whether it fits", path=path) from error


@click.command(help=__doc__)
@click.argument("source", type=click.Choice(list(SOURCES)))
@click.option("--from", "checkout", required=True, type=click.Path(path_type=Path), help="The checkout.")
@click.option("--out", default=Path("corpora"), type=click.Path(path_type=Path), help="Folder of the news text.")
@click.option("--data", default=Path("data"), type=click.Path(path_type=Path), help="Folder of the labelled data.")
def main(source: str, checkout: Path, out: Path, data: Path) -> None:
    """Make one source and say whether it is the text that was labelled."""
    talk()
    try:
        target, digest, count, left_out = make(source, checkout, out)
        told = ", ".join(f"{n:,} {why}" for why, n in sorted(left_out.items())) or "none"
        click.echo(f"{target}: {count:,} articles; left out: {told}")
        known = fingerprint_of(source, data / FINGERPRINTS)
        if digest == known["sha256"]:
            click.echo("the very text that the labels were made on")
            return
        fits, total = fitting(source, out, data)
    except (IsnadError, OSError, ValueError, KeyError, csv.Error) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    expected, found = (
        f"{n:,} articles with SHA-256 {s[:12]}…" for n, s in ((known["articles"], known["sha256"]), (count, digest))
    )
    click.echo(
        f"expected {expected}, found {found}: {fits:,} of {total:,} labelled sentences fit; "
        f"check out the repository as it was in {known['made']}",
        err=True,
    )
    sys.exit(DIFFERS)


if __name__ == "__main__":
    main(prog_name="python -m train.corpora")
