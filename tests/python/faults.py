"""A proxy between a client and a storage server on loopback: it counts what passes, and spoils some of it as told.

Requests and replies pass byte for byte, the Host header too, so that signatures stay valid. Whether a request is
spoiled, and how, follows from the seed and from what is asked the how-manieth time: not from which thread asks first.
"""

from __future__ import annotations

import contextlib
import random
import re
import select
import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

BLOCK = 64 * 1024
PATIENCE = 60.0  # seconds; a client that neither reads nor goes away is left after that


class GoneError(Exception):
    """The connection to the client is over, by its will or by ours."""


@dataclass(frozen=True)
class Request:
    """What a client asks.

    Attributes:
        key: Of the object, decoded; empty for requests about the bucket.
        asked: The range of a GET, "bytes=0-99"; empty: the whole.
        head: Its first lines, as they came.
        nth: How often the same was asked before.
    """

    method: str
    target: str
    key: str
    query: dict[str, list[str]]
    asked: str
    head: bytes
    body: bytes
    closes: bool
    nth: int

    @property
    def is_listing(self) -> bool:
        return self.method == "GET" and ("list-type" in self.query or self.query.get("comp") == ["list"])


@dataclass
class Exchange:
    """What became of a request.

    Attributes:
        status: Of the reply that the client got, 0 when it got none.
        first: Where in the object the reply begins.
        sent: Bytes of the body that were sent to the client.
        fault: The name of what was done to it; empty: nothing.
    """

    request: Request
    status: int = 0
    first: int = 0
    sent: int = 0
    fault: str = ""


Fault = Callable[["Talk"], None]


@dataclass
class Plan:
    """Which requests are spoiled, and how.

    Attributes:
        rate: The part of the requests, 1.0 for all.
        times: At most so many; None: no limit.
        where: Only those for which it holds.
    """

    faults: Sequence[Fault]
    rate: float = 1.0
    times: int | None = None
    where: Callable[[Request], bool] = lambda _request: True
    seed: int = 0

    def fault_for(self, request: Request) -> Fault | None:
        if self.times == 0 or not self.where(request):
            return None
        chance = random.Random(f"{self.seed} {request.method} {request.target} {request.asked} {request.nth}")
        if chance.random() >= self.rate:
            return None
        if self.times is not None:
            self.times -= 1
        return chance.choice(self.faults)


@dataclass(frozen=True)
class Reply:
    """The head of the server's reply, and its body as it comes."""

    head: bytes
    status: int
    length: int | None  # None: in chunks
    first: int
    closes: bool
    body: BinaryIO

    def blocks(self, size: int = BLOCK) -> Iterator[bytes]:
        """The body as it is on the wire, the frames of chunks too."""
        if self.length is None:
            while True:
                line = self.body.readline()
                count = int(line.split(b";")[0], 16)
                yield line + self.body.read(count + 2)
                if count == 0:
                    return
        left = self.length
        while left:
            block = self.body.read(min(size, left))
            if not block:
                raise ConnectionError("the server broke off")
            left -= len(block)
            yield block

    def content(self) -> bytes:
        """The whole body, without the frames of chunks."""
        if self.length is not None:
            return b"".join(self.blocks())
        return b"".join(block.partition(b"\r\n")[2][:-2] for block in self.blocks())

    def head_with(self, length: int) -> bytes:
        """The head, for a body of another length that is not in chunks."""
        said = rb"(?i)(content-length|transfer-encoding): *[^\r]*"
        return re.sub(said, b"Content-Length: %d" % length, self.head)


class Talk:
    """One request of a client: what a fault does something to."""

    def __init__(self, connection: Connection, request: Request, exchange: Exchange) -> None:
        self.request = request
        self.exchange = exchange
        self._connection = connection

    def ask(self) -> Reply:
        """Hands the request on to the server."""
        reply = self._connection.upstream.ask(self.request)
        self.exchange.first = reply.first
        return reply

    def start(self, reply: Reply, head: bytes = b"") -> None:
        """Sends the head of the server's reply, or another one in its stead."""
        self.exchange.status = reply.status
        self._connection.send(head or reply.head)

    def body(self, piece: bytes) -> None:
        self._connection.send(piece)
        self.exchange.sent += len(piece)

    def pass_on(self) -> None:
        reply = self.ask()
        self.start(reply)
        for block in reply.blocks():
            self.body(block)
        if reply.closes:
            self.close()

    def answer(self, status: int, code: str, headers: str = "") -> None:
        """An error, as a storage server says it."""
        xml = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
        self.exchange.status = status
        head = f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {len(xml)}\r\n"
        head += f"x-ms-error-code: {code}\r\n{headers}\r\n"
        self._connection.send((head + ("" if self.request.method == "HEAD" else xml)).encode())

    def reset(self) -> NoReturn:
        """Ends the connection as a router does that forgot it: with RST."""
        connection = self._connection
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for opened in (connection.rfile, connection.wfile, connection.sock):
            opened.close()  # with the last of them, before anybody says goodbye
        self.close()

    def close(self) -> NoReturn:
        raise GoneError

    def wait_until_gone(self) -> NoReturn:
        select.select([self._connection.sock], [], [], PATIENCE)
        self.close()


