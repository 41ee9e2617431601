"""Fetching one page by its http(s) address, within a time and a size, and on demand from public addresses only.

The address that is checked is the one that is connected to, on every hop of a redirection: a name that resolves to
something else the second time gains nothing.

>>> is_public("93.184.216.34"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
(True, False, False)
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from isnad.errors import IsnadError
from isnad.readers.article import MAX_BYTES

TIMEOUT = 20.0
HOPS = 5
"""Redirections that are followed."""
ADDRESSES = 4
"""Of one host, how many are tried."""

_AGENT = "isnad (reader of Arabic news; one page at a time)"
_REDIRECTS = (301, 302, 303, 307, 308)
_NO_TEXT = ("image/", "audio/", "video/", "font/", "application/pdf", "application/zip")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SAFE = "/:?#[]@!$&'()*+,;=%~-._"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered with: the address after redirections, the bytes, and what HTTP says of them."""

    url: str
    data: bytes
    media_type: str
    charset: str | None


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; IPv4 inside IPv6 (mapped, 6to4, NAT64) is looked into."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.teredo is not None:
            return False
    closed = ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_reserved or ip.is_multicast
    return ip.is_global and not closed and not ip.is_unspecified


def fetch(url: str, *, allow_private: bool = True, timeout: float = TIMEOUT, limit: int = MAX_BYTES) -> Fetched:
    """The body of the answer to a GET of `url`, at most `limit` bytes, within `timeout` seconds for all hops.

    Looking up a host name is not counted: that is the resolver's own time.

    With `allow_private=False` every hop must resolve to public addresses alone, and no proxy is used. Raises
    IsnadError in one sentence for everything that goes wrong.
    """
    deadline = time.monotonic() + timeout
    here = url
    for _ in range(HOPS + 1):
        parts = _checked(here, url)
        with _sentences(url, here, timeout, deadline) as watch:
            connection = _connection(parts, allow_private, url, deadline)
            answer = _asked(connection, parts, watch, deadline)
            try:
                if answer.status not in _REDIRECTS:
                    return _fetched(answer, here, url, limit)
                there = _location(answer, url)
            finally:
                connection.close()
        here = urljoin(here, there)
    raise IsnadError(f"expected a page, found more than {HOPS} redirections; give the last address itself", path=url)


def _checked(here: str, url: str) -> SplitResult:
    """The parts of an address; raises IsnadError for one that is not http(s) with a host, or holds a password."""
    try:
        parts = urlsplit(here)
        _ = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:  # UnicodeError of idna is one
        raise IsnadError(
            f"expected an address like https://host/page, found {here[:200]} ({error})", path=url
        ) from None
    if parts.scheme not in ("http", "https") or not host:
        raise IsnadError(f"expected an http(s) address, found {here[:200]}", path=url)
    if parts.username is not None or parts.password is not None:
        raise IsnadError("expected an address without user name and password; remove them", path=url)
    netloc = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=netloc + (f":{parts.port}" if parts.port else ""))


class _Watch:
    """Shuts the socket when the time is over, so that no slow answer outlasts it."""

    def __init__(self, seconds: float) -> None:
        self.late = threading.Event()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(max(seconds, 0), self._shut)
        self._timer.daemon = True
        self._timer.start()

    def over(self, connected: socket.socket) -> None:
        """Watch this socket."""
        self._socket = connected
        if self.late.is_set():
            self._shut()

    def _shut(self) -> None:
        self.late.set()
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def cancel(self) -> None:
        """Stop watching."""
        self._timer.cancel()


class _Plain(http.client.HTTPConnection):
    """HTTP to one of `addresses`, which were resolved before."""

    addresses: tuple[str, ...] = ()
    context: ssl.SSLContext | None = None
    watch: _Watch | None = None

    def connect(self) -> None:
        """Connect to the first address that answers; with `context`, speak TLS under the name of the host."""
        if not self.addresses:  # by a proxy, which resolves the name
            super().connect()
        else:
            self.sock = self._connected()
        if self.context is not None:
            host = getattr(self, "_tunnel_host", None) or self.host
            self.sock = self.context.wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
        if self.watch is not None:
            self.watch.over(self.sock)
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()

    def _connected(self) -> socket.socket:
        deadline = time.monotonic() + float(self.timeout or 0)
        trouble = OSError("no address")
        for address in self.addresses[:ADDRESSES]:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                return socket.create_connection((address, self.port), left)
            except OSError as error:
                trouble = error
        raise trouble


