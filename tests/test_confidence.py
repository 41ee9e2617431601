"""How sure is sure enough: scaling, thresholds for a precision and conformal sets, from dev to the labels of a user."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import fill, invented, python
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from isnad import label_article, load_classifier
from isnad.artefact import MANIFEST, SCHEMA, Manifest, Scaling, read_manifest
from isnad.confidence import PRECISION, SET, conformal_quantile, label_set, parse_abstain_at, stored
from isnad.errors import IsnadError
from isnad.examples import Example, load_data
from isnad.labels import Stance
from isnad.predictions import Prediction
from isnad.runtimes.base import calibrated
from isnad.table import render_table
from train.calibration import calibrate, fit_scaling, log_loss, main, precision_thresholds
from train.config import load_run_config
from train.run import answers, train

NEWS = (
    "نفت وزارة الحدائق في لؤلؤة صحة ما تردد عن بيع الحديقة الكبرى. "
    "وقال المتحدث باسمها سامر الوردي إن الأشجار ستبقى في مكانها. "
    "وقد ترتفع رسوم الدخول في الربيع المقبل. وافتُتحت الحديقة قبل عشرين عاماً.\nلؤلؤة - مكتب الأخبار\n"
)
probabilities = st.lists(st.floats(0.001, 1), min_size=4, max_size=4).map(
    lambda weights: {s.value: w / sum(weights) for s, w in zip(Stance, weights, strict=True)}
)


def drawn(rng: np.random.Generator, n: int, spread: float = 1.5) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits `(n, 4)` and labels drawn from the very probabilities that they stand for."""
    logits = rng.normal(0, spread, (n, 4))
    noise = rng.gumbel(size=(n, 4))
    return logits, (logits + noise).argmax(1)


def as_scores(logits: NDArray[np.float64]) -> list[dict[str, float]]:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    table = powers / powers.sum(1, keepdims=True)
    return [{s.value: float(row[s.id]) for s in Stance} for row in table]


# --- conformal sets -------------------------------------------------------------------------------


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("heat", [1.0, 0.4])
def test_sets_hold_the_right_label_as_often_as_promised_and_hardly_oftener(coverage: float, heat: float) -> None:
    """Also where the scores are overconfident: that costs larger sets, not the promise."""
    rng = np.random.default_rng(5)
    covered, sizes = [], []
    for _ in range(60):
        logits, gold = drawn(rng, 800)
        scores = as_scores(logits / heat)
        quantile = conformal_quantile(
            [s[Stance.from_id(g)] for s, g in zip(scores[:200], gold, strict=False)], coverage
        )
        for own, g in zip(scores[200:], gold[200:], strict=True):
            possible = label_set(own, quantile)
            covered.append(Stance.from_id(int(g)) in possible)
            sizes.append(len(possible))
    assert coverage - 0.01 <= np.mean(covered) <= coverage + 0.02
    assert 1 < np.mean(sizes) < 3.5


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80), st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_the_quantile_is_the_smallest_that_covers_enough_of_n_plus_one(true: list[float], coverage: float) -> None:
    quantile = conformal_quantile(true, coverage)
    assert conformal_quantile(np.array(true), coverage) == quantile
    wanted = coverage * (len(true) + 1) - 1e-9
    if wanted > len(true):
        assert quantile == 1, "too few sentences to leave any label out"
    else:
        scores = [1 - p for p in true]
        assert sum(s <= quantile for s in scores) >= wanted
        assert sum(s < quantile for s in scores) < wanted


@given(probabilities, st.floats(0, 1), st.floats(0, 1))
def test_a_set_begins_with_the_best_label_and_grows_with_the_quantile(
    scores: dict[str, float], one: float, other: float
) -> None:
    small, large = (label_set(scores, q) for q in sorted((one, other)))
    assert scores[small[0]] == max(scores.values())
    assert large[: len(small)] == small
    assert [scores[s] for s in large] == sorted((scores[s] for s in large), reverse=True)
    assert label_set(scores, 1.0) == sorted(Stance, key=lambda s: -scores[s])


