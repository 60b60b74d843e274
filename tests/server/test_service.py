"""The contract under other configurations: approved hosts, limits of rate, other origins, a catalog that is shut."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
from tests.server.cases import ENDPOINTS, Endpoint, Form, shows
from tests.server.conftest import wait_until_ready
from tests.server.running import Reply, Server
from tests.server.schemas import hold_to_schema
from tests.server.world import World

from eventlens.model_fetch import default_folder

HOSTS = "photos.example.org,Api.Example.ORG"
ORIGIN = "https://app.example.org"
ADMIN = "the administrator's own key"
_Test = TypeVar("_Test")


@pytest.fixture(scope="module")
def strict(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with approved hosts, few searches, and the misspelt keys of old clients."""
    settings = {"hosts": HOSTS, "rate.searches": "0.5", "rate.search_burst": "3", "rate.requests": "1000"}
    settings |= {"legacy_image_keys": "true"}
    log = tmp_path_factory.mktemp("strict") / "log"
    with Server(world.workspace.folder, log, settings) as server:
        deadline = time.monotonic() + 60
        while server.ask("GET", "/readyz", {"Host": "photos.example.org"}).status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield server


def path_of(world: World, rest: str, org: str = "north", event: str = "race") -> str:
    return f"/api/v1/ext/{world.names[org]}/event/{world.names[event]}/{rest}"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("photos.example.org", 200),
        ("PHOTOS.example.org:8443", 200),
        ("api.example.org", 200),
        ("photos.example.org.", 403),
        ("evil.example.org", 403),
        ("photos.example.org.evil.com", 403),
        ("127.0.0.1", 403),
        ("", 403),
    ],
)
@shows("ping", "hosts: approved ones, in any case, with any port; no others", 403)
def test_hosts(strict: Server, world: World, host: str, status: int) -> None:
    reply = strict.ask("GET", path_of(world, "ping"), {"Host": host, "X-API-Key": world.keys["north"]})
    assert reply.status == status
    if status != 200:
        hold_to_schema("ping", reply)


@shows("ping", "the host comes before the key", 403)
def test_the_host_is_looked_at_first(strict: Server, world: World) -> None:
    assert strict.ask("GET", path_of(world, "ping"), {"Host": "evil.example.org"}).status == 403
    assert strict.ask("GET", path_of(world, "ping"), {"Host": "photos.example.org"}).status == 401


def test_administration_with_an_address_of_its_own_is_asked_by_any_name(world: World, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"hosts": HOSTS, "admin_listen": f"127.0.0.1:{port}", "admin_key": ADMIN}
    with Server(world.workspace.folder, tmp_path / "log", settings) as server:

        def status(path: str, host: str | None = None) -> int:
            headers = {"X-Admin-Key": ADMIN} | ({"Host": host} if host else {})
            return server.ask("GET", path, headers).status

        assert status("/metrics") == 403  # not by this name
        assert status("/metrics", "photos.example.org") == 404  # and by the right one not here
        assert status("/healthz") == 200
        server.port = port
        for path in ("/metrics", "/healthz", "/api/v1/admin/organisations"):
            assert status(path) == status(path, "evil.example.org") == 200
        assert status("/readyz") in (200, 503)
        assert status(path_of(world, "ping")) == 404


def test_administration_beside_the_contract_keeps_to_the_hosts(world: World, tmp_path: Path) -> None:
    with Server(world.workspace.folder, tmp_path / "log", {"hosts": HOSTS, "admin_key": ADMIN}) as server:
        for path in ("/metrics", "/api/v1/admin/organisations"):
            assert server.ask("GET", path, {"X-Admin-Key": ADMIN}).status == 403
            right = {"X-Admin-Key": ADMIN, "Host": "photos.example.org"}
            assert server.ask("GET", path, right).status == 200


