"""Every family of encoders that has a config, on tiny models of its architecture and its kind of tokenizer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner
from conftest import ROOT, fill, invented
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertTokenizerFast,
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    DebertaV2Tokenizer,
    ElectraConfig,
    ElectraForPreTraining,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaTokenizer,
    pipeline,
)
from transformers.utils import sentencepiece_model_pb2_new as sentencepiece_model

from isnad import load_classifier
from isnad.artefact import ONNX_FP32, read_manifest
from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.runtimes.base import Item, Output, TokenTags
from isnad.runtimes.onnx import OnnxClassifier
from isnad.runtimes.transformer import StanceModel, TransformerClassifier, encode, longest_input, open_encoder, pad
from isnad.text import normalise
from train.__main__ import main
from train.config import RECIPES_OF, TransformerConfig, load_run_config
from train.export import export_onnx
from train.run import train
from train.transformer import open_model

if TYPE_CHECKING:
    from conftest import Newsroom

RAW = "نَفَتْ بلديــة هدران، أمس، ما تردَّد عن بيع «لؤشاد» إلى ٣ تجار."
TEXTS = [invented(f"words-{i}")["text"] for i in range(30)]
VOCABULARY = [*TEXTS, *[normalise(RAW, "arabert-v02").text] * 30]
"""What the tiny tokenizers know."""
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


# --- tiny encoders, a folder each as `save_pretrained` leaves it -----------------------------------


def trained_on_texts(model: Any, trainer: Any, before: Any, clean: Any = None) -> Tokenizer:
    """A tokenizer of this kind with a small vocabulary of the newsroom."""
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = before
    if clean is not None:
        tokenizer.normalizer = clean
    tokenizer.train_from_iterator(VOCABULARY, trainer)
    return tokenizer


def wordpiece() -> BertTokenizerFast:
    """BERT's: words and `##` pieces, case and accents as they are."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    made = trained_on_texts(models.WordPiece(unk_token="[UNK]"), trainer, pre_tokenizers.BertPreTokenizer())
    return BertTokenizerFast(vocab=made.get_vocab(), do_lower_case=False, strip_accents=False)


def unigram(special: list[str], unknown: str) -> list[tuple[str, float]]:
    """SentencePiece's Unigram vocabulary with scores; `▁` marks the beginning of a word."""
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token=unknown, show_progress=False)
    made = trained_on_texts(models.Unigram(), trainer, pre_tokenizers.Metaspace())
    return [(piece, score) for piece, score in json.loads(made.to_str())["model"]["vocab"]]


def bpe() -> PreTrainedTokenizerFast:
    """Byte-level BPE, as ModernBERT has it."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    made = trained_on_texts(models.BPE(unk_token="[UNK]"), trainer, pre_tokenizers.ByteLevel(add_prefix_space=False))
    made.decoder = decoders.ByteLevel()
    return framed(made, "[CLS]", "[SEP]", pad="[PAD]", unk="[UNK]", mask="[MASK]")


def gemma() -> PreTrainedTokenizerFast:
    """BPE over `▁` with bytes for what it does not know, as mmBERT has it from Gemma."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{b:02X}>" for b in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False)
    made = trained_on_texts(
        models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True),
        trainer,
        pre_tokenizers.Split("▁", "merged_with_next"),
        normalizers.Replace(" ", "▁"),
    )
    made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")  # as published: splits nothing any more
    return framed(made, "<bos>", "<eos>", pad="<pad>", unk="<unk>", mask="<mask>")


def framed(made: Tokenizer, first: str, last: str, **names: str) -> PreTrainedTokenizerFast:
    """The tokenizer with the special tokens around its sentences; it gives no token types."""
    made.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B {last}",
        special_tokens=[(t, made.token_to_id(t)) for t in (first, last)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_input_names=["input_ids", "attention_mask"],
        cls_token=first,
        sep_token=last,
        **{f"{name}_token": token for name, token in names.items()},
    )


def bert(folder: Path) -> None:
    tokenizer = wordpiece()
    tokenizer.save_pretrained(folder)
    BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), pad_token_id=0, **SHAPE)).save_pretrained(folder)


def electra(folder: Path) -> None:
    """The discriminator, its embeddings narrower than its layers."""
    tokenizer = wordpiece()
    tokenizer.save_pretrained(folder)
    shape = ElectraConfig(vocab_size=len(tokenizer), embedding_size=16, pad_token_id=0, **SHAPE)
    ElectraForPreTraining(shape).save_pretrained(folder)


