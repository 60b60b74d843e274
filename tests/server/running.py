"""The server as a process, and requests to it: ordinary ones, and bytes that are none."""

from __future__ import annotations

import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import eventlens

STARTS_WITHIN = 60.0  # seconds; models are loaded meanwhile
ENDS_WITHIN = 60.0


def program() -> Path:
    """The server: $EVENTLENS_SERVER, else the one installed with the package."""
    chosen = os.environ.get("EVENTLENS_SERVER")
    return Path(chosen) if chosen else Path(eventlens.__file__).parent / "bin" / "eventlens-server"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def message(self) -> str:
        message: str = self.json["message"]
        return message


class Server:
    """`eventlens-server` on a free port of 127.0.0.1 while the block lasts; ended by its process id.

    Settings are given by the environment ("rate.searches" is EVENTLENS_RATE_SEARCHES), as an operator does.
    """

    def __init__(self, workspace: Path, log: Path, settings: Mapping[str, str] | None = None) -> None:
        self.log = log
        asked = {"workspace": str(workspace), "listen": "127.0.0.1:0", **(settings or {})}
        environment = {f"EVENTLENS_{name.upper().replace('.', '_')}": value for name, value in asked.items()}
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [*tied, str(program())],
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        try:
            self.url = self._told_url()
        except BaseException:
            self.process.kill()
            self.process.wait()
            self._out.close()
            raise
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.host, self.port = parts.hostname, parts.port

    @property
    def _out(self) -> Any:
        return self.process.stdout

    def _told_url(self) -> str:
        deadline = time.monotonic() + STARTS_WITHIN
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._out], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self._out.fileno(), 1000) if ready else b""
            if not chunk:
                raise AssertionError(f"the server does not start; it said:\n{self.said()}")
            line += chunk
        first = line.decode().splitlines()[0]
        url = first.removeprefix("listening on ")
        assert url.startswith(("http://127.0.0.1:", "https://127.0.0.1:")), first
        return url

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:]

    def resident_bytes(self) -> int:
        """Memory of the process at this moment."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the server is gone")

    def open_files(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def kill(self) -> None:
        """As a power cut ends it."""
        self.process.kill()
        self.process.wait()
        self._out.close()

    def close(self) -> None:
        """Ends it as an operator does, and looks how it went."""
        if self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end when it was told to:\n{self.said()}") from None
        finally:
            self._out.close()
        assert status == 0, f"the server ended with {status}; it said:\n{self.said()}"

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- asking ---

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        timeout: float = 60.0,
    ) -> Reply:
        """One request on a connection of its own, its path sent as it is."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.putrequest(
                method,
                path,
                skip_host="Host" in (headers or {}),
                skip_accept_encoding=True,
            )
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body is not None and "Content-Length" not in (headers or {}):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def connect(self, timeout: float = 30.0) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout)

    def raw(self, sent: bytes, timeout: float = 30.0) -> Reply | None:
        """The answer to any bytes; None: the connection ended without one."""
        with self.connect(timeout) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # it has answered already, or ended
                connection.sendall(sent)
            return read_reply(connection)


def read_reply(connection: socket.socket, method: str = "GET") -> Reply | None:
    """The next answer on a connection; None: it ended without one."""
    answer = http.client.HTTPResponse(connection, method=method)
    try:
        answer.begin()
        return Reply(answer.status, answer.headers, answer.read())
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return None
    finally:
        answer.close()
