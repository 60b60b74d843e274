"""The client against a server that answers by a script: what is sent, what is tried again, what becomes an error."""

from __future__ import annotations

import email
import email.policy
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import eventlens
from eventlens import client_http
from eventlens.client_replies import ReplyPage

SEARCH = "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aa"
IMAGE = {
    "img_url": "http://x/large/1.jpg",
    "height": 4000,
    "width": 6000,
    "image_id": "0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d10",
    "thumbnail_url": "http://x/small/1.jpg",
    "original_url": None,
}


def pages(total: int, page: int = 1, size: int = 32) -> dict[str, Any]:
    count = -(-total // size)
    return {
        "total": total,
        "currentPage": page,
        "totalPages": count,
        "hasNextPage": page < count,
        "hasPreviousPage": page > 1,
        "page_size": size,
    }


def ok(data: dict[str, Any]) -> bytes:
    return json.dumps({"responseType": "success", "message": "fine", "data": data}).encode()


def bad(message: str) -> bytes:
    return json.dumps({"responseType": "error", "message": message, "data": None}).encode()


FACES = ok({"request_id": SEARCH, "confidence_percentage": None, "images": [IMAGE], "pagination": pages(1)})
NO_IMAGES = ok({"images": [], "pagination": pages(0)})


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    def form(self) -> dict[str, Any]:
        """Name to content of each part of multipart/form-data."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + self.body, policy=email.policy.HTTP)
        return {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in message.iter_parts()  # type: ignore[attr-defined]
        }


@dataclass
class Script:
    """What the server is to answer, one after another; the last stands for all that follow.

    An answer is (status, body, headers), or None: the connection ends without one.
    """

    url: str = ""
    answers: list[tuple[int, bytes, dict[str, str]] | None] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    keep_alive: bool = True

    def say(self, status: int, body: bytes, **headers: str) -> Script:
        self.answers.append(
            (status, body, {name.replace("_", "-"): value for name, value in headers.items()})
        )
        return self


@pytest.fixture
def script() -> Iterator[Script]:
    told = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.seen.append(Seen(self.command, self.path, dict(self.headers), body, self.client_address[1]))
            answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            self.close_connection = not told.keep_alive or answer is None
            if answer is None:
                return
            status, content, headers = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}"
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the client would have waited."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


@pytest.fixture
def client(script: Script) -> Iterator[eventlens.Client]:
    with eventlens.Client(script.url, "secret", 17, timeout=5) as client:
        yield client


def test_every_request_bears_the_key_and_the_organisation(script: Script, client: eventlens.Client) -> None:
    script.say(200, ok({"status": "ok", "org_id": 17, "event_id": 3021}))
    assert client.ping(3021).event_id == 3021
    assert script.seen[0].path == "/api/v1/ext/17/event/3021/ping"
    assert script.seen[0].headers["X-API-Key"] == "secret"
    assert "secret" not in repr(client)


def test_a_server_below_a_path(script: Script) -> None:
    script.say(200, NO_IMAGES)
    with eventlens.Client(script.url + "/photos/", "secret", 17) as client:
        client.images(1)
    assert script.seen[0].path == "/photos/api/v1/ext/17/event/1/images?page=1&page_size=32"


@pytest.mark.parametrize("url", ["photos.example.org", "ftp://x", "http://", "http://x/?a=b"])
def test_what_is_no_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="no URL"):
        eventlens.Client(url, "secret", 17)


@pytest.mark.parametrize(
    ("bib", "segment"), [("A 207", "A%20207"), ("A/../7", "A%2F..%2F7"), ("..", "%2E%2E"), ("Ü7", "%C3%9C7")]
)
def test_a_bib_stays_one_segment_of_the_path(
    script: Script, client: eventlens.Client, bib: str, segment: str
) -> None:
    script.say(200, NO_IMAGES)
    client.bib(1, bib)
    assert script.seen[0].path.split("?")[0] == f"/api/v1/ext/17/event/1/bibs/{segment}"


def test_errors_carry_status_and_message(
    script: Script, client: eventlens.Client, pauses: list[float]
) -> None:
    script.say(403, bad("Face search is disabled for this event"))
    with pytest.raises(eventlens.RequestError, match="disabled") as caught:
        client.search_face(1, b"\xff\xd8")
    assert (caught.value.status, caught.value.message) == (403, "Face search is disabled for this event")
    assert isinstance(caught.value, eventlens.EventlensError)
    assert len(script.seen) == 1
    assert not pauses  # what is refused stays refused


@pytest.mark.parametrize(
    "body", [b"<html>Bad gateway</html>", b"[]", b"\xff", b'{"responseType": "success"}']
)
def test_what_is_no_envelope_is_an_error(script: Script, client: eventlens.Client, body: bytes) -> None:
    script.say(404, body)
    with pytest.raises(eventlens.RequestError, match="not an answer of this API") as caught:
        client.details(1)
    assert caught.value.status == 404


def test_an_answer_that_lacks_a_field_is_an_error(script: Script, client: eventlens.Client) -> None:
    script.say(200, ok({"images": []}))
    with pytest.raises(eventlens.RequestError, match="pagination"):
        client.images(1)


def test_a_selfie_is_tried_again_under_one_request_id(
    script: Script, client: eventlens.Client, pauses: list[float]
) -> None:
    script.say(429, bad("slow down"), Retry_After="7").say(500, bad("oh"))
    script.answers.append(None)
    script.say(200, FACES)
    assert client.search_face(1, b"\xff\xd8selfie").request_id == SEARCH
    forms = [seen.form() for seen in script.seen]
    assert len({form["request_id"] for form in forms}) == 1
    assert all(form["file"] == b"\xff\xd8selfie" for form in forms)
    assert pauses[0] == 7  # as the server asked
    assert 0.5 <= pauses[1] <= 1.0
    # The connection that ended was one that had been kept: it was made again without a pause.
    assert len(pauses) == 2
    assert len(script.seen) == 4


def test_no_more_than_so_many_attempts(script: Script, pauses: list[float]) -> None:
    script.say(503, bad("busy"))
    with (
        eventlens.Client(script.url, "secret", 17, attempts=3) as client,
        pytest.raises(eventlens.RequestError) as caught,
    ):
        client.ping(1)
    assert caught.value.status == 503
    assert len(script.seen) == 3
    assert len(pauses) == 2


def test_nobody_there_is_status_0(script: Script, pauses: list[float]) -> None:
    script.answers.append(None)
    with eventlens.Client(script.url, "secret", 17, attempts=2) as client:
        with pytest.raises(eventlens.RequestError, match="does not answer") as caught:
            client.ping(1)
        assert caught.value.status == 0
    assert len(pauses) == 1


def test_connections_are_kept(script: Script, client: eventlens.Client) -> None:
    script.say(200, NO_IMAGES)
    for _ in range(3):
        client.images(1)
    assert len({seen.connection for seen in script.seen}) == 1


def test_lists_are_walked_to_their_end(script: Script, client: eventlens.Client) -> None:
    for page in (1, 2, 3):
        script.say(200, ok({"images": [IMAGE], "pagination": pages(3, page, 1)}))
    assert len(list(client.each_image(1))) == 3
    assert [seen.path.rpartition("?")[2] for seen in script.seen] == [
        f"page={page}&page_size=100" for page in (1, 2, 3)
    ]


def test_clips_are_asked_for_at_the_cadence_of_the_contract(
    script: Script, client: eventlens.Client, pauses: list[float]
) -> None:
    def result(status: str) -> bytes:
        return ok({"request_id": SEARCH, "status": status, "videos": [], "error": None, "clip_errors": []})

    for _ in range(6):
        script.say(200, result("processing"))
    script.say(200, result("no_matches"))
    assert client.wait_for_clips(1, SEARCH).status == "no_matches"
    assert pauses == [3, 5, 10, 15, 15, 15]


def test_waiting_for_clips_ends(script: Script, client: eventlens.Client, pauses: list[float]) -> None:
    script.say(
        200,
        ok({"request_id": SEARCH, "status": "processing", "videos": [], "error": None, "clip_errors": []}),
    )
    with pytest.raises(TimeoutError, match="not ready"):
        client.wait_for_clips(1, SEARCH, timeout=2)
    assert not pauses


START = ok({"status": "processing", "request_id": SEARCH})


@pytest.mark.parametrize(
    ("asked", "path", "sent"),
    [
        ({"request_id": SEARCH}, "search-by-selfie", {"request_id"}),
        ({"selfie": b"\x89PNG"}, "search-by-selfie", {"request_id", "file"}),
        ({"bib": "A207"}, "search-by-bib", {"request_id", "bib"}),
    ],
)
def test_clips_are_started_by_what_is_known(
    script: Script, client: eventlens.Client, asked: dict[str, Any], path: str, sent: set[str]
) -> None:
    script.say(200, START)
    assert client.start_clips(1, **asked).status == "processing"
    seen = script.seen[0]
    assert seen.path.endswith("/video-clipping/" + path)
    assert set(json.loads(seen.body) if "bib" in asked else seen.form()) == sent


ORIGINALS = ok(
    {
        "presigned_urls": [{"url": "http://x/1", "filename": "1.jpg"}],
        "failed_urls": [{"image_id": "2", "error": "gone", "path": None}],
        "total_images": 2,
        "successful_count": 1,
        "failed_count": 1,
        "identifier": None,
        "message": None,
        "pagination": pages(2, size=30),
    }
)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"bib": "A207"}, {"method": "bib", "identifier": "A207"}),
        ({"request_id": SEARCH}, {"method": "selfie", "identifier": SEARCH}),
        ({"image_id": "x"}, {"method": "image_id", "identifier": "x"}),
        ({"image_ids": ("x", "y")}, {"method": "image_ids", "identifier": ["x", "y"]}),
    ],
)
def test_originals_are_asked_for_in_four_ways(
    script: Script, client: eventlens.Client, asked: dict[str, Any], sent: dict[str, Any]
) -> None:
    script.say(200, ORIGINALS)
    links = client.originals(1, **asked)
    assert (links.successful_count, links.failed_urls[0].error) == (1, "gone")
    assert json.loads(script.seen[0].body) == sent


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.originals(1),
        lambda client: client.originals(1, bib="1", image_id="2"),
        lambda client: client.start_clips(1),
        lambda client: client.start_clips(1, selfie=b"x", bib="1"),
    ],
)
def test_what_makes_no_question_is_refused_before_it_is_sent(
    script: Script, client: eventlens.Client, call: Callable[[eventlens.Client], object]
) -> None:
    with pytest.raises(ValueError, match="needs"):
        call(client)
    assert not script.seen


def test_many_threads_share_a_client(script: Script, client: eventlens.Client) -> None:
    script.say(200, NO_IMAGES)
    found: list[ReplyPage[Any]] = []
    threads = [
        threading.Thread(target=lambda: found.extend(client.images(1) for _ in range(10))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80


def test_windows_of_time_are_sent_as_numbers(script: Script, client: eventlens.Client) -> None:
    script.say(200, NO_IMAGES)
    client.timeline_images(1, 1_780_000_000, 1_780_000_000.5)
    assert script.seen[0].path.endswith("?from=1780000000&to=1780000000.5&page=1&page_size=32")


def test_pauses_grow_and_stay_bounded() -> None:
    assert [client_http._pause(5, None) > client_http._pause(1, None) for _ in range(20)] == [True] * 20
    assert client_http._pause(40, None) <= 30
    assert client_http._pause(1, "3600") == 30  # longer than anybody waits
    assert client_http._pause(1, "soon") <= 1
