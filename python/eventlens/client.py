"""A server's whole contract from Python: what an app does over HTTP, in calls.

with eventlens.Client("https://photos.example.org", key, org_id=1) as client:
    found = client.search_face(event_id, "me.jpg")
    clips = client.wait_for_clips(event_id, client.start_clips(event_id, request_id=found.request_id).request_id)
    links = client.originals(event_id, request_id=found.request_id)
"""

from __future__ import annotations

import json
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TypeAlias, TypeVar
from urllib.parse import quote

from eventlens import client_replies as replies
from eventlens._core import BadInputError
from eventlens.client_http import Answer, RequestError, Transport, form
from eventlens.client_replies import (
    ClipItem,
    ClipProblem,
    ClipResult,
    ClipStart,
    EventDetails,
    EventItem,
    FaceSearch,
    ImageItem,
    MissingOriginal,
    OriginalLink,
    Originals,
    Pagination,
    Ping,
    ReplyPage,
    TimelineDay,
    TimelineHour,
)

__all__ = [
    "Client",
    "ClipItem",
    "ClipProblem",
    "ClipResult",
    "ClipStart",
    "EventDetails",
    "EventItem",
    "FaceSearch",
    "ImageItem",
    "MissingOriginal",
    "OriginalLink",
    "Originals",
    "Pagination",
    "Ping",
    "ReplyPage",
    "RequestError",
    "TimelineDay",
    "TimelineHour",
]

SelfieFile: TypeAlias = "str | PathLike[str] | bytes"
_Item = TypeVar("_Item")

CADENCE = (3.0, 5.0, 10.0, 15.0)  # seconds between questions about clips; the last one repeats


