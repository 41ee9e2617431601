"""Open a classifier, label an article.

>>> from isnad import label_article, load_classifier
>>> article = label_article("نفت الوزارة النبأ. وقد ترتفع الأسعار.", classifier=load_classifier("rules"))
>>> [s.label.value for s in article.sentences]
['deny', 'speculate']
"""

from __future__ import annotations

from pathlib import Path

from isnad.artefact import MANIFEST, Manifest, read_manifest
from isnad.confidence import in_force
from isnad.errors import IsnadError, need
from isnad.predictions import NO_PROPOSITION, Classifier, LabelledArticle, LabelledSentence, Prediction
from isnad.proposition import has_proposition
from isnad.sentences import split_sentences

RELEASED = Path(__file__).with_name("model")
"""Where the released classifier lies in the wheel."""
ARTEFACT = "artefact"
ONNX = "model.onnx"
CONTEXT = 3
"""Preceding sentences handed to the classifier."""


def load_classifier(
    path: str | Path | None = None, *, abstain_at: str | None = None, sets: float | None = None
) -> Classifier:
    """Open a run directory or an artefact folder; None opens the released one, `"rules"` the cue rules.

    A transformer runs on ONNX Runtime where the folder holds `model.onnx`, else on torch. `abstain_at`, "score=.8" or
    "precision=.95" (what the answers kept had on the dev sentences of the artefact), says which answers are marked
    `abstained`, in place of the threshold of the artefact; with `sets`, a coverage that the artefact stores, every
    answer has a `label_set`. Raises IsnadError when there is no artefact, when it does not store what was asked for,
    or when the library that it needs is not installed.
    """
    if path == "rules":
        from isnad.rules import RulesClassifier

        return RulesClassifier(thresholds=in_force({}, abstain_at=abstain_at, sets=sets, model=path))
    folder = artefact_folder(RELEASED if path is None else Path(path))
    manifest = read_manifest(folder)
    thresholds = in_force(manifest.thresholds, abstain_at=abstain_at, sets=sets, model=manifest.name)
    manifest = manifest.model_copy(update={"thresholds": thresholds})
    return _OPENERS[manifest.kind](folder, manifest)


def artefact_folder(path: Path) -> Path:
    """The artefact in `path`: the folder itself, or `artefact/` of a run directory."""
    if not path.is_dir():
        what = "a run directory or an artefact folder"
        raise IsnadError(f"expected {what}, found nothing there; `python -m train CONFIG` makes one", path=path)
    inner = path / ARTEFACT
    return inner if not (path / MANIFEST).is_file() and inner.is_dir() else path


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


def _open_transformer(folder: Path, manifest: Manifest) -> Classifier:
    if (folder / ONNX).is_file():
        from isnad.runtimes.onnx import OnnxClassifier

        return OnnxClassifier.load(folder, manifest)
    need("torch", "transformers", extra="torch")
    from isnad.runtimes.transformer import TransformerClassifier

    return TransformerClassifier.load(folder, manifest)


_OPENERS = {
    "majority": _open_majority,
    "rules": _open_rules,
    "tfidf": _open_tfidf,
    "recurrent": _open_recurrent,
    "transformer": _open_transformer,
}


def label_article(text: str, *, title: str | None = None, classifier: Classifier | None = None) -> LabelledArticle:
    """Split `text`, label every sentence in its context, and give spans in offsets of `text`.

    `title` is context only; it is not labelled unless it stands in `text` too. Without `classifier` the
    released model is opened.
    """
    judge = classifier or load_classifier()
    sentences = split_sentences(text)
    texts = [s.text for s in sentences]
    spoken = [i for i, t in enumerate(texts) if has_proposition(t, position=i, total=len(texts))]
    before = [texts[max(0, i - CONTEXT) : i] or None for i in spoken]
    answers = dict(
        zip(spoken, judge.predict([texts[i] for i in spoken], before=before, title=[title] * len(spoken)), strict=True)
    )
    nothing = Prediction.nothing(NO_PROPOSITION)
    return LabelledArticle(
        text=text,
        sentences=[LabelledSentence.of(s.text, s.start, answers.get(i, nothing)) for i, s in enumerate(sentences)],
        title=title,
        model=judge.name,
    )
