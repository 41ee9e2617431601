"""The JSON that `POST /label` takes and gives, as OpenAPI shows it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from isnad.labels import Stance
from isnad.server.settings import MAX_ARTICLES

_SPAN = {"start": 0, "end": 4, "text": "ونفى"}
_SCORES = {"assert": 0.002, "deny": 0.99, "attribute": 0.006, "speculate": 0.002}
_ONE: dict[str, Any] = {"title": "جسر جديد", "text": "افتُتح الجسر صباح أمس. ونفى المقاول إصابة أي عامل."}
_MANY: dict[str, Any] = {
    "articles": [{"doc_id": "a", "text": "قد ترتفع الرسوم."}, {"doc_id": "b", "text": "قال الوزير إن السد آمن."}]
}


class ArticleIn(BaseModel):
    """An article to label."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [_ONE]})

    text: str = Field(min_length=1, description="The raw text; offsets in the answer count its characters.")
    title: str | None = Field(None, description="Its headline: context for the model, not labelled itself.")
    doc_id: str | None = Field(None, description="A name of your own; it stands in the answer again.")


class ArticlesIn(BaseModel):
    """Several articles to label in one request."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [_MANY]})

    articles: list[ArticleIn] = Field(min_length=1, max_length=MAX_ARTICLES)


def _kind(body: Any) -> str:
    return "many" if isinstance(body, ArticlesIn) or (isinstance(body, dict) and "articles" in body) else "one"


LabelRequest = Annotated[
    Annotated[ArticleIn, Tag("one")] | Annotated[ArticlesIn, Tag("many")],
    Discriminator(_kind),
]
"""One article, or `{"articles": […]}`."""


class SpanOut(BaseModel):
    """Half-open range of characters `[start, end)` of the article's text, and its words."""

    start: int
    end: int
    text: str


class SentenceOut(BaseModel):
    """A sentence with its answer: `article[start:end] == text`, counted in Unicode code points."""

    text: str
    start: int
    end: int
    label: Stance | None = Field(description="The stance; null where there is no proposition or no Arabic.")
    score: float = Field(ge=0, le=1, description="Calibrated probability of `label`; 0 where it is null.")
    scores: dict[str, float] = Field(description="Probability of every stance.", examples=[_SCORES])
    abstained: bool = Field(description="Whether the answer is less sure than the server's threshold.")
    attributed: bool | None = Field(description="Whether the proposition is handed to a source; null if unknown.")
    cue: SpanOut | None = Field(description="The words that decided.", examples=[_SPAN])
    source: SpanOut | None = Field(description="The source that is named.")
    warnings: list[str] = Field(description="no_proposition, not_arabic, nothing_left, cut, failed.")
    label_set: list[Stance] | None = Field(description="The labels that stay possible, where the server gives sets.")


class ArticleOut(BaseModel):
    """A labelled article."""

    doc_id: str | None
    title: str | None
    model: str = Field(description="Name of the classifier.")
    counts: dict[str, int] = Field(description="Sentences by stance; those without a label are not counted.")
    sentences: list[SentenceOut]


class ArticlesOut(BaseModel):
    """The labelled articles, in the order of the request."""

    articles: list[ArticleOut]


class Problem(BaseModel):
    """What is wrong with a request."""

    code: str = Field(description="For programs.", examples=["too_large"])
    message: str = Field(description="For people: what was expected, what was found, what to do.")


class ErrorOut(BaseModel):
    """Every refusal has this shape."""

    error: Problem


class Health(BaseModel):
    """How the server does."""

    status: str = Field(examples=["ok"])
    model: str
    version: str
    uptime: float = Field(description="Seconds since the start.")
    requests: int = Field(description="POST requests at this moment, waiting ones included.")
    waiting: int = Field(description="Articles that wait for the model.")
    labelled: int = Field(description="Articles labelled since the start.")
