"""A small invented newsroom: labelled data, corpora in the documented form, and tiny encoders to train on it.

Every sentence is made from patterns and invented names; no test needs the network or a newspaper's text.
"""

from __future__ import annotations

import json
import lzma
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub: no test may reach for the hub
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

ROOT = Path(__file__).parent.parent
CORPORA = ("antcorpus", "hespress", "sanad_khaleej", "saudinewsnet")

# pattern, cue, source: `{0}` a person, `{1}` a place, `{2}` a thing, `{3}` another place
PATTERNS: dict[str, list[tuple[str, str | None, str | None]]] = {
    "assert": [
        ("افتتحت بلدية {1} صباح أمس {2} الجديد قرب {3} بحضور {0}.", None, None),
        ("وصل {0} إلى {1} مساء السبت وزار {2} الواقع خلف {3}.", None, None),
        ("أغلقت إدارة {2} أبوابها في {1} بعدما غمرت المياه {3}.", None, None),
    ],
    "deny": [
        ("نفت بلدية {1} ما تردد عن بيع {2} إلى تجار {3}.", "نفت", "بلدية {1}"),
        ("ونفى {0} صحة ما نشر عن هدم {2} في {1} قبل {3}.", "ونفى", "{0}"),
    ],
    "attribute": [
        ("قال {0} إن سكان {1} تسلموا مفاتيح {2} من لجنة {3}.", "قال", "{0}"),
        ("وأكد {0} أن عمال {2} في {1} نقلوا الأشجار إلى {3}.", "وأكد", "{0}"),
    ],
    "speculate": [
        ("قد ترتفع رسوم {2} في {1} إذا وافق {0} على خطة {3}.", "قد", None),
        ("وربما ينتقل {0} من {1} إلى {3} حين يكتمل {2}.", "وربما", None),
    ],
}


def python(*words: str, cwd: Path, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    """`python WORDS` in a process of its own, started in `cwd`, the checkout on its path, `typed` as its input."""
    around = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, *words], input=typed, capture_output=True, text=True, encoding="utf-8", cwd=cwd, env=around,
        check=False,
    )  # fmt: skip


BYLINE = "{1} - مكتب الأخبار"
HEADS = ["سم", "بر", "نو", "در", "لؤ", "زي", "كر", "هد", "فن", "رش", "طي", "قم", "مر", "جو", "شم", "ود"]
TAILS = ["ران", "وان", "يان", "لاق", "موس", "شاد", "بيل", "تون", "زور", "فيد", "قار", "نيم", "هاج", "ساف", "عود", "ضام"]


def name(rng: random.Random) -> str:
    """One of thousands of names that nobody bears."""
    return rng.choice(HEADS) + rng.choice(TAILS) + rng.choice(["", "ي", "ة", "ين"])


def unit(text: str, start: int, label: str, cue: str | None = None, source: str | None = None) -> dict[str, Any]:
    """The labels of one sentence, as a line of the data holds them."""

    def span(words: str | None) -> list[int] | None:
        return None if words is None else [text.index(words), text.index(words) + len(words)]

    return {
        "start": start,
        "end": start if start < 0 else start + len(text),
        "sha1": sha1(text.encode()).hexdigest(),
        "label": label,
        "attributed": label == "attribute" or (label == "deny" and source is not None),
        "source": span(source),
        "cue": span(cue),
        "annotators": ["author"],
    }


def invented(doc_id: str, *, outlet: str = "صحيفة الورق", repeat: int = 1) -> dict[str, Any]:
    """An article with a labelled title, every pattern `repeat` times and a byline; its id decides its words."""
    rng = random.Random(doc_id)
    title = f"جولة في {name(rng)} مع {name(rng)} بين {name(rng)} و{name(rng)}"
    units, text = [unit(title, -1, "assert")], ""
    chosen = [(label, pattern) for label, patterns in PATTERNS.items() for pattern in patterns] * repeat
    rng.shuffle(chosen)
    for place, (label, (pattern, cue, source)) in enumerate(chosen):
        names = [name(rng) for _ in range(4)]
        sentence = pattern.format(*names)
        filled = [None if part is None else part.format(*names) for part in (cue, source)]
        units.append(unit(sentence, len(text), label, *filled))
        text += sentence + ("\n" if place % 3 == 2 else " ")
    byline = BYLINE.format("", name(rng))
    text = text.rstrip(" \n") + "\n"
    units.append(unit(byline, len(text), "skip"))
    return {
        "doc_id": doc_id,
        "title": title,
        "text": text + byline,
        "outlet": outlet,
        "date": "2024-05-14",
        "kind": "article",
        "sentences": units,
    }


@dataclass
class Newsroom:
    """`data/`, `corpora/` and `seeds/` under `root`, written anew by `write`.

    `composed` and `labelled` map a split to its articles (of composed news; by corpus, of real news);
    `unlabelled` holds what only the corpora have.
    """

    root: Path
    composed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    labelled: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    unlabelled: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {c: [] for c in CORPORA})

    @property
    def data(self) -> Path:
        """The folder of the labels."""
        return self.root / "data"

    @property
    def corpora(self) -> Path:
        """The folder of the news text."""
        return self.root / "corpora"

    @property
    def seeds(self) -> Path:
        """The folder of the seed article."""
        return self.root / "seeds"

    def write(self, *, text: bool = True) -> Newsroom:
        """Write all of it; without `text` the news text stays away, as in a public checkout."""
        for split in ("train", "dev", "test", "test-outlets"):
            keys = [f"composed:{a['doc_id']}" for a in self.composed.get(split, [])]
            keys += [f"{c}:{a['doc_id']}" for c, found in self.labelled.get(split, {}).items() for a in found]
            write_text(self.data / f"splits/{split}.json", json.dumps({"split": split, "articles": keys}, indent=0))
        write_lines(self.data / "composed/a.jsonl", [a for found in self.composed.values() for a in found])
        for corpus in CORPORA:
            articles = [a for split in self.labelled.values() for a in split.get(corpus, [])]
            standoff = [{"corpus": corpus, **{k: a[k] for k in a if k not in ("title", "text")}} for a in articles]
            write_lines(self.data / f"news/{corpus}.jsonl", standoff)
            if text:
                write_corpus(self.corpora / f"{corpus}.jsonl.xz", [*articles, *self.unlabelled[corpus]])
        write_text(self.seeds / "seed.txt", invented("seed")["text"])
        return self


