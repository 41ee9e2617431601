"""The main job: fine-tuning AraBERT, here on a folder of its exact format and two layers of 32."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from click.testing import CliRunner, Result
from conftest import PATTERNS, ROOT, fill
from safetensors.torch import load_file, save_file
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertTokenizerFast,
    pipeline,
)

from isnad import load_classifier
from isnad.artefact import read_manifest
from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.predictions import Prediction
from isnad.runtimes.base import Item
from isnad.runtimes.transformer import StanceModel, TransformerClassifier, encode, open_encoder, pad
from isnad.spans import TAGS
from train.__main__ import main
from train.config import TransformerConfig
from train.losses import Gold, joint_loss
from train.transformer import optimizer_of

if TYPE_CHECKING:
    from conftest import Newsroom

SENTENCES = {
    "assert": "افتتحت بلدية دروان صباح أمس سمبيل الجديد قرب كرتون بحضور نوفيد.",
    "deny": "نفت بلدية هدران ما تردد عن بيع لؤشاد إلى تجار فنقار.",
    "attribute": "قال رشعود إن سكان طيموس تسلموا مفاتيح قمنيم من لجنة مرهاج.",
    "speculate": "وربما ينتقل جوساف من شمزور إلى ودران حين يكتمل زيلاق.",
}


@pytest.fixture(scope="module")
def trained(tiny_arabert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """`python -m train` in a process of its own, as a user starts it: the run directory, and what was said."""
    room = fill(tmp_path_factory.mktemp("room")).write()
    settings = [
        "kind: transformer",
        f"encoder: {tiny_arabert}",
        "recipe: arabert-v02",
        "limit: 120",
        "epochs: 12",
        "patience: 12",
        "batch_size: 8",
        "learning_rate: 5.0e-3",
    ]
    (room.root / "mine.yaml").write_text("\n".join(settings) + "\n")
    around = {k: v for k, v in os.environ.items() if k != "ISNAD_CORPORA"} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "train", "mine.yaml", "corpora=corpora"],
        capture_output=True,
        text=True,
        cwd=room.root,
        env=around,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "runs/mine\n", "the run directory, for the next command, and nothing else"
    return room.root / "runs/mine", done.stderr


def test_training_learns_and_tells_how_far_it_is(trained: tuple[Path, str]) -> None:
    run, said = trained
    assert "Traceback" not in said
    assert "mine: 106 training and 20 dev sentences" in said
    assert "0 of 106 training sentences are cut at 128 tokens" in said
    assert "epoch 12: dev macro-F1 " in said
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["dev_macro_f1"] > 0.8, "the patterns are plain; a model that learns at all finds them"
    assert last["reloaded_labels_equal"] == 1.0


def test_the_run_opens_and_answers(trained: tuple[Path, str]) -> None:
    classifier = load_classifier(trained[0])
    assert isinstance(classifier, TransformerClassifier)
    answers = classifier.predict(list(SENTENCES.values()))
    assert [a.label for a in answers] == [Stance(s) for s in SENTENCES]
    for sentence, answer in zip(SENTENCES.values(), answers, strict=True):
        assert isinstance(answer, Prediction)
        assert list(answer.scores) == [s.value for s in Stance]
        assert sum(answer.scores.values()) == pytest.approx(1, abs=1e-5)
        assert answer.score == max(answer.scores.values()) == answer.scores[answer.label]
        assert (answer.abstained, answer.warnings) == (False, [])
        for span in (answer.cue, answer.source):
            assert span is None or sentence[span.start : span.end] == span.text
    assert [a.attributed for a in answers[::2]] == [False, True]
    assert answers[0].cue is None, "what the outlet states itself needs no cue"
    assert answers[1].cue is not None
    assert answers[1].cue.text == "نفت"


def test_a_bare_pipeline_opens_the_artefact_with_the_same_labels(trained: tuple[Path, str]) -> None:
    folder = trained[0] / "artefact"
    opened = pipeline("text-classification", str(folder))
    assert opened.model.config.id2label == {s.id: s.value for s in Stance}
    assert opened.model.config.label2id == {s.value: s.id for s in Stance}
    found = opened(list(SENTENCES.values()), top_k=None)
    ours = load_classifier(trained[0]).predict(list(SENTENCES.values()))
    assert [max(row, key=lambda r: r["score"])["label"] for row in found] == [a.label for a in ours]
    assert all({r["label"] for r in row} == {s.value for s in Stance} for row in found)


def test_the_artefact_says_what_it_was_made_of(trained: tuple[Path, str], tiny_arabert: Path) -> None:
    folder = trained[0] / "artefact"
    manifest = read_manifest(folder)
    assert (manifest.kind, manifest.recipe, manifest.max_length) == ("transformer", "arabert-v02", 128)
    assert (manifest.base_model, manifest.heads) == (str(tiny_arabert), True)
    (told,) = [line for line in trained[1].splitlines() if line.startswith("temperature ")]
    assert told == f"temperature {manifest.temperature:.3f} from 20 natural dev sentences"
    assert manifest.temperature != 1.0
    assert manifest.data_fingerprint == json.loads((trained[0] / "data.json").read_text())["fingerprint"]
    assert {p.suffix for p in folder.iterdir()} == {".json", ".safetensors"}
    kept = AutoTokenizer.from_pretrained(folder)
    given = AutoTokenizer.from_pretrained(tiny_arabert)
    assert kept.get_vocab() == given.get_vocab()


# --- what goes in -------------------------------------------------------------------------------


def test_the_encoders_weights_are_the_start_and_the_head_is_drawn_by_the_seed(tiny_arabert: Path) -> None:
    published = load_file(tiny_arabert / "model.safetensors")
    model, _ = open_encoder(str(tiny_arabert), dropout=0.1, seed=1)
    ours = model.state_dict()
    shared = [k for k in published if k.startswith(("bert.embeddings", "bert.encoder"))]
    assert len(shared) > 30
    assert all(torch.equal(ours[k], published[k]) for k in shared if k in ours)
    assert all(k in ours for k in shared if "position_ids" not in k)
    again, _ = open_encoder(str(tiny_arabert), dropout=0.1, seed=1)
    other, _ = open_encoder(str(tiny_arabert), dropout=0.1, seed=2)
    assert torch.equal(model.classifier.weight, again.classifier.weight)
    assert not torch.equal(model.classifier.weight, other.classifier.weight)


def test_token_types_mark_the_context_where_the_tokenizer_has_them(tiny_arabert: Path, tiny_modernbert: Path) -> None:
    items = [Item("قال رشعود إن سكان طيموس وصلوا", "جولة في دروان"), Item("نفت بلدية هدران ذلك")]
    model, tokenizer = open_encoder(str(tiny_arabert), dropout=0.0, seed=1)
    rows = encode(items, tokenizer, 64)
    inputs = pad(rows, tokenizer)
    assert set(inputs) == {"input_ids", "token_type_ids", "attention_mask"}
    real = inputs["attention_mask"][0].bool()
    types = inputs["token_type_ids"][0][real].tolist()
    behind = types.index(1)
    assert types == [0] * behind + [1] * (len(types) - behind), "sentence first, context behind it"
    assert [o is not None for o in rows[0]["offsets"]] == [
        False,
        *[True] * (behind - 2),
        *[False] * (len(types) - behind + 1),
    ]
    assert inputs["token_type_ids"][1].sum() == 0
    stance = StanceModel(model).eval()
    blind = {**inputs, "token_type_ids": torch.zeros_like(inputs["token_type_ids"])}
    with torch.inference_mode():
        assert not torch.allclose(stance(**inputs)["stance"][0], stance(**blind)["stance"][0])

    model, tokenizer = open_encoder(str(tiny_modernbert), dropout=0.0, seed=1)
    inputs = pad(encode(items, tokenizer, 64), tokenizer)
    assert set(inputs) == {"input_ids", "attention_mask"}
    assert StanceModel(model).eval()(**inputs)["stance"].shape == (2, 4)


def test_lower_layers_learn_more_slowly_under_layer_decay(tiny_arabert: Path) -> None:
    base, _ = open_encoder(str(tiny_arabert), dropout=0.1, seed=1)
    model = StanceModel(base)
    optimizer = optimizer_of(model, TransformerConfig(learning_rate=1e-3, layer_decay=0.5))
    rates = {n: g["lr"] for (n, _), g in zip(model.named_parameters(), optimizer.param_groups, strict=True)}
    assert rates["base.bert.embeddings.word_embeddings.weight"] == pytest.approx(1e-3 / 8)
    assert rates["base.bert.encoder.layer.0.output.dense.weight"] == pytest.approx(1e-3 / 4)
    assert rates["base.bert.encoder.layer.1.output.dense.weight"] == pytest.approx(1e-3 / 2)
    assert rates["base.classifier.weight"] == rates["tags.weight"] == pytest.approx(1e-3)


def test_araberts_real_shape_takes_a_step() -> None:
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=64_000,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=512,
        num_labels=len(Stance),
    )
    model = StanceModel(BertForSequenceClassification(shape))
    millions = sum(p.numel() for p in model.base.bert.parameters()) / 1e6
    assert millions == pytest.approx(135.2, abs=0.5)
    ids = torch.randint(5, 64_000, (2, 12))
    answers = model(input_ids=ids, attention_mask=torch.ones_like(ids), token_type_ids=torch.zeros_like(ids))
    own = torch.ones(2, 12, dtype=torch.bool)
    gold = Gold(torch.eye(4)[:2], torch.tensor([0.0, 1.0]), torch.zeros(2, 12, TAGS), own, torch.ones(2))
    loss = joint_loss(answers, gold, torch.ones(4), 0.3, 0.5)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in model.parameters())


# --- what is refused ----------------------------------------------------------------------------


def start(room: Newsroom, *words: str) -> Result:
    """`python -m train` with these words, in this process."""
    room.write(text=False)
    (room.root / "mine.yaml").write_text("kind: transformer\nrecipe: arabert-v02\nepochs: 1\nlimit: 16\n")
    return CliRunner().invoke(main, [str(room.root / "mine.yaml"), *words])


def sentence(done: Result) -> str:
    """The one line in which a run that failed says why."""
    assert done.exit_code == 1, done.output
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("runs/mine/artefact").exists()
    return lines[0]


def copy_without(folder: Path, target: Path, *names: str) -> Path:
    shutil.copytree(folder, target)
    for name in names:
        (target / name).unlink()
    return target


def test_a_folder_that_is_not_there(newsroom: Newsroom) -> None:
    said = sentence(start(newsroom, "encoder=/nowhere/arabert"))
    assert (
        said
        == "error: expected the encoder folder '/nowhere/arabert', found none; set `encoder` to a folder or a hub id"
    )


@pytest.mark.parametrize("name", ["train/encoder", "runs/x/encoder", "./arabert", "../arabert", "arabert"])
def test_what_can_only_be_a_path_is_never_asked_of_the_hub(newsroom: Newsroom, name: str) -> None:
    assert f"expected the encoder folder {name!r}, found none" in sentence(start(newsroom, f"encoder={name}"))


def test_a_hub_id_without_a_network_says_what_to_do(newsroom: Newsroom) -> None:
    said = sentence(start(newsroom, "encoder=nobody-of-ours/arabert-of-nowhere"))
    assert said.startswith("error: expected the encoder 'nobody-of-ours/arabert-of-nowhere' on the hub or in a folder")
    assert said.endswith("without a network, download it elsewhere and set `encoder=/path/to/it`")


def test_a_folder_without_a_config(newsroom: Newsroom, tiny_arabert: Path) -> None:
    folder = copy_without(tiny_arabert, newsroom.root / "part", "config.json")
    assert "could not open it" in sentence(start(newsroom, f"encoder={folder}"))


def test_a_folder_without_weights(newsroom: Newsroom, tiny_arabert: Path) -> None:
    folder = copy_without(tiny_arabert, newsroom.root / "part", "model.safetensors")
    assert "expected weights as safetensors" in sentence(start(newsroom, f"encoder={folder}"))


def test_an_empty_folder(newsroom: Newsroom) -> None:
    (newsroom.root / "empty").mkdir()
    assert "expected weights as safetensors" in sentence(start(newsroom, "encoder=./empty"))


def test_pickled_weights_are_not_opened(newsroom: Newsroom, tiny_arabert: Path) -> None:
    folder = copy_without(tiny_arabert, newsroom.root / "pickled", "model.safetensors")
    torch.save(load_file(tiny_arabert / "model.safetensors"), folder / "pytorch_model.bin")
    assert "where there is a pytorch_model.bin, convert it" in sentence(start(newsroom, f"encoder={folder}"))


def test_a_vocabulary_without_arabic_is_refused(newsroom: Newsroom, tiny_arabert: Path) -> None:
    folder = copy_without(tiny_arabert, newsroom.root / "latin", "tokenizer.json", "vocab.txt")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "of", "##s"]
    BertTokenizerFast(vocab={p: i for i, p in enumerate(pieces)}).save_pretrained(folder)
    said = sentence(start(newsroom, f"encoder={folder}"))
    assert f"the tokenizer of {str(folder)!r} reads 100% of a plain Arabic sentence as unknown" in said
    assert said.endswith("check vocab.txt or tokenizer.json in the folder")


def test_a_folder_without_a_vocabulary_is_refused(newsroom: Newsroom, tiny_arabert: Path) -> None:
    folder = copy_without(tiny_arabert, newsroom.root / "mute", "tokenizer.json", "vocab.txt")
    sentence(start(newsroom, f"encoder={folder}"))


def test_a_vocab_txt_alone_is_enough(tiny_arabert: Path, tmp_path: Path) -> None:
    folder = copy_without(tiny_arabert, tmp_path / "old", "tokenizer.json")
    _, tokenizer = open_encoder(str(folder), dropout=0.1, seed=1)
    known = AutoTokenizer.from_pretrained(tiny_arabert)
    text = " ".join(SENTENCES.values())
    assert tokenizer(text)["input_ids"] == known(text)["input_ids"]


def test_more_tokens_than_the_encoder_reads(newsroom: Newsroom, tiny_arabert: Path) -> None:
    said = sentence(start(newsroom, f"encoder={tiny_arabert}", "max_length=600"))
    assert "max_length up to 512" in said


def test_a_recipe_that_nobody_knows(newsroom: Newsroom, tiny_arabert: Path) -> None:
    assert "arabert-v02" in sentence(start(newsroom, f"encoder={tiny_arabert}", "recipe=arabertv02"))


def test_an_encoder_that_says_no_recipe_needs_one(newsroom: Newsroom, tiny_arabert: Path) -> None:
    (newsroom.root / "bare.yaml").write_text("kind: transformer\nepochs: 1\nlimit: 16\n")
    said = sentence(CliRunner().invoke(main, [str(newsroom.root / "bare.yaml"), f"encoder={tiny_arabert}"]))
    assert "`recipe`" in said
    assert "arabert-v02" in said
    assert "arabert-v2," not in said


def test_weights_of_another_model_are_not_taken_for_this_one(tiny_arabert: Path, tmp_path: Path) -> None:
    folder = copy_without(tiny_arabert, tmp_path / "mixed", "model.safetensors")
    weights = load_file(tiny_arabert / "model.safetensors")
    lost = [k for k in weights if ".layer.1." in k]
    save_file({k: v for k, v in weights.items() if k not in lost}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(IsnadError, match=rf"{len(lost)} tensors missing \(bert\.encoder\.layer\.1"):
        open_encoder(str(folder), dropout=0.1, seed=1)


def test_a_rate_that_blows_up_ends_in_a_sentence(newsroom: Newsroom, tiny_arabert: Path) -> None:
    said = sentence(
        start(newsroom, f"encoder={tiny_arabert}", "learning_rate=1.0e+20", "precision=fp32", "batch_size=2")
    )
    assert "lower learning_rate=1e+20" in said


def test_an_artefact_with_pickled_weights_is_not_opened(trained: tuple[Path, str], tmp_path: Path) -> None:
    folder = copy_without(trained[0] / "artefact", tmp_path / "artefact", "model.safetensors")
    torch.save(load_file(trained[0] / "artefact/model.safetensors"), folder / "pytorch_model.bin")
    with pytest.raises(OSError, match=r"model\.safetensors"):
        load_classifier(folder)


def test_the_invented_patterns_stand_for_all_stances() -> None:
    assert list(SENTENCES) == [s.value for s in Stance]
    assert set(PATTERNS) == set(SENTENCES)
    assert BertForMaskedLM.base_model_prefix == "bert", "AraBERT is published as a masked-word model of this class"
