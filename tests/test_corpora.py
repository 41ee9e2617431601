"""The news text made again from small checkouts in the form of the four public repositories."""

import csv
import io
import json
import lzma
import subprocess
import zipfile
from hashlib import sha1, sha256
from pathlib import Path

import pytest
from conftest import python
from hypothesis import given
from hypothesis import strategies as st

from train.cleaning import clean, is_arabic, unglued

BODY = "افتتحت بلدية زيتان سوقها الجديد قرب النهر صباح أمس"
OTHER = "وصل المهندس كرشاد إلى قمبيل وزار مرسى الصيادين"


def saudinewsnet(root: Path) -> None:
    rows = [
        {"title": "سوق جديد", "content": f"<p>{BODY}.</p>&nbsp;<br/>{OTHER}. \tالمزيد", "source": "aawsat",
         "date_extracted": "2015-07-21 02:51:35"},
        {"title": None, "content": f"{BODY}، كما كان", "source": "aljazirah", "date_extracted": None},
        {"title": "قصير", "content": "كلمتان فقط", "source": "was"},
        {"title": "مكرر", "content": f"{BODY}،  كما كان", "source": "alwatan"},
        {"title": "latin", "content": "five plain english words here and more", "source": "alwatan"},
    ]  # fmt: skip
    (root / "dataset").mkdir(parents=True)
    for day in ("2015-07-22", "2015-07-21"):
        with zipfile.ZipFile(root / f"dataset/{day}.zip", "w") as archive:
            shown = (
                rows
                if day.endswith("21")
                else [{**rows[0], "content": f"{OTHER} // انتهى //12:01 ت م", "source": "was"}]
            )
            archive.writestr(f"{day}.json", json.dumps(shown))
            archive.writestr(f"__MACOSX/._{day}.json", b"\0\0")


def antcorpus(root: Path) -> None:
    (root / "economy").mkdir(parents=True)
    tags = {
        "DOCNO": "JA-economy-1-20170120",
        "TITLE": " سوق ",
        "TEXT": f"\r\n{BODY}\r\n\r\n{OTHER}\u200f\r\n",
        "TIME": "2017",
    }
    raw = "".join(f"<{name}>{value}</{name}>\n" for name, value in tags.items())
    (root / "economy/1.txt").write_bytes(f"<DOC>\n{raw}<SRC>jawharafm.net</SRC></DOC>".encode())
    (root / "README.md").write_text("no article")


def sanad_khaleej(root: Path) -> None:
    (root / "data2/Politics").mkdir(parents=True)
    (root / "data2/Politics/0002.txt").write_text(f"{BODY} .{OTHER} &amp; غيره", encoding="utf-8")


def hespress(root: Path) -> None:
    (root / "data").mkdir(parents=True)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([["", "id", "title", "date", "author", "story", "topic"],
                      ["0", "8cfb", "سوق", "الجمعة 14 غشت", "x", f"{BODY}.{OTHER}\nثم عاد.", "economie"]])  # fmt: skip
    (root / "data/stories_economie.csv").write_text(out.getvalue(), encoding="utf-8")
    (root / "data/other.csv").write_text("id\n1\n")


MADE = {
    "saudinewsnet": [
        ("2015-07-21-0", "سوق جديد", f"{BODY}.\n{OTHER}", "2015-07-21 02:51:35", "aawsat"),
        ("2015-07-21-1", "", f"{BODY}، كما كان", "", "aljazirah"),
        ("2015-07-22-0", "سوق جديد", OTHER, "2015-07-21 02:51:35", "was"),
    ],
    "antcorpus": [("JA-economy-1-20170120", "سوق", f"{BODY}\n{OTHER}", "2017", "jawharafm.net")],
    "sanad_khaleej": [("Politics/0002", "", f"{BODY} .\n{OTHER} & غيره", "", "alkhaleej.ae")],
    "hespress": [("8cfb", "سوق", f"{BODY}.\n{OTHER}\nثم عاد.", "الجمعة 14 غشت", "hespress.com (economie)")],
}
CHECKOUTS = {"saudinewsnet": saudinewsnet, "antcorpus": antcorpus, "sanad_khaleej": sanad_khaleej, "hespress": hespress}


