"""One server process: bind, print the address, answer until SIGTERM or Ctrl-C, finish what runs."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from isnad.errors import IsnadError
from isnad.predictions import Classifier
from isnad.server.app import create_app
from isnad.server.protocol import PatientProtocol
from isnad.server.settings import Limits, Settings

KEEP_ALIVE = 5
"""Seconds that an idle connection stays open."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on `host` and `port` (0: a free one). Raises IsnadError where that cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        found = error.strerror or error
        raise IsnadError(f"expected a host of this machine, found {host!r}: {found}; check --host") from error
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        bound.listen(1024)
    except OSError as error:
        bound.close()
        raise _refused(error, host, port) from error
    return bound


def _refused(error: OSError, host: str, port: int) -> IsnadError:
    if error.errno == errno.EADDRINUSE:
        return IsnadError(f"expected a free port, found {port} in use; name another with --port, or --port 0 for any")
    if error.errno == errno.EACCES:
        return IsnadError(f"expected a port that you may use, found {port}; name one above 1023 with --port")
    return IsnadError(f"expected an address of this machine, found {host!r}: {error.strerror}; check --host")


def address_of(bound: socket.socket) -> str:
    """The web address of a listening socket; one that listens on every address is named by the local one."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def run(classifier: Classifier, settings: Settings, bound: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve on `bound` until SIGTERM or SIGINT; requests that run then are answered before this returns.

    `ready` is called with the address once connections are taken.
    """
    server = _Server(_config(create_app(classifier, settings), settings.limits), lambda: ready(address_of(bound)))
    for sign in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises the signal again when it is done
        signal.signal(sign, lambda *_: None)
    server.run([bound])


class _Server(uvicorn.Server):
    """uvicorn, which says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        await super().startup(sockets)
        self._ready()


def _config(app: FastAPI, limits: Limits) -> uvicorn.Config:
    protocol = type("Protocol", (PatientProtocol,), {"patience": limits.patience})
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="critical",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(limits.seconds + limits.patience),
    )
