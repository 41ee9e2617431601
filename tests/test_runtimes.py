"""What stands between a sentence and its answer: screening, cutting, batching, calibrating, spans in raw offsets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import spread_out
from hypothesis import given, settings
from hypothesis import strategies as st

from isnad import load_classifier
from isnad.artefact import ONNX_FP32, SCHEMA, Manifest, write_artefact
from isnad.errors import IsnadError
from isnad.labels import Stance
from isnad.predictions import NO_PROPOSITION, Classifier
from isnad.runtimes import recurrent
from isnad.runtimes.base import (
    CUT,
    NOTHING_LEFT,
    Item,
    ModelClassifier,
    Output,
    TokenTags,
    make_item,
    screen,
    softmax,
)
from isnad.runtimes.batches import batches_by_tokens
from isnad.runtimes.linear import LinearClassifier
from isnad.runtimes.onnx import OnnxClassifier
from isnad.runtimes.transformer import StanceModel, TransformerClassifier, encode, open_encoder
from isnad.text import Normalised, normalise_text
from train.export import export_onnx

SENTENCE = "نفت بلدية هدران ما تردد عن بيع لؤشاد إلى تجار فنقار."
SENTENCES = [
    SENTENCE,
    "قال رشعود إن سكان طيموس تسلموا مفاتيح قمنيم من لجنة مرهاج.",
    "وربما ينتقل جوساف من شمزور إلى ودران حين يكتمل زيلاق.",
    "وصل.",
    "وقالَ رشعـود إنَّ ﺳﻜﺎن طيموس وصلوا صباح أمس إلى هدران بعد رحلة طويلة عبروا فيها قمنيم ومرهاج وفنقار.",
]


def manifest(**settings: Any) -> Manifest:
    return Manifest(schema=SCHEMA, **{"kind": "transformer", "name": "tiny", "heads": True, **settings})


class Pointing(ModelClassifier):
    """A model that is sure of its stance and points at the words it was told, by their place."""

    def __init__(
        self,
        stance: Stance,
        cue: set[int],
        source: set[int],
        *,
        attributed: float = 0.9,
        cut: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(manifest(**more))
        self.stance, self.places, self.attributed, self.cut = stance, (cue, source), attributed, cut
        self.seen: list[Item] = []

    def run(self, items: Sequence[Item]) -> list[Output]:
        found = []
        self.seen.extend(items)
        for item in items:
            offsets = [(s, e) for _, s, e in recurrent.words_of(item.text)]
            cue, source = (
                np.array([0.9 if i in places else 0.1 for i in range(len(offsets))], dtype=np.float32)
                for places in self.places
            )
            logits = np.array([4.0 if s is self.stance else 0.0 for s in Stance], dtype=np.float32)
            found.append(
                Output(logits, self.attributed, TokenTags(offsets, np.stack([cue, cue, cue, source], axis=1)), self.cut)
            )
        return found


# --- batches ------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 400))
@settings(max_examples=300, deadline=None)
def test_batches_hold_each_index_once_and_keep_the_budget(lengths: list[int], budget: int) -> None:
    batches = batches_by_tokens(lengths, budget)
    assert sorted(i for b in batches for i in b) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget
    flat = [lengths[i] for b in batches for i in b]
    assert flat == sorted(flat), "like lengths stand together"
    assert all(batches)


# --- screening ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   ", "…", "«» - !؟", "ـــ", "َُِ", "\u200f\u200e", "***"])
def test_where_no_word_is_left_there_is_nothing_to_judge(text: str) -> None:
    answer = screen(text, "plain")
    assert not isinstance(answer, Normalised)
    assert (answer.label, answer.score, answer.scores, answer.warnings) == (None, 0.0, {}, [NOTHING_LEFT])


@pytest.mark.parametrize("text", ["الرياض - واس", "اقرأ أيضاً", "تصوير: محمد سالم"])
def test_a_byline_is_given_no_stance(text: str) -> None:
    answer = screen(text, "plain")
    assert not isinstance(answer, Normalised)
    assert (answer.label, answer.warnings) == (None, [NO_PROPOSITION])


def test_a_sentence_passes_the_screen_normalised() -> None:
    passed = screen("نَفَت البلديـة ﻫﺬﺍ النبأ أمس.", "plain")
    assert isinstance(passed, Normalised)
    assert passed.text == "نفت البلدية هذا النبا امس."


def test_what_is_screened_out_never_reaches_the_model_and_order_stays() -> None:
    model = Pointing(Stance.DENY, set(), set())
    answers = model.predict(["الرياض - واس", SENTENCE, "...", SENTENCES[1]])
    assert [a.label for a in answers] == [None, Stance.DENY, None, Stance.DENY]
    assert [i.text for i in model.seen] == [normalise_text(s, "plain") for s in (SENTENCE, SENTENCES[1])]
    assert model.predict([]) == []


@pytest.mark.parametrize("name", ["before", "title"])
def test_lists_of_unlike_length_are_a_mistake_of_the_caller(name: str) -> None:
    given: Any = {name: ["وحده"]}
    with pytest.raises(ValueError, match=rf"expected {name} to be as long as sentences \(2\), found 1"):
        Pointing(Stance.DENY, set(), set()).predict(SENTENCES[:2], **given)


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("none", ""),
        ("before", "وصل الوفد امس"),
        ("title", "اخبار هدران"),
        ("title+before", "اخبار هدران وصل الوفد امس"),
    ],
)
def test_the_context_is_what_the_artefact_was_trained_with(context: str, expected: str) -> None:
    asked = manifest(context=context)
    before = ["أوّل الخبر", "وصل الوفد أمس"]
    assert make_item(asked, "نفت ذلك", before, "أخبار هدران") == Item("نفت ذلك", expected)
    assert make_item(asked, "نفت ذلك", before[-1], "أخبار هدران").context == expected, "the nearest sentence alone"
    assert make_item(asked, "نفت ذلك", None, None).context == ""
    model = Pointing(Stance.DENY, set(), set(), context=context)
    model.predict([SENTENCE, SENTENCE], before=[before, None], title=["أخبار هدران", None])
    assert model.seen == [Item(normalise_text(SENTENCE, "plain"), e) for e in (expected, "")]


# --- numbers ------------------------------------------------------------------------------------

logit = st.floats(-50, 50, width=32)


@given(st.lists(logit, min_size=4, max_size=4), st.floats(0.2, 10))
@settings(max_examples=200, deadline=None)
def test_probabilities_sum_to_one_and_keep_their_order_at_any_temperature(values: list[float], heat: float) -> None:
    logits = np.array(values, dtype=np.float32)
    found = softmax(logits, heat)
    assert float(found.sum()) == pytest.approx(1, abs=1e-5)
    assert found[logits.argmax()] == found.max()
    assert np.allclose(found, torch.softmax(torch.tensor(values, dtype=torch.float64) / heat, -1).numpy(), atol=1e-6)


def test_heat_takes_certainty_away_and_never_overflows() -> None:
    logits = np.array([9.0, 1.0, 0.0, 0.0], dtype=np.float32)
    assert [round(float(softmax(logits, t).max()), 2) for t in (0.5, 1, 10)] == [1.0, 1.0, 0.44]
    assert softmax(np.array([3e38, -3e38, 0, 0], dtype=np.float32)).tolist() == [1, 0, 0, 0]


# --- answers ------------------------------------------------------------------------------------

MARKS = ["", "َ", "ُ", "ّ", "ـ", "ـَ", "\u200c", "ِّ"]


@given(st.lists(st.sampled_from(MARKS), min_size=60, max_size=60), st.integers(0, 8), st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_spans_point_at_the_raw_words_whatever_is_written_on_them(marks: list[str], first: int, count: int) -> None:
    raw = "".join(c + (m if c.isalpha() else "") for c, m in zip(SENTENCE, marks, strict=False))
    words = raw.rstrip(".").split(" ")
    places = set(range(first, min(first + count, len(words))))
    (answer,) = Pointing(Stance.DENY, places, {0}).predict([raw])
    assert answer.cue is not None
    assert answer.source is not None
    assert raw[answer.cue.start : answer.cue.end] == answer.cue.text == " ".join(words[first : first + count])
    assert answer.source.text == words[0]


@pytest.mark.parametrize(
    ("raw", "place", "word"),
    [
        ("ﻧﻔﺖ ﺍﻟﺒﻠﺪﻳﺔ هذا النبأ أمس", 1, "ﺍﻟﺒﻠﺪﻳﺔ"),
        ("وقال ﷺ ذلك أمس في المدينة", 0, "قال"),
        ("نفت &quot;بلدية&quot; هدران هذا النبأ", 2, "بلدية"),
        ("نفت  <b>بلدية</b>\u00a0هدران هذا النبأ", 1, "بلدية"),
        ("\u200fنَفَتِ الإدارةُ ١٬٢٥٠ خبراً أمس", 1, "الإدارةُ"),
    ],
)
def test_spans_survive_presentation_forms_markup_and_digits(raw: str, place: int, word: str) -> None:
    (answer,) = Pointing(Stance.DENY, {place}, set()).predict([raw])
    assert answer.cue is not None
    assert (answer.cue.text, raw[answer.cue.start : answer.cue.end]) == (word, word)


def test_what_is_asked_of_each_stance() -> None:
    def answer(stance: Stance, attributed: float) -> tuple[bool | None, bool, bool]:
        (found,) = Pointing(stance, {0}, {1}, attributed=attributed).predict([SENTENCE])
        return found.attributed, found.cue is not None, found.source is not None

    assert answer(Stance.ASSERT, 0.9) == (False, False, False), "the outlet's own voice has neither cue nor source"
    assert answer(Stance.ATTRIBUTE, 0.1) == (True, True, True), "handing it to a source is what the label means"
    assert answer(Stance.DENY, 0.9) == (True, True, True)
    assert answer(Stance.SPECULATE, 0.1) == (False, True, False)


def test_a_cut_sentence_says_so_and_doubt_abstains() -> None:
    (answer,) = Pointing(Stance.DENY, set(), set(), cut=True).predict([SENTENCE])
    assert answer.warnings == [CUT]
    assert (answer.cue, answer.source, answer.abstained) == (None, None, False)
    (doubtful,) = Pointing(Stance.DENY, set(), set(), thresholds={"abstain": 0.99}).predict([SENTENCE])
    assert (doubtful.label, doubtful.abstained) == (Stance.DENY, True)
    (cool,) = Pointing(Stance.DENY, set(), set(), temperature=0.2, thresholds={"abstain": 0.99}).predict([SENTENCE])
    assert (cool.abstained, cool.score > 0.999) == (False, True)


# --- tokens and their cutting -------------------------------------------------------------------


@pytest.fixture(scope="module", params=["arabert", "modernbert"])
def tiny(request: pytest.FixtureRequest, tiny_arabert: Path, tiny_modernbert: Path) -> TransformerClassifier:
    """An untrained model of either kind, its weights spread out so that answers differ."""
    name, recipe = {"arabert": (tiny_arabert, "arabert-v02"), "modernbert": (tiny_modernbert, "plain")}[request.param]
    base, tokenizer = open_encoder(str(name), dropout=0.0, seed=4)
    model = StanceModel(base)
    spread_out(model)
    asked = manifest(recipe=recipe, max_length=40, context="title+before", temperature=1.3)
    return TransformerClassifier(asked, model, tokenizer)


def test_the_context_is_cut_before_the_sentence(tiny: TransformerClassifier) -> None:
    text, context = normalise_text(SENTENCE, tiny.manifest.recipe), "جولة في دروان " * 40
    alone = len(tiny.tokenizer(text, add_special_tokens=False)["input_ids"])
    limit = alone + 2 + 12
    roomy, tight, short = (encode([Item(text, context)], tiny.tokenizer, n)[0] for n in (limit, alone + 4, alone - 3))
    assert len(roomy["input_ids"]) == limit, "all the room is used"
    assert [o is not None for o in roomy["offsets"]].count(True) == alone, "and the whole sentence is there"
    assert not roomy["cut"]
    assert len(tight["input_ids"]) == alone + 2, "no context where next to no room is left for it"
    assert not tight["cut"]
    assert (len(short["input_ids"]), short["cut"]) == (alone - 3, True)


@given(st.integers(8, 60), st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_never_more_tokens_than_the_model_reads(tiny_encoder: Any, limit: int, words: int, context_words: int) -> None:
    item = Item(" ".join(["هدران"] * words) or "ن", " ".join(["فنقار"] * context_words))
    (row,) = encode([item], tiny_encoder, limit)
    whole = len(tiny_encoder(item.text, add_special_tokens=False)["input_ids"])
    own = [o for o in row["offsets"] if o is not None]
    assert len(row["input_ids"]) <= limit
    assert row["cut"] == (whole > limit - 2)
    assert len(own) == min(whole, limit - 2)
    assert own == sorted(own)


@pytest.fixture(scope="module")
def tiny_encoder(tiny_arabert: Path) -> Any:
    """The tokenizer of AraBERT's format."""
    return open_encoder(str(tiny_arabert), dropout=0.0, seed=4)[1]


