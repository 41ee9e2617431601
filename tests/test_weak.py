"""Weak labels: what the teachers may read, what is kept of their answers, and what the encoder learns from it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from conftest import ROOT, Newsroom, invented
from safetensors.torch import load_file

from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.text import normalise_text
from train.command import read_config
from train.loop import begin
from train.weak import WeakConfig, read_targets, run, teach, unlabelled_sentences


def settings(newsroom: Newsroom, **more: object) -> WeakConfig:
    """A config for the newsroom, taught by the cue rules in this process's stead."""
    values = {"teachers": ["rules"], "teacher_weights": [1.0], "articles": 50, "workers": 1, "batch_size": 8}
    return WeakConfig.model_validate({**values, "corpora": str(newsroom.corpora), **more})


@pytest.fixture
def written(newsroom: Newsroom) -> Newsroom:
    newsroom.unlabelled["antcorpus"] = [invented(f"plain-{i}", outlet="إذاعة الورق") for i in range(6)]
    newsroom.unlabelled["hespress"] = [invented("other", outlet="قسم المجتمع")]
    return newsroom.write()


def test_teachers_read_no_protected_sentence_and_none_twice(written: Newsroom) -> None:
    read = [s for s, _, _ in unlabelled_sentences(settings(written))]
    protected = [
        a for split in ("dev", "test", "test-outlets") for found in written.labelled[split].values() for a in found
    ]
    texts = "\n".join(a["text"] for a in [*protected, *written.unlabelled["hespress"]])
    assert read
    assert not [s for s in read if s in texts]
    assert len(read) == len(set(read))


def test_weak_labels_hold_a_distribution_and_spans_of_the_normalised_text(written: Newsroom, tmp_path: Path) -> None:
    config = settings(written)
    out = tmp_path / "weak"
    out.mkdir()
    path = teach(config, out)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    kinds = set()
    for row in rows:
        assert sum(row["soft"]) == pytest.approx(1, abs=0.01)
        assert normalise_text(row["text"], "plain") == row["text"]
        kinds.add(list(Stance)[max(range(4), key=lambda i: row["soft"][i])])
        if row["cue"]:
            assert row["text"][slice(*row["cue"])].strip()
    assert {Stance.DENY, Stance.SPECULATE} <= kinds
    assert not list(out.glob("*.part"))
    assert teach(config, out) == path, "made once, it is not made again"


def test_rare_stances_all_stay_and_the_others_are_thinned(written: Newsroom, tmp_path: Path) -> None:
    found = []
    for name, share in (("all", 1.0), ("few", 0.0)):
        (tmp_path / name).mkdir()
        path = teach(settings(written, keep_others=share), tmp_path / name)
        found.append([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])
    everything, thinned = found
    doubtful = [r for r in everything if r["soft"][Stance.DENY.id] + r["soft"][Stance.SPECULATE.id] >= 0.2]
    assert thinned == doubtful
    assert 0 < len(thinned) < len(everything)


def test_the_encoder_learns_and_opens_without_the_heads(
    written: Newsroom, tiny_modernbert: Path, tmp_path: Path
) -> None:
    config = settings(written, encoder=str(tiny_modernbert), bf16=False)
    folder = run(config, tmp_path / "weak")
    before, after = (load_file(f / "model.safetensors") for f in (tiny_modernbert, folder))
    assert before.keys() == after.keys(), "only the encoder is kept"
    assert any(not torch.equal(before[k], after[k]) for k in before)
    facts = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    assert facts["weak"]["sentences"] == len(read_targets(tmp_path / "weak" / "weak.jsonl"))


def test_every_encoder_that_make_pretrain_keeps_is_written_by_a_config_of_its_own() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    kept = set(re.findall(r"runs/weak-(\w+)/encoder", makefile))
    made = [read_config(WeakConfig, path, []).name for path in sorted((ROOT / "configs").glob("weak-*.yaml"))]
    assert kept == set(made)
    assert len(made) == len(kept)


def test_labels_of_another_config_are_not_taken(tmp_path: Path) -> None:
    config = WeakConfig(name="a", teachers=["rules"], teacher_weights=[1.0])
    begin(config, tmp_path)
    with pytest.raises(IsnadError, match="found one of another config; set name= or delete it"):
        run(config.model_copy(update={"articles": 7}), tmp_path)
