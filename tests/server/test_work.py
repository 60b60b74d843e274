"""An index run asked for over HTTP, and the webhook that is told of its end: the whole way, on a server."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.server.conftest import wait_until_ready
from tests.server.running import Server
from tests.server.test_metrics import wait_for

import eventlens
from eventlens.sample_event import BIB_PATTERN, SampleEvent

ADMIN_KEY = "a key for administrators"


class Receiver:
    """Keeps what a webhook is told: the signature's header and the body."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes]] = []
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.append((self.headers["X-Eventlens-Signature"], body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


def ask(server: Server, method: str, path: str, body: object = None) -> Any:
    headers = {"X-Admin-Key": ADMIN_KEY, "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    reply = server.ask(method, f"/api/v1/admin{path}", headers, content)
    assert reply.status == 200, reply.body
    return reply.data


def test_a_run_is_done_and_told_of(sample: SampleEvent, tmp_path: Path, receiver: Receiver) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in ("001", "002"):
        (photos / f"{number}.jpg").write_bytes((sample.photos / f"lakeside_{number}.jpg").read_bytes())
    (photos / "broken.jpg").write_bytes(b"no photo")
    event = eventlens.open(tmp_path / "season").create_event("race", bib_pattern=BIB_PATTERN).id

    with Server(tmp_path / "season", tmp_path / "log", {"admin_key": ADMIN_KEY}) as server:
        wait_until_ready(server)
        hook = ask(server, "POST", "/organisations/1/webhooks", {"url": receiver.url})
        run = ask(server, "POST", f"/events/{event}/runs", {"source": str(photos)})
        deadline = time.monotonic() + 120
        while not receiver.told:
            assert time.monotonic() < deadline, server.said()
            time.sleep(0.05)
        counted = {"photos_indexed": 2, "media_failed": 1, "webhook_deliveries": 1, "webhook_failures": 0}
        wait_for(server, {f"eventlens_{name}_total": count for name, count in counted.items()})
        wait_for(server, {"eventlens_index_runs_pending": 0, "eventlens_webhook_deliveries_pending": 0})
        done = ask(server, "GET", f"/runs/{run['run_id']}")
        deliveries = ask(server, "GET", f"/webhooks/{hook['webhook_id']}/deliveries")["deliveries"]

    assert done["status"] == "completed"
    assert (done["counts"]["added"], done["counts"]["failed"]) == (3, 1)
    assert [failure["key"] for failure in done["failures"]] == ["broken.jpg"]
    ((signature, body),) = receiver.told
    sent = signature.split(",")[0].removeprefix("t=")
    digest = hmac.new(hook["secret"].encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
    assert signature == f"t={sent},v1={digest}"
    news = json.loads(body)
    assert (news["type"], news["organisation_id"]) == ("index.finished", 1)
    assert news["data"] == {
        "event_id": event,
        "run_id": run["run_id"],
        "status": "completed",
        "added": 3,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
        "failed": 1,
    }
    assert [each["delivery_id"] for each in deliveries] == [news["id"]]
