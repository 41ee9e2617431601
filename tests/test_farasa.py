"""AraBERT v2 on text in Farasa's segments, the segmenter played by a program that knows a few words."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from conftest import ROOT, python
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, BertTokenizerFast

from isnad import farasa, load_classifier
from isnad.artefact import ONNX_FP32
from isnad.errors import IsnadError
from isnad.runtimes.base import Item
from isnad.runtimes.onnx import OnnxClassifier
from isnad.runtimes.transformer import TransformerClassifier, encode, open_encoder
from isnad.text import normalise, normalise_text
from train.__main__ import main
from train.export import export_onnx

if TYPE_CHECKING:
    from conftest import Newsroom

KNOWN = {
    "ونفت": "و+نفت",
    "الوزارة": "ال+وزار+ة",
    "للوزير": "ل+ال+وزير",
    "والكتاب": "و+ال+كتاب",
    "قلنا": "قل+نا",
    "كتابك": "كتاب+ك",
    "كالبيت": "ك+ال+بيت",
    "مدرستهم": "مدرس+ت+هم",
    "مستشفى": "مستشفي",
}
PROGRAM = """#!{python}
import sys
known = {known!r}
sys.stdin.reconfigure(encoding="utf-8"), sys.stdout.reconfigure(encoding="utf-8")
for line in sys.stdin:
    {body}
"""
ANSWERS = 'print(" ".join(known.get(w, w) for w in line.split()), flush=True)'


@pytest.fixture
def segmenter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a program in Farasa's place; without arguments one that answers as it should."""

    def put(body: str = ANSWERS) -> Path:
        path = tmp_path / "segmenter"
        path.write_text(PROGRAM.format(python=sys.executable, known=KNOWN, body=body), encoding="utf-8")
        path.chmod(0o755)
        monkeypatch.setenv(farasa.VARIABLE, str(path))
        farasa.segmented.cache_clear()
        return path

    yield put
    farasa.segmented.cache_clear()


# --- pieces and places ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("و+ال+كتاب", "و+ ال+ كتاب"),
        ("ال+وزار+ة", "ال+ وزار +ة"),
        ("قل+نا", "قل +نا"),
        ("س+ي+كتب", "س+ +ي كتب"),
        ("ك+ال+بيت", "ك+ ال+ بيت"),
        ("و+ك+ال+بيت", "و+ ك+ ال+ بيت"),
        ("كتاب+ك", "كتاب +ك"),
        ("يعطي+ك+ه", "يعطي +ك +ه"),
        ("مدرس+ت+هم", "مدرس +ت +هم"),
        ("لن", "لن"),
        ("ت", "ت"),
        ("+", "+"),
    ],
)
def test_segments_become_the_pieces_of_araberts_vocabulary(word: str, pieces: str) -> None:
    assert farasa.joined(word) == pieces


def test_the_example_of_araberts_authors(segmenter: Any) -> None:
    segmenter(
        'print(line.replace("ولن", "و+لن").replace("زمننا", "زمن+نا").replace("قلنا", "قل+نا"), end="", flush=True)'
    )
    assert normalise_text("ولن نبالغ إذا قلنا إن هاتف في زمننا", "arabert-v2") == (
        "و+ لن نبالغ إذا قل +نا إن هاتف في زمن +نا"
    )


def test_every_segment_leads_back_to_its_letters(segmenter: Any) -> None:
    segmenter()
    raw = "ونفَتِ الوزارة، للوزيـر «والكتاب» https://example.com كتابك في مستشفى"
    made = normalise(raw, "arabert-v2")
    assert made.text == "و+ نفت ال+ وزار +ة ، ل+ ال+ وزير « و+ ال+ كتاب » [رابط] كتاب +ك في مستشفي"
    for piece, source in [
        ("و+", "و"),
        ("نفت", "نفَتِ"),
        ("وزار", "وزار"),
        ("+ة", "ة"),
        ("وزير", "وزيـر"),
        ("كتاب +ك", "كتابك"),
        ("[رابط]", "https://example.com"),
        ("مستشفي", "مستشفى"),
    ]:
        at = made.text.rindex(piece) if piece == "كتاب +ك" else made.text.index(piece)
        start, end = made.to_raw(at, at + len(piece))
        assert raw[start:end] == source
    start = raw.index("للوزيـر")
    first, last = made.from_raw(start, start + 7)
    assert made.text[first:last] == "ل+ ال+ وزير"


