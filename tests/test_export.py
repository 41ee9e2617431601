"""`python -m train.export`: int8 that does not look at its neighbours, and the refusal of what differs on dev."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from conftest import Newsroom, invented, spread_out

from isnad import load_classifier
from isnad.artefact import SCHEMA, Manifest, write_artefact
from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.runtimes.base import Item
from isnad.runtimes.onnx import OnnxClassifier
from isnad.runtimes.transformer import StanceModel, TransformerClassifier, open_encoder
from isnad.sentences import split_sentences
from isnad.text import normalise_text
from train import export
from train.export import add_onnx, export_onnx

TEXTS = [s.text for i in range(12) for s in split_sentences(invented(f"export-{i}")["text"])]


@pytest.fixture(scope="module", params=["arabert", "modernbert"])
def trained(
    request: pytest.FixtureRequest, tiny_arabert: Path, tiny_modernbert: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An artefact of either kind with spread out weights, one channel of which outweighs the others."""
    name, recipe = {"arabert": (tiny_arabert, "arabert-v02"), "modernbert": (tiny_modernbert, "plain")}[request.param]
    base, tokenizer = open_encoder(str(name), dropout=0.0, seed=4)
    model = StanceModel(base)
    spread_out(model)
    with torch.no_grad():
        for layer_norm in (m for m in model.base.modules() if isinstance(m, torch.nn.LayerNorm)):
            layer_norm.weight[3] = 20.0
    manifest = Manifest(
        schema=SCHEMA, kind="transformer", name="tiny", heads=True, recipe=recipe, max_length=60, context="title+before"
    )
    classifier = TransformerClassifier(manifest, model, tokenizer)
    folder = tmp_path_factory.mktemp("trained") / "artefact"
    write_artefact(folder, manifest, classifier.save)
    items = [Item(normalise_text(t, recipe)) for t in TEXTS]
    export_onnx(TransformerClassifier.load(folder, manifest), folder / "model.onnx", measured_on=items)
    return folder


def asked(sentences: list[str]) -> dict[str, Any]:
    return {"before": [None, *sentences[:-1]], "title": ["جولة في دروان"] * len(sentences)}


def test_int8_gives_the_same_answer_alone_and_among_others(trained: Path) -> None:
    """To the last digit: neighbours, padding and order leave no trace."""
    classifier = load_classifier(trained)
    assert isinstance(classifier, OnnxClassifier)
    together = classifier.predict(TEXTS, **asked(TEXTS))
    assert len({a.score for a in together}) > 20
    for i in range(0, len(TEXTS), 7):
        before = [TEXTS[i - 1] if i else None]
        (alone,) = classifier.predict([TEXTS[i]], before=before, title=["جولة في دروان"])
        assert alone == together[i]
    order = np.random.default_rng(3).permutation(len(TEXTS))
    before = [TEXTS[i - 1] if i else None for i in order]
    mixed = classifier.predict([TEXTS[i] for i in order], before=before, title=["جولة في دروان"] * len(order))
    assert [mixed[k] for k in range(len(order))] == [together[i] for i in order]


def test_the_number_of_cores_changes_nothing(trained: Path) -> None:
    classifier = load_classifier(trained)
    assert isinstance(classifier, OnnxClassifier)
    answers = []
    for cores in (1, 2, 5):
        classifier.cores = cores
        answers.append(classifier.predict(TEXTS))
    assert answers[0] == answers[1] == answers[2]


def test_int8_is_small_and_near_the_trained_model(trained: Path) -> None:
    kinds = [n.op_type for n in onnx.load(trained / "model.onnx").graph.node]
    assert kinds.count("MatMulIntegerToFloat") >= 6
    assert "DynamicQuantizeLinear" not in kinds
    exact = load_classifier(trained, runtime="torch").predict(TEXTS)
    rounded = load_classifier(trained).predict(TEXTS)
    apart = [abs(a.scores[s.value] - b.scores[s.value]) for a, b in zip(exact, rounded, strict=True) for s in Stance]
    assert np.mean(apart) < 0.03, "one heavy channel does not blur the others"
    assert np.mean([a.label is b.label for a, b in zip(exact, rounded, strict=True)]) > 0.93


def test_the_export_is_refused_when_labels_on_dev_differ(
    trained: Path, newsroom: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.write()
    monkeypatch.setattr(export, "AGREEMENT", 1.01)
    (trained / "model.onnx").rename(tmp_path / "kept.onnx")
    before = sorted(p.name for p in trained.iterdir())
    for int8, name in ((True, "int8"), (False, "fp32")):
        with pytest.raises(IsnadError, match=r"expected 101\.0% of dev labels alike, found"):
            add_onnx(trained, int8=int8, data=newsroom.data)
        assert sorted(p.name for p in trained.iterdir()) == before, name
    (tmp_path / "kept.onnx").rename(trained / "model.onnx")


@pytest.mark.parametrize(
    ("flags", "made"),
    [(["--onnx", "--int8"], "model.onnx"), (["--onnx", "--fp32"], "model-fp32.onnx"), ([], "model.onnx")],
)
def test_the_command_adds_the_file_that_was_asked_for(
    trained: Path, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: list[str], made: str
) -> None:
    newsroom.write()
    monkeypatch.setattr(export, "AGREEMENT", 0.9)
    held = {p.name: p.read_bytes() for p in trained.iterdir() if p.suffix != ".onnx"}
    run = tmp_path / "run" / "artefact"
    run.mkdir(parents=True)
    for name, content in held.items():
        (run / name).write_bytes(content)
    found = CliRunner().invoke(export.main, [str(run.parent), *flags, "--data", str(newsroom.data)])
    assert found.exit_code == 0, found.output
    assert {p.name for p in run.iterdir()} == {*held, made}
    assert isinstance(load_classifier(run.parent), OnnxClassifier)


def test_what_is_no_transformer_is_not_exported(tmp_path: Path) -> None:
    manifest = Manifest(
        schema=SCHEMA, kind="majority", name="floor", settings={"shares": {s.value: 0.25 for s in Stance}}
    )
    write_artefact(tmp_path / "artefact", manifest, lambda folder: None)
    found = CliRunner().invoke(export.main, [str(tmp_path)])
    assert found.exit_code == 1
    assert "expected a transformer, found kind 'majority'" in found.output
