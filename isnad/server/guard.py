"""What stands before the application: who may ask, how much, how long, and the headers of every answer."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isnad.server.problems import Refusal
from isnad.server.settings import Limits, Settings

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer; the page brings a content security policy of its own."""


class Guard:
    """ASGI middleware: refuses before the body is read where it can, and reads no more of it than is allowed.

    A request whose client goes away is cancelled. What fails inside is answered 500 and logged by the type and
    place of the error alone: its message could hold the text of an article.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send, self._release)
        scope.setdefault("state", {})["guard"] = self
        try:
            self._admit(scope)
            if scope["method"] == "POST":
                await self._post(scope, receive, answer)
            else:
                await self.app(scope, receive, answer)
        except Refusal as refusal:
            await refusal.response()(scope, receive, answer)
        except Exception as error:
            _log(error)
            if answer.begun:
                raise ConnectionAbortedError("an answer broke off") from None
            problem = Refusal("failed", "expected an answer, found an error in the server; its log names the place")
            await problem.response()(scope, receive, answer)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self.settings.is_called(host):
            raise Refusal("bad_host", "expected a host name of this server, found another; start it with --allow-host")
        origin = headers.get("origin")
        if scope["method"] == "POST" and origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise Refusal("foreign_origin", "expected a request of this server's own page, found one of another site")

    async def _post(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        limits = self.settings.limits
        if self.requests >= limits.requests:
            busy = f"expected at most {limits.requests} requests at once, found more; try again in a second"
            raise Refusal("busy", busy, headers={"Retry-After": "1", "Connection": "close"})
        self.requests += 1
        answer.held = 1
        try:
            body = await read_body(Headers(scope=scope), receive, limits)
            if body is not None:
                await self._answered(scope, body, receive, answer)
        finally:
            self._release(answer)

    def _release(self, answer: _Answer) -> None:
        """Give the place of a request back, once."""
        self.requests -= answer.held
        answer.held = 0

    async def _answered(self, scope: Scope, body: bytes, receive: Receive, answer: Send) -> None:
        """Run the application on a body that is here; give up on the way when the client leaves or time is over."""
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Message:
            return next(given, None) or await asyncio.get_running_loop().create_future()

        async def run() -> None:
            await self.app(scope, replay, answer)

        work = asyncio.create_task(run())
        left = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({work, left}, timeout=self.settings.limits.seconds, return_when="FIRST_COMPLETED")
            if work.done():
                work.result()
            elif not left.done():
                seconds = f"{self.settings.limits.seconds:g}"
                raise Refusal("timeout", f"expected to be done in {seconds} s, found more work; send fewer sentences")
        finally:
            for task in (work, left):
                task.cancel()
            await asyncio.gather(work, left, return_exceptions=True)


async def read_body(headers: Headers, receive: Receive, limits: Limits) -> bytes | None:
    """The whole body; None when the client left. Raises Refusal where it is too large or too slow."""
    large = f"expected at most {limits.body / 1024**2:g} MB, found more; send the articles in several requests"
    refusal = Refusal("too_large", large, headers={"Connection": "close"})
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limits.body:
        raise refusal
    body = bytearray()
    try:
        async with asyncio.timeout(limits.patience):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                if len(body) > limits.body:
                    raise refusal
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        slow = f"expected the whole request within {limits.patience:g} s, found less; send it faster or in parts"
        raise Refusal("too_slow", slow, headers={"Connection": "close"}) from None


class _Answer:
    """`send` that adds the headers, remembers whether an answer has begun, and then gives the request's place back."""

    def __init__(self, send: Send, release: Callable[[_Answer], None]) -> None:
        self._send, self._release = send, release
        self.begun = False
        self.held = 0
        """Places among the requests at once that this one holds."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            self._release(self)
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _log(error: Exception) -> None:
    frames: list[Any] = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    print(f"error: {type(error).__name__} at {place}", file=sys.stderr, flush=True)