class Client:
    """One organisation on one server. Thread safe.

    Every call may raise RequestError, with the status of the contract. What fails for a while (429, 5xx, no connection)
    is tried again first, and no search is made or counted twice by that: each has its request_id before it is sent.

    Args:
        base_url: "https://photos.example.org".
        key: The organisation's API key. It is for backends; browsers are given an event's token.
        org_id: The organisation's number.
        timeout: Seconds without a byte, after which a request failed.
        attempts: For each request, the first included.
        tls: Whom to trust; None: as the system does.

    Raises:
        BadInputError: `base_url` is none.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        org_id: int,
        *,
        timeout: float = 60.0,
        attempts: int = 5,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.org_id = org_id
        self._http = Transport(base_url, {"X-API-Key": key}, timeout, attempts, tls)

    def __repr__(self) -> str:
        return f"<Client of organisation {self.org_id} at {self._http.base_url}>"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections that are kept for later calls."""
        self._http.close()

    # --- events ---

    def ping(self, event_id: int) -> Ping:
        """Whether the key, the organisation and the event fit together."""
        answer = self._get(event_id, "ping")
        return _read(lambda: replies.fields(Ping, answer.data))

    def events(self, *, page: int = 1, page_size: int = 10) -> ReplyPage[EventItem]:
        """The organisation's events, latest date first; at most 100 on a page."""
        answer = self._http.get(f"/api/v1/ext/{self.org_id}/events", _paged(page, page_size))
        return _read(lambda: replies.events(answer.data))

    def each_event(self) -> Iterator[EventItem]:
        return _each(lambda page: self.events(page=page, page_size=100))

    def details(self, event_id: int) -> EventDetails:
        """An event and what may be searched in it."""
        answer = self._get(event_id, "details")
        return _read(lambda: replies.fields(EventDetails, answer.data))

    # --- photos ---

    def images(self, event_id: int, *, page: int = 1, page_size: int = 32) -> ReplyPage[ImageItem]:
        """All photos by capture time; at most 100 on a page."""
        return self._images(self._get(event_id, "images", **_paged(page, page_size)))

    def each_image(self, event_id: int) -> Iterator[ImageItem]:
        return _each(lambda page: self.images(event_id, page=page, page_size=100))

    def bib(self, event_id: int, bib: str, *, page: int = 1, page_size: int = 32) -> ReplyPage[ImageItem]:
        """Photos of a bib number, in any case; none is an empty page."""
        return self._images(self._get(event_id, f"bibs/{_segment(bib)}", **_paged(page, page_size)))

    def each_image_of_bib(self, event_id: int, bib: str) -> Iterator[ImageItem]:
        return _each(lambda page: self.bib(event_id, bib, page=page, page_size=100))

    def search_face(
        self,
        event_id: int,
        selfie: SelfieFile,
        *,
        request_id: str | None = None,
        page: int = 1,
        page_size: int = 32,
    ) -> FaceSearch:
        """Find the photos of a person. This is the call that is counted; later pages come from `face_search`.

        Args:
            selfie: A file or its bytes, JPEG or PNG.
            request_id: A UUID to name the search; None: a new one. One that is known gives its frozen answer.
        """
        kind, body = form({"request_id": request_id or str(uuid.uuid4())}, _selfie_bytes(selfie))
        answer = self._http.post(self._path(event_id, "faces"), _paged(page, page_size), kind, body)
        return _read(lambda: replies.face_search(answer.data, answer.message))

    def face_search(
        self, event_id: int, request_id: str, *, page: int = 1, page_size: int = 32
    ) -> FaceSearch:
        """The frozen answer of an earlier search; it is never matched again."""
        answer = self._get(event_id, f"faces/{_segment(request_id)}", **_paged(page, page_size))
        return _read(lambda: replies.face_search(answer.data, answer.message))

    def each_image_of_search(self, event_id: int, request_id: str) -> Iterator[ImageItem]:
        def page_of(page: int) -> ReplyPage[ImageItem]:
            found = self.face_search(event_id, request_id, page=page, page_size=100)
            return ReplyPage(found.images, found.pagination)

        return _each(page_of)

    def timeline_days(self, event_id: int) -> list[TimelineDay]:
        """Days and hours, UTC, that have photos."""
        answer = self._get(event_id, "timeline/days")
        return _read(lambda: replies.timeline(answer.data))

    def timeline_images(
        self, event_id: int, start: float, end: float, *, page: int = 1, page_size: int = 32
    ) -> ReplyPage[ImageItem]:
        """Photos taken from `start` to before `end`, Unix time in seconds."""
        query = {"from": _number(start), "to": _number(end), **_paged(page, page_size)}
        return self._images(self._get(event_id, "timeline/images", **query))

    def each_timeline_image(self, event_id: int, start: float, end: float) -> Iterator[ImageItem]:
        return _each(lambda page: self.timeline_images(event_id, start, end, page=page, page_size=100))

    # --- clips ---

    def start_clips(
        self,
        event_id: int,
        *,
        selfie: SelfieFile | None = None,
        request_id: str | None = None,
        bib: str | None = None,
    ) -> ClipStart:
        """Have the clips of a person cut: of an earlier search, a selfie or a bib number.

        Args:
            request_id: Of an earlier `search_face`; beside a selfie or a bib, a UUID to name the new search.

        Raises:
            BadInputError: nothing to look for was given, or a selfie and a bib.
        """
        if selfie is not None and bib is not None:
            raise BadInputError("start_clips needs a selfie or a bib, not both")
        if bib is not None:
            asked = {"bib": bib, "request_id": request_id or str(uuid.uuid4())}
            path = self._path(event_id, "video-clipping/search-by-bib")
            answer = self._http.post(path, None, "application/json", json.dumps(asked).encode())
        else:
            if selfie is None and request_id is None:
                raise BadInputError("start_clips needs a selfie, a bib, or the request_id of a search")
            encoded = None if selfie is None else _selfie_bytes(selfie)
            kind, body = form({"request_id": request_id or str(uuid.uuid4())}, encoded)
            path = self._path(event_id, "video-clipping/search-by-selfie")
            answer = self._http.post(path, None, kind, body)
        return _read(lambda: replies.fields(ClipStart, answer.data))

    def clips(self, event_id: int, request_id: str) -> ClipResult:
        """How the clips of a search went, at this moment."""
        answer = self._get(event_id, f"video-clipping/{_segment(request_id)}")
        return _read(lambda: replies.clip_result(answer.data))

    def wait_for_clips(
        self, event_id: int, request_id: str, *, timeout: float = 900.0, cadence: Sequence[float] = CADENCE
    ) -> ClipResult:
        """Ask until the status is not "processing" any more.

        Args:
            timeout: Seconds.
            cadence: Seconds between the questions; the last one repeats.

        Raises:
            TimeoutError: it still is "processing"; the job goes on, and so may you.
        """
        ends = time.monotonic() + timeout
        asked = 0
        while (result := self.clips(event_id, request_id)).status == "processing":
            pause = cadence[min(asked, len(cadence) - 1)]
            if time.monotonic() + pause > ends:
                raise TimeoutError(f"the clips of {request_id} are not ready after {timeout:g} seconds")
            time.sleep(pause)
            asked += 1
        return result

    # --- originals ---

    def originals(
        self,
        event_id: int,
        *,
        bib: str | None = None,
        request_id: str | None = None,
        image_id: str | None = None,
        image_ids: Sequence[str] | None = None,
        page: int = 1,
        page_size: int = 30,
    ) -> Originals:
        """Links to originals, good for about an hour; at most 60 on a page.

        Args:
            bib: Of the photos of a bib number.
            request_id: Of the photos of a selfie search.

        Raises:
            BadInputError: not exactly one of bib, request_id, image_id and image_ids was given.
        """
        given = {"bib": bib, "selfie": request_id, "image_id": image_id, "image_ids": image_ids}
        asked = [(method, identifier) for method, identifier in given.items() if identifier is not None]
        if len(asked) != 1:
            raise BadInputError("originals needs one of bib, request_id, image_id and image_ids")
        ((method, identifier),) = asked
        wanted = {
            "method": method,
            "identifier": identifier if isinstance(identifier, str) else list(identifier),
        }
        answer = self._http.post(
            self._path(event_id, "original-photos"),
            _paged(page, page_size),
            "application/json",
            json.dumps(wanted).encode(),
        )
        return _read(lambda: replies.originals(answer.data))

    # --- what they share ---

    def _path(self, event_id: int, rest: str) -> str:
        return f"/api/v1/ext/{self.org_id}/event/{event_id}/{rest}"

    def _get(self, event_id: int, rest: str, **query: int | str) -> Answer:
        return self._http.get(self._path(event_id, rest), query)

    def _images(self, answer: Answer) -> ReplyPage[ImageItem]:
        return _read(lambda: replies.images(answer.data))


def _read(reader: Callable[[], _Item]) -> _Item:
    try:
        return reader()
    except (KeyError, TypeError, AttributeError) as error:
        raise RequestError(200, f"the answer lacks something of the contract: {error}") from error


def _paged(page: int, page_size: int) -> dict[str, int | str]:
    return {"page": page, "page_size": page_size}


def _segment(text: str) -> str:
    """Text as one segment of a path. Dots alone would be taken for a folder by what is on the way."""
    return text.replace(".", "%2E") if text.strip(".") == "" else quote(text, safe="")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _selfie_bytes(selfie: SelfieFile) -> bytes:
    return selfie if isinstance(selfie, bytes) else Path(selfie).read_bytes()


def _each(page_of: Callable[[int], ReplyPage[_Item]]) -> Iterator[_Item]:
    number = 1
    while True:
        page = page_of(number)
        yield from page.items
        if not page.pagination.has_next_page:
            return
        number += 1
