"""How many requests the server answers on one core, and how soon.

The server is held to one core and the load comes from the others, over loopback: wrk for what many clients ask at once,
Python for selfies and slow clients. The events are made up: photos with faces of nobody, and one runner's.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from tests.server.running import Server

import eventlens
from bench.measured import ROOT, Measured, Row
from eventlens.sample_event import make_sample_event

QUESTION = "How many requests does the server answer on one core, and how soon?"
MAKER = ROOT / "build" / "wheel" / "bench" / "speed" / "big_event"
CONNECTIONS = 64
SECONDS = 8
ROUNDS = 3
PHOTOS = 100_000
MANY_PHOTOS, MANY_FACES = 166_667, 6  # a million faces
SELFIE = (2048, 1536)  # three megapixels
SELFIES = 31
SLOW_CLIENTS = 200
# What wrk asks: another path each time, through all of them.
SCRIPT = """
wrk.headers["X-API-Key"] = "{key}"
local paths, at = {{{paths}}}, 0
request = function()
    at = at % #paths + 1
    return wrk.format("GET", paths[at])
end
done = function(summary, latency, requests)
    io.write(string.format("RESULT %d %d %f %f %d\\n", summary.requests, summary.duration, latency:percentile(50),
        latency:percentile(99), summary.errors.status + summary.errors.read + summary.errors.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw; times in milliseconds."""

    a_second: float
    median: float
    p99: float
    failed: int
    cpu_each: float  # of the server, microseconds a request


@dataclass(frozen=True)
class Place:
    """An event of a server."""

    workspace: Path
    event: str
    key: str

    def path(self, rest: str) -> str:
        return f"/api/v1/ext/1/event/{self.event}/{rest}"


def measure() -> Measured:
    missing = "wrk (Debian: apt install wrk)" if not shutil.which("wrk") else ""
    if not MAKER.exists() and not os.environ.get("EVENTLENS_BIG_EVENT"):
        missing = f"{MAKER}, which ./run bench builds"
    if missing or len(os.sched_getaffinity(0)) < 2:
        return Measured(
            "speed.server", QUESTION, "", skipped=f"there is no {missing or 'second core for the load'}"
        )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        selfie, embedding = make_selfie(folder)
        place = make_event(folder / "season", PHOTOS, 1, embedding)
        with one_core(place.workspace, folder / "log") as server:
            wait_ready(server)
            rows = [
                *ping_rows(server, place),
                *slow_client_rows(server, place),
                *photo_rows(server, place),
                *selfie_rows(server, place, selfie),
            ]
        place = make_event(folder / "large", MANY_PHOTOS, MANY_FACES, embedding)
        rows += start_rows(place, folder / "log", selfie)
    data = (
        f"{PHOTOS:,} photos with a face and a bib each; {MANY_PHOTOS:,} with {MANY_FACES} faces; "
        f"{CONNECTIONS} connections over loopback, {ROUNDS} rounds of {SECONDS} s"
    )
    return Measured("speed.server", QUESTION, data, rows)


def ping_rows(server: Server, place: Place) -> list[Row]:
    loads = [ask(server, place, [place.path("ping")]) for _ in range(ROUNDS)]
    name = f"ping with its key check, {CONNECTIONS} connections"
    return [
        row(
            f"{name}: answers",
            [load.a_second for load in loads],
            "a second",
            "at least 30,000 on a quiet core",
        ),
        row("ping, median", [load.median for load in loads], "ms"),
        row("ping, 99 %", [load.p99 for load in loads], "ms", "at most 10"),
        row("ping, CPU", [load.cpu_each for load in loads], "µs a request"),
        row("pings that failed", [load.failed for load in loads], "", "0"),
    ]


def slow_client_rows(server: Server, place: Place) -> list[Row]:
    """The slow ones' bytes come from the core that wrk runs on, one every five milliseconds."""
    plain, beside = [], []
    for _ in range(ROUNDS):
        plain.append(ask(server, place, [place.path("ping")]))
        with slow_clients(server) as closed:
            beside.append(ask(server, place, [place.path("ping")]))
    name = f"ping beside {SLOW_CLIENTS} clients of one byte a second"
    rows = []
    for what, times in (("median", (lambda load: load.median)), ("99 %", (lambda load: load.p99))):
        ratios = [times(slow) / times(usual) for slow, usual in zip(beside, plain, strict=True)]
        rows += [
            row(f"{name}: {what}", [times(load) for load in beside], "ms"),
            row(f"without them: {what}", [times(load) for load in plain], "ms"),
            row(f"the first beside the second: {what}", ratios, "times", "at most 2"),
        ]
    return [
        *rows,
        Row("slow clients that were shown the door by then", len(closed), f"of {SLOW_CLIENTS}"),
    ]  # fmt: skip


def photo_rows(server: Server, place: Place) -> list[Row]:
    bibs = [place.path(f"bibs/{1000 + number * 37 % 8000}") for number in range(500)]
    pages = [place.path(f"images?page={1 + number * 61 % (PHOTOS // 32)}") for number in range(500)]
    rows = []
    for name, paths in (("bib search", bibs), ("a gallery page of 32", pages)):
        loads = [ask(server, place, paths) for _ in range(ROUNDS)]
        name = f"{name}, {PHOTOS:,} photos"
        rows += [
            row(f"{name}: answers", [load.a_second for load in loads], "a second"),
            row(f"{name}: 99 %", [load.p99 for load in loads], "ms", "at most 50"),
            row(f"{name}: CPU", [load.cpu_each for load in loads], "µs a request"),
            row(f"{name}: failed", [load.failed for load in loads], "", "0"),
        ]
    return rows


def selfie_rows(server: Server, place: Place, selfie: bytes) -> list[Row]:
    search(server, place, selfie)  # loads what the first one needs
    times = []
    before = cpu_seconds(server.process.pid)
    for _ in range(SELFIES):
        found, seconds = search(server, place, selfie)
        assert found >= PHOTOS // 2000, f"{found} photos of the runner were found"
        times.append(1000 * seconds)
    cpu = 1000 * (cpu_seconds(server.process.pid) - before) / SELFIES
    name = f"selfie search, {SELFIE[0]} × {SELFIE[1]} pixels, {PHOTOS:,} faces"
    return [
        Row(f"{name}: median", statistics.median(times), "ms",
            f"{min(times):.0f} to {max(times):.0f} of {SELFIES}", "at most 120 on one core"),
        Row(f"{name}: CPU", cpu, "ms"),
    ]  # fmt: skip


def start_rows(place: Place, log: Path, selfie: bytes) -> list[Row]:
    ready, first = [], []
    for _ in range(ROUNDS):
        start = time.monotonic()
        with one_core(place.workspace, log) as server:
            wait_ready(server)
            ready.append(time.monotonic() - start)
            found, _ = search(server, place, selfie)
            first.append(time.monotonic() - start)
            assert found > 0
    name = f"start with {MANY_PHOTOS * MANY_FACES // 1000 * 1000:,} faces"
    return [
        row(f"{name}: ready", ready, "s", "at most 5"),
        row(f"{name}: the first selfie search in them is answered", first, "s"),
    ]


# --- the server and its events ---


def make_selfie(folder: Path) -> tuple[bytes, Path]:
    """A JPEG of three megapixels, and the embedding of its face as a file."""
    sample = make_sample_event(ROOT / ".setup" / "sample")
    picture = Image.open(sample.selfies["astronaut"]).convert("RGB")
    scale = SELFIE[1] / picture.height
    whole = Image.new("RGB", SELFIE, (90, 110, 120))
    whole.paste(picture.resize((round(picture.width * scale), SELFIE[1])), (200, 0))
    jpeg = io.BytesIO()
    whole.save(jpeg, "JPEG", quality=90)
    face = eventlens.FaceFinder().find(eventlens.decode_image(jpeg.getvalue()))[0]
    file = folder / "face"
    file.write_bytes(face.embedding.astype("<f4").tobytes())
    return jpeg.getvalue(), file


def make_event(workspace: Path, photos: int, faces: int, embedding: Path) -> Place:
    maker = os.environ.get("EVENTLENS_BIG_EVENT") or MAKER
    command = [maker, workspace, photos, faces, eventlens.FaceFinder().embedder, embedding]
    told = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
    event, key = told.split()
    return Place(workspace, event, key)


@contextmanager
def one_core(workspace: Path, log: Path) -> Iterator[Server]:
    """The server on the first core, and everything else, us included, on the others."""
    cores = os.sched_getaffinity(0)
    first = min(cores)
    os.sched_setaffinity(0, {first})  # inherited by the server
    unlimited = {"rate.searches": "0", "log": "warning"}
    try:
        server = Server(workspace, log, unlimited)
    finally:
        os.sched_setaffinity(0, cores - {first})
    try:
        with server:
            yield server
    finally:
        os.sched_setaffinity(0, cores)


def wait_ready(server: Server) -> None:
    for _ in range(60_000):
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
        connection.close()
        if status == 200:
            return
        time.sleep(0.005)
    raise AssertionError("the server does not become ready")


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- load ---


def ask(server: Server, place: Place, paths: list[str], connections: int = CONNECTIONS) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.format(key=place.key, paths=", ".join(f'"{path}"' for path in paths)))
        script.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{SECONDS}",
            "--timeout=10s",
            "-s",
            script.name,
            server.url,
        ]
        before = cpu_seconds(server.process.pid)
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        cpu = cpu_seconds(server.process.pid) - before
    found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) (\d+)", told)
    assert found, told
    requests, microseconds, median, p99, failed = map(float, found.groups())
    return Load(requests / microseconds * 1e6, median / 1e3, p99 / 1e3, int(failed), cpu / requests * 1e6)


