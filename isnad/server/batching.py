"""Waiting requests share runs of the model: one thread takes what waits and labels it in one call."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from isnad.articles import Article
from isnad.predictions import LabelledArticle

Label = Callable[[Sequence[Article]], list[LabelledArticle]]
"""Labels articles, one answer an article, in order."""


@dataclass(frozen=True, slots=True)
class _Job:
    """The articles of one request, their size in sentences, and where the answer goes."""

    articles: Sequence[Article]
    size: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[list[LabelledArticle]]

    def settle(self, answer: list[LabelledArticle] | Exception) -> None:
        def put() -> None:
            if self.future.done():
                return
            if isinstance(answer, Exception):
                self.future.set_exception(answer)
            else:
                self.future.set_result(answer)

        self.loop.call_soon_threadsafe(put)


class Batcher:
    """Runs `label` in a thread of its own over all that waits, up to `batch` sentences a run.

    A request that finds the thread idle waits `gather` seconds for company; one that finds it busy joins the next
    run. A request is never split, so one that is larger than `batch` runs alone.
    """

    def __init__(self, label: Label, *, batch: int, gather: float) -> None:
        self._label, self._batch, self._gather = label, batch, gather
        self._waiting: deque[_Job] = deque()
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="isnad-model", daemon=True)
        self.runs = 0
        """Runs of the model so far."""
        self.labelled = 0
        """Articles labelled so far."""

    @property
    def waiting(self) -> int:
        """Articles that no run has taken yet."""
        with self._change:
            return sum(len(job.articles) for job in self._waiting)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    async def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._change:
            self._closed = True
            self._change.notify()
        await asyncio.to_thread(self._thread.join)

    async def label(self, articles: Sequence[Article], size: int) -> list[LabelledArticle]:
        """The labelled `articles`; when the caller is cancelled while they wait, they are never run."""
        loop = asyncio.get_running_loop()
        job = _Job(articles, size, loop, loop.create_future())
        with self._change:
            self._waiting.append(job)
            self._change.notify()
        return await job.future

    def _work(self) -> None:
        while jobs := self._next():
            self._run(jobs)

    def _next(self) -> list[_Job]:
        """The jobs of the next run; none once the batcher is closed and nothing waits."""
        with self._change:
            while True:
                idle = not self._waiting
                self._change.wait_for(lambda: self._waiting or self._closed)
                if idle and self._batch > 1 and not self._closed:
                    self._change.wait_for(self._is_full, self._gather)
                taken = self._take()
                if taken or (self._closed and not self._waiting):
                    return taken

    def _is_full(self) -> bool:
        return self._closed or sum(job.size for job in self._waiting) >= self._batch

    def _take(self) -> list[_Job]:
        taken: list[_Job] = []
        size = 0
        while self._waiting and (not taken or size + self._waiting[0].size <= self._batch):
            job = self._waiting.popleft()
            if not job.future.cancelled():
                taken.append(job)
                size += job.size
        return taken

    def _run(self, jobs: Sequence[_Job]) -> None:
        """Label the jobs together; where that fails each alone, so that one bad request spoils no other."""
        try:
            answers = self._label([article for job in jobs for article in job.articles])
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].settle(error)
                return
            for job in jobs:
                self._run([job])
            return
        self.runs += 1
        self.labelled += len(answers)
        rest = iter(answers)
        for job in jobs:
            job.settle([next(rest) for _ in job.articles])
