"""The wheel as a stranger gets it: built from the checkout, installed alone, used where no checkout is.

Building and installing need a package index. Without one the tests are skipped, unless
ISNAD_REQUIRE_INSTALL=1 says that they must run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from isnad import __version__, label_article, load_classifier

ROOT = Path(__file__).parent.parent
RELEASED = ROOT / "isnad" / "model"
MOST_MEGABYTES = 60
NO_NETWORK = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")
ARTICLE = (
    "نفت وزارة الحدائق في لؤلؤة صحة ما تردد عن بيع الحديقة الكبرى.\r\n"
    "وقال المتحدث باسمها سامر الوردي إن الأشجار ستبقى في مكانها.\n\n"
    "وقد ترتفع رسوم الدخول في الربيع المقبل. وافتُتحت الحديقة قبل عشرين عاماً.\n"
    "لؤلؤة - مكتب الحدائق"
)
STANCES = ["deny", "attribute", "speculate", "assert", None]

needs_release = pytest.mark.skipif(not (RELEASED / "model.onnx").is_file(), reason="isnad/model is not made yet")


def call(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A process that sees no checkout: nothing of this one's PYTHON* variables, isolated from the folder."""
    around = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k != "ISNAD_CORPORA"}
    return subprocess.run(
        [*map(str, words)], capture_output=True, text=True, encoding="utf-8", cwd=cwd, env=around, check=False
    )


def must(run: subprocess.CompletedProcess[str]) -> str:
    """Its output; skips where only the network is missing."""
    said = run.stdout + run.stderr
    offline = any(word in said for word in NO_NETWORK)
    if run.returncode and offline and os.environ.get("ISNAD_REQUIRE_INSTALL") != "1":
        pytest.skip("no package index can be reached")
    assert run.returncode == 0, said
    return run.stdout


def pip(*words: str | Path, cwd: Path) -> str:
    return must(call(sys.executable, "-m", "pip", "--disable-pip-version-check", *words, cwd=cwd))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the files that git knows or would take, so that the checkout keeps no `build/`."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    if listing.returncode:
        pytest.skip("needs a git checkout")
    copy = tmp_path_factory.mktemp("copy")
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    out = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", out, copy, cwd=copy)
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with an article in it, beside a fresh environment `venv` that holds the wheel alone."""
    folder = tmp_path_factory.mktemp("elsewhere")
    must(call(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder))
    python = folder / "venv/bin/python"
    pip("--python", python, "install", "--quiet", "-c", ROOT / "constraints.txt", wheel, cwd=folder)
    work = folder / "work"
    work.mkdir()
    (work / "article.txt").write_bytes(ARTICLE.encode())
    return work


def python(place: Path, code: str) -> str:
    return must(call(place.parent / "venv/bin/python", "-c", code, cwd=place))


def isnad(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    run = call(place.parent / "venv/bin/isnad", *words, cwd=place)
    assert "Traceback" not in run.stderr, run.stderr
    return run


# --- what is in it --------------------------------------------------------------------------------


def test_the_wheel_ships_isnad_alone(wheel: Path, names: set[str]) -> None:
    info = f"isnad-{__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {"isnad", info}
    assert wheel.name == f"isnad-{__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < MOST_MEGABYTES * 1e6
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/LICENSE-WEIGHTS"} <= names


def test_the_wheel_holds_every_file_of_the_package(names: set[str]) -> None:
    here = {
        p.relative_to(ROOT).as_posix()
        for p in (ROOT / "isnad").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts and not p.name.startswith(".")
    }
    assert {n for n in names if n.startswith("isnad/")} == here
    assert {"isnad/py.typed", "isnad/templates/page.html.jinja", "isnad/templates/page.css"} <= here


@needs_release
def test_the_wheel_holds_the_released_model(wheel: Path, names: set[str]) -> None:
    assert {f"isnad/model/{n}" for n in ("isnad.json", "model.onnx", "tokenizer.json", "config.json")} <= names
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("isnad/model/model.onnx") == (RELEASED / "model.onnx").read_bytes()


def test_the_metadata_name_the_light_needs_only(wheel: Path, names: set[str]) -> None:
    (path,) = (n for n in names if n.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        metadata = message_from_bytes(archive.read(path))
    needs = [str(n) for n in metadata.get_all("Requires-Dist") or []]
    base = {n.split(">")[0].strip() for n in needs if "extra ==" not in n}
    assert not base & {"torch", "transformers", "scikit-learn", "datasets", "trafilatura"}
    assert "onnxruntime" in base
    assert metadata["Requires-Python"] == ">=3.11"
    if (ROOT / "README.md").is_file():
        body = metadata.get_payload(decode=True)
        assert isinstance(body, bytes)
        assert body.strip() == (ROOT / "README.md").read_bytes().strip()


# --- what it does, alone --------------------------------------------------------------------------


def test_only_the_wheel_and_its_needs_are_there(place: Path) -> None:
    code = (
        "import importlib.util as u, json, isnad\n"
        "names = ['torch', 'transformers', 'train', 'eval', 'data', 'tests', 'sklearn', 'trafilatura']\n"
        "print(json.dumps([isnad.__file__, [n for n in names if u.find_spec(n)]]))"
    )
    where, found = json.loads(python(place, code))
    assert Path(where).is_relative_to(place.parent / "venv")
    assert found == []


def test_every_module_imports_where_its_extra_is_not_needed(place: Path) -> None:
    """A need that pyproject.toml forgets shows here, and not at a user's."""
    code = (
        "import importlib, json, pkgutil, isnad\n"
        "missing = {}\n"
        "for module in pkgutil.walk_packages(isnad.__path__, 'isnad.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        try: importlib.import_module(module.name)\n"
        "        except ModuleNotFoundError as error: missing[module.name] = error.name\n"
        "print(json.dumps(missing))"
    )
    missing: dict[str, str] = json.loads(python(place, code))
    server = {missing.pop(name) for name in list(missing) if name.startswith("isnad.server.")}
    assert server == {"fastapi", "starlette", "uvicorn"}
    extras = dict.fromkeys(("isnad.runtimes.recurrent", "isnad.runtimes.transformer"), "torch")
    assert missing == extras | {"isnad.annotate.agreement": "krippendorff"}


