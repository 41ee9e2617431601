"""Open a classifier, label articles.

>>> from isnad import label_article, load_classifier
>>> article = label_article("نفت الوزارة النبأ. وقد ترتفع الأسعار.", classifier=load_classifier("rules"))
>>> [s.label.value for s in article.sentences]
['deny', 'speculate']
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from isnad.artefact import MANIFEST, ONNX, ONNX_FP32, Manifest, read_manifest
from isnad.confidence import in_force
from isnad.errors import IsnadError, need
from isnad.predictions import (
    FAILED,
    NO_PROPOSITION,
    NOT_ARABIC,
    Classifier,
    LabelledArticle,
    LabelledSentence,
    Prediction,
)
from isnad.proposition import has_proposition
from isnad.sentences import Sentence, split_sentences

if TYPE_CHECKING:
    from isnad.articles import Article

Runtime = Literal["auto", "onnx", "torch"]
Precision = Literal["auto", "int8", "fp32", "bf16"]

log = logging.getLogger("isnad")

RELEASED = Path(__file__).with_name("model")
"""Where the released classifier lies in the wheel."""
ARTEFACT = "artefact"
CONTEXT = 3
"""Preceding sentences handed to the classifier."""
_ARABIC = re.compile("[\u0620-\u064a\u066e-\u06d3\u0750-\u077f\u08a0-\u08c9\ufb50-\ufdff\ufe70-\ufefc]")
WINDOW = 64_000
"""Characters of articles labelled together, about 500 sentences; two windows are under way at a time."""


def load_classifier(
    path: str | Path | None = None,
    *,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    abstain_at: str | None = None,
    sets: float | None = None,
) -> Classifier:
    """Open a run directory or an artefact folder; None opens the released one, `"rules"` the cue rules.

    A transformer runs on ONNX Runtime where the folder holds an exported model, the int8 one (`model.onnx`) before the
    fp32 one (`model-fp32.onnx`), else on torch in fp32; `runtime` and `precision` (int8 and fp32 on ONNX Runtime, fp32
    and bf16 on torch) choose another of what is there. `abstain_at`, "score=.8" or
    "precision=.95" (what the answers kept had on the dev sentences of the artefact), says which answers are marked
    `abstained`, in place of the threshold of the artefact; with `sets`, a coverage that the artefact stores, every
    answer has a `label_set`. Raises IsnadError when there is no artefact, when it does not store what was asked for,
    or when the library that it needs is not installed.
    """
    if path == "rules":
        _plain_only("rules", runtime, precision)
        from isnad.rules import RulesClassifier

        return RulesClassifier(thresholds=in_force({}, abstain_at=abstain_at, sets=sets, model=path))
    folder = artefact_folder(RELEASED if path is None else Path(path))
    manifest = read_manifest(folder)
    thresholds = in_force(manifest.thresholds, abstain_at=abstain_at, sets=sets, model=manifest.name)
    manifest = manifest.model_copy(update={"thresholds": thresholds})
    if manifest.kind == "transformer":
        return _open_transformer(folder, manifest, runtime, precision)
    _plain_only(manifest.kind, runtime, precision)
    return _OPENERS[manifest.kind](folder, manifest)


def artefact_folder(path: Path) -> Path:
    """The artefact in `path`: the folder itself, or `artefact/` of a run directory."""
    if not path.is_dir():
        what = "a run directory or an artefact folder"
        raise IsnadError(f"expected {what}, found nothing there; `python -m train CONFIG` makes one", path=path)
    inner = path / ARTEFACT
    return inner if not (path / MANIFEST).is_file() and inner.is_dir() else path


def _plain_only(kind: str, runtime: Runtime, precision: Precision) -> None:
    """Raise IsnadError where a choice is asked of a `kind` that leaves none."""
    if (runtime, precision) != ("auto", "auto"):
        raise IsnadError(
            f"expected a transformer, the only kind with a choice of runtime and precision, found {kind!r}; "
            "leave both at auto"
        )


def _open_majority(folder: Path, manifest: Manifest) -> Classifier:
    from isnad.runtimes.linear import MajorityClassifier

    return MajorityClassifier(manifest)


def _open_rules(folder: Path, manifest: Manifest) -> Classifier:
    from isnad.rules import RulesClassifier

    precision = {str(k): float(v) for k, v in manifest.settings["precision"].items()}
    return RulesClassifier(precision, manifest.thresholds)


def _open_tfidf(folder: Path, manifest: Manifest) -> Classifier:
    from isnad.runtimes.linear import LinearClassifier

    return LinearClassifier.load(folder, manifest)


def _open_recurrent(folder: Path, manifest: Manifest) -> Classifier:
    need("torch", extra="torch")
    from isnad.runtimes.recurrent import RecurrentClassifier

    return RecurrentClassifier.load(folder, manifest)


def _open_transformer(folder: Path, manifest: Manifest, runtime: Runtime, precision: Precision) -> Classifier:
    runtime, precision = _chosen(folder, runtime, precision)
    if runtime == "onnx":
        from isnad.runtimes.onnx import OnnxClassifier

        return OnnxClassifier.load(folder, manifest, model=_ONNX_FILES[precision])
    need("torch", "transformers", extra="torch")
    from isnad.runtimes.transformer import TransformerClassifier

    return TransformerClassifier.load(folder, manifest, precision=precision)


def _chosen(folder: Path, runtime: Runtime, precision: Precision) -> tuple[Runtime, Precision]:
    """The first pair of what `folder` holds that is what was asked for."""
    for asked, choices in ((runtime, get_args(Runtime)), (precision, get_args(Precision))):
        if asked not in choices:
            raise IsnadError(f"expected one of {', '.join(choices)}, found {asked!r}")
    held: list[tuple[Runtime, Precision]] = [("onnx", p) for p, n in _ONNX_FILES.items() if (folder / n).is_file()]
    held += [("torch", "fp32"), ("torch", "bf16")]
    for pair in held:
        if runtime in ("auto", pair[0]) and precision in ("auto", pair[1]):
            return pair
    raise IsnadError(
        f"expected one of {', '.join(map(' '.join, held))}, found runtime {runtime!r} with precision {precision!r}; "
        "`python -m train.export RUN --onnx --int8` (or --fp32) adds an ONNX model",
        path=folder,
    )


_ONNX_FILES: dict[Precision, str] = {"int8": ONNX, "fp32": ONNX_FP32}
_OPENERS = {
    "majority": _open_majority,
    "rules": _open_rules,
    "tfidf": _open_tfidf,
    "recurrent": _open_recurrent,
}


# --- labelling ----------------------------------------------------------------------------------


def label_article(text: str, *, title: str | None = None, classifier: Classifier | None = None) -> LabelledArticle:
    """Split `text`, label every sentence in its context, and give spans in offsets of `text`.

    `title` is context only; it is not labelled unless it stands in `text` too. A text without one Arabic letter gets
    no stance, and the warning `not_arabic` on each sentence. Without `classifier` the released model is opened.
    """
    return _together(classifier or load_classifier(), [(text, title)])[0]


def label_articles(
    articles: Iterable[Article], *, classifier: Classifier | None = None
) -> Iterator[tuple[Article, LabelledArticle]]:
    """Each of `articles` with its answers, in order, read as they are needed; see `label_article`.

    Sentences of several articles are put to the classifier together, in threads of its own, while the next articles
    are read; one that says it is not `threadsafe` is called from one thread at a time. What comes out for an article
    does not depend on the others, but for a model in int8 that was exported before activations had a fixed scale.
    An article that makes the classifier fail has the warning `failed` on each sentence; where all fail, the exception
    is raised. An exception of `articles` is raised behind the answers to what came before it.
    """
    judge = classifier or load_classifier()
    ahead = 2 if getattr(judge, "threadsafe", False) else 1
    pool = ThreadPoolExecutor(ahead, thread_name_prefix="isnad-label")
    under_way: deque[tuple[list[Article], Future[list[LabelledArticle]]]] = deque()
    trouble = None
    try:
        for window, trouble in _windows(articles):  # noqa: B007
            under_way.append((window, pool.submit(_labelled, judge, [(a.text, a.title) for a in window])))
            if len(under_way) > ahead:
                window, answers = under_way.popleft()
                yield from zip(window, answers.result(), strict=True)
        while under_way:
            window, answers = under_way.popleft()
            yield from zip(window, answers.result(), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)
    if trouble is not None:
        raise trouble


def _windows(articles: Iterable[Article]) -> Iterator[tuple[list[Article], Exception | None]]:
    """`WINDOW` characters of articles at a time, and with the last ones the exception that ended them, if any."""
    window: list[Article] = []
    characters = 0
    source = iter(articles)
    while True:
        try:
            article = next(source)
        except StopIteration:
            break
        except Exception as error:  # whatever it is, what was read before it is answered first
            yield window, error
            return
        window.append(article)
        characters += len(article.text)
        if characters >= WINDOW:
            yield window, None
            window, characters = [], 0
    yield window, None


def _labelled(judge: Classifier, texts: Sequence[tuple[str, str | None]]) -> list[LabelledArticle]:
    """Texts with their titles, labelled together; one by one where that fails, so that one costs the others nothing."""
    try:
        return _together(judge, texts)
    except Exception as error:
        found = [_alone(judge, *text) for text in texts]
        failed = sum(article is None for article in found)
        if failed == len(texts):
            raise
        if failed:  # the kind of the error alone: its message may hold words of an article
            log.warning("the classifier failed on %d of %d articles (%s)", failed, len(texts), type(error).__name__)
        return [article or _failed(judge, *text) for article, text in zip(found, texts, strict=True)]


def _alone(judge: Classifier, text: str, title: str | None) -> LabelledArticle | None:
    try:
        return _together(judge, [(text, title)])[0]
    except Exception:  # said once, by the caller
        return None


def _failed(judge: Classifier, text: str, title: str | None) -> LabelledArticle:
    answer = Prediction.nothing(FAILED)
    return LabelledArticle(text, [_place(s, answer) for s in split_sentences(text)], title, judge.name)


def _together(judge: Classifier, texts: Sequence[tuple[str, str | None]]) -> list[LabelledArticle]:
    """Texts with their titles, every sentence put to `judge` in one call."""
    split = [split_sentences(text) for text, _ in texts]
    asked: list[tuple[str, list[str] | None, str | None]] = []
    spoken: list[list[bool]] = []
    for sentences, (text, title) in zip(split, texts, strict=True):
        words = [s.text for s in sentences]
        arabic = _ARABIC.search(text) is not None
        spoken.append([arabic and has_proposition(w, position=i, total=len(words)) for i, w in enumerate(words)])
        asked += [(w, words[max(0, i - CONTEXT) : i] or None, title) for i, w in enumerate(words) if spoken[-1][i]]
    answers = iter(judge.predict([a[0] for a in asked], before=[a[1] for a in asked], title=[a[2] for a in asked]))
    found = []
    for sentences, says, (text, title) in zip(split, spoken, texts, strict=True):
        nothing = Prediction.nothing(NO_PROPOSITION if _ARABIC.search(text) else NOT_ARABIC)
        placed = [_place(s, next(answers) if said else nothing) for s, said in zip(sentences, says, strict=True)]
        found.append(LabelledArticle(text, placed, title, judge.name))
    return found


def _place(sentence: Sentence, answer: Prediction) -> LabelledSentence:
    return LabelledSentence.of(sentence.text, sentence.start, answer)