def search(server: Server, world: World, key: str, event: str, person: str, request_id: str = "") -> Reply:
    kind, body = Form(person, request_id or None).encoded(world, world.names)
    headers = {"Host": "photos.example.org", "X-API-Key": world.keys[key], "Content-Type": kind}
    return server.ask("POST", path_of(world, "faces", key, event), headers, body)


@shows("searchByFace", "too many searches of one key: Retry-After; other keys and GETs go on", 429)
@shows("startVideoClipping", "too many searches of one key", 429)
def test_searches_are_limited_for_each_key(strict: Server, world: World) -> None:
    request_id = str(uuid.uuid4())
    replies = [search(strict, world, "east", "east-race", "astronaut", request_id) for _ in range(6)]
    assert [reply.status for reply in replies[:3]] == [200] * 3
    refused = [reply for reply in replies if reply.status == 429]
    assert len(refused) >= 2
    hold_to_schema("searchByFace", refused[-1])
    wait = int(refused[-1].headers["Retry-After"])
    assert 1 <= wait <= 3
    kind, body = Form(None, request_id).encoded(world, world.names)
    headers = {"Host": "photos.example.org", "X-API-Key": world.keys["east"]}
    clips = path_of(world, "video-clipping/search-by-selfie", "east", "east-race")
    assert strict.ask("POST", clips, {**headers, "Content-Type": kind}, body).status == 429
    assert (
        strict.ask("GET", path_of(world, f"faces/{request_id}", "east", "east-race"), headers).status == 200
    )
    assert search(strict, world, "south", "south-race", "president").status == 200
    time.sleep(wait + 0.1)
    assert search(strict, world, "east", "east-race", "astronaut", request_id).status == 200


@pytest.mark.parametrize(("trusted", "apart"), [("127.0.0.0/8", True), ("10.0.0.0/8", False)])
@shows("searchByFace", "too many searches of one participant: a token at an address", 429)
def test_participants_with_one_token_are_limited_by_their_addresses(
    world: World, tmp_path: Path, trusted: str, apart: bool
) -> None:
    """Through a proxy that is trusted, and through one that is not: all have its address then."""
    settings = {"proxies.trusted": trusted, "rate.visitor_searches": "0.02"}
    kind, body = Form("astronaut").encoded(world, world.names)
    token = world.workspace.visitor_token(world.events["race"], seconds=600)
    with Server(world.workspace.folder, tmp_path / "log", settings) as server:
        wait_until_ready(server)

        def search_from(address: str) -> Reply:
            headers = {"X-Event-Token": token, "X-Forwarded-For": address, "Content-Type": kind}
            return server.ask("POST", path_of(world, "faces"), headers, body)

        assert search_from("203.0.113.5").status == 200
        refused = search_from("203.0.113.5")
        assert refused.status == 429
        hold_to_schema("searchByFace", refused)
        assert 40 <= int(refused.headers["Retry-After"]) <= 50
        assert search_from("203.0.113.6").status == (200 if apart else 429)
        assert search_from("2001:db8::1").status == (200 if apart else 429)
        assert search_from("2001:db8::2").status == 429  # one client's addresses


def request_to(endpoint: Endpoint, server: Server, world: World, timeout: float = 60) -> Reply:
    """A good one."""
    headers = {"X-API-Key": world.keys["north"]}
    body = None
    if endpoint.body is not None:
        headers["Content-Type"], body = endpoint.body.encoded(world, world.names)
    path = endpoint.path().format_map(world.names)
    return server.ask(endpoint.method, path, headers, body, timeout=timeout)


def on_all_endpoints(situation: str, status: int) -> Callable[[_Test], _Test]:
    def mark(test: _Test) -> _Test:
        for endpoint in ENDPOINTS:
            test = shows(endpoint.operation, situation, status)(test)
        return test

    return mark


