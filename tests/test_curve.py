"""The learning curve on the newsroom: nested shares, dev alone, resumed, drawn."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import Newsroom

import train.curve
from isnad.examples import load_data
from train.curve import Point, forecast, main, subset


def ready(newsroom: Newsroom) -> None:
    newsroom.write()
    Path("rules.yaml").write_text("kind: rules\n", encoding="utf-8")
    Path("grams.yaml").write_text("kind: tfidf\nmin_count: 1\ngrid_c: [1.0]\n", encoding="utf-8")


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["rules.yaml", "grams.yaml", "--sizes", "0.3,0.6,1", "--seeds", "2", *words])


def test_larger_shares_hold_the_smaller_ones_and_whole_articles(newsroom: Newsroom) -> None:
    examples = load_data(newsroom.write().data, newsroom.corpora).examples("train")
    small, large = ({e.reference for e in subset(examples, share, 3)} for share in (0.3, 0.7))
    assert small < large
    by_article = {(e.corpus, e.doc_id): 0 for e in examples}
    for e in subset(examples, 0.5, 3):
        by_article[e.corpus, e.doc_id] += 1
    whole = {key: sum((e.corpus, e.doc_id) == key for e in examples) for key in by_article}
    assert all(n in (0, whole[key]) for key, n in by_article.items())
    assert {e.reference for e in subset(examples, 1.0, 3)} == {e.reference for e in examples}
    assert small != {e.reference for e in subset(examples, 0.3, 4)}, "every seed draws its own"


def test_a_curve_is_written_and_goes_on_where_it_was(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(newsroom)
    first = run()
    assert first.exit_code == 0, first.output
    points = json.loads(Path("runs/curve/curve.json").read_text())
    assert len(points) == 2 * 3 * 2
    assert len({p["sentences"] for p in points if p["seed"] == 13}) == 3
    assert Path("runs/curve/curve.md").read_text() == first.stdout
    assert "mean and range over 2 seeds" in first.stdout
    words = " ".join(ET.parse("runs/curve/curve.svg").getroot().itertext())
    assert all(word in words for word in ("training sentences", "rules", "grams"))
    assert not Path("runs/curve/work").exists()
    monkeypatch.setattr(train.curve, "measure", lambda *_: pytest.fail("trained again"))
    assert run().stdout == first.stdout


def test_the_forecast_follows_a_law_that_is_known() -> None:
    """Points on .9 - 2·n^(-.4): from 8,000 to 9,000 the law gains 2·(8000^-.4 - 9000^-.4)."""
    sizes = (1000, 2000, 4000, 8000)
    points = [Point("x", n / 8000, s, n, 0.9 - 2 * n**-0.4) for n in sizes for s in (1, 2)]
    told = forecast(points)
    assert told is not None
    assert told.gain == pytest.approx(2 * (8000**-0.4 - 9000**-0.4), rel=0.02)
    assert told.low <= told.gain <= told.high or np.isclose(told.low, told.gain)
    assert forecast(points[:2]) is None, "one size says nothing of the next"


@pytest.mark.parametrize("sizes", ["", "0,1", "0.5,2", "half"])
def test_shares_must_be_shares(newsroom: Newsroom, sizes: str) -> None:
    ready(newsroom)
    result = CliRunner().invoke(main, ["rules.yaml", "--sizes", sizes])
    assert result.exit_code == 2
    assert "expected shares between 0 and 1" in result.output