def modernbert(folder: Path, make: Callable[[], PreTrainedTokenizerFast] = bpe, pooling: str = "mean") -> None:
    tokenizer = make()
    tokenizer.save_pretrained(folder)
    ids = {"pad": tokenizer.pad_token_id, "cls": tokenizer.cls_token_id, "sep": tokenizer.sep_token_id}
    shape = ModernBertConfig(
        vocab_size=len(tokenizer),
        local_attention=16,
        max_position_embeddings=256,
        classifier_pooling=pooling,
        bos_token_id=ids["cls"],
        eos_token_id=ids["sep"],
        **{f"{name}_token_id": value for name, value in ids.items()},
        **SHAPE,
    )
    ModernBertForMaskedLM(shape).save_pretrained(folder)


def mmbert(folder: Path) -> None:
    modernbert(folder, gemma, "cls")


def deberta(folder: Path) -> None:
    """As mDeBERTa v3: relative positions only, no token types."""
    vocabulary = unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"], "[UNK]")
    tokenizer = DebertaV2Tokenizer(vocab=vocabulary, unk_id=3)
    tokenizer.save_pretrained(folder)
    shape = DebertaV2Config(
        vocab_size=len(tokenizer),
        relative_attention=True,
        position_buckets=16,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        type_vocab_size=0,
        pad_token_id=0,
        **SHAPE,
    )
    DebertaV2ForMaskedLM(shape).save_pretrained(folder)


def xlmr(folder: Path) -> None:
    tokenizer = XLMRobertaTokenizer(vocab=unigram(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "<unk>"))
    tokenizer.save_pretrained(folder)
    shape = XLMRobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=514, type_vocab_size=1, pad_token_id=1, **SHAPE
    )
    XLMRobertaForMaskedLM(shape).save_pretrained(folder)


@dataclass(frozen=True)
class Family:
    """How a tiny member is made, the recipe that its config names, and whether it tells context by token types."""

    make: Callable[[Path], None]
    recipe: str
    token_types: bool


FAMILIES = {
    "bert": Family(bert, "arbert", True),
    "electra": Family(electra, "arabert-v02", True),
    "modernbert": Family(modernbert, "light", False),
    "mmbert": Family(mmbert, "light", False),
    "deberta": Family(deberta, "light", True),
    "xlmr": Family(xlmr, "light", False),
}


@dataclass(frozen=True)
class Trained:
    """An encoder folder, and the run that fine-tuned it for a few steps."""

    family: Family
    encoder: Path
    run: Path

    @property
    def artefact(self) -> Path:
        """What `load_classifier` opens."""
        return self.run / "artefact"


@pytest.fixture(scope="module", params=list(FAMILIES))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    family, room = FAMILIES[request.param], fill(tmp_path_factory.mktemp(request.param))
    torch.manual_seed(3)
    family.make(room.root / "encoder")
    room.write()
    config = TransformerConfig(
        encoder=str(room.root / "encoder"),
        recipe=family.recipe,
        name=request.param,
        out=str(room.root / "runs"),
        data=str(room.data),
        corpora=str(room.corpora),
        context="before",
        limit=48,
        epochs=2,
        learning_rate=1e-3,
        precision="fp32",
    )
    return Trained(family, room.root / "encoder", train(config))


# --- from the folder to the answer ----------------------------------------------------------------