def labelled(data: Path, source: str, text: str | None = None) -> None:
    """A labelled sentence and the fingerprint of the text behind it."""
    doc_id, _, body, date, outlet = MADE[source][0]
    sentence = body.split("\n")[0]
    unit = {"start": 0, "end": len(sentence), "sha1": sha1(sentence.encode()).hexdigest(), "label": "assert",
            "attributed": False, "source": None, "cue": None, "annotators": ["a"]}  # fmt: skip
    row = {"doc_id": doc_id, "corpus": source, "outlet": outlet, "date": date, "kind": "target", "sentences": [unit]}
    (data / "news").mkdir(parents=True)
    (data / "news" / f"{source}.jsonl").write_text(json.dumps(row) + "\n")
    mark = {"articles": len(MADE[source]), "sha256": sha256((text or "").encode()).hexdigest(), "made": "May 2024"}
    (data / "corpora.json").write_text(json.dumps({source: mark}))


@pytest.mark.parametrize("how", ["archive", "clone", "bare clone"])
@pytest.mark.parametrize("source", MADE)
def test_a_checkout_becomes_the_corpus_that_the_labels_know(tmp_path: Path, source: str, how: str) -> None:
    CHECKOUTS[source](tmp_path / "checkout")
    if how != "archive":
        committed(tmp_path / "checkout")
    checkout = tmp_path / ("checkout/.git" if how == "bare clone" else "checkout")
    labelled(tmp_path / "data", source)
    command = ("-m", "train.corpora", source, "--from", str(checkout), "--out", "corpora")
    done = python(*command, cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "1 of 1 labelled sentences fit; check out the repository as it was in May 2024" in done.stderr
    packed = tmp_path / f"corpora/{source}.jsonl.xz"
    text = lzma.decompress(packed.read_bytes()).decode()
    rows = [json.loads(line) for line in text.splitlines()]
    assert [(r["doc_id"], r["title"], r["text"], r["date"], r["outlet"]) for r in rows] == MADE[source]
    assert [p.name for p in packed.parent.iterdir()] == [packed.name], "nothing half-written is left"
    if source == "saudinewsnet":
        assert "left out: 1 duplicate, 1 not Arabic, 1 short" in done.stdout
    mark = {source: {"articles": len(rows), "sha256": sha256(text.encode()).hexdigest(), "made": "May 2024"}}
    (tmp_path / "data/corpora.json").write_text(json.dumps(mark))
    again = python(*command, cwd=tmp_path)
    assert again.returncode == 0
    assert "the very text that the labels were made on" in again.stdout


def committed(checkout: Path) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@t.example")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-qm", "all")):
        subprocess.run(["git", *words], cwd=checkout, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "checkout: expected a checkout of the repository, found nothing there; clone it first"),
        (lambda p: p.mkdir(), "expected data/stories_*.csv in this checkout, found none"),
        (lambda p: (p / ".git").mkdir(parents=True), "git cannot read it"),
    ],
)
def test_what_is_no_checkout_is_named(tmp_path: Path, make, message: str) -> None:
    make(tmp_path / "checkout")
    done = python("-m", "train.corpora", "hespress", "--from", "checkout", cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "corpora").glob("*"))


@given(st.text(st.sampled_from("نفا\n\r\t <p>&;./\u200f\u00a0b"), max_size=60))
def test_clean_text_stays_as_it_is_unless_it_held_entities(text: str) -> None:
    once = clean(text.replace("&", "").replace("<", ""))
    assert clean(once) == once
    assert "  " not in once
    assert "\n\n" not in once


def test_a_line_ends_where_a_stop_is_glued_to_a_word_and_nowhere_else() -> None:
    assert unglued("انتهى الأمر.وقال أحمد") == "انتهى الأمر.\nوقال أحمد"
    assert unglued("أ.ف.ب و4.5 ود.سمير") == "أ.ف.ب و4.5 ود.سمير"
    assert is_arabic("نصف abc نصف")
    assert not is_arabic("123")