def test_offsets_are_those_of_the_sentences_own_characters(tiny: TransformerClassifier) -> None:
    text = normalise_text(SENTENCES[4], tiny.manifest.recipe)
    item = make_item(tiny.manifest, text, SENTENCES[0], "جولة في دروان")
    (row,) = encode([item], tiny.tokenizer, 200)
    covered = "".join(item.text[s:e] for s, e in (o for o in row["offsets"] if o is not None))
    assert covered == item.text.replace(" ", "")


def test_a_long_sentence_is_answered_and_marked(tiny: TransformerClassifier) -> None:
    long = " ".join(SENTENCES[1:3] * 8)
    whole, cut = tiny.predict([SENTENCES[2], long], title=[None, None])
    assert (whole.warnings, cut.warnings) == ([], [CUT])
    assert cut.label in Stance


def test_answers_do_not_depend_on_company_or_order(tiny: TransformerClassifier) -> None:
    """Batches by length put sentences elsewhere and pad them; each gets its own answer all the same."""
    many = SENTENCES * 30
    together = tiny.predict(many, before=[None, *many[:-1]])
    assert len({a.score for a in together}) > 4
    for i in (0, 1, 2, 3, 4, 77, 149):
        (alone,) = tiny.predict([many[i]], before=[many[i - 1] if i else None])
        assert (alone.label, alone.cue, alone.source) == (together[i].label, together[i].cue, together[i].source)
        assert list(alone.scores.values()) == pytest.approx(list(together[i].scores.values()), abs=1e-4)


