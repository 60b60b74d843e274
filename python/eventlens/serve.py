"""The reference server, which is a program of its own beside the module: found, given its models, started."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import NoReturn

import eventlens
from eventlens import model_fetch
from eventlens.demo import index_sample
from eventlens.terminal import out

_SAMPLE_KEY = "made by eventlens serve --sample"
_TOKEN_SECONDS = 7 * 24 * 3600


def program() -> Path:
    """Where `eventlens-server` is installed. Raises NotFoundError for a package that was built without it."""
    path = Path(eventlens.__file__).parent / "bin" / "eventlens-server"
    if not path.exists():
        raise eventlens.NotFoundError(f"there is no {path}: this package was built with EVENTLENS_SERVER=OFF")
    return path


def start(arguments: list[str]) -> NoReturn:
    """Become the server. Its models are those of `eventlens models fetch`, unless the environment says otherwise."""
    server = str(program())
    environment = {"EVENTLENS_MODELS": str(model_fetch.default_folder()), **os.environ}
    sys.stdout.flush()
    os.execve(server, [server, *arguments], environment)  # noqa: S606  (no shell is wanted)


def main() -> None:
    """`eventlens-server`: the same program under its own name."""
    try:
        start(sys.argv[1:])
    except eventlens.EventlensError as error:
        print(f"eventlens-server: {error}", file=sys.stderr)
        sys.exit(3)


def serve_sample(folder: Path, arguments: list[str]) -> NoReturn:
    """Serve the sample event, made in `folder` at the first call, and say how to ask: a key, calls, pages."""
    season, event, selfie = index_sample(folder)
    for old in season.keys(event.organisation):
        if old.name == _SAMPLE_KEY:
            season.delete_key(old)
    key = season.create_key(event.organisation, name=_SAMPLE_KEY).key
    token = season.visitor_token(event, seconds=_TOKEN_SECONDS)
    address = _listen_address(arguments)
    here = f"http://{address}"
    calls = f"{here}/api/v1/ext/{event.organisation}/event/{event.id}"
    lines = [
        "",
        f"key    {key}",
        f"try    curl -H 'X-API-Key: {key}' {calls}/ping",
        f"       curl -H 'X-API-Key: {key}' -F file=@{shlex.quote(str(selfie))} {calls}/faces",
        f"pages  {here}/docs",
        f"       {here}/demo#event={event.id}&org={event.organisation}&token={token}",
        "",
    ]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    start(["--workspace", str(season.folder), "--listen", address, *_without_listen(arguments)])


def _listen_address(arguments: list[str]) -> str:
    for place, word in enumerate(arguments):
        if word == "--listen" and place + 1 < len(arguments):
            return arguments[place + 1]
        if word.startswith("--listen="):
            return word.removeprefix("--listen=")
    return os.environ.get("EVENTLENS_LISTEN", "127.0.0.1:8080")


def _without_listen(arguments: list[str]) -> list[str]:
    kept: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--listen":
            next(words, None)
        elif not word.startswith("--listen="):
            kept.append(word)
    return kept
