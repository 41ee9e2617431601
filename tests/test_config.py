"""Configs: what is wrong with one is said in a line that names the place and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT, python

from isnad.config import Config, apply_overrides, build, dump, read_settings
from isnad.errors import IsnadError
from train.__main__ import main
from train.config import KINDS, RunConfig, TfidfConfig, TransformerConfig, load_run_config

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
OTHER_TASKS = {"pretrain": "pretrain", "weak": "weak", "continue": "pretrain"}
RUNS = [p for p in CONFIGS if p.stem.partition("-")[0] not in OTHER_TASKS]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


def trouble(path: Path, text: str, *overrides: str) -> str:
    """What `load_run_config` says of a config with this text."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(IsnadError) as caught:
        load_run_config(path, list(overrides))
    return str(caught.value)


# --- mistakes in the file -----------------------------------------------------------------------


def test_an_unknown_key_names_its_line_and_the_key_that_was_meant(config: Path) -> None:
    said = trouble(config, "kind: transformer\n# the pace\n\nlearning_rat: 3.0e-4\n")
    assert said == f"{config}:4: unknown key `learning_rat`; did you mean `learning_rate`?"


def test_an_unknown_key_unlike_any_other_lists_what_is_known(config: Path) -> None:
    said = trouble(config, "kind: majority\nzzz: 1\n")
    assert said.startswith(f"{config}:2: unknown key `zzz`; known here: kind, name, seed, data, corpora")


def test_a_number_that_yaml_reads_as_text_says_what_to_write(config: Path) -> None:
    said = trouble(config, "kind: transformer\nlearning_rate: 3e-4\n")
    assert said.startswith(f"{config}:2: `learning_rate`: expected: ")
    assert said.endswith("; found str '3e-4'; YAML reads 3e-4 as text, write 0.0003")


def test_a_word_that_yaml_reads_as_truth_says_to_quote_it(config: Path) -> None:
    said = trouble(config, "kind: transformer\nencoder: no\n")
    assert said.startswith(f"{config}:2: `encoder`: expected: ")
    assert "found bool False; YAML reads yes, no, on and off as true and false: put quotes around a word" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("epochs: 2.5", "`epochs`: expected: input should be a valid integer; found float 2.5"),
        ("epochs: '8'", "`epochs`: expected: input should be a valid integer; found str '8'"),
        ("seed: true", "`seed`: expected: input should be a valid integer; found bool True"),
        ("seeds: 3", "`seeds`: expected: input should be a valid list; found int 3"),
        ("encoder:", "`encoder`: expected: input should be a valid string; found NoneType None"),
        ("context: after", "`context`: expected: input should be 'none', 'before', 'title' or 'title+before'"),
    ],
)
def test_a_value_of_the_wrong_type_is_never_bent_into_shape(config: Path, line: str, said: str) -> None:
    assert trouble(config, f"kind: transformer\n{line}\n").startswith(f"{config}:2: {said}")


def test_all_problems_are_told_at_once(config: Path) -> None:
    said = trouble(config, "kind: tfidf\nmin_count: x\nmax_feature: 5\n").splitlines()
    assert [line.partition(": ")[0] for line in said] == [f"{config}:2", f"{config}:3"]


def test_a_key_that_stands_twice(config: Path) -> None:
    said = trouble(config, "kind: transformer\nepochs: 3\nseed: 1\nepochs: 4\n")
    assert said == f"{config}:4: the key `epochs` stands twice"


def test_broken_yaml_names_the_line(config: Path) -> None:
    assert trouble(config, "kind: transformer\nseeds: [1, 2\nepochs: 3\n").startswith(f"{config}:3: expected YAML")


@pytest.mark.parametrize("text", ["- kind\n", "kind\n"])
def test_a_config_is_a_mapping(config: Path, text: str) -> None:
    assert trouble(config, text).startswith(f"{config}:1: expected `key: value` lines, found ")


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("kind: arabert\n", ":1", "'arabert'"),
        ("epochs: 3\n", "", "nothing"),
        ("kind: [tfidf]\n", ":1", "['tfidf']"),
        ("", "", "nothing"),
    ],
)
def test_an_unknown_kind_lists_the_kinds(config: Path, text: str, where: str, found: str) -> None:
    expected = "`kind`: expected one of majority, rules, tfidf, recurrent, transformer; found "
    assert trouble(config, text) == f"{config}{where}: {expected}{found}"


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IsnadError, match=r"nowhere\.yaml: expected a YAML config, found no such file"):
        load_run_config(tmp_path / "nowhere.yaml", [])


def test_a_config_that_is_no_text(config: Path) -> None:
    config.write_bytes("kind: majority # هنا\n".encode("cp1256"))
    with pytest.raises(IsnadError, match=r"mine\.yaml: expected UTF-8"):
        load_run_config(config, [])


# --- the command line ---------------------------------------------------------------------------


def test_words_on_the_command_line_win_over_the_file(config: Path) -> None:
    config.write_text("kind: transformer\nrecipe: plain\nepochs: 3\nseed: 5\n")
    words = ["epochs=9", "encoder=/elsewhere", "learning_rate=1.0e-4", "seeds=[1, 2]", "corpora=null"]
    made = load_run_config(config, words)
    assert isinstance(made, TransformerConfig)
    assert (made.epochs, made.seed, made.encoder, made.learning_rate) == (9, 5, "/elsewhere", 1e-4)
    assert (made.seeds, made.corpora, made.name) == ([1, 2], None, "mine")