def write_text(path: Path, text: str) -> None:
    """Write `text`, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """One JSON object a line."""
    write_text(path, "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))


def write_corpus(path: Path, articles: list[dict[str, Any]]) -> None:
    """News text in the form that data/README.md describes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = ("doc_id", "title", "text", "date", "outlet")
    with lzma.open(path, "wt", encoding="utf-8", preset=0) as out:
        for article in articles:
            row = {"source": path.name.partition(".")[0], **{f: article[f] for f in fields}}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def fill(root: Path) -> Newsroom:
    """A newsroom with articles in every split; test-outlets is Hespress alone."""

    def some(corpus: str, split: str, count: int, outlet: str) -> list[dict[str, Any]]:
        return [invented(f"{corpus}-{split}-{i}", outlet=outlet) for i in range(count)]

    return Newsroom(
        root,
        composed={
            "train": [invented(f"c-train-{i}", repeat=2) for i in range(4)],
            "dev": [invented("c-dev-0")],
            "test": [invented("c-test-0")],
        },
        labelled={
            "train": {"antcorpus": some("ant", "train", 3, "إذاعة الورق")},
            "dev": {"antcorpus": some("ant", "dev", 2, "إذاعة الورق")},
            "test": {"saudinewsnet": some("saudi", "test", 2, "صحيفة النخيل")},
            "test-outlets": {"hespress": some("hes", "outlets", 1, "قسم المجتمع")},
        },
    )


@pytest.fixture
def newsroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """A newsroom, not yet written, in an empty folder that the process stands in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ISNAD_CORPORA", raising=False)
    return fill(tmp_path)


# --- tiny encoders ------------------------------------------------------------------------------


def words_of_the_newsroom() -> list[str]:
    """The fixed words of the patterns, with their punctuation apart, in one order."""
    patterns = [p for found in PATTERNS.values() for p, _, _ in found]
    plain = " ".join([*patterns, BYLINE, "جولة في مع بين و"])
    for mark in ("{0}", "{1}", "{2}", "{3}", "."):
        plain = plain.replace(mark, " ")
    return sorted(set(plain.split()))


@pytest.fixture(scope="session")
def tiny_arabert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as AraBERT v02 is published, but two layers of 32: what `save_pretrained` and a vocab.txt make."""
    import torch
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny") / "arabert"
    letters = [chr(c) for c in range(0x621, 0x64B) if chr(c).isalpha()] + list("0123456789.,:!؟،؛\"'()[]-")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[رابط]", "[بريد]", "[مستخدم]"]
    pieces = [
        *special,
        *letters,
        *(f"##{x}" for x in letters),
        *words_of_the_newsroom(),
        *HEADS,
        *(f"##{x}" for x in TAILS),
    ]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = BertTokenizerFast(vocab=vocabulary, do_lower_case=False, model_max_length=512)
    shape = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        pad_token_id=0,
    )
    torch.manual_seed(3)
    BertForMaskedLM(shape).save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    write_text(folder / "vocab.txt", "".join(f"{piece}\n" for piece in vocabulary))
    return folder


@pytest.fixture(scope="session")
def tiny_modernbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder of our own make, by the functions of `train.pretrain`, two layers of 32."""
    from train.pretrain import PretrainConfig, new_model, save_encoder
    from train.tokenizer import save_tokenizer, train_wordpiece

    out = tmp_path_factory.mktemp("tiny") / "modernbert"
    out.mkdir()
    lines = [invented(f"words-{i}")["text"] for i in range(30)]
    config = PretrainConfig(
        vocabulary=400, hidden_size=32, layers=2, heads=2, intermediate_size=64, local_attention=16, max_length=256
    )
    tokenizer = save_tokenizer(train_wordpiece(lines, 400, min_frequency=1), out / "tokenizer", config.max_length)
    return save_encoder(
        new_model(config, tokenizer), tokenizer, out, {"tokens_seen": 0, "config": config.model_dump(mode="json")}
    )


# --- pages ----------------------------------------------------------------------------------------

SWITCHES = "no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update disable-sync"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium under Playwright; without one the test is skipped, unless ISNAD_REQUIRE_BROWSER is set."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        if os.environ.get("ISNAD_REQUIRE_BROWSER"):
            pytest.fail("ISNAD_REQUIRE_BROWSER is set and there is no Chromium here")
        pytest.skip("no Chromium here")
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=[f"--{x}" for x in SWITCHES.split()])
        yield found
        found.close()


def spread_out(model: Any, seed: int = 4) -> None:
    """Give the matrices of a torch model large random weights, so that its answers differ."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.copy_(0.25 * torch.randn(parameter.shape, generator=generator))