@pytest.mark.parametrize(("true", "coverage"), [([], 0.9), ([0.5], 0.0), ([0.5], 1.0), ([0.5], float("nan"))])
def test_a_quantile_of_nothing_is_refused(true: list[float], coverage: float) -> None:
    with pytest.raises(ValueError, match="expected sentences and a coverage"):
        conformal_quantile(true, coverage)


# --- scaling --------------------------------------------------------------------------------------


def by(scaling: Scaling, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(logits, dtype=np.float64) * scaling.scale + scaling.bias


def test_a_biased_label_gets_vector_scaling_and_the_true_probabilities_come_back() -> None:
    logits, gold = drawn(np.random.default_rng(1), 900)
    spoilt = np.asarray(2 * logits + [0, -2.5, 1.5, 0], dtype=np.float32)
    found = fit_scaling(spoilt, gold, [f"a{i // 12}" for i in range(900)])
    assert found.scaling is not None
    assert found.losses is not None
    assert found.losses[1] < found.losses[0] - 0.05
    assert log_loss(by(found.scaling, spoilt), gold) == pytest.approx(log_loss(logits, gold), abs=0.01)
    assert found.scaling.scale == pytest.approx([0.5] * 4, abs=0.12)
    assert np.subtract(found.scaling.bias, found.scaling.bias[0]) == pytest.approx([0, 1.25, -0.75, 0], abs=0.35)


def test_a_model_that_is_only_overconfident_keeps_the_temperature() -> None:
    logits, gold = drawn(np.random.default_rng(2), 900)
    found = fit_scaling(np.asarray(3 * logits, dtype=np.float32), gold, [f"a{i // 12}" for i in range(900)])
    assert found.scaling is None
    assert found.losses is not None
    assert found.losses[0] < found.losses[1]
    assert found.temperature == pytest.approx(3, rel=0.1)


def test_the_choice_is_made_across_articles() -> None:
    """Each article holds one label alone and shifts its logit: what helps inside an article must not count."""
    rng = np.random.default_rng(3)
    article = np.arange(600) // 100
    gold = np.array([0, 1, 2, 3, 0, 1])[article]
    logits = rng.normal(0, 0.5, (600, 4)).astype(np.float32)
    kept = fit_scaling(logits, gold, [f"a{a}" for a in article])
    mixed = fit_scaling(logits, gold, [f"a{i}" for i in range(600)])
    assert kept.scaling is None
    assert mixed.scaling is not None


def test_four_articles_are_too_few_to_choose_by() -> None:
    logits, gold = drawn(np.random.default_rng(4), 400)
    spoilt = np.asarray(logits + np.array([0, 3, 0, 0]), dtype=np.float32)
    found = fit_scaling(spoilt, gold, [f"a{i % 4}" for i in range(400)])
    assert (found.scaling, found.losses) == (None, None)


def test_scaling_stands_in_for_the_temperature() -> None:
    logits = np.random.default_rng(6).normal(0, 3, (50, 4)).astype(np.float32)
    plain = Manifest(schema=SCHEMA, kind="tfidf", name="x", temperature=2.0)
    same = plain.model_copy(update={"temperature": 9.0, "scaling": Scaling(scale=[0.5] * 4, bias=[0.7] * 4)})
    assert calibrated(logits, same) == pytest.approx(calibrated(logits, plain), abs=1e-6)
    denies = plain.model_copy(update={"scaling": Scaling(scale=[0.0] * 4, bias=[0.0, 50.0, 0.0, 0.0])})
    assert set(calibrated(logits, denies).argmax(-1).tolist()) == {Stance.DENY.id}


# --- thresholds -----------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), min_size=1, max_size=120))
def test_a_threshold_reaches_its_precision_and_no_lower_one_does(answers: list[tuple[int, int]]) -> None:
    scores, right = [s / 12 for s, _ in answers], [luck > 0 for _, luck in answers]

    def kept(threshold: float) -> list[bool]:
        return [r for s, r in zip(scores, right, strict=True) if s >= threshold]

    found = stored(precision_thresholds(scores, right), PRECISION)
    for wanted in (percent / 100 for percent in range(80, 100)):
        reaching = [s for s in scores if sum(kept(s)) / len(kept(s)) >= wanted and len(kept(s)) >= 30]
        assert found.get(wanted) == min(reaching, default=None)
    assert list(found.values()) == sorted(found.values()), "more precision, fewer answers"


@pytest.mark.parametrize("text", ["precision=.95", "precision=0.950", "score=1", "score=0"])
def test_what_may_be_asked_for(text: str) -> None:
    assert parse_abstain_at(text) == (text.partition("=")[0], float(text.partition("=")[2]))


@pytest.mark.parametrize(
    "text", ["", "0.9", "precision", "precision=", "recall=.9", "precision=95", "score=-1", "score=nan"]
)
def test_what_may_not(text: str) -> None:
    with pytest.raises(
        IsnadError, match=r"expected precision=P or score=S .* found .*; write for example precision=.95"
    ):
        parse_abstain_at(text)


# --- from dev into the artefact -------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A newsroom on disk with a run of several kinds, and the dev sentences that they were measured on."""

    root: Path
    runs: dict[str, Path]
    dev: list[Example]

    @property
    def natural(self) -> list[Example]:
        return [e for e in self.dev if e.kind == "article"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    newsroom = fill(tmp_path_factory.mktemp("confidence"))
    dev = [invented(f"ant-dev-{i}", outlet="إذاعة الورق") for i in range(9)]
    for picked in dev[6:]:
        picked["kind"] = "target"
    newsroom.labelled["dev"]["antcorpus"] = dev
    newsroom.write()
    runs = {}
    for kind, more in (("tfidf", "min_count: 1\ngrid_c: [1.0]\n"), ("rules", ""), ("majority", "")):
        config = newsroom.root / f"{kind}.yaml"
        config.write_text(f"kind: {kind}\n{more}", encoding="utf-8")
        words = [f"{name}={newsroom.root / name}" for name in ("data", "corpora")]
        runs[kind] = train(load_run_config(config, [*words, f"out={newsroom.root / 'runs'}"]))
    examples = load_data(newsroom.data, newsroom.corpora, ("dev",)).examples("dev")
    return Place(newsroom.root, runs, [e for e in examples if e.origin == "news"])


@pytest.mark.parametrize("kind", ["tfidf", "rules"])
def test_a_run_stores_what_its_answers_on_dev_say(place: Place, kind: str) -> None:
    manifest = read_manifest(place.runs[kind] / "artefact")
    judged = answers(load_classifier(place.runs[kind]), place.dev)
    right = [p.label is e.label for p, e in zip(judged, place.dev, strict=True)]
    assert len(place.dev) == 90
    wanted = precision_thresholds([p.score for p in judged], right)
    assert wanted
    assert {k: v for k, v in manifest.thresholds.items() if k.startswith(PRECISION)} == pytest.approx(wanted)
    assert list(stored(manifest.thresholds, SET)) == [0.8, 0.9, 0.95]
    assert not {"abstain", "set"} & set(manifest.thresholds), "nothing is in force unless it is asked for"


@pytest.mark.parametrize("kind", ["tfidf", "rules"])
def test_a_run_stores_its_errors_on_natural_news(place: Place, kind: str) -> None:
    manifest = read_manifest(place.runs[kind] / "artefact")
    judged = answers(load_classifier(place.runs[kind]), place.natural)
    counts, scores = np.zeros((4, 4), dtype=int), np.zeros((4, 4))
    for example, found in zip(place.natural, judged, strict=True):
        assert example.label is not None
        assert found.label is not None
        counts[example.label.id, found.label.id] += 1
        scores[example.label.id] += [found.scores[s.value] for s in Stance]
    assert counts.sum() == 60, "picked sentences and composed news are left out"
    assert manifest.confusion == counts.tolist()
    assert np.array(manifest.mean_scores) == pytest.approx(scores / counts.sum(1, keepdims=True), abs=1e-6)


@pytest.mark.parametrize("kind", ["tfidf", "rules"])
@pytest.mark.parametrize("wanted", [0.8, 0.9])
def test_answers_kept_at_a_precision_have_it_on_dev(place: Place, kind: str, wanted: float) -> None:
    judged = answers(load_classifier(place.runs[kind], abstain_at=f"precision={wanted}"), place.dev)
    kept = [(p, e) for p, e in zip(judged, place.dev, strict=True) if not p.abstained]
    assert len(kept) >= 30
    assert np.mean([p.label is e.label for p, e in kept]) >= wanted


@pytest.mark.parametrize("kind", ["tfidf", "rules"])
def test_sets_cover_dev(place: Place, kind: str) -> None:
    sizes = []
    for coverage in (0.8, 0.9, 0.95):
        judged = answers(load_classifier(place.runs[kind], sets=coverage), place.dev)
        assert np.mean([e.label in (p.label_set or ()) for p, e in zip(judged, place.dev, strict=True)]) >= coverage
        assert all(p.label_set and p.label_set[0] is p.label for p in judged)
        sizes.append(np.mean([len(p.label_set or ()) for p in judged]))
    assert sizes == sorted(sizes)


def test_the_majority_floor_stores_nothing(place: Place) -> None:
    manifest = read_manifest(place.runs["majority"] / "artefact")
    assert (manifest.thresholds, manifest.scaling, manifest.confusion, manifest.mean_scores) == ({}, None, None, None)


def test_without_real_news_composed_news_stands_in(place: Place) -> None:
    composed = load_data(place.root / "data", None, ("dev",)).examples("dev")
    run = place.runs["tfidf"]
    manifest = calibrate(load_classifier(run), read_manifest(run / "artefact"), composed)
    assert manifest.confusion is not None
    assert sum(map(sum, manifest.confusion)) == len(composed) == 10
    assert not stored(manifest.thresholds, PRECISION), "ten sentences are too few for any"
    assert stored(manifest.thresholds, SET)[0.95] == 1.0
    with pytest.raises(IsnadError, match="expected labelled sentences in dev, found none"):
        calibrate(load_classifier(run), manifest, [])


# --- an artefact made before ----------------------------------------------------------------------


def outdated(place: Place, folder: Path) -> Path:
    """A copy of the TF-IDF artefact as it was written before it could hold any of this."""
    shutil.copytree(place.runs["tfidf"] / "artefact", folder)
    values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for name in ("scaling", "confusion", "mean_scores"):
        del values[name]
    (folder / MANIFEST).write_text(json.dumps({**values, "temperature": 7.5, "thresholds": {"abstain": 0.01}}))
    return folder


def recalibrate(place: Place, folder: Path) -> Any:
    words = [str(folder), "--data", str(place.root / "data"), "--corpora", str(place.root / "corpora")]
    return CliRunner().invoke(main, words)


def test_an_old_artefact_opens_and_the_command_brings_it_up_to_date(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = outdated(place, tmp_path / "old")
    assert read_manifest(old).scaling is None
    assert load_classifier(old).predict([NEWS])[0].label_set is None
    weights = (old / "model.safetensors").read_bytes()
    result = recalibrate(place, old)
    assert (result.exit_code, result.stdout) == (0, f"{old / MANIFEST}\n"), result.stderr
    fresh = read_manifest(place.runs["tfidf"] / "artefact")
    assert read_manifest(old) == fresh.model_copy(update={"thresholds": {"abstain": 0.01, **fresh.thresholds}})
    assert (old / "model.safetensors").read_bytes() == weights
    assert {p.name for p in old.iterdir()} == {MANIFEST, "model.safetensors", "features.json"}
    said = "\n".join(r.getMessage() for r in caplog.records)
    for words in ("temperature ", "scaling: ", "log loss, cross-validated", "precision 0.90: ", "precision 0.95: "):
        assert words in said
    assert all(f"label sets of coverage {c}: every label of at least 0." in said for c in ("0.80", "0.90", "0.95"))


def test_recalibrating_twice_changes_nothing(place: Place, tmp_path: Path) -> None:
    for kind in ("tfidf", "rules", "majority"):
        shutil.copytree(place.runs[kind], tmp_path / kind)
        before = (tmp_path / kind / "artefact" / MANIFEST).read_bytes()
        assert recalibrate(place, tmp_path / kind).exit_code == 0
        assert (tmp_path / kind / "artefact" / MANIFEST).read_bytes() == before


def test_what_cannot_be_recalibrated_is_one_line(place: Place, tmp_path: Path) -> None:
    assert recalibrate(place, tmp_path / "none").stderr.startswith("error: ")
    (tmp_path / "empty").mkdir()
    result = recalibrate(place, tmp_path / "empty")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "expected a run directory or an artefact folder with isnad.json" in result.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        {"scaling": {"scale": [1.0, 1.0, 1.0], "bias": [0.0] * 4}},
        {"scaling": {"scale": [1.0, 1.0, 1.0, float("nan")], "bias": [0.0] * 4}},
        {"scaling": {"scale": [1.0] * 4}},
        {"confusion": [[1, 2, 3, 4]]},
        {"mean_scores": [[0.5] * 4] * 3},
    ],
)
def test_a_manifest_of_another_shape_is_named(place: Place, tmp_path: Path, wrong: dict[str, Any]) -> None:
    old = outdated(place, tmp_path / "old")
    values = json.loads((old / MANIFEST).read_text(encoding="utf-8"))
    (old / MANIFEST).write_text(json.dumps(values | wrong))
    with pytest.raises(IsnadError, match=rf"{MANIFEST}: `{next(iter(wrong))}"):
        load_classifier(old)


# --- isnad label ----------------------------------------------------------------------------------


def label(place: Place, model: Path | str, *words: str) -> tuple[int, str, str]:
    """Exit code and output of `isnad label` on the invented article."""
    (place.root / "news.txt").write_text(NEWS, encoding="utf-8")
    run = python("-m", "isnad", "label", "news.txt", "--model", str(model), *words, cwd=place.root)
    assert "Traceback" not in run.stderr
    return run.returncode, run.stdout, run.stderr


def records(place: Place, model: Path | str, *words: str) -> list[dict[str, Any]]:
    code, out, err = label(place, model, "--format", "jsonl", *words)
    assert (code, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("kind", ["tfidf", "rules"])
def test_abstain_at_a_precision_marks_what_lies_below_and_keeps_the_label(place: Place, kind: str) -> None:
    thresholds = stored(read_manifest(place.runs[kind] / "artefact").thresholds, PRECISION)
    plain = records(place, place.runs[kind])
    found = records(place, place.runs[kind], "--abstain-at", "precision=.805")
    assert [r["label"] for r in found] == [r["label"] for r in plain]
    assert [r["abstained"] for r in found] == [r["label"] is not None and r["score"] < thresholds[0.81] for r in found]
    assert not any(r["abstained"] for r in plain)


def test_abstain_at_a_score_needs_no_threshold_of_the_model(place: Place) -> None:
    for model in ("rules", place.runs["majority"], place.runs["tfidf"]):
        cut = sorted(r["score"] for r in records(place, model))[-1]
        found = records(place, model, "--abstain-at", f"score={cut}")
        assert [r["abstained"] for r in found] == [r["label"] is not None and r["score"] < cut for r in found]
    code, out, _ = label(place, "rules", "--abstain-at", "score=1")
    assert (code, out.count("undecided (")) == (0, 4)


def test_the_threshold_of_the_artefact_is_in_force_until_another_is_asked_for(place: Place, tmp_path: Path) -> None:
    folder = outdated(place, tmp_path / "old")
    values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**values, "thresholds": {"abstain": 1.0}}))
    assert [r["abstained"] for r in records(place, folder)] == [True] * 4 + [False], "a byline has no answer to doubt"
    assert not any(r["abstained"] for r in records(place, folder, "--abstain-at", "score=0"))