@on_all_endpoints("too many requests of one key: Retry-After", 429)
def test_requests_are_limited_for_each_key(world: World, tmp_path: Path) -> None:
    limits = {"rate.requests": "0.01", "rate.burst": "1"}
    with Server(world.workspace.folder, tmp_path / "log", limits) as server:
        wait_until_ready(server)
        assert request_to(ENDPOINTS[0], server, world).status == 200
        for endpoint in ENDPOINTS:
            reply = request_to(endpoint, server, world)
            assert reply.status == 429, endpoint
            hold_to_schema(endpoint.operation, reply)
            assert 90 <= int(reply.headers["Retry-After"]) <= 100
        other = {"X-API-Key": world.keys["south"]}
        assert server.ask("GET", path_of(world, "ping", "south", "south-race"), other).status == 200


def until_logged(log: Path, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in log.read_text():
        assert time.monotonic() < deadline, text
        time.sleep(0.02)


@on_all_endpoints("the catalog is damaged: no word of how, and the log says it", 500)
def test_a_damaged_catalog(world: World, tmp_path: Path) -> None:
    season = tmp_path / "season"
    shutil.copytree(world.workspace.folder, season)
    log = tmp_path / "log"
    with (
        Server(season, log, {"rate.searches": "0"}) as server,
        closing(sqlite3.connect(season / "catalog.sqlite", isolation_level=None)) as other,
    ):
        wait_until_ready(server)
        assert request_to(ENDPOINTS[0], server, world).status == 200
        other.execute("ALTER TABLE access RENAME TO lost")
        for endpoint in ENDPOINTS:
            reply = request_to(endpoint, server, world)
            assert reply.status == 500, endpoint
            hold_to_schema(endpoint.operation, reply)
            assert "access" not in reply.message
            until_logged(log, f'"{reply.headers["X-Request-Id"]}"')
        path, headers = path_of(world, "images"), {"X-API-Key": world.keys["north"]}
        reply = server.ask("GET", path, headers | {"Origin": "https://club.example"})
        assert reply.status == 500
        hold_to_schema("listImages", reply)
        assert "no such table: access" in log.read_text()
        assert server.ask("GET", "/healthz").status == 200
        other.execute("ALTER TABLE lost RENAME TO access")
        assert request_to(ENDPOINTS[0], server, world).status == 200


@shows("listImages", "legacy_image_keys: the misspelt keys beside the right ones", 200)
def test_misspelt_keys_for_old_clients(strict: Server, world: World) -> None:
    headers = {"Host": "photos.example.org", "X-API-Key": world.keys["north"]}
    (image, *_) = strict.ask("GET", path_of(world, "images"), headers).data["images"]
    assert image["widht"] == image["width"]
    assert image["thumbanail_url"] == image["thumbnail_url"]
    assert image["orginal_url"] == image["original_url"]
    document = strict.ask("GET", "/openapi.json", {"Host": "photos.example.org"})
    assert "orginal_url" in json.loads(document.body)["components"]["schemas"]["ImageItem"]["properties"]
    known = {"Host": "photos.example.org", "If-None-Match": document.headers["ETag"]}
    assert strict.ask("GET", "/openapi.json", known).status == 304


@shows("searchByFace", "the catalog cannot be written: try again with the same request_id", 500)
def test_a_search_that_cannot_be_recorded(server: Server, world: World) -> None:
    request_id = str(uuid.uuid4())
    kind, body = Form("astronaut", request_id).encoded(world, world.names)
    headers = {"X-API-Key": world.keys["north"], "Content-Type": kind}
    before = world.workspace._engine.event(world.number("race")).billable_searches
    with closing(sqlite3.connect(world.workspace.folder / "catalog.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # somebody writes, and goes on writing
        try:
            reply = server.ask("POST", path_of(world, "faces"), headers, body, timeout=120)
            assert reply.status == 500
            hold_to_schema("searchByFace", reply)
            assert "sqlite" not in reply.body.decode().lower()
            # What only reads goes on.
            assert server.ask("GET", path_of(world, "images"), headers).status == 200
        finally:
            other.execute("ROLLBACK")
    assert server.ask("POST", path_of(world, "faces"), headers, body).status == 200
    assert world.workspace._engine.event(world.number("race")).billable_searches == before + 1


# --- pages of other origins ---


@pytest.fixture
def origin(world: World) -> Iterator[str]:
    """An origin that "north" lets in."""
    engine = world.workspace._engine
    organisation = next(one for one in engine.organisations() if one.id == world.number("north"))
    engine.update_organisation(organisation.id, organisation.name, [ORIGIN])
    yield ORIGIN
    engine.update_organisation(organisation.id, organisation.name, [])


@shows("searchByFace", "preflight OPTIONS: no key; only origins that the organisation named", 204)
def test_preflight(server: Server, world: World, origin: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    reply = server.ask("OPTIONS", path_of(world, "faces"), {"Origin": origin, **asked})
    assert reply.status == 204
    assert reply.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]
    assert "x-api-key" in reply.headers["Access-Control-Allow-Headers"].lower()
    assert "Origin" in reply.headers["Vary"]
    for who, path in [
        ("https://evil.example.org", path_of(world, "faces")),
        (origin + ".evil.com", path_of(world, "faces")),
        ("null", path_of(world, "faces")),
        (origin, path_of(world, "faces", "south", "south-race")),
    ]:
        reply = server.ask("OPTIONS", path, {"Origin": who, **asked})
        assert reply.headers["Access-Control-Allow-Origin"] is None


def test_answers_to_other_origins(server: Server, world: World, origin: str) -> None:
    headers = {"X-API-Key": world.keys["north"], "Origin": origin}
    assert server.ask("GET", path_of(world, "ping"), headers).headers["Access-Control-Allow-Origin"] == origin
    # Errors may be read too, or an app could not tell why.
    reply = server.ask("GET", path_of(world, "ping"), {"Origin": origin})
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (401, origin)
    headers["Origin"] = "https://evil.example.org"
    assert server.ask("GET", path_of(world, "ping"), headers).headers["Access-Control-Allow-Origin"] is None


def test_security_headers(server: Server, world: World) -> None:
    reply = server.ask("GET", path_of(world, "ping"), {"X-API-Key": world.keys["north"]})
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Request-Id"]
    assert "Server" not in reply.headers or "/" not in reply.headers["Server"]  # no version


@shows("readyz", "before the models are loaded", 503)
@shows("searchByBib", "the models are missing: no word of where they should be", 500)
@shows("searchByFace", "the models are missing: no word of where they should be", 500)
def test_it_is_ready_when_it_can_answer(world: World, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    settings = {"models.folder": str(models), "rate.searches": "0"}
    with Server(world.workspace.folder, tmp_path / "log", settings) as server:
        until_logged(tmp_path / "log", str(models))
        assert server.ask("GET", "/readyz").status == 503
        assert server.ask("GET", "/healthz").status == 200
        for endpoint in ENDPOINTS:
            if endpoint.operation in ("searchByBib", "searchByFace"):
                reply = request_to(endpoint, server, world)
                assert reply.status == 500
                hold_to_schema(endpoint.operation, reply)
                assert "model" not in reply.message
        for file in default_folder().iterdir():  # fetched while it runs
            (models / file.name).symlink_to(file)
        wait_until_ready(server)
        headers = {"X-API-Key": world.keys["north"]}
        assert server.ask("GET", path_of(world, "bibs/A207"), headers).status == 200


def test_logs_hold_no_keys_and_nobodys_number(server: Server, world: World) -> None:
    headers = {"X-API-Key": world.keys["north"]}
    assert server.ask("GET", path_of(world, "bibs/A207"), headers).status == 200
    assert server.ask("GET", path_of(world, "ping"), {"X-API-Key": "a-key-typed-wrongly"}).status == 403
    time.sleep(0.2)  # the log is written aside
    said = server.log.read_text(errors="replace")
    assert said
    for secret in [*world.keys.values(), "a-key-typed-wrongly", "A207"]:
        assert secret not in said
