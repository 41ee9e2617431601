"""`python -m train.table`: labelled sentences become data that pass the check, or one line says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from isnad.check import check_data
from isnad.errors import IsnadError
from isnad.examples import load_data
from isnad.labels import Stance
from train.table import Row, main, make_data, split_of

TABLE = """article,outlet,text,label,cue,source
a-1,صحيفة الورق,نفت بلدية هدران بيع الجسر.,deny,نفت,بلدية هدران
a-1,صحيفة الورق,"وربما ينتقل جوساف، ثم يعود.",speculate,وربما,
a-1,صحيفة الورق,قال رشعود إن السوق مفتوح.,attribute,قال,رشعود
b-1,إذاعة النخيل,افتتحت البلدية المسرح.,assert,,
b-1,إذاعة النخيل,دروان - مكتب الأخبار,skip,,
b-1,إذاعة النخيل,لم يقرأه أحد بعد.,,,
"""


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(text: str | bytes = TABLE, name: str = "t.csv") -> list[dict[str, Any]]:
    """The articles that this table becomes, after `isnad check` has passed them."""
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    make_data(Path(name), Path("mine"))
    assert [e for e in check_data(Path("mine")).errors if e.rule != "empty-class"] == []
    return [json.loads(line) for line in Path("mine/composed/table.jsonl").open(encoding="utf-8")]


def refused(text: str | bytes, name: str = "t.csv") -> str:
    """The one sentence that a user reads; nothing is written."""
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    done = CliRunner().invoke(main, [name, "-o", "mine"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert not Path("mine").exists()
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("error: ").strip()


# --- what comes out -------------------------------------------------------------------------------


def test_sentences_keep_their_order_marks_and_outlet() -> None:
    first, second = made()
    assert (first["doc_id"], first["outlet"], second["outlet"]) == ("a-1", "صحيفة الورق", "إذاعة النخيل")
    text, units = first["text"], first["sentences"]
    assert [text[u["start"] : u["end"]] for u in units] == text.splitlines()
    assert [(u["label"], u["attributed"]) for u in units] == [("deny", True), ("speculate", False), ("attribute", True)]
    sentence = text.splitlines()[0]
    assert [sentence[slice(*units[0][m])] for m in ("cue", "source")] == ["نفت", "بلدية هدران"]
    assert (units[1]["source"], units[2]["annotators"]) == (None, ["t"])
    assert [u["label"] for u in second["sentences"]] == ["assert", "skip"], "what nobody labelled is left out"
    found = load_data(Path("mine"), None)
    labels = [e.label for split in found.documents for e in found.examples(split)]
    assert sorted(labels, key=str) == sorted([*Stance], key=str)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (TABLE.encode("utf-8-sig"), "t.csv"),
        (TABLE.encode("utf-16"), "t.csv"),
        (TABLE.encode("cp1256"), "t.csv"),
        (TABLE.replace("\n", "\r\n").encode(), "t.csv"),
        (TABLE.replace(",", ";").encode(), "t.csv"),
        (TABLE.replace('"', "").replace(",", "\t").encode(), "t.tsv"),
    ],
    ids=["bom", "utf-16", "windows-1256", "crlf", "semicolons", "tabs"],
)
def test_whatever_a_spreadsheet_writes_is_read(data: bytes, name: str) -> None:
    assert made(data, name) == made(TABLE)


def test_without_articles_every_sentence_stands_alone_and_equal_ones_together() -> None:
    rows = [
        "نفت بلدية هدران بيع الجسر القديم أمس,deny",
        "نَفَت بلدية هدران بيع الجسر القديم أمس,deny",
        "قال رشعود,attribute",
    ]
    articles = made("text,label\n" + "\n".join(rows))
    assert [len(a["sentences"]) for a in articles] == [2, 1]


def test_marks_that_nobody_sees_and_broken_lines_go() -> None:
    (article,) = made('text,label\n"\u200fنفت\u202b بلدية\nهدران\u00a0 ذلك\ufeff",deny\n')
    assert article["text"] == "نفت بلدية هدران ذلك\n"


def test_the_split_of_an_article_stands_whatever_else_the_table_holds() -> None:
    names = [f"a-{i}" for i in range(2000)]
    splits = {n: split_of(n, [Row(2, {})]) for n in names}
    assert splits == {n: split_of(n, [Row(2, {}), Row(3, {})]) for n in reversed(names)}
    shares = [list(splits.values()).count(s) / 2000 for s in ("train", "dev", "test")]
    assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.03)
    articles = made("article,text,label,split\n" + "a,نفت,deny,dev\na,قال,attribute,dev\nb,قد يعود,speculate,test\n")
    kept = {s: json.loads(Path(f"mine/splits/{s}.json").read_text())["articles"] for s in ("train", "dev", "test")}
    assert (len(articles), kept) == (2, {"train": [], "dev": ["composed:a"], "test": ["composed:b"]})


def test_the_command_prints_the_folder_and_what_is_missing() -> None:
    Path("t.csv").write_text("article,text,label,split\na,نفت,deny,train\nb,قال,attribute,dev\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["t.csv", "-o", "mine"])
    assert (done.exit_code, done.stdout) == (0, "mine\n")
    assert "train has no assert, train has no attribute, train has no speculate, dev has no assert" in done.stderr
    again = CliRunner().invoke(main, ["t.csv", "-o", "mine"])
    assert again.exit_code == 0, "its own folder may be made anew"


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("text,stance\nنفت,deny\n", "t.csv: expected the columns text and label, found text, stance; name them"),
        ("text,label\nنفت,denied\n", "t.csv:2: expected a label (assert, deny, attribute, speculate, skip), found"),
        ("text,label\n,deny\n", "t.csv:2: expected the sentence in `text`, found none"),
        ("text,label,split\nنفت,deny,valid\n", "t.csv:2: expected a split (train, dev, test, test-outlets), found"),
        ("text,label,cue\nنفت,deny,نفى\n", "t.csv:2: expected words of the sentence, found 'نفى', which it does not"),
        ("text,label,cue\nعاد,assert,عاد\n", "t.csv:2: expected no cue, source or attributed beside 'assert', found"),
        ("article,text,label,split\na,نفت,deny,dev\na,قال,attribute,test\n", "t.csv:3: expected one split for the"),
        ('text,label\n"نفت,deny\n', "t.csv:2: expected CSV: unexpected end of data; is a quote left open?"),
        ("text,label\n", "t.csv: expected sentences with a label, found none"),
        ("", "t.csv: expected the columns text and label, found nothing; name them in the first row"),
        (b"PK\x03\x04\xff\xfe", "t.csv: expected CSV in UTF-8, found something else; save it as CSV UTF-8"),
        (b"\xff\xfe\x41", "t.csv: expected CSV in UTF-8, found something else; save it as CSV UTF-8"),
    ],
)
def test_a_row_that_is_wrong_is_named(table: str | bytes, said: str) -> None:
    assert refused(table).startswith(said)


def test_a_table_that_is_not_there_and_a_folder_of_other_data() -> None:
    done = CliRunner().invoke(main, ["none.csv", "-o", "mine"])
    assert (done.exit_code, done.stderr) == (
        1,
        "error: none.csv: expected a table, found none (No such file or directory)\n",
    )
    Path("data/composed").mkdir(parents=True)
    Path("data/composed/a1.jsonl").write_text("{}\n")
    Path("t.csv").write_text(TABLE, encoding="utf-8")
    done = CliRunner().invoke(main, ["t.csv", "-o", "data"])
    assert done.exit_code == 1
    assert "data: expected a folder of this command's own, found a1.jsonl in it; name another" in done.stderr
    assert not Path("data/splits").exists()


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_file_at_all_becomes_data_or_a_sentence(data: str | bytes) -> None:
    path = Path("fuzz.csv")
    body = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    path.write_bytes(b"text,label\n\xd9\x82\xd8\xa7\xd9\x84,deny\n" + body)
    try:
        make_data(path, Path("fuzzed"))
    except IsnadError:
        return
    assert check_data(Path("fuzzed")).articles >= 1
