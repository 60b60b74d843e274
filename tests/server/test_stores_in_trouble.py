"""A server whose photos lie in a bucket that says nothing, or nothing but errors: what needs no bucket goes on."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.server.conftest import wait_until_ready
from tests.server.running import Server

import eventlens
from eventlens.sample_event import BIB_PATTERN, SampleEvent

PHOTO = "Kim Smith A207.jpg"
MORE_THAN_THREADS = 40  # that wait for stores


class Bucket:
    """Takes every connection on a port of 127.0.0.1; answers with `answer`, or never."""

    def __init__(self) -> None:
        self.answer = b""
        self.asked = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken: list[socket.socket] = []
        self.thread = threading.Thread(target=self._take)
        self.thread.start()

    def _take(self) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                connection, _ = self.listener.accept()
                self.taken.append(connection)
                connection.settimeout(10)
                with suppress(OSError):
                    connection.recv(65536)
                    self.asked += 1
                    if self.answer:
                        connection.sendall(self.answer)
                        connection.close()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for connection in self.taken:
            connection.close()


@dataclass
class Troubled:
    """A workspace whose one photo and one video lie in the bucket, and what asks for them.

    Attributes:
        base: Of the event's paths.
        other: Of those of an event whose photo lies in a folder.
        selfie: Of somebody in the video.
    """

    workspace: Path
    bucket: Bucket
    base: str
    other: str
    headers: dict[str, str]
    selfie: bytes

    def client(self, server: Server) -> eventlens.Client:
        return eventlens.Client(server.url, self.headers["X-API-Key"], 1)

    def thumbnail(self, server: Server, base: str = "") -> str:
        """The path of the photo's thumbnail, which was not made yet."""
        (image,) = server.ask("GET", f"{base or self.base}/images", self.headers).data["images"]
        link = urlsplit(image["thumbnail_url"])
        return f"{link.path}?{link.query}"


@pytest.fixture
def troubled(sample: SampleEvent, tmp_path: Path) -> Iterator[Troubled]:
    (tmp_path / "photos").mkdir()
    shutil.copy(sample.photos / "lakeside_001.jpg", tmp_path / "photos" / PHOTO)
    eventlens.cut_clip(sample.videos / sample.video.name, (4.0, 9.0), tmp_path / "photos" / "finish.mp4")
    season = eventlens.open(tmp_path / "season")
    event = season.create_event("race", bib_pattern=BIB_PATTERN)
    assert event.index(tmp_path / "photos").failed == []
    (tmp_path / "other").mkdir()
    shutil.copy(sample.photos / "lakeside_002.jpg", tmp_path / "other")
    other = season.create_event("other race")
    assert other.index(tmp_path / "other").failed == []
    headers = {"X-API-Key": season.create_key(1).key}
    with closing(Bucket()) as bucket:
        with closing(sqlite3.connect(season.folder / "catalog.sqlite")) as catalog:
            access = f"endpoint=http://127.0.0.1:{bucket.port}&anonymous=1"
            catalog.execute(
                "UPDATE sources SET uri = 's3://season/photos/', access = ? WHERE event = ?",
                (access, event.id),
            )
            catalog.commit()
        base, other_base = (f"/api/v1/ext/1/event/{one.id}" for one in (event, other))
        selfie = sample.selfies["astronaut"].read_bytes()
        yield Troubled(season.folder, bucket, base, other_base, headers, selfie)


def test_a_bucket_that_says_nothing(troubled: Troubled, tmp_path: Path) -> None:
    """Nothing else waits for it, nor does the end of the server, which spoils no clip."""
    server = Server(troubled.workspace, tmp_path / "log", {"drain_seconds": "1"})
    with ThreadPoolExecutor(MORE_THAN_THREADS) as crowd:
        try:
            wait_until_ready(server)
            thumbnail = troubled.thumbnail(server)
            event = int(troubled.base.rpartition("/")[2])
            with troubled.client(server) as client:
                search = client.search_face(event, troubled.selfie)
                assert client.start_clips(event, request_id=search.request_id).status == "processing"

            def look(_: int) -> None:
                with suppress(OSError):  # the server ends before the answer is there
                    server.ask("GET", thumbnail, timeout=60)

            waiting = [crowd.submit(look, number) for number in range(MORE_THAN_THREADS)]
            deadline = time.monotonic() + 30
            while troubled.bucket.asked == 0:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            for path in (f"{troubled.base}/images", f"{troubled.base}/bibs/A207", "/metrics", "/readyz"):
                assert server.ask("GET", path, troubled.headers, timeout=20).status == 200
            assert server.ask("GET", troubled.thumbnail(server, troubled.other), timeout=20).status == 200
            assert not any(one.done() for one in waiting)
        finally:
            begun = time.monotonic()
            server.close()
        # Six attempts of twenty seconds each would be made for every one of them.
        assert time.monotonic() - begun < 20
    with (
        Server(troubled.workspace, tmp_path / "log", {"drain_seconds": "1"}) as server,
        troubled.client(server) as client,
    ):
        assert client.clips(event, search.request_id).status == "processing"


def test_the_log_names_no_files(troubled: Troubled, tmp_path: Path) -> None:
    troubled.bucket.answer = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with Server(troubled.workspace, tmp_path / "log") as server:
        wait_until_ready(server)
        reply = server.ask("GET", troubled.thumbnail(server), timeout=120)
        assert reply.status == 500
        assert "Kim" not in reply.message
    said = (tmp_path / "log").read_text()
    assert "s3://season/…" in said
    assert "busy" in said
    for name in ("Kim", "A207"):
        assert name not in said