@given(st.text("وكلاتهي", min_size=1, max_size=8), st.data())
def test_whatever_is_put_in_or_replaced_the_edits_lead_there(word: str, data: st.DataObject) -> None:
    spaced = data.draw(st.one_of(st.text("وكلاتهي+ ", max_size=12), st.just(" ".join(word)), st.just(f"ا+ {word} +ا")))
    made, done = "", 0
    for start, end, new in farasa.edits(word, spaced):
        assert done <= start < end <= len(word)
        made, done = made + word[done:start] + new, end
    assert made + word[done:] == spaced


def test_a_long_text_goes_through_in_lines(segmenter: Any) -> None:
    segmenter('assert len(line.split()) <= 100; print(" ".join(known.get(w, w) for w in line.split()), flush=True)')
    made = normalise_text("والكتاب لن " * 1_500, "arabert-v2")
    assert made == " ".join(["و+ ال+ كتاب لن"] * 1_500)
    assert normalise_text("123 abc .", "arabert-v2") == "123 abc ."


# --- what is refused ------------------------------------------------------------------------------


def refused(text: str = "والكتاب") -> str:
    with pytest.raises(IsnadError) as caught:
        normalise(text, "arabert-v2")
    return str(caught.value)


def test_without_farasa_one_sentence_names_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(farasa.VARIABLE, raising=False)
    monkeypatch.setattr(farasa, "find_spec", lambda name: None)
    said = refused()
    assert "set ISNAD_FARASA=/path/to/FarasaSegmenterJar.jar (the package farasapy fetches it" in said
    assert said.endswith("aubmindlab/bert-base-arabertv02 with the recipe 'arabert-v02' instead")


def test_the_jar_of_farasapy_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(farasa.VARIABLE, raising=False)
    (tmp_path / "farasa").mkdir()
    (tmp_path / "farasa/__init__.py").write_text("raise SystemExit('never imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert farasa.segmenter() is None, "installed, its jar not yet fetched"
    jar = tmp_path / "farasa" / farasa.JAR
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"PK")
    assert farasa.segmenter() == jar


def test_a_segmenter_that_cannot_be_had_is_told(
    segmenter: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(farasa.VARIABLE, "/nowhere/FarasaSegmenterJar.jar")
    assert refused().endswith("in ISNAD_FARASA, found no file '/nowhere/FarasaSegmenterJar.jar'")
    segmenter().chmod(0o644)
    assert "expected a program that can be run, found none (Permission denied)" in refused()
    (tmp_path / "x.jar").write_bytes(b"no jar")
    monkeypatch.setenv(farasa.VARIABLE, str(tmp_path / "x.jar"))
    monkeypatch.setattr(farasa, "which", lambda name: None)
    assert refused() == "expected Java to run Farasa, found none; install a Java runtime (8 or newer)"


def test_a_segmenter_that_ends_or_answers_something_else_is_told(segmenter: Any) -> None:
    path = segmenter("break")
    assert refused() == f"expected a line from the segmenter {path}, found that it has ended; try it by hand"
    path = segmenter('print("ready", flush=True)')
    assert f"expected 2 words in segments from {path}, found 1" in refused("والكتاب لن")


def test_after_a_failure_it_is_started_again(segmenter: Any) -> None:
    segmenter("break")
    refused()
    segmenter()
    assert normalise_text("والكتاب", "arabert-v2") == "و+ ال+ كتاب"


# --- the encoder ----------------------------------------------------------------------------------


@pytest.fixture
def arabert_v2(tmp_path: Path) -> Path:
    """A folder as AraBERT v2 is published: affixes are pieces, and `never_split` names them."""
    affixes = [f"{p}+" for p in sorted(farasa.PREFIXES)] + [f"+{s}" for s in sorted(farasa.SUFFIXES)]
    letters = [chr(c) for c in range(0x621, 0x64B) if chr(c).isalpha()] + list("+.،:[]«»")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[رابط]", *affixes, *letters, *(f"##{x}" for x in letters)]
    vocabulary = {p: i for i, p in enumerate(dict.fromkeys([*pieces, "كتاب", "وزير", "نفت", "وزار"]))}
    folder = tmp_path / "arabert-v2"
    BertTokenizerFast(
        vocab=vocabulary, do_lower_case=False, never_split=[*affixes, "[رابط]", "[مستخدم]"]
    ).save_pretrained(folder)
    shape = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
    )
    BertForMaskedLM(shape).save_pretrained(folder)
    return folder