def test_a_precision_that_was_not_reached_is_refused_by_name(place: Place, tmp_path: Path) -> None:
    highest = max(stored(read_manifest(place.runs["rules"] / "artefact").thresholds, PRECISION))
    code, out, err = label(place, place.runs["rules"], "--abstain-at", "precision=1")
    assert (code, out) == (1, "")
    assert (
        f"error: expected a precision of at most {highest:.2f}, the highest that 'rules' reaches on dev, found 1" in err
    )
    for model in ("rules", outdated(place, tmp_path / "old"), place.runs["majority"]):
        code, out, err = label(place, model, "--abstain-at", "precision=.9")
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "expected a model with thresholds for a precision, found none in" in err
        assert "`python -m train.calibration RUN`" in err


def test_malformed_is_misuse(place: Place) -> None:
    for words in (("--abstain-at", "precision=95"), ("--sets", "most")):
        code, out, err = label(place, place.runs["tfidf"], *words)
        assert (code, out) == (2, ""), words
        assert f"Invalid value for {words[0]}" in err.replace("'", "")


@pytest.mark.parametrize("kind", ["tfidf", "rules"])
def test_sets_stand_in_every_record_that_has_a_label(place: Place, kind: str) -> None:
    quantile = stored(read_manifest(place.runs[kind] / "artefact").thresholds, SET)[0.95]
    for r in records(place, place.runs[kind], "--sets", ".95"):
        if r["label"] is None:
            assert r["label_set"] is None
            continue
        assert r["label_set"][0] == r["label"]
        assert set(r["label_set"]) == {r["label"]} | {s for s, p in r["scores"].items() if 1 - p <= quantile}
    assert all(r["label_set"] is None for r in records(place, place.runs[kind]))


