"""`report.tex`: tables that LaTeX takes, whatever a run is called."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from test_eval_predictions import TEXTS, run_of, sentences, write

from eval.__main__ import main
from eval.bootstrap import Interval
from eval.confidence import WANTED
from eval.judge import Judged, judge_run
from eval.report.build import Report
from eval.report.latex import as_latex, escaped
from eval.writing import number
from isnad.labels import Stance

SPECIAL = "\\&%$#_{}~^<>|"
NAMED = {
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
}


def typeset(tex: str) -> str:
    """What LaTeX prints for `tex`, which may hold no command but those of single characters and of Arabic words."""

    def character(found: re.Match[str]) -> str:
        name = found.group(1)
        return NAMED[name] if name else found.group(2)

    tex = re.sub(r"\\foreignlanguage\{arabic\}\{([^{}\\]*)\}", r"\1", tex)
    assert not re.search(r"(?<!\\)[&%$#_~^<>|]", tex), tex
    return re.sub(r"\\([a-z]+)\{\}|\\([&%$#_{}])", character, tex)


@pytest.fixture(scope="module")
def runs() -> list[Judged]:
    """Two runs with all that LaTeX stumbles over in their names, one without probabilities."""
    rows = [("50% & more_$\\x{#1}~^", sentences(0.85)), ("rules|<b>", sentences(0.5, seed=2, scores=None))]
    return [judge_run(run_of(name, found), rounds=100, seed=13) for name, found in rows]


def report(runs: list[Judged], **changes: Any) -> Report:
    return Report.of(runs, (), seed=13, rounds=1000, public=False, **changes)


def rows_of(tex: str) -> list[list[list[str]]]:
    """The cells of each table, row by row, its head first; fails where a table is not built as it should be."""
    tables = []
    for columns, inside in re.findall(r"\\begin\{tabular\}\{(\w+)\}\n(.*?)\\end\{tabular\}", tex, re.DOTALL):
        lines = inside.strip().splitlines()
        assert (lines[0], lines[2], lines[-1]) == ("\\toprule", "\\midrule", "\\bottomrule")
        body = [line for line in lines if line not in ("\\toprule", "\\midrule", "\\bottomrule")]
        assert all(line.endswith(r" \\") for line in body)
        cells = [re.split(r"(?<!\\)&", line.removesuffix(r" \\")) for line in body]
        assert {len(row) for row in cells} == {len(columns)}
        tables.append([[cell.strip() for cell in row] for row in cells])
    return tables


@given(st.text(st.sampled_from(SPECIAL + "ab 1قو٢ـ")) | st.text())
def test_an_escaped_text_prints_as_it_was(text: str) -> None:
    assert typeset(escaped(text)) == text


def test_escaping_by_hand() -> None:
    assert escaped(r"a_b\c {50%} x^2 ~ <&>") == (
        r"a\_b\textbackslash{}c \{50\%\} x\textasciicircum{}2 \textasciitilde{} \textless{}\&\textgreater{}"
    )


def test_arabic_words_are_wrapped_and_nothing_else_is() -> None:
    assert escaped("runs/قواعد اللغة_v2") == r"runs/\foreignlanguage{arabic}{قواعد اللغة}\_v2"
    assert escaped("نموذج v2 قواعد") == r"\foreignlanguage{arabic}{نموذج} v2 \foreignlanguage{arabic}{قواعد}"
    assert escaped("modèle 模型") == "modèle 模型"


@pytest.mark.parametrize(
    ("name", "said", "unsaid"),
    [
        ("rules_v2", "", "XeLaTeX"),
        ("modèle", "", "XeLaTeX"),
        ("модель", "letters that are not Latin: compile with XeLaTeX or LuaLaTeX", "babel"),
        ("قواعد", "Names in Arabic: compile with XeLaTeX or LuaLaTeX (pdflatex cannot set them)", "not Latin"),
    ],
)
def test_the_head_says_what_the_names_need(name: str, said: str, unsaid: str) -> None:
    tex = as_latex(report([judge_run(run_of(name, sentences(0.8)), rounds=100, seed=13)]))
    head = [line for line in tex.splitlines() if line.startswith("%")]
    assert any(said in line for line in head)
    assert unsaid not in tex
    if name == "قواعد":
        by_run, *_ = rows_of(tex)
        assert {r[1] for r in by_run[1:]} == {r"\foreignlanguage{arabic}{قواعد}"}
        assert "babelprovide[import]{arabic}" in tex
        assert "setotherlanguage{arabic}" in tex
    else:
        assert "foreignlanguage" not in tex


def test_what_is_gained_where_it_is_sure_has_a_dash_where_nothing_is_answered(runs: list[Judged]) -> None:
    *_, sure = rows_of(as_latex(report(runs)))
    assert sure[0] == ["Split", "Wanted", "Answer from", "Precision", "Answered"]
    assert [r[0] for r in sure[1:]] == [name for name in runs[0].splits for _ in WANTED]
    confidence = runs[0].splits["dev"].confidence
    assert confidence is not None
    answered = tuple(replace(s, threshold=0.99, precision=None, coverage=None) for s in confidence.selective)
    changed = replace(runs[0].splits["dev"], confidence=replace(confidence, selective=answered))
    *_, none = rows_of(as_latex(report([replace(runs[0], splits={"dev": changed})])))
    assert [r[2:] for r in none[1:]] == [[".990", "--", "--"]] * len(WANTED)
    _, labels = rows_of(as_latex(report([runs[1]])))
    assert labels[0][1] == "Label", "no third table without probabilities"


def test_a_row_a_run_and_split_and_a_row_a_label_and_split(runs: list[Judged]) -> None:
    by_run, by_label, _ = rows_of(as_latex(report(runs)))
    assert by_run[0] == ["Split", "Run", "$n$", "Macro-F1", "Accuracy", "ECE"]
    assert by_label[0] == ["Split", "Label", "$n$", "F1", "Precision", "Recall"]
    splits = list(runs[0].splits)
    assert [(r[0], typeset(r[1])) for r in by_run[1:]] == [(s, r.run.name) for s in splits for r in runs]
    assert [(r[0], r[1]) for r in by_label[1:]] == [(s, stance.value) for s in splits for stance in Stance]


def test_figures_are_those_of_the_report(runs: list[Judged]) -> None:
    by_run, by_label, _ = rows_of(as_latex(report(runs)))
    test = runs[0].splits["test"]
    figure = test.main.macro_f1
    assert test.confidence is not None
    assert by_run[1][2] == str(test.main.n)
    assert by_run[1][3] == f"{number(figure.value)} {{\\small [{number(figure.low)}, {number(figure.high)}]}}"
    assert by_run[1][5].startswith(number(test.confidence.ece.value))
    assert by_run[2][5] == "--"
    deny = test.main.per_label[Stance.DENY]
    assert by_label[2][2:4] == [str(deny.support), by_label[2][3]]
    assert by_label[2][3].startswith(number(deny.f1.value))


def test_a_split_that_only_one_run_has_is_a_row(runs: list[Judged]) -> None:
    only_dev = judge_run(run_of("dev-only", [r for r in sentences(0.7) if r["split"] == "dev"]), rounds=100, seed=13)
    by_run, by_label, _ = rows_of(as_latex(report([only_dev, runs[0]])))
    assert [r[0] for r in by_run[1:]] == ["dev", "dev", "test", "test-outlets"]
    assert len(by_label) == 1 + len(Stance)


def test_thousands_and_numbers_below_zero(runs: list[Judged]) -> None:
    low = replace(runs[0].splits["dev"].main, n=12345, macro_f1=Interval(-0.0004, -0.25, 1))
    changed = replace(runs[0], splits={"dev": replace(runs[0].splits["dev"], main=low)})
    by_run, *_ = rows_of(as_latex(report([changed])))
    assert by_run[1][2:4] == ["12,345", ".000 {\\small [$-$.250, 1.000]}"]


def test_the_source_quotes_no_sentence_and_says_how_it_was_made(runs: list[Judged]) -> None:
    tex = as_latex(report(runs))
    assert tex.isascii()
    assert not any(t[:12] in tex for t in TEXTS.values())
    assert tex.startswith("% Written by python -m eval --latex; needs \\usepackage{booktabs}.\n")
    assert tex.count("% 95\\,\\% intervals from 1,000 draws of whole articles, seed 13.") == 3
    assert tex.endswith("\n")


def test_the_command_writes_it_where_asked(tmp_path: Path) -> None:
    run = write(tmp_path / "a_run" / "predictions.jsonl", sentences(0.8)).parent
    fixed = [str(run), "--bootstrap", "100", "--data", str(tmp_path / "none"), "-o"]
    without = CliRunner().invoke(main, [*fixed, str(tmp_path / "without")])
    assert (without.exit_code, (tmp_path / "without" / "report.tex").exists()) == (0, False)
    call = CliRunner().invoke(main, [*fixed, str(tmp_path / "out"), "--latex"])
    assert (call.exit_code, str(tmp_path / "out" / "report.tex") in call.output) == (0, True)
    by_run, *_ = rows_of((tmp_path / "out" / "report.tex").read_text(encoding="utf-8"))
    assert {r[1] for r in by_run[1:]} == {"a\\_run"}


@pytest.mark.skipif(shutil.which("xelatex") is None, reason="needs xelatex (apt-get install texlive-xetex)")
def test_arabic_names_compile(tmp_path: Path) -> None:
    tex = as_latex(report([judge_run(run_of("قواعد", sentences(0.8)), rounds=100, seed=13)]))
    (tmp_path / "report.tex").write_text(tex, encoding="utf-8")
    frame = (
        "\\documentclass{article}\\usepackage{booktabs}\\usepackage[english,bidi=default]{babel}"
        "\\babelprovide[import]{arabic}\\begin{document}\\input{report.tex}\\end{document}\n"
    )
    (tmp_path / "paper.tex").write_text(frame, encoding="utf-8")
    command = ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex (apt-get install texlive-latex-extra)")
def test_it_compiles(runs: list[Judged], tmp_path: Path) -> None:
    (tmp_path / "report.tex").write_text(as_latex(report(runs)), encoding="utf-8")
    frame = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\\input{report.tex}\\end{document}\n"
    (tmp_path / "paper.tex").write_text(frame, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 1000