def test_annotating_needs_an_extra_only_where_it_computes(place: Path) -> None:
    must(isnad(place, "annotate", "export", "csv", "article.txt", "--model", "rules", "-o", "out.csv"))
    for words in (("agreement", "out.csv", "out.csv"), ("suggest", "article.txt", "-o", "batch.jsonl")):
        run = isnad(place, "annotate", *words)
        assert run.returncode == 1
        assert 'pip install "isnad[annotate]"' in run.stderr


def test_version_and_help(place: Path) -> None:
    assert isnad(place, "--version").stdout == f"isnad {__version__}\n"
    assert "label" in must(isnad(place, "--help"))
    assert "rules" in must(isnad(place, "model", "--model", "rules"))


MODELS = [pytest.param(["--model", "rules"], id="rules"), pytest.param([], id="released", marks=needs_release)]


@pytest.mark.parametrize("model", MODELS)
def test_label_gives_records_of_every_sentence(place: Path, model: list[str]) -> None:
    run = isnad(place, "label", "article.txt", "--format", "jsonl", *model)
    rows: list[dict[str, Any]] = [json.loads(line) for line in must(run).splitlines()]
    assert run.stderr == ""
    assert [r["sentence"] for r in rows] == [0, 1, 2, 3, 4]
    assert [r["label"] is None for r in rows] == [s is None for s in STANCES]
    if model:
        assert [r["label"] for r in rows] == STANCES
    assert rows[-1]["warnings"] == ["no_proposition"]
    for r in rows:
        assert r["doc_id"] == "article"
        assert ARTICLE[r["start"] : r["end"]] == r["text"]
        for span in filter(None, (r["cue"], r["source"])):
            assert ARTICLE[span["start"] : span["end"]] == span["text"]
    for r in rows[:-1]:
        assert set(r["scores"]) == {"assert", "deny", "attribute", "speculate"}
        assert sum(r["scores"].values()) == pytest.approx(1, abs=1e-3)
        assert r["score"] == pytest.approx(max(r["scores"].values()))


@pytest.mark.parametrize("model", MODELS)
def test_page_and_table(place: Path, model: list[str]) -> None:
    must(isnad(place, "label", "article.txt", "--format", "html", "-o", "page.html", *model))
    page = (place / "page.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "سامر الوردي" in re.sub("<[^>]*>", "", page), "marks may stand between its words"
    assert "نفت وزارة الحدائق" in must(isnad(place, "label", "article.txt", *model))


@needs_release
def test_the_released_model_says_the_same_as_in_the_checkout(place: Path) -> None:
    code = (
        "import isnad, json\n"
        "article = isnad.label_article(open('article.txt', encoding='utf-8', newline='').read())\n"
        "print(json.dumps([article.model, [s.label for s in article.sentences]]))"
    )
    here = label_article(ARTICLE, classifier=load_classifier(RELEASED))
    assert json.loads(python(place, code)) == [here.model, [s.label for s in here.sentences]]


@pytest.mark.skipif(RELEASED.is_dir(), reason="the released model is there")
def test_without_the_released_model_the_error_says_what_to_do(place: Path) -> None:
    run = isnad(place, "label", "article.txt")
    assert run.returncode == 1
    assert "expected a run directory or an artefact folder" in run.stderr


def test_a_web_page_names_the_extra_that_it_needs(place: Path) -> None:
    (place / "web.html").write_text(f"<!DOCTYPE html><html><body><p>{ARTICLE}</p></body></html>", encoding="utf-8")
    run = isnad(place, "label", "web.html", "--model", "rules")
    assert run.returncode == 1
    assert 'pip install "isnad[html]"' in run.stderr


def test_a_torch_model_names_the_extra_that_it_needs(place: Path) -> None:
    folder = place / "artefact"
    folder.mkdir()
    (folder / "isnad.json").write_text('{"schema": "isnad-artefact/1", "kind": "transformer", "name": "t"}')
    run = isnad(place, "label", "article.txt", "--model", "artefact")
    assert run.returncode == 1
    assert 'pip install "isnad[torch]"' in run.stderr
