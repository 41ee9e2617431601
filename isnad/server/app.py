"""The application: `GET /`, `POST /label`, `GET /health`, `/openapi.json`, and what the page's script asks for.

FastAPI's documentation pages load scripts from a content delivery network, which the content security policy
refuses; they are switched off, and `/openapi.json` is what tools read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Body, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from isnad import __version__
from isnad.articles import Article
from isnad.predictions import Classifier, LabelledArticle
from isnad.server.batching import Batcher
from isnad.server.guard import Guard
from isnad.server.labelling import as_json, count_sentences, has_failed, labeller
from isnad.server.page import add_page
from isnad.server.problems import Refusal, of_status, of_validation
from isnad.server.requests import demand_json
from isnad.server.schema import ArticleIn, ArticleOut, ArticlesIn, ArticlesOut, ErrorOut, Health, LabelRequest
from isnad.server.settings import Settings

T = TypeVar("T")
THREADS = 8
"""Requests whose text is being fetched, read, split or rendered at one time."""
ABOUT = """Stance of Arabic news sentences: asserted, denied, attributed or left open.

Offsets count Unicode code points of the text that was sent. Nothing of a request is written to disk or logged."""

_WHEN = {
    400: "The Host header names no host of this server, or the body is broken.",
    403: "The request comes from a page of another site.",
    408: "The body came too slowly.",
    413: "The body, or the number of its sentences, is over the limit.",
    415: "The body is not declared as application/json.",
    422: "The body does not fit the schema.",
    500: "The server failed.",
    503: "Too many requests at once; Retry-After says when to come again.",
    504: "The model took longer than a request may take.",
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorOut, "description": when} for status, when in _WHEN.items()
}


class Engine:
    """What every request of one server shares: the settings, the batcher, the clock."""

    def __init__(self, classifier: Classifier, settings: Settings) -> None:
        self.name, self.settings = classifier.name, settings
        self.batcher = Batcher(labeller(classifier), batch=settings.limits.batch, gather=settings.limits.gather)
        self.began = time.monotonic()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="isnad-request")

    async def run(self, work: Callable[..., T], *given: Any) -> T:
        """`work(*given)` in one of `THREADS` threads; a client that leaves does not free a thread that still runs."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)

    async def close(self) -> None:
        """Finish what waits for the model, and take nothing more."""
        await self.batcher.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def label(self, articles: Sequence[Article]) -> list[LabelledArticle]:
        """The labelled articles, in order. Raises Refusal for too many sentences, and where the model fails on all."""
        size = await self.run(count_sentences, articles, self.settings.limits)
        answers = await self.batcher.label(articles, size)
        if any(map(has_failed, answers)) and not any(a.sentences and not has_failed(a) for a in answers):
            raise Refusal("failed", "expected an answer of the model, found that it fails on this text; report it")
        return answers


def create_app(classifier: Classifier, settings: Settings | None = None) -> FastAPI:
    """The ASGI application that labels with `classifier`."""
    engine = Engine(classifier, settings or Settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        engine.batcher.start()
        yield
        await engine.close()

    app = FastAPI(
        title="isnad", version=__version__, description=ABOUT, docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.add_middleware(Guard, settings=engine.settings)
    _add_refusals(app)
    _add_api(app, engine)
    add_page(app, engine)
    return app


def _add_api(app: FastAPI, engine: Engine) -> None:
    @app.post(
        "/label", response_model=ArticleOut | ArticlesOut, responses=REFUSALS, dependencies=[Depends(demand_json)]
    )
    async def label(body: Annotated[LabelRequest, Body()]) -> JSONResponse:
        """Label every sentence of one article, or of several at once.

        One article is answered by one, `{"articles": […]}` by `{"articles": […]}` in the same order.
        """
        given = body.articles if isinstance(body, ArticlesIn) else [body]
        answers = await engine.label([_article(a, n) for n, a in enumerate(given, 1)])
        found = [as_json(answer, a.doc_id) for answer, a in zip(answers, given, strict=True)]
        return JSONResponse({"articles": found} if isinstance(body, ArticlesIn) else found[0])

    @app.get("/health")
    async def health(request: Request) -> Health:
        """How the server does, and what it runs."""
        batcher = engine.batcher
        return Health(
            status="ok",
            model=engine.name,
            version=__version__,
            uptime=round(time.monotonic() - engine.began, 3),
            requests=request.scope["state"]["guard"].requests,
            waiting=batcher.waiting,
            labelled=batcher.labelled,
        )


def _article(given: ArticleIn, number: int) -> Article:
    return Article(given.doc_id or str(number), given.text, given.title)


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> JSONResponse:
        return error.response()

    @app.exception_handler(HTTPException)
    async def by_framework(_: Request, error: HTTPException) -> JSONResponse:
        return of_status(error.status_code, str(error.detail), error.headers).response()

    @app.exception_handler(RequestValidationError)
    async def not_valid(_: Request, error: RequestValidationError) -> JSONResponse:
        return of_validation(list(error.errors())).response()
