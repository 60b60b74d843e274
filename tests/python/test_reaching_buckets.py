"""Buckets behind TLS, with certificates of one's own, and behind a proxy."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import eventlens


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
               "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@contextmanager
def forwarder(port: int, seen: list[str], certificate: Path | None = None) -> Iterator[int]:
    """The port of a server that passes requests on to another: behind TLS, or as an HTTP proxy, which is asked for
    whole URLs.

    port: The other server's.
    seen: Gets the target of each request.
    """

    class Forward(BaseHTTPRequestHandler):
        timeout = 20

        def forward(self) -> None:
            seen.append(self.path)
            target = urlsplit(self.path)._replace(scheme="", netloc="").geturl()
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as server:
                server.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if not name.lower().startswith("proxy-"):
                        server.putheader(name, value)
                server.endheaders(body)
                reply = server.getresponse()
                content = reply.read()
            self.send_response_only(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_DELETE = forward

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Forward) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate / "certificate.pem", certificate / "key.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def storage_of(bucket, **options):
    return eventlens.Storage(
        access_key=bucket.server.access_key, secret_key=bucket.server.secret_key, **options
    )


def test_certificates_are_checked_and_may_be_ones_own(bucket, certificate, monkeypatch):
    bucket.put("a.jpg", b"pixels")
    with forwarder(bucket.port, [], certificate) as port:
        location = bucket.location(endpoint=f"https://127.0.0.1:{port}")
        with pytest.raises(eventlens.BadInputError, match="not trusted"):
            eventlens.open_store(location, storage=storage_of(bucket)).read("a.jpg")

        own = str(certificate / "certificate.pem")
        trusting = eventlens.open_store(location, storage=storage_of(bucket, ca_file=own))
        assert trusting.read("a.jpg") == b"pixels"
        assert trusting.write("b.jpg", b"more"), "signed without a hash of the content, which TLS protects"
        assert bucket.get("b.jpg") == b"more"

        monkeypatch.setenv("AWS_CA_BUNDLE", own)
        assert eventlens.open_store(location, storage=storage_of(bucket)).read("a.jpg") == b"pixels"

        elsewhere = bucket.location(endpoint=f"https://localhost:{port}")
        with pytest.raises(eventlens.BadInputError, match="not trusted"):
            eventlens.open_store(elsewhere, storage=storage_of(bucket)).read("a.jpg")


def test_a_proxy_is_used_unless_the_host_is_excepted(bucket, monkeypatch):
    bucket.put("a b.jpg", b"pixels")
    seen: list[str] = []
    with forwarder(bucket.port, seen) as port:
        proxy = f"http://127.0.0.1:{port}"
        through = eventlens.open_store(bucket.location(), storage=storage_of(bucket, proxy=proxy))
        assert through.read("a b.jpg") == b"pixels"
        assert through.write("c.jpg", b"more")
        assert [found.key for found in through.list()] == ["a b.jpg", "c.jpg"]
        assert len(seen) >= 3
        assert all(url.startswith(f"http://127.0.0.1:{bucket.port}/") for url in seen)

        seen.clear()
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("NO_PROXY", "")
        assert eventlens.open_store(bucket.location(), storage=storage_of(bucket)).read("c.jpg") == b"more"
        assert seen, "the variable counts where the options name none"

        seen.clear()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert eventlens.open_store(bucket.location(), storage=storage_of(bucket)).read("c.jpg") == b"more"
        assert not seen