def test_only_stored_coverages_are_there(place: Place) -> None:
    code, out, err = label(place, place.runs["tfidf"], "--sets", ".85")
    assert (code, out) == (1, "")
    assert "expected a coverage that 'tfidf' stores (0.80, 0.90, 0.95), found 0.85" in err
    assert "expected a model with label sets, found none in 'rules'" in label(place, "rules", "--sets", ".9")[2]


def test_the_table_names_the_other_labels_of_a_set() -> None:
    sure = Prediction(Stance.DENY, 0.9, {}, label_set=(Stance.DENY,))
    unsure = Prediction(Stance.ASSERT, 0.5, {}, label_set=(Stance.ASSERT, Stance.ATTRIBUTE, Stance.SPECULATE))
    article = label_article(NEWS, classifier=Fixed([sure, unsure, sure, unsure]))
    head, _, *rows, _, counts = render_table(article).splitlines()
    assert head.split() == ["#", "stance", "conf.", "or", "sentence", "cue", "source"]
    assert ["attribute, speculate" in row for row in rows] == [False, True, False, True, False]
    assert rows[1][head.index("or") :].startswith("attribute, speculate  ")
    assert "more than one possible 2 of these" in counts


class Fixed:
    """A classifier that says what it was told."""

    name = "fixed"

    def __init__(self, told: list[Prediction]) -> None:
        self.told = told

    def predict(self, sentences: Any, **_: Any) -> list[Prediction]:
        assert len(sentences) == len(self.told)
        return self.told


def test_the_api_takes_both(place: Place) -> None:
    classifier = load_classifier(place.runs["tfidf"], abstain_at="score=1", sets=0.9)
    spoken = [s for s in label_article(NEWS, classifier=classifier).sentences if s.label]
    assert all(s.abstained and s.label_set and s.label_set[0] is s.label for s in spoken)
    with pytest.raises(IsnadError, match="expected precision=P or score=S"):
        load_classifier("rules", abstain_at="precision")
