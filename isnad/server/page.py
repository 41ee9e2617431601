"""The page at `/` and what its script asks for: fragments of HTML, one a labelled article."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated

from fastapi import Body, Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape
from pydantic import BaseModel, ConfigDict, Field

from isnad import page
from isnad.articles import Article
from isnad.predictions import LabelledArticle
from isnad.server.problems import Refusal
from isnad.server.requests import demand_json
from isnad.server.uploads import read_upload, read_url

if TYPE_CHECKING:
    from isnad.server.app import Engine


NOTES = 5
"""Records that could not be read, named above the articles; the rest are counted."""


class PageRequest(BaseModel):
    """What is in the boxes of the page: a text with or without a title, or a web address."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field("", max_length=10_000_000)
    title: str = Field("", max_length=1000)
    url: str = Field("", max_length=2000)


def add_page(app: FastAPI, engine: Engine) -> None:
    """Add the page's routes to `app`; they serve the page alone and stand not in the API's description."""
    settings = engine.settings
    index, policy = _index(settings.language, settings.fetch)

    @app.get("/", include_in_schema=False)
    async def show() -> HTMLResponse:
        return HTMLResponse(index, headers={"Content-Security-Policy": policy})

    @app.post("/page", include_in_schema=False, dependencies=[Depends(demand_json)])
    async def label_text(body: Annotated[PageRequest, Body()]) -> HTMLResponse:
        if not body.url:
            return await _fragment(engine, [Article("text", body.text, body.title.strip() or None)])
        if not settings.fetch:
            raise Refusal("not_switched_on", "expected a text or a file, found an address; start with --fetch")
        return await _fragment(engine, *await engine.run(read_url, body.url.strip(), settings.limits))

    @app.post("/page/file", include_in_schema=False)
    async def label_file(request: Request, name: Annotated[str, Query(max_length=500)] = "") -> HTMLResponse:
        if request.headers.get("content-type") != "application/octet-stream":
            raise Refusal("not_json", "expected the header Content-Type: application/octet-stream, found another")
        return await _fragment(engine, *await engine.run(read_upload, await request.body(), name))


async def _fragment(engine: Engine, articles: Sequence[Article], failures: Sequence[str] = ()) -> HTMLResponse:
    answers = await engine.label(articles)
    found = [(given, answer) for given, answer in zip(articles, answers, strict=True) if answer.sentences]
    if not found:
        raise Refusal("unreadable", "expected an article, found no sentence in it; paste the text itself")
    mute = [f"{given.doc_id}: no sentence in it" for given, a in zip(articles, answers, strict=True) if not a.sentences]
    return HTMLResponse(await engine.run(_html, found, [*failures, *mute], engine.settings.language))


def _html(found: Sequence[tuple[Article, LabelledArticle]], failures: Sequence[str], language: str) -> str:
    shown = list(failures[:NOTES]) + ([f"{len(failures) - NOTES} more"] if len(failures) > NOTES else [])
    notes = [f'<p class="note" dir="auto">{escape(failure)}</p>' for failure in shown]
    parts = [
        page.render_article(answer, key=f"a{n}", language=language, about=given)
        for n, (given, answer) in enumerate(found, 1)
    ]
    return "\n".join([*notes, *parts])


def _index(language: str, fetch: bool) -> tuple[str, str]:
    """The page as it opens, and its content security policy: its script speaks to this server alone."""
    style, script = _asset("serve.css"), _asset("serve.js")
    values = page.context([], language=language)
    values |= {"fetch": fetch, "serve_style": Markup(style), "serve_script": Markup(script)}
    policy = page.content_security_policy([page.style(), style], [page.script(), script])
    html = page.environment().get_template("serve.html.jinja").render(**values)
    return html, f"{policy}; connect-src 'self'; frame-ancestors 'none'"


def _asset(name: str) -> str:
    return files("isnad").joinpath("templates", name).read_text(encoding="utf-8")
