"""What an administrator changes, over HTTP or from the command line, holds for clients at their next request."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.server.running import Reply, Server

import eventlens

ADMIN = "the administrator's own key"


@pytest.fixture
def season(tmp_path: Path) -> eventlens.Workspace:
    return eventlens.open(tmp_path / "season")


@pytest.fixture
def server(season: eventlens.Workspace, tmp_path: Path) -> Iterator[Server]:
    with Server(season.folder, tmp_path / "log", {"admin_key": ADMIN}) as server:
        yield server


def administer(server: Server, method: str, path: str, body: Any = None, key: str = ADMIN) -> Reply:
    headers = {"X-Admin-Key": key, "Content-Type": "application/json"}
    return server.ask(
        method, f"/api/v1/admin{path}", headers, None if body is None else json.dumps(body).encode()
    )


def command(season: eventlens.Workspace, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "eventlens.cli", *arguments, "--workspace", str(season.folder)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_who_may_administer(server: Server) -> None:
    assert server.ask("GET", "/api/v1/admin/organisations").status == 401
    assert administer(server, "GET", "/organisations", key="some other key, long enough").status == 403
    assert administer(server, "GET", "/organisations").status == 200
    assert administer(server, "DELETE", "/organisations").status == 405
    assert administer(server, "GET", "/organisation").status == 404


def test_without_a_key_there_is_no_administration(season: eventlens.Workspace, tmp_path: Path) -> None:
    with Server(season.folder, tmp_path / "log") as server:
        assert administer(server, "GET", "/organisations").status == 404


def test_changes_hold_at_the_next_request(server: Server, season: eventlens.Workspace) -> None:
    """Whoever makes them: the server, or another process."""
    made = administer(server, "POST", "/organisations/1/events", {"name": "Race"})
    event = made.data["event_id"]
    key = command(season, "key", "create", "--org", "1")
    path = f"/api/v1/ext/1/event/{event}/details"

    def details(key: str = key) -> Reply:
        return server.ask("GET", path, {"X-API-Key": key})

    assert details().data["bib_search"] is True
    command(season, "event", "set", "Race", "--flag", "bib_search=off")
    assert details().data["bib_search"] is False
    assert server.ask("GET", f"/api/v1/ext/1/event/{event}/bibs/1", {"X-API-Key": key}).status == 403
    number = season.keys()[0].id
    assert administer(server, "PATCH", f"/keys/{number}", {"active": False}).status == 200
    assert details().status == 403
    command(season, "key", "enable", str(number))
    assert details().status == 200
    assert administer(server, "DELETE", f"/keys/{number}").status == 200
    assert details().status == 403
    second = administer(server, "POST", "/organisations/1/keys", {"name": "shop"}).data["key"]
    assert details(second).status == 200
    assert administer(server, "DELETE", f"/events/{event}").status == 200
    assert details(second).status == 404


def test_a_token_from_the_command_line_opens_its_event_alone(
    server: Server, season: eventlens.Workspace
) -> None:
    events = [season.create_event(name) for name in ("Race", "Other")]
    token = command(season, "token", "--event", "Race")
    first, second = (
        server.ask("GET", f"/api/v1/ext/1/event/{event.id}/details", {"X-Event-Token": token}).status
        for event in events
    )
    assert (first, second) == (200, 403)
    late = season.visitor_token(events[0], seconds=1)
    forged = late.replace(".1.", ".2.", 1)
    path = f"/api/v1/ext/1/event/{events[1].id}/details"
    assert server.ask("GET", path, {"X-Event-Token": forged}).status == 403


def test_a_roster_is_a_table(server: Server, season: eventlens.Workspace) -> None:
    event = season.create_event("Race")
    path = f"/api/v1/admin/events/{event.id}/roster"
    headers = {"X-Admin-Key": ADMIN, "Content-Type": "text/csv"}
    many = "bib,name\n" + "".join(f"{number},Runner {number}\n" for number in range(100_000))
    assert server.ask("PUT", path, headers, many.encode()).data == {
        "event_id": event.id,
        "participants": 100_000,
    }
    told = server.ask("GET", path, {"X-Admin-Key": ADMIN})
    assert told.headers["Content-Type"].startswith("text/csv")
    assert len(told.body.splitlines()) == 100_001
    assert len(event.roster()) == 100_000
