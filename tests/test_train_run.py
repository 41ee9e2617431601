"""A training run from config to artefact, for every kind: what lies there afterwards, and what stops it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from conftest import invented
from safetensors.numpy import load_file

from eval.metrics import judge as real_judge
from isnad import label_article, load_classifier
from isnad.artefact import MANIFEST, SCHEMA, Manifest, read_manifest
from isnad.config import dump
from isnad.errors import IsnadError
from isnad.examples import load_data, sentence_hash
from isnad.labels import Stance
from isnad.predictions import Classifier
from isnad.runtimes.linear import MajorityClassifier
from train.__main__ import main
from train.calibration import fit_temperature
from train.config import KINDS, load_run_config
from train.run import answers, environment, prepare, verify

if TYPE_CHECKING:
    from conftest import Newsroom

SETTINGS: dict[str, list[str]] = {
    "majority": [],
    "rules": [],
    "tfidf": ["min_count: 1", "grid_c: [1.0]"],
    "recurrent": ["width: 16", "hidden: 16", "epochs: 8", "patience: 8", "batch_size: 8", "learning_rate: 1.0e-2"],
    "transformer": ["epochs: 4", "patience: 5", "batch_size: 8", "learning_rate: 5.0e-3", "max_length: 64"],
}
ARTEFACTS = {
    "majority": set(),
    "rules": set(),
    "tfidf": {"model.safetensors", "features.json"},
    "recurrent": {"model.safetensors", "vocabulary.json"},
    "transformer": {
        "model.safetensors",
        "heads.safetensors",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    },
}
ARTICLE = "نفت بلدية هدران ما تردد عن بيع لؤشاد إلى تجار فنقار. وقد ترتفع رسوم لؤشاد في هدران إذا وافق سمران."


def run(kind: str, encoder: Path, *words: str) -> Result:
    """`python -m train` in this process, on the newsroom that it stands in."""
    more = [f"encoder: {encoder}"] if kind == "transformer" else []
    Path("mine.yaml").write_text("\n".join([f"kind: {kind}", *SETTINGS[kind], *more]) + "\n", encoding="utf-8")
    return CliRunner().invoke(main, ["mine.yaml", *words])


def done(result: Result) -> Path:
    """The run directory that it printed."""
    assert result.exit_code == 0, (result.stderr, result.exception)
    return Path(result.stdout.strip())


def refused(result: Result) -> str:
    """The sentence in which it refused."""
    assert (result.exit_code, result.stdout) == (1, ""), (result.stderr, result.exception)
    line = result.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    return line


def rewrite(path: Path, change: Any) -> None:
    """Apply `change` to every article in a file of the data."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        change(row)
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")


def spoil_hashes(row: dict[str, Any]) -> None:
    for unit in row["sentences"]:
        unit["sha1"] = "0" * 40


# --- what a run leaves --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_every_kind_leaves_a_whole_directory(newsroom: Newsroom, tiny_modernbert: Path, kind: str) -> None:
    newsroom.write(text=False)
    out = done(run(kind, tiny_modernbert, "name=first"))
    assert out == Path("runs/first")
    names = {p.name for p in out.iterdir()} - {"checkpoints"}
    drawn = {"curve.svg"} if kind in ("recurrent", "transformer") else set()
    assert names == {"config.yaml", "environment.json", "data.json", "metrics.jsonl", "state.json", "artefact"} | drawn
    assert {p.name for p in (out / "artefact").iterdir()} == ARTEFACTS[kind] | {MANIFEST}
    assert not list(Path().rglob("*.part"))

    again = load_run_config(out / "config.yaml", [])
    assert again == load_run_config(Path("mine.yaml"), ["name=first"])
    environment = json.loads((out / "environment.json").read_text())
    assert {"python", "machine", "cores", "commit", "packages"} == set(environment)
    assert environment["packages"]["torch"]
    facts = json.loads((out / "data.json").read_text())
    assert (facts["train"], facts["dev"], facts["articles_without_text"]) == (76, 10, 5)
    assert len(facts["fingerprint"]) == 64
    assert read_manifest(out / "artefact").data_fingerprint == facts["fingerprint"]

    last = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["reloaded_labels_equal"] == 1.0
    assert 0 <= last["dev_macro_f1"] <= 1
    opened = load_classifier(out)
    assert isinstance(opened, Classifier)
    assert opened.name == ("rules" if kind == "rules" else "first")
    labelled = label_article(ARTICLE, classifier=opened)
    assert [s.text for s in labelled.sentences] == [ARTICLE[:53].rstrip(), ARTICLE[53:].lstrip()]
    assert all(s.label in Stance for s in labelled.sentences)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_in_an_artefact_is_pickled(newsroom: Newsroom, tiny_modernbert: Path, kind: str) -> None:
    newsroom.write(text=False)
    out = done(run(kind, tiny_modernbert, "limit=24"))
    for path in (out / "artefact").rglob("*"):
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        else:
            assert path.suffix == ".safetensors", path
            assert load_file(path), "safetensors, read without torch"


