"""What /metrics counts, by the names that docs/server.md gives."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path

import pytest
from tests.server.running import Server
from tests.server.world import World

import eventlens

ADMIN = "the administrator's own key"
PAGE = Path(__file__).parents[2] / "docs" / "server.md"


def metrics(server: Server) -> dict[str, float]:
    """Those without labels."""
    lines = server.ask("GET", "/metrics").body.decode().splitlines()
    pairs = (line.split() for line in lines if not line.startswith("#") and "{" not in line)
    return {name: float(value) for name, value in pairs}


def wait_for(server: Server, wanted: dict[str, float]) -> None:
    deadline = time.monotonic() + 30
    while (told := {name: metrics(server).get(name) for name in wanted}) != wanted:
        assert time.monotonic() < deadline, told
        time.sleep(0.05)


def test_the_document_names_them_all(server: Server) -> None:
    types = re.findall(r"^# TYPE (\w+) ", server.ask("GET", "/metrics").body.decode(), re.MULTILINE)
    documented = set(re.findall(r"`(eventlens_\w+)`", PAGE.read_text(encoding="utf-8")))
    assert set(types) == documented


def test_searches_and_clips_are_counted(server: Server, world: World) -> None:
    with eventlens.Client(server.url, world.keys["north"], world.number("north")) as client:
        before = metrics(server)
        race = world.number("race")
        search = client.search_face(race, world.selfies["astronaut"])
        client.search_face(race, world.selfies["astronaut"], request_id=search.request_id)
        for event, request_id in (
            (race, search.request_id),
            (world.number("doomed"), world.names["doomed-search"]),
        ):
            client.start_clips(event, request_id=request_id)
            client.wait_for_clips(event, request_id, timeout=120, cadence=(0.05, 0.1, 0.2))
    seconds = "eventlens_selfie_search_seconds_total"
    assert 0 < metrics(server)[seconds] - before[seconds] < 60
    wanted = {"selfie_searches_total": 1, "clips_made_total": 1, "clips_failed_total": 1}
    wait_for(
        server,
        {f"eventlens_{name}": before[f"eventlens_{name}"] + more for name, more in wanted.items()}
        | {"eventlens_clip_jobs_pending": 0},
    )


@pytest.fixture
def nobody() -> str:
    """An address that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


def test_what_waits_is_told(tmp_path: Path, nobody: str) -> None:
    season = eventlens.open(tmp_path / "season")
    (tmp_path / "photos").mkdir()
    event = season.create_event("Race").id
    with Server(season.folder, tmp_path / "log", {"admin_key": ADMIN}) as server:

        def post(path: str, body: object) -> int:
            headers = {"X-Admin-Key": ADMIN, "Content-Type": "application/json"}
            reply = server.ask("POST", f"/api/v1/admin{path}", headers, json.dumps(body).encode())
            assert reply.status == 200, reply.body
            data: dict[str, int] = reply.data
            return data.get("webhook_id", 0)

        wait_for(server, {"eventlens_webhook_deliveries_pending": 0, "eventlens_webhook_failures_total": 0})
        hook = post("/organisations/1/webhooks", {"url": nobody, "kinds": ["clips.finished"]})
        post(f"/webhooks/{hook}/test", {})
        wait_for(server, {"eventlens_webhook_deliveries_pending": 1, "eventlens_webhook_failures_total": 1})
        post(f"/events/{event}/runs", {"source": str(tmp_path / "photos")})
        wait_for(server, {"eventlens_index_runs_pending": 0, "eventlens_webhook_deliveries_total": 0})