@pytest.mark.parametrize("word", ["epochs", "=3", "--epochs"])
def test_a_word_that_is_no_setting(config: Path, word: str) -> None:
    said = trouble(config, "kind: transformer\n", word)
    assert said == f"expected key=value on the command line, found {word!r}"


def test_a_wrong_word_on_the_command_line_does_not_blame_the_file(config: Path) -> None:
    said = trouble(config, "kind: transformer\nepochs: 3\n", "epochs=many")
    assert said == "epochs=many: `epochs`: expected: input should be a valid integer; found str 'many'"
    said = trouble(config, "kind: transformer\n", "epoch=3")
    assert said == "epoch=3: unknown key `epoch`; did you mean `epochs`?"


def test_a_word_that_is_no_yaml(config: Path) -> None:
    said = trouble(config, "kind: transformer\n", "seeds=[1, 2")
    assert said.startswith("expected a YAML value on the command line, found 'seeds=[1, 2'")


def test_a_value_is_no_section(config: Path) -> None:
    said = trouble(config, "kind: transformer\nepochs: 3\n", "epochs.first=1")
    assert said == "'epochs.first=1': `epochs` is a value, not a section"


class Inner(Config):
    """A section."""

    width: int = 3


class Outer(Config):
    """A config with a section."""

    inner: Inner = Inner()


def test_sections_are_reached_with_dots_and_checked_alike(config: Path) -> None:
    config.write_text("inner:\n  width: 4\n  widht: 5\n")
    values, lines = read_settings(config)
    with pytest.raises(IsnadError, match=r"mine\.yaml:3: unknown key `inner.widht`; did you mean `width`\?"):
        build(Outer, values, path=config, lines=lines)
    assert build(Outer, apply_overrides({"inner": {"width": 4}}, ["inner.width=7"])).inner.width == 7


def test_a_config_stays_as_it_was_resolved(config: Path) -> None:
    config.write_text("kind: majority\n")
    with pytest.raises(ValueError, match="frozen"):
        load_run_config(config, []).seed = 4  # type: ignore[misc]


# --- what is printed ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_resolved_config_reads_back_as_itself(config: Path, kind: str) -> None:
    config.write_text(f"kind: {kind}\nname: اسم\ncontext: title+before\n", encoding="utf-8")
    made = load_run_config(config, [])
    again = config.with_name("again.yaml")
    again.write_text(dump(made), encoding="utf-8")
    assert load_run_config(again, []) == made
    assert "name: اسم" in dump(made)


def test_ngrams_can_be_written_in_a_file(config: Path) -> None:
    config.write_text("kind: tfidf\nword_ngrams: [1, 2]\n")
    made = load_run_config(config, ["char_ngrams=[3, 4]"])
    assert isinstance(made, TfidfConfig)
    assert (tuple(made.word_ngrams), tuple(made.char_ngrams)) == ((1, 2), (3, 4))


@pytest.mark.parametrize("path", RUNS, ids=lambda p: p.stem)
def test_every_run_config_resolves_in_a_real_process(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)  # the configs name train/encoder, which says its recipe
    encoder = tmp_path / "train/encoder"
    encoder.parent.mkdir()
    encoder.symlink_to(ROOT / "train/encoder")
    done = python("-m", "train", str(path), "--dry-run", "seed=29", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    shown = tmp_path / f"{path.stem}.yaml"
    shown.write_text(done.stdout, encoding="utf-8")
    made = load_run_config(shown, [])
    assert made == load_run_config(path, ["seed=29"])
    assert (made.name, made.seed) == (path.stem, 29)
    assert set(tmp_path.iterdir()) == {shown, encoder.parent}, "a dry run writes nothing"


@pytest.mark.parametrize("path", [p for p in CONFIGS if p not in RUNS], ids=lambda p: p.stem)
def test_every_config_of_another_task_resolves_in_a_real_process(path: Path, tmp_path: Path) -> None:
    task = OTHER_TASKS[path.stem.partition("-")[0]]
    done = python("-m", f"train.{task}", str(path), "--dry-run", "seed=29", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "seed: 29\n" in done.stdout
    again = tmp_path / path.name
    again.write_text(done.stdout, encoding="utf-8")
    assert python("-m", f"train.{task}", str(again), "--dry-run", cwd=tmp_path).stdout == done.stdout
    assert list(tmp_path.iterdir()) == [again], "a dry run writes nothing"


def test_the_arabert_config_names_arabert_and_its_recipe() -> None:
    made = load_run_config(ROOT / "configs/arabert.yaml", [])
    assert isinstance(made, TransformerConfig)
    assert (made.encoder, made.recipe) == ("aubmindlab/bert-base-arabertv02", "arabert-v02")


def test_a_bad_config_ends_a_real_process_with_1_and_one_line(config: Path) -> None:
    config.write_text("kind: transformer\nepoch: 3\n")
    done = python("-m", "train", str(config), "--dry-run", cwd=config.parent)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {config}:2: unknown key `epoch`; did you mean `epochs`?\n"


def test_help_shows_the_command(config: Path) -> None:
    shown = CliRunner().invoke(main, ["--help"])
    assert shown.exit_code == 0
    assert "python -m train configs/default.yaml" in shown.output


def test_every_kind_keeps_the_shared_settings() -> None:
    assert all(set(RunConfig.model_fields) <= set(cls.model_fields) for cls in KINDS.values())
