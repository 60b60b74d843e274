"""Requests to a server: connections that are kept, what is tried again, and the envelope around every answer."""

from __future__ import annotations

import http.client
import json
import random
import secrets
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from eventlens._core import BadInputError, EventlensError

_LONGEST_PAUSE = 30.0  # seconds
_RETRIED = frozenset({429, 500, 502, 503, 504})


class RequestError(EventlensError):
    """A server refused a request, or did not answer.

    Attributes:
        status: Of the answer, such as 403; 0: there was none.
        message: The server's words, for people; do not branch on them.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}" if status else message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Answer:
    """What was in the envelope of a success."""

    message: str
    data: dict[str, Any]


@dataclass(frozen=True)
class _Response:
    status: int
    retry_after: str | None
    body: bytes = field(repr=False)


@dataclass
class Transport:
    """Sends requests to one server. Thread safe: each request has a connection of its own while it lasts.

    Attributes:
        base_url: "https://photos.example.org", with a path when the server is below one.
        headers: Sent with every request.
        timeout: Seconds without a byte, after which a request failed.
        attempts: For each request, the first included. Only what may be repeated is repeated.
    """

    base_url: str
    headers: dict[str, str] = field(repr=False)
    timeout: float
    attempts: int
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise BadInputError(
                f"{self.base_url!r} is no URL of a server, such as 'https://photos.example.org'"
            )
        if self.attempts < 1:
            raise BadInputError("a request needs at least one attempt")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._below = parts.path.rstrip("/")
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the connections that are kept; later requests make new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def get(self, path: str, query: dict[str, Any] | None = None) -> Answer:
        return self._ask("GET", path, query, None, None)

    def post(self, path: str, query: dict[str, Any] | None, content_type: str, body: bytes) -> Answer:
        """For requests that may be made twice, as all of the contract's may when they name their request_id."""
        return self._ask("POST", path, query, content_type, body)

    def _ask(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None,
        content_type: str | None,
        body: bytes | None,
    ) -> Answer:
        target = self._below + path + (f"?{urlencode(query)}" if query else "")
        headers = {**self.headers, "Accept": "application/json"}
        if content_type is not None:
            headers["Content-Type"] = content_type
        for attempt in range(1, self.attempts + 1):
            last = attempt == self.attempts
            try:
                response = self._send(method, target, headers, body)
            except (OSError, http.client.HTTPException) as error:
                if last:
                    reason = str(error) or type(error).__name__
                    raise RequestError(0, f"{self.base_url} does not answer: {reason}") from error
                time.sleep(_pause(attempt, None))
                continue
            if response.status in _RETRIED and not last:
                time.sleep(_pause(attempt, response.retry_after))
                continue
            return _opened(response)
        raise AssertionError("the last attempt answers or raises")

    def _send(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> _Response:
        with self._lock:
            kept = self._idle.pop() if self._idle else None
        if kept is not None:
            try:
                return self._exchange(kept, method, target, headers, body)
            except (ConnectionError, http.client.BadStatusLine):
                pass  # the server ended it meanwhile, as it may; a new one tells whether it is there
        return self._exchange(self._connect(), method, target, headers, body)

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            context = self.tls or ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=self.timeout, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self.timeout)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes | None,
    ) -> _Response:
        try:
            connection.request(method, target, body=body, headers=headers)
            answer = connection.getresponse()
            response = _Response(answer.status, answer.getheader("Retry-After"), answer.read())
        except BaseException:
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            with self._lock:
                self._idle.append(connection)
        return response


def _pause(attempt: int, retry_after: str | None) -> float:
    """Seconds before the next attempt: what the server asks for, else twice as long each time, with some chance."""
    if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), _LONGEST_PAUSE)
    return float(min(0.5 * 2 ** (attempt - 1), _LONGEST_PAUSE) * random.uniform(0.5, 1.0))  # noqa: S311


def _opened(response: _Response) -> Answer:
    """What is in the envelope. Raises RequestError for an error, and for what is no envelope."""
    try:
        envelope = json.loads(response.body)
        kind, message, data = envelope["responseType"], envelope["message"], envelope["data"]
    except (ValueError, TypeError, KeyError):
        reason = http.client.responses.get(response.status, "unknown status")
        raise RequestError(
            response.status, f"not an answer of this API ({response.status} {reason})"
        ) from None
    if response.status != 200 or kind != "success" or not isinstance(data, dict):
        raise RequestError(response.status, str(message))
    return Answer(str(message), data)


def form(fields: dict[str, str], selfie: bytes | None) -> tuple[str, bytes]:
    """multipart/form-data of some fields and a selfie. Returns its content type and its bytes."""
    boundary = f"eventlens-{secrets.token_hex(16)}"
    parts = []
    for name, value in fields.items():
        parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode())
    if selfie is not None:
        kind = "png" if selfie.startswith(b"\x89PNG") else "jpeg"
        head = f'Content-Disposition: form-data; name="file"; filename="selfie.{kind}"\r\n'
        parts.append(f"{head}Content-Type: image/{kind}\r\n\r\n".encode() + selfie)
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts)
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()