def _connection(parts: SplitResult, allow_private: bool, url: str, deadline: float) -> _Plain:
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    left = max(deadline - time.monotonic(), 0.001)
    proxy = getproxies().get(parts.scheme) if allow_private and not proxy_bypass(host) else None
    if proxy:
        by = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        connection = _Plain(by.hostname or "", by.port or 80, timeout=left)
        if secure:
            connection.set_tunnel(host, port)
    else:
        connection = _Plain(host, port, timeout=left)
        connection.addresses = _resolved(host, port, allow_private, url)
    connection.context = ssl.create_default_context() if secure else None
    return connection


def _resolved(host: str, port: int, allow_private: bool, url: str) -> tuple[str, ...]:
    """The addresses of a host, in the resolver's order; raises IsnadError where one of them is not allowed."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not allow_private and not is_public(address):
            raise IsnadError(
                f"expected a public address, found {host}, which is {address}; save the page and give the file",
                path=url,
            )
    return addresses


def _asked(connection: _Plain, parts: SplitResult, watch: _Watch, deadline: float) -> http.client.HTTPResponse:
    path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    proxied = not connection.addresses and parts.scheme == "http"
    target = f"http://{parts.netloc}{path}" if proxied else path
    connection.watch = watch
    connection.timeout = max(deadline - time.monotonic(), 0.001)
    headers = {"User-Agent": _AGENT, "Accept": "text/html, */*;q=.5", "Accept-Encoding": "identity"}
    connection.request("GET", target, headers={"Host": parts.netloc, "Connection": "close", **headers})
    return connection.getresponse()


def _location(answer: http.client.HTTPResponse, url: str) -> str:
    there = answer.getheader("Location")
    if not there:
        raise IsnadError(f"expected a page, found a redirection ({answer.status}) to nowhere", path=url)
    try:
        return there.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return there


def _fetched(answer: http.client.HTTPResponse, here: str, url: str, limit: int) -> Fetched:
    if answer.status != 200:
        reason = f" ({answer.reason})" if answer.reason else ""
        raise IsnadError(f"expected a page, found the answer {answer.status}{reason}; check the address", path=url)
    media_type = answer.headers.get_content_type()
    if media_type.startswith(_NO_TEXT):
        raise IsnadError(f"expected a web page or text, found {media_type}", path=url)
    data = answer.read(limit + 1)
    if len(data) <= limit and answer.length:
        raise IsnadError(f"expected the whole page, found its end missing ({answer.length} bytes); try again", path=url)
    data = _plain_bytes(data, answer.getheader("Content-Encoding"), limit, url) if len(data) <= limit else data
    if len(data) > limit:
        size = f"{limit / 1024**2:g} MB" if limit >= 1024**2 else f"{limit} bytes"
        raise IsnadError(f"expected at most {size}, found more; download it and give the file", path=url)
    return Fetched(here, data, media_type, answer.headers.get_content_charset())


def _plain_bytes(data: bytes, coding: str | None, limit: int, url: str) -> bytes:
    """`data` without the gzip or deflate that some send unasked; up to a byte more than `limit`."""
    coding = (coding or "identity").strip().lower()
    if coding in ("identity", "") or not data:
        return data
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise IsnadError(f"expected a page as it is or in gzip, found the coding {coding[:40]}", path=url)
    unzip = zlib.decompressobj(47)  # gzip or zlib, as its header says
    with suppress(zlib.error):
        plain = unzip.decompress(data, limit + 1)
        if unzip.eof or len(plain) > limit:
            return plain
    raise IsnadError(f"expected a page in {coding}, found a damaged one; try again", path=url)


@contextmanager
def _sentences(url: str, here: str, timeout: float, deadline: float) -> Iterator[_Watch]:
    """A watch over one hop; what the network raises becomes an IsnadError."""
    watch = _Watch(deadline - time.monotonic())
    late = IsnadError(f"expected an answer within {timeout:g} s, found none; try again later", path=url)
    host = urlsplit(here).hostname
    try:
        yield watch
        if watch.late.is_set():
            raise late
    except IsnadError as error:
        raise (late if watch.late.is_set() else error) from None
    except TimeoutError:
        raise late from None
    except socket.gaierror:
        raise IsnadError(f"found no host {host}; check the address, and whether there is a network", path=url) from None
    except ssl.SSLCertVerificationError as error:
        raise IsnadError(f"expected a valid certificate of {host}: {error.verify_message}", path=url) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if watch.late.is_set():
            raise late from None
        what = getattr(error, "strerror", None) or str(error)[:200] or type(error).__name__
        raise IsnadError(f"{host} cannot be read: {what}", path=url) from None
    finally:
        watch.cancel()
