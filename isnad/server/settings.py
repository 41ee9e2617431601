"""What a server allows, and who may ask it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import ip_address

MAX_ARTICLES = 100
"""Articles a request or a file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one server; what passes one of them is refused before the model sees it."""

    body: int = 2 * 1024 * 1024
    """Bytes of a request's body."""
    sentences: int = 2000
    """Sentences a request, those without a proposition included."""
    requests: int = 128
    """POST requests at once, waiting ones included; one more is answered 503."""
    seconds: float = 30.0
    """From a whole request to its answer; then 504."""
    patience: float = 20.0
    """Seconds that a client may take to send a request's head, to send its body, and to go on reading an answer."""
    batch: int = 256
    """Sentences from which on no further waiting request joins a run of the model; 1 runs each request alone."""
    gather: float = 0.002
    """Seconds that a request waits for others to join its run when the model is idle."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server answers. `names` are the host names it may be called by beside localhost and IP addresses."""

    names: Collection[str] = ()
    language: str = "en"
    fetch: bool = False
    """Whether the page may name a web address for the server to fetch."""
    limits: Limits = field(default_factory=Limits)

    def is_called(self, host: str) -> bool:
        """Whether a Host header may say `host` (with or without a port).

        A page of a foreign site whose name was turned to this address (DNS rebinding) says its own name, so names
        must be known; a bare IP address cannot be rebound.
        """
        name = bare(host)
        return bool(name) and (name == "localhost" or name in {bare(n) for n in self.names} or _is_address(name))


def bare(host: str) -> str:
    """`host` without port, brackets and closing dot, in lower case: "[::1]:80" is "::1"."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    name = host if host.count(":") > 1 else host.partition(":")[0]  # an IPv6 address has no port without brackets
    return name.rstrip(".").lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
