"""Pretraining from scratch on a small newsroom: what comes out opens, and what was asked for is written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Newsroom, invented
from transformers import AutoModelForMaskedLM, AutoTokenizer

from isnad.errors import IsnadError
from train.pretrain import PretrainConfig, pretrain

SMALL = {
    "vocabulary": 300,
    "vectors": False,
    "hidden_size": 32,
    "layers": 2,
    "heads": 2,
    "intermediate_size": 64,
    "sequence_length": 16,
    "batch_sequences": 4,
    "tokens": 640,
    "bf16": False,
}


@pytest.fixture
def config(newsroom: Newsroom) -> PretrainConfig:
    newsroom.unlabelled["antcorpus"] = [invented(f"plain-{i}", outlet="إذاعة الورق") for i in range(12)]
    newsroom.write()
    return PretrainConfig.model_validate({**SMALL, "corpora": str(newsroom.corpora)})


def test_the_encoder_opens_and_says_how_it_was_made(config: PretrainConfig, tmp_path: Path) -> None:
    folder = pretrain(config, tmp_path / "run")
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert model.config.vocab_size == len(tokenizer)
    facts = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    assert (facts["tokens_seen"], facts["config"]["recipe"]) == (640, "plain")
    assert facts["text"]["articles"]["admitted"] > 0
    last = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[-1])
    assert (last["step"], last["tokens"]) == (10, 640)


def test_a_wish_to_compile_without_a_compiler(
    config: PretrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_: None)
    with pytest.raises(IsnadError, match=r"expected a C\+\+ compiler .*compile=false"):
        pretrain(config.model_copy(update={"compile": True}), tmp_path / "run")
