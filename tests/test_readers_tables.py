"""Tables: CSV as spreadsheets and programs write it, and Parquet; every row is read or named."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import tracemalloc
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isnad.articles import MAX_BYTES, STDIN, Article, read_articles, read_bytes
from isnad.errors import IsnadError

TEXT = "نفت البلدية، أمس، بيع الحديقة القديمة."
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1256", "iso8859_6"]


def all_of(path: Path | str, **options: Any) -> tuple[list[Article], list[str]]:
    failures: list[IsnadError] = []
    found = list(read_articles(path, failures=failures.append, **options))
    return found, [str(f).removeprefix(str(path)) for f in failures]


def written(folder: Path, data: bytes | str, name: str = "news.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("delimiter", "name"), [(",", "n.csv"), (";", "n.csv"), ("\t", "n.csv"), ("\t", "n.tsv")])
def test_every_encoding_delimiter_and_quoted_line_end(tmp_path: Path, encoding: str, delimiter: str, name: str) -> None:
    out = io.StringIO(newline="")
    rows = [["النص", "العنوان", "outlet", "date"], [TEXT + '\r\n"سطر", ثان; \t', "خبر", "وادي", "2024-05-14"]]
    csv.writer(out, delimiter=delimiter).writerows([*rows, [], [TEXT, "", "", ""]])
    path = written(tmp_path, out.getvalue().encode(encoding), name)
    found, failures = all_of(path)
    assert failures == []
    assert found == [
        Article(f"{path.stem}-2", rows[1][0], "خبر", "وادي", "2024-05-14"),
        Article(f"{path.stem}-5", TEXT),
    ]


def test_one_column_needs_no_quotes_and_old_line_ends_pass(tmp_path: Path) -> None:
    assert [a.text for a in all_of(written(tmp_path, f"text\nأ, ب; ج\n{TEXT}"))[0]] == ["أ, ب; ج", TEXT]
    assert [a.text for a in all_of(written(tmp_path, f"title,text\rخبر,{TEXT}\rخبر,ثان"))[0]] == [TEXT, "ثان"]
    found, _ = all_of(written(tmp_path, f"sep=;\ntext;title,x\n{TEXT};خبر\n"))
    assert [(a.text, a.title) for a in found] == [(TEXT, None)]
    found, _ = all_of(written(tmp_path, f"sep=,\r\ntitle,text\r\nخبر,{TEXT}\r\n"))
    assert [(a.text, a.title) for a in found] == [(TEXT, "خبر")]


def test_commas_make_a_table_only_under_the_name_of_one(tmp_path: Path) -> None:
    data = f"text,title\n{TEXT},خبر\n"
    assert all_of(written(tmp_path, data, "news.txt"))[0][0].text == data
    assert all_of(written(tmp_path, '{"text": "a,b"}', "odd.csv"))[0][0].text == "a,b", "content speaks before the name"


def test_standard_input_is_a_table_when_columns_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = f"a,b\n{TEXT},خبر\n".encode()
    for columns, text in (({"text": "a"}, TEXT), (None, data.decode())):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert [a.text for a in read_articles(STDIN, columns=columns)] == [text]


def test_a_missing_column_is_an_error_that_lists_those_there(tmp_path: Path) -> None:
    path = written(tmp_path, f"a,b\n{TEXT},خبر\n")
    there = "found the columns a, b; say --column"
    for columns, told in (
        (None, f'a column "text" (or body, content, article, النص), {there} text=NAME'),
        ({"text": "c"}, f'the column "c" for text, {there} text=NAME'),
        ({"text": "a", "title": "c"}, f'the column "c" for title, {there} title=NAME'),
    ):
        assert all_of(path, columns=columns) == ([], [f": expected {told}"])
    found, failures = all_of(path, columns={"text": "a", "title": "b"})
    assert (found, failures) == ([Article("news-2", TEXT, "خبر")], [])
    assert "found none" in all_of(written(tmp_path, "text,title\n"))[1][0]


def test_bad_rows_are_told_by_their_line_and_the_rest_is_read(tmp_path: Path) -> None:
    rows = [b"text,title", TEXT.encode() + b",a", b",b", b"a,b,c,d", b"\xff\xfe\xfa,b", b"x,,,", TEXT.encode()]
    found, failures = all_of(written(tmp_path, b"\n".join(rows)))
    assert [a.doc_id for a in found] == ["news-2", "news-6", "news-7"]
    assert [f.split(":")[1] for f in failures] == ["3", "4", "5"]
    told = ["found an empty one", "expected 2 columns as in the first row, found 4", "found other bytes"]
    assert all(why in f for why, f in zip(told, failures, strict=True))


def test_a_quote_left_open_costs_its_row_and_no_memory(tmp_path: Path) -> None:
    swallowed = "سطر من الكلمات\n" * (MAX_BYTES // 15 + 5000)
    found, failures = all_of(written(tmp_path, f'text,title\n{TEXT},a\n"{swallowed}{TEXT},last\n'))
    assert found[0].doc_id == "news-2"
    assert failures[0].startswith(":3: expected a row of the table, found: a row longer than an article may be")
    assert found[-1].title == "last", "reading went on"


@given(
    rows=st.lists(st.tuples(st.text(st.characters(codec="utf-8"), min_size=1), st.text(max_size=20)), min_size=1),
    delimiter=st.sampled_from(",;\t"),
)
def test_what_csv_writes_is_read_back(rows: list[tuple[str, str]], delimiter: str) -> None:
    rows = [(text, title.encode("utf-8", "replace").decode()) for text, title in rows if text.strip()]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("text", "title"), *rows])
    found = read_bytes(out.getvalue().encode(), "a.csv", failures=lambda _: None) if rows else iter([])
    assert [(a.text, a.title or "") for a in found] == rows


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    path = written(tmp_path, "text,title\n" + f'"{TEXT * 50}\n",خبر\n' * 1500)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_articles(path)) == 1500
        assert tracemalloc.get_traced_memory()[1] < 2_000_000, "6 MB of text went through"
    finally:
        tracemalloc.stop()


# --- Parquet ------------------------------------------------------------------------------------


def parquet(folder: Path, columns: dict[str, list[Any]], name: str = "news.parquet", **options: Any) -> Path:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), folder / name, **options)
    return folder / name


def test_parquet_keeps_its_fields_whatever_their_type(tmp_path: Path) -> None:
    path = parquet(
        tmp_path,
        {
            "body": [TEXT, None, TEXT, TEXT],
            "headline": ["خبر", "", None, "ثان"],
            "authors": [["س", "ع"], None, [], ["س"]],
            "date": [datetime(2024, 5, 14), None, datetime(2024, 5, 14, 8, 30), None],
            "day": [date(2024, 5, 14)] * 4,
            "number": [1, 2, 3, 4],
            "vector": [[0.5] * 9] * 4,
        },
    )
    found, failures = all_of(path)
    assert failures == [': row 2: expected a "body" with the article, found null']
    assert found[0] == Article("news-1", TEXT, "خبر", None, "2024-05-14", "س; ع")
    assert (found[1].doc_id, found[1].date, found[1].author) == ("news-3", "2024-05-14T08:30:00", None)
    found, _ = all_of(path, columns={"doc_id": "number", "date": "day"})
    assert [(a.doc_id, a.date) for a in found] == [("1", "2024-05-14"), ("3", "2024-05-14"), ("4", "2024-05-14")]
    with pytest.raises(IsnadError, match=r"news\.parquet: row 2: expected"):
        list(read_articles(path))


def test_parquet_comes_under_any_name_packed_and_by_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path, {"text": [TEXT] * 200, "outlet": ["وادي"] * 200}, row_group_size=30)
    data = path.read_bytes()
    assert len(all_of(written(tmp_path, data, "odd.txt"))[0]) == 200
    assert len(all_of(written(tmp_path, gzip.compress(data), "odd.gz"))[0]) == 200
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert [a.outlet for a in read_articles(STDIN)] == ["وادي"] * 200


def test_parquet_that_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path, {"a": [TEXT]})
    assert "found the columns a; say --column text=NAME" in all_of(path)[1][0]
    cut = written(tmp_path, path.read_bytes()[:-9], "cut.parquet")
    assert all_of(cut)[1][0].startswith(": expected a Parquet file, found a damaged one: ")
    assert "expected a row, found none" in all_of(parquet(tmp_path, {"text": []}))[1][0]
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    assert 'pip install "isnad[tables]"' in all_of(path)[1][0]