# --- folders ------------------------------------------------------------------------------------


def test_what_is_saved_opens_as_the_same_model(tiny: TransformerClassifier, tmp_path: Path) -> None:
    folder = write_artefact(tmp_path / "artefact", tiny.manifest, tiny.save)
    opened = load_classifier(folder)
    assert isinstance(opened, TransformerClassifier)
    assert {p.dtype for p in opened.model.parameters()} == {torch.float32}
    for a, b in zip(tiny.predict(SENTENCES), opened.predict(SENTENCES), strict=True):
        assert (a.label, a.cue, a.source) == (b.label, b.cue, b.source)
        assert list(a.scores.values()) == pytest.approx(list(b.scores.values()), abs=0.01), "fp16 on disk"


@pytest.mark.filterwarnings("ignore")
def test_the_exported_model_answers_as_the_trained_one(tiny: TransformerClassifier, tmp_path: Path) -> None:
    folder = write_artefact(tmp_path / "artefact", tiny.manifest, tiny.save)
    torch_one = TransformerClassifier.load(folder, tiny.manifest)
    export_onnx(TransformerClassifier.load(folder, tiny.manifest), folder / ONNX_FP32)
    assert not list(folder.glob("*.part"))
    onnx_one = load_classifier(tmp_path)
    assert isinstance(onnx_one, OnnxClassifier), "an exported model is preferred where it lies"
    assert isinstance(onnx_one, Classifier)
    assert ("token_type_ids" in onnx_one.inputs) == (tiny.manifest.recipe == "arabert-v02")
    texts = [*SENTENCES, " ".join(SENTENCES[1:3] * 8), "الرياض - واس", "..."]
    context: dict[str, Any] = {"before": [None, *texts[:-1]], "title": ["جولة في دروان"] * len(texts)}
    for a, b in zip(torch_one.predict(texts, **context), onnx_one.predict(texts, **context), strict=True):
        assert (a.label, a.attributed, a.cue, a.source) == (b.label, b.attributed, b.cue, b.source)
        assert (a.abstained, a.warnings) == (b.abstained, b.warnings)
        assert list(a.scores) == list(b.scores)
        assert list(a.scores.values()) == pytest.approx(list(b.scores.values()), abs=1e-3)


