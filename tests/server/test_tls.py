"""The server behind its own certificate."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.running import Server
from tests.server.world import World

HEADER_WITHIN = 1  # seconds


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `certificate.pem` and `key.pem`, good for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
               "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def secure(world: World, certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "tls.certificate": str(certificate / "certificate.pem"),
        "tls.key": str(certificate / "key.pem"),
        "limits.header_seconds": str(HEADER_WITHIN),
    }
    with Server(world.workspace.folder, tmp_path_factory.mktemp("secure") / "log", settings) as server:
        yield server


def get(
    server: Server, context: ssl.SSLContext, path: str, key: str = ""
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPSConnection(server.host, server.port, timeout=30, context=context)
    try:
        connection.request("GET", path, headers={"X-API-Key": key} if key else {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate / "certificate.pem"))


def test_it_answers_and_makes_links_of_its_own_kind(
    secure: Server, world: World, trusting: ssl.SSLContext
) -> None:
    assert secure.url.startswith("https://")
    path = f"/api/v1/ext/{world.names['north']}/event/{world.names['race']}/images"
    status, headers, body = get(secure, trusting, path, world.keys["north"])
    assert status == 200, body
    assert headers["strict-transport-security"] == "max-age=31536000"
    link = json.loads(body)["data"]["images"][0]["thumbnail_url"]
    assert link.startswith(secure.url + "/")
    status, headers, body = get(secure, trusting, link.removeprefix(secure.url))
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert len(body) == int(headers["content-length"])


def test_large_answers_come_whole(secure: Server, trusting: ssl.SSLContext) -> None:
    status, headers, body = get(secure, trusting, "/openapi.json")
    assert (status, len(body)) == (200, int(headers["content-length"]))
    assert json.loads(body)["openapi"].startswith("3.1")


def test_a_client_that_does_not_know_the_certificate_goes_away(
    secure: Server, trusting: ssl.SSLContext
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        get(secure, ssl.create_default_context(), "/healthz")
    assert get(secure, trusting, "/healthz")[0] == 200


def test_old_versions_are_not_spoken(secure: Server, trusting: ssl.SSLContext) -> None:
    command = ["openssl", "s_client", "-connect", f"{secure.host}:{secure.port}", "-brief"]
    for version, spoken in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        old = ["-cipher", "DEFAULT@SECLEVEL=0"] if not spoken else []
        told = subprocess.run([*command, version, *old], input=b"", capture_output=True, timeout=30)
        assert (told.returncode == 0) == spoken, (version, told.stderr)
    assert get(secure, trusting, "/healthz")[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\xff\xff" + b"\0" * 600,
        b"",
        b"\x16\x03",
    ],
)
def test_what_is_no_handshake_is_closed(secure: Server, trusting: ssl.SSLContext, sent: bytes) -> None:
    begun = time.monotonic()
    with secure.connect() as connection:
        connection.sendall(sent)
        while answer := connection.recv(1000):  # an alert at most
            assert not answer.startswith(b"HTTP/")
    assert time.monotonic() - begun < HEADER_WITHIN + 10
    assert get(secure, trusting, "/healthz")[0] == 200


def test_a_certificate_without_its_key_is_refused_at_the_start(
    world: World, certificate: Path, tmp_path: Path
) -> None:
    settings = {
        "tls.certificate": str(certificate / "certificate.pem"),
        "tls.key": str(certificate / "certificate.pem"),
    }
    with pytest.raises(AssertionError, match="cannot use the private key"):
        Server(world.workspace.folder, tmp_path / "log", settings)