def search(server: Server, place: Place, selfie: bytes) -> tuple[int, float]:
    """A new search over a new connection; how many photos it found, and the seconds it took."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="me.jpg"\r\n\r\n'
    body = head.encode() + selfie + f"\r\n--{boundary}--\r\n".encode()
    headers = {"X-API-Key": place.key, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    start = time.monotonic()
    connection = http.client.HTTPConnection(server.host, server.port, timeout=120)
    connection.request("POST", place.path("faces"), body, headers)
    answer = connection.getresponse()
    told: dict[str, Any] = json.loads(answer.read())
    seconds = time.monotonic() - start
    connection.close()
    assert answer.status == 200, told
    return told["data"]["pagination"]["total"], seconds


@contextmanager
def slow_clients(server: Server) -> Iterator[list[int]]:
    """Clients that send a byte a second of a request that never ends; gives those that the server closed."""
    closed: list[int] = []
    clients = [socket.create_connection((server.host, server.port)) for _ in range(SLOW_CLIENTS)]
    over = threading.Event()

    def send() -> None:
        watch = selectors.DefaultSelector()
        for client in clients:
            watch.register(client, selectors.EVENT_READ)
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 10_000
        for byte in request:
            for client in list(watch.get_map().values()):  # one after the other, not all at once
                try:
                    client.fileobj.send(bytes([byte]))  # type: ignore[union-attr]
                except OSError:
                    watch.unregister(client.fileobj)
                    closed.append(client.fd)
                if over.wait(1 / SLOW_CLIENTS):
                    break
            if over.is_set() or not watch.get_map():
                break
        watch.close()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield closed
    finally:
        over.set()
        thread.join()
        for client in clients:
            client.close()


def row(what: str, values: list[float], unit: str = "", target: str = "") -> Row:
    digits = 0 if min(values) >= 100 else 2
    return Row(
        what,
        statistics.median(values),
        unit,
        f"{min(values):,.{digits}f} to {max(values):,.{digits}f}",
        target,
    )
