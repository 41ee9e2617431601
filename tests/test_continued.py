"""Masked words go on from a tiny BERT and a tiny ModernBERT; what comes out is an encoder that `encoder=` takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from conftest import Newsroom, invented
from safetensors.torch import load_file
from transformers import AutoTokenizer

import train.loop
from isnad.errors import IsnadError
from isnad.runtimes.transformer import open_encoder
from isnad.text import normalise_text
from train.config import recipe_of
from train.continued import ContinueConfig, go_on, open_masked
from train.masking import masked_batch, word_ids
from train.pretrain import main

SETTINGS = """
tokens: 512
sequence_length: 16
batch_sequences: 4
learning_rate: 1.0e-3
bf16: false
"""


@pytest.fixture(params=["tiny_arabert", "tiny_modernbert"])
def config(request: pytest.FixtureRequest, newsroom: Newsroom) -> ContinueConfig:
    """How each of the tiny encoders goes on, for eight steps, with a checkpoint after each."""
    newsroom.unlabelled["antcorpus"] = [invented(f"plain-{i}", outlet="إذاعة الورق") for i in range(12)]
    newsroom.write()
    return ContinueConfig(
        encoder=str(request.getfixturevalue(request.param)),
        recipe="arabert-v02" if request.param == "tiny_arabert" else "auto",
        corpora=str(newsroom.corpora),
        tokens=512,
        sequence_length=16,
        batch_sequences=4,
        learning_rate=1e-3,
        bf16=False,
        checkpoint_minutes=0.0,
    )


def test_an_encoder_goes_on_under_its_own_tokenizer_and_opens_for_fine_tuning(
    config: ContinueConfig, tmp_path: Path
) -> None:
    folder = go_on(config, tmp_path / "run")
    before, after = (load_file(Path(f) / "model.safetensors") for f in (config.encoder, folder))
    assert before.keys() == after.keys()
    assert not all(torch.equal(before[k].half(), after[k]) for k in before), "it has learnt"
    tokenizers = [AutoTokenizer.from_pretrained(f) for f in (config.encoder, folder)]
    assert tokenizers[0].get_vocab() == tokenizers[1].get_vocab()
    text = "قال نوران إن العمال وصلوا."
    assert tokenizers[0](text)["input_ids"] == tokenizers[1](text)["input_ids"]
    wanted = "arabert-v02" if "arabert" in Path(config.encoder).name else "plain"
    assert recipe_of(str(folder)) == wanted
    model, _ = open_encoder(str(folder), dropout=0.1, seed=1)
    assert model.config.num_labels == 4
    losses = [json.loads(row)["loss"] for row in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert all(np.isfinite(losses))


def test_killed_it_goes_on_to_the_same_weights(
    config: ContinueConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropout and all: what a step draws depends on the step alone."""
    straight = go_on(config, tmp_path / "straight")
    real = train.loop.Checkpoints.save

    def stop(self: train.loop.Checkpoints, step: int, *rest: object) -> None:
        real(self, step, *rest)  # type: ignore[arg-type]
        if step == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train.loop.Checkpoints, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            go_on(config, tmp_path / "broken")
    broken = go_on(config, tmp_path / "broken")
    assert (broken / "model.safetensors").read_bytes() == (straight / "model.safetensors").read_bytes()


def test_no_word_of_dev_and_test_articles_is_read(config: ContinueConfig, newsroom: Newsroom, tmp_path: Path) -> None:
    folder = go_on(config, tmp_path / "run")
    recipe = recipe_of(str(folder))
    (text,) = newsroom.root.glob(f"cache/news-{recipe}-*/text.txt")
    read = text.read_text(encoding="utf-8")
    ids = np.memmap(tmp_path / "run/ids.u16", dtype=np.uint16, mode="r")
    assert len(ids) > 100
    labelled = newsroom.labelled
    hidden = [a for split in ("dev", "test", "test-outlets") for found in labelled[split].values() for a in found]
    lines = [normalise_text(line, recipe) for a in hidden for line in [a["title"], *a["text"].split("\n")]]
    assert lines
    assert not [line for line in lines if line in read]
    seen = labelled["train"]["antcorpus"][0]["title"]
    assert normalise_text(seen, recipe) in read


def test_special_pieces_wherever_they_stand_are_never_hidden_or_drawn(tiny_arabert: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_arabert)
    tokenizer.add_special_tokens({"additional_special_tokens": ["[آخر]"]})
    words = word_ids(tokenizer)
    special = torch.tensor(tokenizer.all_special_ids)
    block = torch.arange(len(tokenizer)).repeat(8, 1)
    drawn = torch.Generator().manual_seed(1)
    inputs, labels = masked_batch(block, drawn, 0.9, tokenizer.mask_token_id, words)
    assert not torch.isin(labels, special).any()
    changed = inputs != block
    assert bool(changed.any())
    assert not torch.isin(inputs[changed & (inputs != tokenizer.mask_token_id)], special).any()


# --- what is refused ----------------------------------------------------------------------------


@pytest.fixture
def denormals() -> Iterator[None]:
    """What the command switches off in its process is on again for the tests behind."""
    yield
    torch.set_flush_denormal(False)


def said(path: Path, *words: str) -> str:
    done = CliRunner().invoke(main, [str(path), *words])
    assert done.exit_code == 1, done.output
    return done.stderr.splitlines()[-1]


@pytest.mark.usefixtures("denormals")
def test_what_cannot_go_on_is_refused_with_a_sentence(newsroom: Newsroom, tiny_arabert: Path) -> None:
    newsroom.write(text=False)
    path = newsroom.root / "continue.yaml"
    path.write_text(SETTINGS)
    encoder = f"encoder={tiny_arabert}"
    assert "expected `recipe`, how the training text of" in said(path, encoder)
    assert "unknown key `layers`" in said(path, encoder, "recipe=arabert-v02", "layers=3")
    assert "expected the encoder folder './none', found none" in said(path, "encoder=./none", "recipe=plain")
    assert "expected sequence_length up to 512" in said(path, encoder, "recipe=arabert-v02", "sequence_length=600")
    assert "expected the news text for pretraining, found none" in said(path, encoder, "recipe=arabert-v02")


def test_another_run_of_the_same_name_is_not_mixed_in(newsroom: Newsroom, tiny_arabert: Path, tmp_path: Path) -> None:
    newsroom.write()
    config = ContinueConfig(encoder=str(tiny_arabert), recipe="arabert-v02", corpora=str(newsroom.corpora), tokens=64,
                            sequence_length=16, batch_sequences=4)  # fmt: skip
    go_on(config, tmp_path / "run")
    with pytest.raises(IsnadError, match="found one of another config; set name= or delete it"):
        go_on(config.model_copy(update={"mask_rate": 0.3}), tmp_path / "run")


def test_a_masked_word_head_that_is_not_there_is_a_warning(
    tiny_arabert: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import AutoModel

    AutoModel.from_pretrained(tiny_arabert).save_pretrained(tmp_path / "bare")
    AutoTokenizer.from_pretrained(tiny_arabert).save_pretrained(tmp_path / "bare")
    open_masked(ContinueConfig(encoder=str(tmp_path / "bare"), recipe="arabert-v02"))
    assert "has no masked-word head" in caplog.text