@pytest.mark.parametrize("kind", ["tfidf", "recurrent", "transformer"])
def test_a_model_that_learns_leaves_the_floor_behind(newsroom: Newsroom, tiny_modernbert: Path, kind: str) -> None:
    newsroom.write()
    more = ["epochs=16", "patience=16"] if kind == "recurrent" else []
    floor = done(run("majority", tiny_modernbert, "name=floor", "corpora=corpora"))
    made = done(run(kind, tiny_modernbert, "name=made", "corpora=corpora", *more))
    values = [json.loads((o / "metrics.jsonl").read_text().splitlines()[-1])["dev_macro_f1"] for o in (floor, made)]
    assert values[0] == pytest.approx(1 / 7), "two fifths of dev are assert: F1 4/7 there, nothing elsewhere"
    assert values[1] > 0.6


def test_a_run_on_top_of_an_old_one_replaces_its_artefact(newsroom: Newsroom, tiny_modernbert: Path) -> None:
    newsroom.write(text=False)
    out = done(run("tfidf", tiny_modernbert))
    assert done(run("majority", tiny_modernbert)) == out
    assert {p.name for p in (out / "artefact").iterdir()} == {MANIFEST}
    assert isinstance(load_classifier(out), MajorityClassifier)


def test_the_fingerprint_follows_the_labels_and_nothing_else(newsroom: Newsroom) -> None:
    newsroom.write()
    Path("mine.yaml").write_text("kind: majority\n")

    def now() -> str:
        return prepare(load_run_config(Path("mine.yaml"), ["corpora=corpora"])).fingerprint

    first = now()
    assert now() == first
    rewrite(newsroom.data / "composed/a.jsonl", lambda row: row.update(date="2020-01-01"))
    assert now() == first

    def relabel(row: dict[str, Any]) -> None:
        if row["doc_id"] == "c-train-1":
            row["sentences"][0]["label"] = "speculate"

    rewrite(newsroom.data / "composed/a.jsonl", relabel)
    assert now() != first


# --- the news text ------------------------------------------------------------------------------