def test_a_run_ends_in_an_artefact_that_answers_as_the_model_did(trained: Trained) -> None:
    last = json.loads((trained.run / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["reloaded_labels_equal"] == 1.0
    manifest = read_manifest(trained.artefact)
    assert (manifest.recipe, manifest.base_model, manifest.heads) == (trained.family.recipe, str(trained.encoder), True)
    (answer,) = load_classifier(trained.run).predict([RAW], before=["جولة في دروان"])
    assert answer.label in set(Stance)
    assert sum(answer.scores.values()) == pytest.approx(1, abs=1e-5)
    for span in (answer.cue, answer.source):
        assert span is None or RAW[span.start : span.end] == span.text == span.text.strip()


def test_a_bare_pipeline_opens_it(trained: Trained) -> None:
    (found,) = pipeline("text-classification", str(trained.artefact))([normalise(RAW, trained.family.recipe).text])
    (answer,) = load_classifier(trained.run).predict([RAW])
    assert found["label"] == answer.label


def test_training_began_with_the_published_weights(trained: Trained) -> None:
    model, _ = open_encoder(str(trained.encoder), dropout=0.1, seed=1)
    ours, published = model.state_dict(), load_file(trained.encoder / "model.safetensors")
    prefix = f"{model.base_model_prefix}."
    inside = [k for k in published if k.startswith(prefix) and ".pooler." not in k]
    assert len(inside) > 10
    assert all(torch.equal(ours[k], published[k]) for k in inside if k in ours)
    assert [k for k in ours if k.startswith(prefix) and k not in published and ".pooler." not in k] == []


def test_a_sentence_as_long_as_the_encoder_reads_and_no_longer(trained: Trained) -> None:
    base, tokenizer = open_encoder(str(trained.encoder), dropout=0.0, seed=1)
    longest = longest_input(base.config)
    assert longest is not None
    (row,) = encode([Item("نفت بلدية " * longest)], tokenizer, longest)
    assert (len(row["input_ids"]), row["cut"]) == (longest, True)
    with torch.inference_mode():
        assert torch.isfinite(StanceModel(base).eval()(**pad([row], tokenizer))["stance"]).all()
    config = TransformerConfig(encoder=str(trained.encoder), max_length=longest + 1)
    with pytest.raises(IsnadError, match=f"expected max_length up to {longest}, all that"):
        open_model(config)


@pytest.mark.parametrize("name", FAMILIES)
def test_pickled_weights_converted_as_the_guide_says_open(name: str, tmp_path: Path) -> None:
    FAMILIES[name].make(tmp_path)
    published = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    torch.save(published, tmp_path / "pytorch_model.bin")
    with pytest.raises(IsnadError, match="convert it once: AutoModel"):
        open_encoder(str(tmp_path), dropout=0.1, seed=1)
    AutoModel.from_pretrained(tmp_path, use_safetensors=False).save_pretrained(tmp_path)
    model, _ = open_encoder(str(tmp_path), dropout=0.1, seed=1)
    ours = model.state_dict()
    assert all(torch.equal(ours[k], v) for k, v in published.items() if k.startswith(f"{model.base_model_prefix}."))


def test_next_to_nothing_is_unknown(trained: Trained) -> None:
    tokenizer = AutoTokenizer.from_pretrained(trained.artefact)
    for text in [*TEXTS[:5], normalise(RAW, trained.family.recipe).text]:
        pieces = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert pieces.count(tokenizer.unk_token_id) <= 0.02 * len(pieces)


def test_token_types_are_there_where_the_family_has_them(trained: Trained) -> None:
    model, tokenizer = open_encoder(str(trained.encoder), dropout=0.0, seed=1)
    inputs = pad(encode([Item("نفت بلدية هدران ذلك", "جولة"), Item("نفت")], tokenizer, 64), tokenizer)
    assert ("token_type_ids" in inputs) == trained.family.token_types
    assert StanceModel(model).eval()(**inputs)["stance"].shape == (2, 4)


class _Pointing(TransformerClassifier):
    """Answers `deny`, its cue where the tokens of one word are."""

    word: tuple[int, int]

    def run(self, items: Any) -> list[Output]:
        (row,) = encode(items, self.tokenizer, self.manifest.max_length)
        offsets = [o for o in row["offsets"] if o is not None]
        first, last = self.word
        cue = np.array([0.9 if s < last and e > first else 0.0 for s, e in offsets], dtype=np.float32)
        logits = np.array([9.0 * (s is Stance.DENY) for s in Stance], dtype=np.float32)
        return [Output(logits, 0.0, TokenTags(offsets, np.stack([cue, cue, cue, cue * 0], axis=1)))]


def test_every_word_leads_back_to_its_own_raw_characters(trained: Trained) -> None:
    opened = TransformerClassifier.load(trained.artefact, read_manifest(trained.artefact))
    pointing = _Pointing(opened.manifest, opened.model, opened.tokenizer)
    normalised = normalise(RAW, trained.family.recipe)
    for raw in ("نَفَتْ", "بلديــة", "هدران", "أمس", "تردَّد", "لؤشاد", "٣", "تجار"):
        start = RAW.index(raw)
        pointing.word = normalised.from_raw(start, start + len(raw))
        (answer,) = pointing.predict([RAW])
        assert answer.cue is not None
        assert (answer.cue.start, answer.cue.text) == (start, raw)


def test_onnx_answers_as_torch_does(trained: Trained, tmp_path: Path) -> None:
    manifest = read_manifest(trained.artefact)
    torched = TransformerClassifier.load(trained.artefact, manifest)
    sentences = [RAW, *(s for t in TEXTS[:3] for s in t.splitlines()[:4])]
    before = ["", *sentences[:-1]]
    expected = torched.predict(sentences, before=before)
    export_onnx(torched, trained.artefact / ONNX_FP32)
    found = OnnxClassifier.load(trained.artefact, manifest, model=ONNX_FP32).predict(sentences, before=before)
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.label, ours.cue, ours.source) == (theirs.label, theirs.cue, theirs.source)
        assert ours.scores == pytest.approx(theirs.scores, abs=1e-4)


# --- configs --------------------------------------------------------------------------------------


def encoder_configs() -> dict[str, dict[str, Any]]:
    """Name and content of every config whose encoder is on the hub."""
    read = {p.stem: yaml.safe_load(p.read_text(encoding="utf-8")) for p in sorted((ROOT / "configs").glob("*.yaml"))}
    return {n: c for n, c in read.items() if c.get("kind") == "transformer" and c.get("encoder") != "train/encoder"}


CONFIGS = encoder_configs()
WANTED = {
    "arabert": "aubmindlab/bert-base-arabertv02",
    "arabert-large": "aubmindlab/bert-large-arabertv02",
    "arabert-v2": "aubmindlab/bert-base-arabertv2",
    "araelectra": "aubmindlab/araelectra-base-discriminator",
    "camelbert-msa": "CAMeL-Lab/bert-base-arabic-camelbert-msa",
    "arbert-v2": "UBC-NLP/ARBERTv2",
    "marbert-v2": "UBC-NLP/MARBERTv2",
    "aramodernbert": "NAMAA-Space/AraModernBert-Base-V1.0",
    "mmbert-small": "jhu-clsp/mmBERT-small",
    "mdeberta-v3": "microsoft/mdeberta-v3-base",
}


def test_every_encoder_has_its_config() -> None:
    assert {name: config["encoder"] for name, config in CONFIGS.items()} == WANTED


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_is_a_few_lines_and_names_the_recipe_of_its_encoder(name: str) -> None:
    made = load_run_config(ROOT / f"configs/{name}.yaml", [])
    assert isinstance(made, TransformerConfig)
    assert made.recipe == RECIPES_OF[made.encoder]
    assert len(CONFIGS[name]) <= 8
    from_hub = load_run_config(ROOT / "configs/smoke.yaml", [f"encoder={made.encoder}", "recipe=auto"])
    assert from_hub.recipe == made.recipe, "the hub id alone says the recipe too"


@pytest.mark.parametrize("name", [n for n in CONFIGS if n != "arabert-v2"])
def test_without_a_network_one_sentence_says_what_to_do(newsroom: Newsroom, name: str) -> None:
    newsroom.write(text=False)
    done = CliRunner().invoke(main, [str(ROOT / f"configs/{name}.yaml"), "limit=16"])
    assert (done.exit_code, done.stdout) == (1, "")
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert said.startswith(f"error: expected the encoder {WANTED[name]!r} on the hub or in a folder")
    assert said.endswith("without a network, download it elsewhere and set `encoder=/path/to/it`")
    assert "Traceback" not in done.stderr


def test_a_sentencepiece_file_that_cannot_be_read_says_what_to_install(tmp_path: Path) -> None:
    deberta(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false, "vocab_type": "spm"}')
    made = sentencepiece_model.ModelProto()
    for piece, score in unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"], "[UNK]"):
        made.pieces.add(piece=piece, score=score, type=2 if piece == "[UNK]" else 3 if piece[0] == "[" else 1)
    made.trainer_spec.model_type = 1
    (tmp_path / "spm.model").write_bytes(made.SerializeToString())
    try:
        _, tokenizer = open_encoder(str(tmp_path), dropout=0.1, seed=1)
    except IsnadError as error:
        assert str(error).endswith("cannot be read here; pip install sentencepiece protobuf")  # noqa: PT017
    else:
        assert tokenizer("نفت")["input_ids"], "the package is there: then the file is enough"