# --- faults ---


def late(talk: Talk) -> None:
    time.sleep(0.2)
    talk.pass_on()


def reset_before_the_reply(talk: Talk) -> None:
    talk.reset()


def reset_in_the_body(talk: Talk) -> None:
    send_half(talk, talk.ask())
    talk.reset()


def closed_in_the_body(talk: Talk) -> None:
    send_half(talk, talk.ask())
    talk.close()


def slow_down(talk: Talk) -> None:
    talk.answer(503, "SlowDown")


def internal_error(talk: Talk) -> None:
    talk.answer(500, "InternalError")


def too_many_requests(talk: Talk) -> None:
    talk.answer(429, "TooManyRequests", "Retry-After: 1\r\n")


def longer_than_it_is(talk: Talk) -> None:
    reply = talk.ask()
    content = reply.content()
    talk.start(reply, reply.head_with(len(content) + 1000))
    talk.body(content)
    talk.close()


def half_a_listing(talk: Talk) -> None:
    """The XML ends in the middle, and the length is right. Other replies stay as they are."""
    reply = talk.ask()
    content = reply.content()
    if talk.request.is_listing:
        content = content[: len(content) // 2]
    talk.start(reply, reply.head_with(len(content)))
    talk.body(content)


def drip(talk: Talk) -> None:
    """Slow, but nothing is wrong with it."""
    reply = talk.ask()
    talk.start(reply)
    for block in reply.blocks(max(1, (reply.length or BLOCK) // 16)):
        talk.body(block)
        time.sleep(0.03)


def stall(talk: Talk) -> None:
    send_half(talk, talk.ask())
    talk.wait_until_gone()


def expired_token(talk: Talk) -> None:
    talk.answer(403, "ExpiredToken")


def access_denied(talk: Talk) -> None:
    talk.answer(403, "AccessDenied")


def unauthorized(talk: Talk) -> None:
    talk.answer(401, "Unauthorized")


def moved_for_good(talk: Talk) -> None:
    """Elsewhere, without a word of where."""
    talk.answer(301, "PermanentRedirect")


def larger_than_any_photo(talk: Talk) -> None:
    reply = talk.ask()
    content = reply.content()
    talk.start(reply, reply.head_with(1 << 40))
    talk.body(content)
    talk.close()


def redirect_to(endpoint: str) -> Fault:
    """The same at another address; requests must be signed anew for it."""

    def redirect(talk: Talk) -> None:
        talk.answer(307, "TemporaryRedirect", f"Location: {endpoint}{talk.request.target}\r\n")

    return redirect


def send_half(talk: Talk, reply: Reply) -> None:
    talk.start(reply)
    for block in reply.blocks(max(1, (reply.length or 2 * BLOCK) // 2)):
        talk.body(block)
        return


PASSING = [late, reset_before_the_reply, reset_in_the_body, closed_in_the_body, slow_down, internal_error,
           too_many_requests, longer_than_it_is, half_a_listing, drip, stall]  # fmt: skip


# --- the proxy ---


class Upstream:
    """A connection to the server, made anew when the server closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._file: BinaryIO | None = None

    def ask(self, request: Request) -> Reply:
        kept = self._file is not None
        try:
            return self._ask(request)
        except ConnectionError:
            self.close()
            if not kept:
                raise
            return self._ask(request)  # it had been idle for too long

    def _ask(self, request: Request) -> Reply:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._file = self._socket.makefile("rb")
        assert self._file is not None
        self._socket.sendall(request.head + request.body)
        while True:
            head = read_head(self._file)
            if not head:
                raise ConnectionError("the server sent nothing")
            status = int(head.split(b" ", 2)[1])
            if status >= 200:  # what comes before is "100 Continue"
                break
        return self._reply(head, status, request, self._file)

    def _reply(self, head: bytes, status: int, request: Request, body: BinaryIO) -> Reply:
        headers = headers_of(head)
        length: int | None = int(headers.get("content-length", "0"))
        if request.method == "HEAD" or status in {204, 304}:
            length = 0
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            length = None
        first = re.match(r"bytes (\d+)-", headers.get("content-range", ""))
        closes = headers.get("connection", "").lower() == "close"
        return Reply(head, status, length, int(first[1]) if first else 0, closes, body)

    def close(self) -> None:
        for opened in (self._file, self._socket):
            if opened is not None:
                opened.close()
        self._file = self._socket = None


class Connection(socketserver.StreamRequestHandler):
    """Serves one client, request after request."""

    server: Listener
    disable_nagle_algorithm = True
    timeout = PATIENCE

    def setup(self) -> None:
        super().setup()
        self.sock: socket.socket = self.request
        self.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, BLOCK
        )  # what is sent is nearly what is read
        self.upstream = Upstream(self.server.proxy.port)
        self.server.proxy.connections.add(self.sock)

    def handle(self) -> None:
        with contextlib.suppress(GoneError, ConnectionError, TimeoutError):
            while request := self._next():
                self.server.proxy.serve(self, request)
                if request.closes:
                    return

    def finish(self) -> None:
        self.upstream.close()
        self.server.proxy.connections.discard(self.sock)
        with contextlib.suppress(OSError):
            super().finish()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def _next(self) -> Request | None:
        head = read_head(self.rfile)
        if not head:
            return None
        headers = headers_of(head)
        if headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        method, target, _version = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return self.server.proxy.request_of(method, target, headers, head, body)


class Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: Proxy


@dataclass
class Proxy:
    """Listens on loopback while the block lasts.

    Attributes:
        port: Of the server.
        above_keys: Parts of a path before the key: 1 where it begins with the bucket, 2 with account and container.
        plan: What is spoiled; may be changed at any time.
        before: Called with each request before anything is done with it.
        exchanges: What passed so far.
    """

    port: int
    above_keys: int = 1
    plan: Plan | None = None
    before: Callable[[Request], None] | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    connections: set[socket.socket] = field(default_factory=set)
    _asked: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Proxy:
        self._listener = Listener(("127.0.0.1", 0), Connection)
        self._listener.proxy = self
        self.endpoint = f"http://127.0.0.1:{self._listener.server_address[1]}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._listener.shutdown()
        self._thread.join()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.server_close()

    # --- what passed ---

    def forget(self) -> None:
        """Counts from here on."""
        with self._lock:
            self.exchanges.clear()

    def gets(self) -> Counter[str]:
        """How often each object's content was asked for, whole or in part."""
        with self._lock:
            return Counter(
                e.request.key for e in self.exchanges if e.request.method == "GET" and e.request.key
            )

    def others(self) -> Counter[str]:
        """How often was asked for anything but contents: listings by that name, the rest by their methods."""
        with self._lock:
            return Counter(
                "listing" if e.request.is_listing else e.request.method
                for e in self.exchanges
                if e.request.method != "GET" or not e.request.key
            )

    def faults(self) -> Counter[str]:
        with self._lock:
            return Counter(e.fault for e in self.exchanges if e.fault)

    def spans(self, key: str) -> list[tuple[int, int]]:
        """The parts of an object's content that were sent, in their order in the object: (first byte, behind)."""
        with self._lock:
            return sorted(
                (e.first, e.first + e.sent)
                for e in self.exchanges
                if e.request.key == key and e.request.method == "GET" and e.status in {200, 206} and e.sent
            )

    def bytes_of(self, key: str) -> int:
        return sum(behind - first for first, behind in self.spans(key))

    # --- what the connections call ---

    def request_of(
        self, method: str, target: str, headers: dict[str, str], head: bytes, body: bytes
    ) -> Request:
        parts = urlsplit(target)
        key = unquote("/".join(parts.path.split("/")[1 + self.above_keys :]))
        asked = headers.get("range", headers.get("x-ms-range", ""))
        closes = headers.get("connection", "").lower() == "close"
        query = parse_qs(parts.query, keep_blank_values=True)
        with self._lock:
            mark = f"{method} {target} {asked}"
            nth = self._asked[mark]
            self._asked[mark] += 1
        return Request(method, target, key, query, asked, head, body, closes, nth)

    def serve(self, connection: Connection, request: Request) -> None:
        exchange = Exchange(request)
        with self._lock:
            self.exchanges.append(exchange)
            fault = self.plan.fault_for(request) if self.plan else None
        if self.before:
            self.before(request)
        talk = Talk(connection, request, exchange)
        if fault is None:
            talk.pass_on()
        else:
            exchange.fault = fault.__name__
            fault(talk)


def read_head(file: BinaryIO) -> bytes:
    """The first lines of a message and the empty one behind them; empty when the other side is gone."""
    lines = []
    while line := file.readline(BLOCK):
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)
    return b""


def headers_of(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