def test_without_the_news_text_one_line_says_so(
    newsroom: Newsroom, tiny_modernbert: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom.write(text=False)
    out = done(run("majority", tiny_modernbert))
    said = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert said == [
        "the text of 5 news articles is not here: training on composed news alone "
        "(set ISNAD_CORPORA to its folder; data/README.md says how to make it)"
    ]
    assert json.loads((out / "data.json").read_text())["articles_without_text"] == 5


def test_where_a_part_of_the_news_text_is_missing_the_line_says_so_too(
    newsroom: Newsroom, tiny_modernbert: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom.labelled["train"]["saudinewsnet"] = [invented("saudi-train-0")]
    newsroom.write()
    (newsroom.corpora / "saudinewsnet.jsonl.xz").unlink()
    done(run("majority", tiny_modernbert, "corpora=corpora"))
    (said,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert said.startswith("the text of 1 news articles is not here: training without them (set ISNAD_CORPORA")


def test_with_the_news_text_dev_is_real_news(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom.write()
    monkeypatch.setenv("ISNAD_CORPORA", str(newsroom.corpora))
    Path("mine.yaml").write_text("kind: majority\n")
    prepared = prepare(load_run_config(Path("mine.yaml"), []))
    assert {e.origin for e in prepared.train} == {"composed", "news"}
    assert {e.origin for e in prepared.dev} == {"news"}
    assert (len(prepared.train), len(prepared.dev), prepared.missing) == (106, 20, 0)
    assert not caplog.records


def test_a_corpora_folder_that_was_named_and_is_not_there(newsroom: Newsroom, tiny_modernbert: Path) -> None:
    newsroom.write()
    said = refused(run("majority", tiny_modernbert, "corpora=elsewhere"))
    assert "expected the folder of the news text, found nothing at 'elsewhere'; correct `corpora`" in said


def test_news_text_that_has_changed_since_labelling_is_refused(newsroom: Newsroom, tiny_modernbert: Path) -> None:
    newsroom.write()
    rewrite(newsroom.data / "news/antcorpus.jsonl", spoil_hashes)
    said = refused(run("majority", tiny_modernbert, "corpora=corpora"))
    assert "data/news/antcorpus.jsonl:1: the text of antcorpus:ant-train-0 at -1--1 is not the one" in said


# --- leaks and the test split -------------------------------------------------------------------


def test_a_near_duplicate_across_splits_stops_the_run(newsroom: Newsroom, tiny_modernbert: Path) -> None:
    """The dev article is a train article under another id, a few words changed."""
    twin = json.loads(json.dumps(newsroom.composed["train"][0]))
    sentence = twin["sentences"][1]
    old = twin["text"][sentence["start"] : sentence["end"]]
    new = old[::-1]
    twin |= {"doc_id": "twin", "title": "عنوان آخر", "text": twin["text"].replace(old, new)}
    sentence |= {"sha1": sentence_hash(new), "cue": None, "source": None}
    twin["sentences"][0]["sha1"] = sentence_hash("عنوان آخر")
    newsroom.composed["dev"].append(twin)
    newsroom.write(text=False)
    said = refused(run("majority", tiny_modernbert))
    assert "leaks between splits; `isnad check --leakage` names all of them" in said
    assert "composed:twin" in said
    assert not Path("runs/mine/artefact").exists()


def test_training_never_opens_the_test_splits(newsroom: Newsroom, tiny_modernbert: Path) -> None:
    newsroom.write()
    words = ("corpora=corpora", "limit=40")
    before = done(run("tfidf", tiny_modernbert, "name=before", *words))
    for corpus in ("saudinewsnet", "hespress"):
        rewrite(newsroom.data / f"news/{corpus}.jsonl", spoil_hashes)
        (newsroom.corpora / f"{corpus}.jsonl.xz").unlink()

    def garble(row: dict[str, Any]) -> None:
        if row["doc_id"] == "c-test-0":
            spoil_hashes(row)
            row["text"] = row["text"][::-1]

    rewrite(newsroom.data / "composed/a.jsonl", garble)
    after = done(run("tfidf", tiny_modernbert, "name=after", *words))
    assert (before / "data.json").read_text() == (after / "data.json").read_text()
    assert (before / "artefact/model.safetensors").read_bytes() == (after / "artefact/model.safetensors").read_bytes()


def test_only_train_and_dev_are_asked_for(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newsroom.write()
    asked = []

    def watched(*arguments: Any, **named: Any) -> Any:
        asked.append(named["splits"])
        return load_data(*arguments, **named)

    monkeypatch.setattr("train.run.load_data", watched)
    Path("mine.yaml").write_text("kind: majority\n")
    prepared = prepare(load_run_config(Path("mine.yaml"), ["corpora=corpora"]))
    assert asked == [("train", "dev")]
    assert {e.split for e in [*prepared.train, *prepared.dev]} == {"train", "dev"}


# --- the same again -----------------------------------------------------------------------------


def weights(out: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted((out / "artefact").glob("*.safetensors")))


@pytest.mark.parametrize("kind", ["recurrent", "transformer"])
def test_the_same_seed_gives_the_same_model_and_another_seed_another(
    newsroom: Newsroom, tiny_modernbert: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom.write(text=False)
    words = ("limit=40", "epochs=2")
    both = run(kind, tiny_modernbert, "seeds=[1, 2]", *words)
    assert (both.exit_code, both.stdout.split()) == (0, ["runs/mine-seed1", "runs/mine-seed2"])
    assert any("over 2 seeds" in r.getMessage() and "±" in r.getMessage() for r in caplog.records)
    one, two = (Path(p) for p in both.stdout.split())
    again = done(run(kind, tiny_modernbert, "seed=1", "name=again", *words))
    assert weights(again) == weights(one)
    assert (again / "metrics.jsonl").read_text() == (one / "metrics.jsonl").read_text()
    assert weights(two) != weights(one)


def test_switches_for_memory_and_speed_leave_the_model_as_it_is(newsroom: Newsroom, tiny_arabert: Path) -> None:
    """Another way to compute the same: equal to the bit, or within rounding where the attention is another."""
    newsroom.write(text=False)
    words = ("recipe=arabert-v02", "limit=24", "epochs=1", "precision=fp32")
    plain = done(run("transformer", tiny_arabert, "name=plain", *words))
    try:
        for switch in ("gradient_checkpointing=true", "workers=2", "deterministic=true", "attention=sdpa"):
            assert weights(done(run("transformer", tiny_arabert, "name=other", switch, *words))) == weights(plain), (
                switch
            )
    finally:
        torch.use_deterministic_algorithms(False)
    close = ("batch_size=2", "gradient_accumulation=4", "attention=eager", "dropout=0.0", "name=close")
    whole = ("batch_size=8", "dropout=0.0", "name=whole")
    smooth = without_dropout(tiny_arabert)
    found = [done(run("transformer", smooth, *w, *words)) for w in (close, whole)]
    tensors = [load_file(out / "artefact/model.safetensors") for out in found]
    for name, tensor in tensors[1].items():
        np.testing.assert_allclose(tensors[0][name], tensor, rtol=2e-2, atol=2e-3, err_msg=name)


def without_dropout(encoder: Path) -> Path:
    """A copy of the encoder here, without dropout in its attention."""
    here = Path(shutil.copytree(encoder, "encoder"))
    shape = json.loads((here / "config.json").read_text())
    (here / "config.json").write_text(json.dumps(shape | {"attention_probs_dropout_prob": 0.0}))
    return here


def test_the_flag_for_determinism_is_the_key(newsroom: Newsroom, tiny_arabert: Path) -> None:
    newsroom.write(text=False)
    try:
        out = done(run("transformer", tiny_arabert, "--deterministic", "recipe=arabert-v02", "limit=8", "epochs=1"))
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    assert "deterministic: true" in (out / "config.yaml").read_text()
    said = run("tfidf", tiny_arabert, "--deterministic")
    assert said.exit_code == 2
    assert "expected kind transformer for --deterministic, found tfidf; drop it" in said.stderr


def test_attention_that_this_machine_has_not(newsroom: Newsroom, tiny_modernbert: Path) -> None:
    newsroom.write(text=False)
    said = refused(run("transformer", tiny_modernbert, "attention=flash"))
    assert said == (
        "error: expected a GPU and the package flash-attn for attention=flash, found one missing; "
        "pip install flash-attn, or set attention=sdpa"
    )


@pytest.mark.parametrize(
    ("kind", "judge"), [("recurrent", "train.run.judge"), ("transformer", "train.transformer.judge")]
)
def test_the_best_epoch_is_kept_and_patience_ends_the_run(
    newsroom: Newsroom, tiny_modernbert: Path, monkeypatch: pytest.MonkeyPatch, kind: str, judge: str
) -> None:
    newsroom.write()
    heard: list[list[int]] = []

    def falling(gold: Any, predicted: Any) -> Any:
        """The real figures, but every epoch worse than the one before."""
        heard.append([int(p) for p in predicted])
        return replace(real_judge(gold, predicted), macro_f1=1 / len(heard))

    monkeypatch.setattr(judge, falling)
    words = ("corpora=corpora", "limit=90", "epochs=40", "patience=9", "learning_rate=1.0e-2")
    out = done(run(kind, tiny_modernbert, *words))
    epochs = heard[:10]
    assert len(heard) == (11 if kind == "recurrent" else 10), "nine epochs without a gain, then the end"
    dev = prepare(load_run_config(out / "config.yaml", [])).dev
    kept = [p.label.id if p.label else -1 for p in answers(load_classifier(out), dev)]
    assert kept == epochs[0]
    assert kept != epochs[9], "or the test would not tell them apart"


# --- the last look ------------------------------------------------------------------------------


def test_an_artefact_that_answers_otherwise_is_not_fit_to_use(
    newsroom: Newsroom, tiny_modernbert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.write(text=False)
    monkeypatch.setattr("train.run.load_classifier", lambda _: load_classifier("rules"))
    said = refused(run("majority", tiny_modernbert))
    assert "the exported artefact gives other labels on " in said
    assert said.endswith("of dev; it is not fit to use")


def test_the_reloaded_model_is_the_one_that_is_measured(newsroom: Newsroom, tiny_modernbert: Path) -> None:
    """`verify` answers with the dev score of what it opened, and keeps it in metrics.jsonl."""
    newsroom.write(text=False)
    out = done(run("tfidf", tiny_modernbert))
    prepared = prepare(load_run_config(out / "config.yaml", []))
    opened = load_classifier(out)
    value = verify(opened, read_manifest(out / "artefact"), out, prepared.dev)
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert rows[-2] == rows[-1]
    assert rows[-1]["dev_macro_f1"] == value


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"schema": "isnad-artefact/9"}')
    with pytest.raises(IsnadError, match=r"expected the schema isnad-artefact/1, found 'isnad-artefact/9'"):
        load_classifier(tmp_path)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(IsnadError, match="expected JSON"):
        load_classifier(tmp_path)
    values = Manifest(schema=SCHEMA, kind="majority", name="x").model_dump(by_alias=True)
    (tmp_path / MANIFEST).write_text(json.dumps({**values, "labels": ["deny", "assert", "attribute", "speculate"]}))
    with pytest.raises(IsnadError, match="expected the labels"):
        load_classifier(tmp_path)


def test_a_machine_without_git_can_train_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert environment()["commit"] is None


def test_calibration_cools_an_overconfident_model_and_leaves_labels_alone() -> None:
    generator = np.random.default_rng(3)
    gold = generator.integers(0, 4, 600)
    logits = np.eye(4, dtype=np.float32)[gold] + generator.normal(0, 0.7, (600, 4)).astype(np.float32)
    honest = fit_temperature(logits, gold)
    assert fit_temperature(logits * 4, gold) == pytest.approx(4 * honest, rel=0.02)
    assert 0.2 <= fit_temperature(logits * 1000, gold) <= 10.01


def test_what_a_run_resolved_is_what_it_dumped(newsroom: Newsroom, tiny_modernbert: Path) -> None:
    newsroom.write(text=False)
    out = done(run("majority", tiny_modernbert, "seed=77"))
    shown = CliRunner().invoke(main, [str(out / "config.yaml"), "--dry-run"])
    assert shown.stdout == (out / "config.yaml").read_text() == dump(load_run_config(Path("mine.yaml"), ["seed=77"]))