def test_a_model_without_features_of_the_sentence_falls_back_on_its_bias() -> None:
    asked = manifest(kind="tfidf", heads=False, settings={"word_ngrams": [1, 1], "char_ngrams": [2, 2]})
    weights = np.zeros((1, 4), dtype=np.float32)
    bias = np.array([0, 0, 2, 0], dtype=np.float32)
    model = LinearClassifier(asked, ["w:غريبة"], np.ones(1, dtype=np.float32), weights, bias)
    (answer,) = model.predict([SENTENCE])
    assert answer.label is Stance.ATTRIBUTE
    assert (answer.attributed, answer.cue) == (None, None), "this kind does not answer that"


def test_a_word_is_known_with_its_clitics() -> None:
    vocabulary = recurrent.Vocabulary([*recurrent.RESERVED, "بلدية", "والد"])
    assert vocabulary.row("بلدية") == vocabulary.row("والبلدية") == vocabulary.row("لبلدية") == 3
    assert vocabulary.row("والد") == 4, "a word that is known is left as it is"
    assert vocabulary.row("قمنيم") == recurrent.UNKNOWN


def test_the_recurrent_kind_cuts_too() -> None:
    vocabulary = recurrent.Vocabulary([*recurrent.RESERVED, "هدران"])
    rows, segments, offsets, cut = recurrent.encode(Item("هدران " * 9, "فنقار " * 9), vocabulary, 6)
    assert (segments, cut) == ([0] * 6 + [1] * 3, True)
    assert (len(rows), offsets[0]) == (9, (0, 5))
    assert recurrent.encode(Item("هدران"), vocabulary, 6)[3] is False