def test_affixes_and_placeholders_reach_the_model_whole(arabert_v2: Path) -> None:
    _, tokenizer = open_encoder(str(arabert_v2), dropout=0.1, seed=1)
    text = "و+ نفت ال+ وزار +ة [رابط] ات +ات 5 + 3"
    (row,) = encode([Item(text)], tokenizer, 64)
    pieces = tokenizer.convert_ids_to_tokens(row["input_ids"])
    assert pieces[1:9] == ["و+", "نفت", "ال+", "وزار", "+ة", "[رابط]", "ا", "##ت"]
    assert pieces[9] == "+ات"
    assert len(tokenizer) == len(AutoTokenizer.from_pretrained(arabert_v2)), (
        "all are known: the vocabulary is as it was"
    )
    assert [text[s:e] for s, e in row["offsets"][1:6]] == ["و+", "نفت", "ال+", "وزار", "+ة"]


def test_arabert_v2_learns_answers_and_is_exported(arabert_v2: Path, newsroom: Newsroom, segmenter: Any) -> None:
    segmenter()
    newsroom.write()
    words = [f"encoder={arabert_v2}", "corpora=corpora", "limit=24", "epochs=1", "precision=fp32"]
    done = CliRunner().invoke(main, [str(ROOT / "configs/arabert-v2.yaml"), *words])
    assert (done.exit_code, done.stdout) == (0, "runs/arabert-v2\n"), done.output
    opened = load_classifier("runs/arabert-v2")
    assert isinstance(opened, TransformerClassifier)
    raw = ["ونفت الوزارة والكتاب", "للوزير كتابك"]
    expected = opened.predict(raw)
    export_onnx(opened, Path("runs/arabert-v2/artefact") / ONNX_FP32)
    found = OnnxClassifier.load(Path("runs/arabert-v2/artefact"), opened.manifest, model=ONNX_FP32).predict(raw)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.scores == pytest.approx(theirs.scores, abs=1e-4)


def test_training_without_farasa_or_without_a_network_ends_in_a_sentence(
    newsroom: Newsroom, segmenter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.write(text=False)
    monkeypatch.delenv(farasa.VARIABLE, raising=False)
    monkeypatch.setattr(farasa, "find_spec", lambda name: None)
    done = CliRunner().invoke(main, [str(ROOT / "configs/arabert-v2.yaml"), "limit=16"])
    assert done.exit_code == 1
    assert f"error: {farasa.NEEDED}" in done.stderr
    segmenter()
    done = CliRunner().invoke(main, [str(ROOT / "configs/arabert-v2.yaml"), "limit=16"])
    assert done.exit_code == 1
    assert "expected the encoder 'aubmindlab/bert-base-arabertv2' on the hub or in a folder" in done.stderr


def test_the_program_ends_with_the_process_that_started_it(segmenter: Any, tmp_path: Path) -> None:
    path = segmenter()
    done = python(
        "-c",
        "from isnad.text import normalise_text as n; print(n('والكتاب', 'arabert-v2'))",
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "و+ ال+ كتاب", ""), path
