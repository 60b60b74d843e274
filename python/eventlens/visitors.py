"""Tokens with which a participant's browser may search one event for a while, without a key.

A server over the same workspace makes them too (`POST /api/v1/admin/events/{id}/tokens`), and takes those made here:
both sign with the file `server-secret` of the workspace.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import time
import uuid
from pathlib import Path

from eventlens import _core

SECRET_BYTES = 32


def make_token(workspace: Path, organisation: int, event: int, seconds: int) -> str:
    """A token that is good from now on for so long."""
    text = f"{organisation}.{event}.{int(time.time()) + seconds}.{uuid.uuid4()}"
    signature = hmac.new(workspace_secret(workspace), f"token:{text}".encode(), hashlib.sha256)
    return f"{text}.{signature.hexdigest()}"


def workspace_secret(workspace: Path) -> bytes:
    """What signs tokens and links; made where there is none yet."""
    file = workspace / "server-secret"
    if not file.exists():
        # Whole or not at all, and never over one that is there: a server may make it at the same moment.
        part = workspace / f".server-secret-{os.getpid()}"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, secrets.token_bytes(SECRET_BYTES))
            os.fsync(handle)
            with contextlib.suppress(FileExistsError):
                os.link(part, file)
        finally:
            os.close(handle)
            part.unlink()
    secret = file.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise _core.BadInputError(
            f"{file} is no secret of {SECRET_BYTES} bytes: remove it, a new one is made"
        )
    return secret
