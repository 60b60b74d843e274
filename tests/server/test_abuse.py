"""Clients that are slow, rude or broken: others are still answered, offenders are closed, memory stays bounded."""

from __future__ import annotations

import json
import resource
import select
import socket
import statistics
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from tests.server.cases import FILE, multipart
from tests.server.conftest import wait_until_ready
from tests.server.running import Reply, Server, read_reply
from tests.server.world import World

HEADER_SECONDS, BODY_SECONDS, IDLE_SECONDS = 2, 3, 4
LINGERS = 2  # reads on after a refusal, so that the client can read it
PATIENCE = 5.0  # seconds more than a limit, for a busy machine
MEGABYTE = 1024 * 1024
SLOWEST_ANSWER = 5.0  # seconds; speed is measured by the benches
BODIES = [("faces", "multipart/form-data; boundary=b"), ("original-photos", "application/json")]


@pytest.fixture(scope="module")
def server(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has little patience."""
    settings = {
        "limits.header_seconds": str(HEADER_SECONDS),
        "limits.body_seconds": str(BODY_SECONDS),
        "limits.idle_seconds": str(IDLE_SECONDS),
        "rate.searches": "0",
    }
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    with Server(world.workspace.folder, tmp_path_factory.mktemp("abused") / "log", settings) as server:
        wait_until_ready(server)
        yield server
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Others:
    """Asks as an ordinary client does, meanwhile."""

    def __init__(self, server: Server, world: World) -> None:
        self.seconds: list[float] = []
        self.wrong: list[object] = []
        self._server, self._stop = server, threading.Event()
        self._path = f"/api/v1/ext/{world.names['north']}/event/{world.names['race']}/images"
        self._headers = {"X-API-Key": world.keys["north"]}
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                reply = self._server.ask("GET", self._path, self._headers, timeout=20)
                if reply.status != 200:
                    self.wrong.append(reply.status)
            except OSError as error:
                self.wrong.append(error)
            self.seconds.append(time.monotonic() - begun)
            self._stop.wait(0.02)

    def __enter__(self) -> Others:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@contextmanager
def others_are_answered(server: Server, world: World, what: str, megabytes: float = 150) -> Iterator[None]:
    """The block may do what it wants: ordinary requests succeed, and memory does not grow by more than so much."""
    before, most, done = server.resident_bytes(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            most[0] = max(most[0], server.resident_bytes() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    others = Others(server, world)
    try:
        with others:
            yield
    finally:
        done.set()
        watcher.join()
    middle, worst = statistics.median(others.seconds), max(others.seconds)
    print(
        f"{what}: {len(others.seconds)} others, median {1e3 * middle:.1f} ms, worst {1e3 * worst:.0f} ms, "
        f"memory +{most[0] / MEGABYTE:.0f} MB"
    )
    assert not others.wrong
    assert worst < SLOWEST_ANSWER
    assert most[0] < megabytes * MEGABYTE


def closed_within(connections: list[socket.socket], seconds: float) -> int:
    """How many the server closed in time."""
    deadline = time.monotonic() + seconds
    waiting = {connection.fileno(): connection for connection in connections}
    poller = select.poll()
    for number in waiting:
        poller.register(number, select.POLLIN | select.POLLHUP)
    while waiting and time.monotonic() < deadline:
        for number, _ in poller.poll(100):
            try:
                ended = not waiting[number].recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                ended = True
            if ended:
                poller.unregister(number)
                del waiting[number]
    return len(connections) - len(waiting)


@contextmanager
def connected(server: Server, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(server.connect()) for _ in range(count)]


def drip(connections: list[socket.socket], content: bytes, until: threading.Event) -> None:
    """One byte a second on each, for as long as they are open."""
    for byte in content:
        for connection in connections:
            with suppress(OSError):
                connection.send(bytes([byte]))
        if until.wait(1):
            return


def head(world: World, method: str, rest: str, *more: str) -> bytes:
    path = f"/api/v1/ext/{world.names['north']}/event/{world.names['race']}/{rest}"
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"X-API-Key: {world.keys['north']}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize("part", ["header", "body"])
def test_slow_clients_are_closed(server: Server, world: World, part: str) -> None:
    files = server.open_files()
    request = head(world, "POST", "original-photos", "Content-Type: application/json", "Content-Length: 9000")
    seconds = HEADER_SECONDS if part == "header" else BODY_SECONDS
    with (
        others_are_answered(server, world, f"200 clients, 1 byte/s of the {part}"),
        connected(server, 200) as slow,
    ):
        if part == "body":
            for connection in slow:
                connection.sendall(request)
        stop = threading.Event()
        dripping = threading.Thread(
            target=drip, args=(slow, request if part == "header" else b" " * 60, stop)
        )
        dripping.start()
        try:
            assert closed_within(slow, seconds + PATIENCE) == 200
        finally:
            stop.set()
            dripping.join()
    assert comes_down(server, files + 10)


def comes_down(server: Server, files: int) -> bool:
    """The server lets go of connections that are gone."""
    deadline = time.monotonic() + PATIENCE
    while server.open_files() > files:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_idle_connections(server: Server, world: World) -> None:
    files = server.open_files()
    with others_are_answered(server, world, "1,000 idle connections"), connected(server, 1000) as idle:
        # Half of them have asked something before.
        for connection in idle[::2]:
            connection.sendall(head(world, "GET", "ping"))
        assert closed_within(idle, max(IDLE_SECONDS, HEADER_SECONDS) + PATIENCE) == 1000
    assert comes_down(server, files + 10)


def test_clients_that_do_not_read(server: Server, world: World) -> None:
    """They ask for much and take nothing: what waits for them is bounded."""
    request = head(world, "GET", "images?page_size=100") * 50
    with others_are_answered(server, world, "100 clients that do not read"), connected(server, 100) as deaf:
        for connection in deaf:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.setblocking(False)
            with suppress(BlockingIOError, OSError):
                connection.send(request)
        time.sleep(2)


@pytest.mark.parametrize(("rest", "kind"), BODIES)
def test_large_bodies_that_say_so_are_refused_unread(
    server: Server, world: World, rest: str, kind: str
) -> None:
    request = head(world, "POST", rest, f"Content-Type: {kind}", f"Content-Length: {100 * MEGABYTE}")
    with others_are_answered(server, world, f"100 MB to {rest}, with a length", 60):
        for _ in range(20):
            reply = server.raw(request)  # not a byte of the body
            assert reply is not None
            assert reply.status == 413
            assert reply.json["responseType"] == "error"


@pytest.mark.parametrize(("rest", "kind"), BODIES)
def test_large_bodies_without_a_length_are_cut_off(
    server: Server, world: World, rest: str, kind: str
) -> None:
    request = head(world, "POST", rest, f"Content-Type: {kind}", "Transfer-Encoding: chunked")
    chunk = b"%x\r\n" % MEGABYTE + bytes(MEGABYTE) + b"\r\n"

    with others_are_answered(server, world, f"100 MB to {rest}, without a length"):
        for _ in range(4):
            with server.connect() as connection:
                connection.sendall(request)
                send_until_closed(connection, chunk)
                reply = read_reply(connection)
            assert reply is None or reply.status == 413  # it may be lost with the connection


def test_bodies_of_many_clients_are_bounded_together(world: World, tmp_path: Path) -> None:
    """They send all of their bodies but the last byte, and wait."""
    size = 20 * MEGABYTE
    settings = {"limits.bodies_mb": "50", "limits.body_seconds": "10", "rate.searches": "0"}
    body = bytes(size)
    request = head(
        world, "POST", "faces", "Content-Type: multipart/form-data; boundary=b", f"Content-Length: {size}"
    )
    with Server(world.workspace.folder, tmp_path / "log", settings) as server:
        wait_until_ready(server)
        before = server.resident_bytes()
        with connected(server, 10) as many:
            statuses = []
            for connection in many:
                connection.settimeout(LINGERS + PATIENCE)
                with suppress(ConnectionResetError, BrokenPipeError):
                    connection.sendall(request + body[:-1])
            for connection in many:
                ready, _, _ = select.select([connection], [], [], 0.5)
                reply = read_reply(connection) if ready else None
                statuses.append(reply.status if reply else None)
            assert server.resident_bytes() - before < 150 * MEGABYTE
            assert statuses[:2] == [None, None]
            assert 429 in statuses[2:]
        # Those that are gone leave room.
        deadline = time.monotonic() + PATIENCE
        while True:
            reply = server.raw(request + body)
            assert reply is not None
            if reply.status != 429 or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        assert reply.status == 400


def send_until_closed(connection: socket.socket, piece: bytes) -> int:
    """Goes on sending whatever is answered, up to 100 MB a second; says how many pieces it were."""
    deadline = time.monotonic() + LINGERS + PATIENCE
    for sent in range(10_000):
        try:
            connection.sendall(piece)
        except (ConnectionResetError, BrokenPipeError):
            return sent
        if time.monotonic() > deadline:
            pytest.fail(f"the connection was not closed; {sent * len(piece)} bytes were taken")
        time.sleep(0.01)
    raise AssertionError("the deadline comes first")


def test_expect_continue(server: Server, world: World) -> None:
    kind, body = multipart([(FILE, world.faceless)], "b")
    expecting = [f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Expect: 100-continue"]
    with server.connect() as connection:
        connection.sendall(head(world, "POST", "faces", *expecting))
        assert connection.recv(25).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        while True:
            reply = read_reply(connection)
            assert reply is not None
            if reply.status != 100:
                break
        assert reply.status == 200
    # Who may not come in is told before the body is sent.
    expecting[1] = f"Content-Length: {100 * MEGABYTE}"
    reply = server.raw(head(world, "POST", "faces", *expecting))
    assert reply is not None
    assert reply.status == 413


def test_pipelined_requests_are_answered_in_order(server: Server, world: World) -> None:
    requests = b"".join(head(world, "GET", f"images?page={page}&page_size=1") for page in range(1, 101))
    with others_are_answered(server, world, "100 pipelined requests"), server.connect() as connection:
        connection.sendall(requests)
        received = connection.makefile("rb")
        for page in range(1, 101):
            assert received.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := received.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            assert json.loads(received.read(length))["data"]["pagination"]["currentPage"] == page


def refused(reply: Reply | None, *statuses: int) -> None:
    """Closed without a word, or refused; never answered, never a fault of ours."""
    if reply is not None:
        assert reply.status in (statuses or (400, 404, 405, 414, 431, 501, 505)), reply.body[:200]


def test_headers(server: Server, world: World) -> None:
    reply = server.raw(head(world, "GET", "ping", "X-More: " + "x" * 10_000))
    assert reply is not None
    assert reply.status == 200
    with others_are_answered(server, world, "headers that are too long"):
        for header in ["X-More: " + "x" * 20_000, *(["\r\n".join(["X: y"] * 5000)])]:
            refused(server.raw(head(world, "GET", "ping", header)), 400, 431)
        with server.connect() as connection:  # and one that never ends
            connection.sendall(b"GET / HTTP/1.1\r\nX: ")
            send_until_closed(connection, b"x" * 100_000)


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloworld\r\n0\r\n\r\n",
        b"5hello\r\n0\r\n\r\n",
        b"ffffffffffffffff\r\nhello",
        b"fffffffffffffffffffffffff\r\nhello",
        b"5 ;" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
        b"\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
    ],
    ids=[
        "letters",
        "negative",
        "longer than said",
        "no line end",
        "2^64",
        "beyond 2^64",
        "long extension",
        "empty",
        "0x",
    ],
)
def test_broken_chunks(server: Server, world: World, chunks: bytes) -> None:
    request = head(
        world, "POST", "original-photos", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    refused(server.raw(request + chunks), 400, 413, 422, 431)


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: -1",
        "Content-Length: 5x",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: gzip, chunked, identity",
        "Transfer-Encoding : chunked",
        "Content-Length: 5\r\n Transfer-Encoding: chunked",
        "Bad Header: x",
        "No-Colon",
        ": no name",
        "X: a\x00b",
    ],
)
def test_headers_that_smuggle(server: Server, world: World, lines: str) -> None:
    """What two servers in a row could read in two ways is refused, and nothing behind it is answered."""
    request = head(world, "POST", "original-photos", "Content-Type: application/json", lines)
    smuggled = b"0\r\n\r\n" + head(world, "GET", "ping")
    with server.connect() as connection:
        connection.sendall(request + smuggled)
        refused(read_reply(connection), 400, 413, 422)
        with suppress(ConnectionResetError):
            assert b"pong" not in connection.recv(65536)


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/3.0\r\n\r\n",
        b"GET / HTCPCP/1.0\r\n\r\n",
        b"G\xffT / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        bytes(range(256)) * 10,
    ],
)
def test_what_is_no_request(server: Server, sent: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        refused(read_reply(connection))


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/media/../../etc/passwd",
        "/media/1/large/../../../catalog.sqlite",
        "/media/1/large/%2e%2e%2f%2e%2e%2fcatalog.sqlite?expires=9999999999&signature=x",
        "/media/{race}/large/{image}.jpg",
        "/media/{race}/original/{image}.jpg?expires=9999999999&signature=" + "0" * 64,
        "/media/{race}/large/{image}.jpg%00.png?expires=9999999999&signature=",
        "/media/-1/large/x.jpg",
        "/pages/../openapi.json",
        "/pages/%2e%2e/openapi.json",
        "//etc/passwd",
        "/./openapi.json",
        "/openapi.json/",
        "/openapi.json%00",
        "/api/v1/ext/{north}/event/{race}/ping/../../../../../../etc/passwd",
        "/api/v1/ext/{north}/event/{race}//ping",
        "/api/v1/ext/{north}/event/{race}/ping%2F..",
        "/api/v1/ext/{north};x/event/{race}/ping",
        "/%",
        "/%zz",
        "*",
        "openapi.json",
        "\\..\\..\\etc\\passwd",
    ],
)
def test_paths(server: Server, world: World, path: str) -> None:
    asked = path.format_map(world.names)
    reply = server.raw(
        f"GET {asked} HTTP/1.1\r\nHost: x\r\nX-API-Key: {world.keys['north']}\r\nConnection: close\r\n\r\n".encode()
    )
    refused(reply, 400, 403, 404, 422)
    if reply is not None:
        assert b"root:" not in reply.body
        if path.startswith("/api"):
            assert reply.json["responseType"] == "error"


def test_host_headers(server: Server, world: World) -> None:
    path = f"/api/v1/ext/{world.names['north']}/event/{world.names['race']}/ping"
    key = f"X-API-Key: {world.keys['north']}\r\n"
    refused(server.raw(f"GET {path} HTTP/1.1\r\n{key}\r\n".encode()), 400)  # HTTP/1.1 needs one
    refused(server.raw(f"GET {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n{key}\r\n".encode()), 400)
    reply = server.raw(f"GET {path} HTTP/1.0\r\n{key}\r\n".encode())
    assert reply is not None
    assert reply.status == 200


def test_clients_that_disappear(server: Server, world: World) -> None:
    files = server.open_files()
    kind, body = multipart([(FILE, world.selfies["astronaut"])], "b")
    request = head(world, "POST", "faces", f"Content-Type: {kind}", f"Content-Length: {len(body)}") + body
    reset = struct.pack("ii", 1, 0)
    with others_are_answered(server, world, "300 clients that disappear"):
        for number in range(300):
            with server.connect() as connection:
                # Most in the middle of a request, some behind a whole one.
                connection.sendall(request[: len(request) * (number % 30 + 1) // 30])
                if number % 2:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    assert comes_down(server, files + 10)
    reply = server.ask("GET", "/healthz")
    assert reply.status == 200


def test_it_ends_when_told_to_while_clients_hang(world: World, tmp_path: Path) -> None:
    settings = {"drain_seconds": "2"}
    with Server(world.workspace.folder, tmp_path / "log", settings) as server:
        wait_until_ready(server)
        with connected(server, 50) as idle:
            for connection in idle[::2]:
                connection.sendall(b"GET / HTTP/1.1\r\n")
            begun = time.monotonic()
            server.close()
            assert time.monotonic() - begun < 20