def test_runtime_and_precision_choose_among_what_the_folder_holds(tiny: TransformerClassifier, tmp_path: Path) -> None:
    folder = write_artefact(tmp_path / "artefact", tiny.manifest, tiny.save)
    with pytest.raises(IsnadError, match=r"expected one of torch fp32, torch bf16, found runtime 'onnx'"):
        load_classifier(folder, runtime="onnx")
    export_onnx(TransformerClassifier.load(folder, tiny.manifest), folder / ONNX_FP32)
    assert isinstance(load_classifier(folder, precision="fp32"), OnnxClassifier)
    with pytest.raises(IsnadError, match="found runtime 'auto' with precision 'int8'"):
        load_classifier(folder, precision="int8")
    plain, half = (load_classifier(folder, runtime="torch", precision=p) for p in ("fp32", "bf16"))
    assert isinstance(half, TransformerClassifier)
    assert {p.dtype for p in half.model.parameters()} == {torch.bfloat16}
    for a, b in zip(plain.predict(SENTENCES), half.predict(SENTENCES), strict=True):
        assert list(a.scores.values()) == pytest.approx(list(b.scores.values()), abs=0.1)
    with pytest.raises(IsnadError, match="expected one of auto, onnx, torch, found 'tpu'"):
        load_classifier(folder, runtime="tpu")  # type: ignore[arg-type]


def test_rules_have_no_runtime_to_choose() -> None:
    with pytest.raises(IsnadError, match="the only kind with a choice of runtime and precision, found 'rules'"):
        load_classifier("rules", runtime="onnx")


def test_a_broken_onnx_file_ends_with_a_sentence(tiny: TransformerClassifier, tmp_path: Path) -> None:
    folder = write_artefact(tmp_path / "artefact", tiny.manifest, tiny.save)
    (folder / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(IsnadError, match=r"model\.onnx: expected an ONNX model, .* export it again"):
        load_classifier(folder)


def test_a_folder_that_is_no_artefact_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(IsnadError, match=r"`python -m train CONFIG` makes one"):
        load_classifier(tmp_path / "nowhere")
    with pytest.raises(IsnadError, match=r"expected a run directory or an artefact folder with isnad\.json"):
        load_classifier(tmp_path)


def test_an_unknown_kind_of_artefact_is_named(tmp_path: Path) -> None:
    values = {**manifest().model_dump(by_alias=True), "kind": "oracle"}
    (tmp_path / "isnad.json").write_text(json.dumps(values))
    with pytest.raises(IsnadError, match=r"isnad\.json: `kind`: expected"):
        load_classifier(tmp_path)
