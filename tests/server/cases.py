"""What a case of the contract is, and those that every endpoint shares: keys, ownership, switches, paging, methods."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from tests.server.running import Reply
from tests.server.world import World

ORG = "/api/v1/ext/{north}"
RACE = ORG + "/event/{race}"
NOWHERE = "ffffffff-ffff-4fff-bfff-ffffffffffff"  # a UUID that names nothing

Check: TypeAlias = Callable[[World, Reply], None]


@dataclass(frozen=True)
class JsonBody:
    """Texts in it may name what the world has: {"method": "bib", "identifier": "{bib}"}."""

    value: Any

    def encoded(self, world: World, names: Mapping[str, str]) -> tuple[str, bytes]:
        return "application/json", json.dumps(_named(self.value, names)).encode()


@dataclass(frozen=True)
class RawBody:
    content_type: str
    content: bytes

    def encoded(self, world: World, names: Mapping[str, str]) -> tuple[str, bytes]:
        return self.content_type, self.content


@dataclass(frozen=True)
class Form:
    """multipart/form-data: a selfie by its person's name or as bytes, and an id."""

    file: str | bytes | None = None
    request_id: str | None = None

    def encoded(self, world: World, names: Mapping[str, str]) -> tuple[str, bytes]:
        parts: list[tuple[str, bytes]] = []
        if self.request_id is not None:
            parts.append((PLAIN.format("request_id"), self.request_id.format_map(names).encode()))
        if self.file is not None:
            parts.append((FILE, world.selfies[self.file] if isinstance(self.file, str) else self.file))
        return multipart(parts)


Body: TypeAlias = "JsonBody | RawBody | Form"

PLAIN = 'Content-Disposition: form-data; name="{}"'
FILE = 'Content-Disposition: form-data; name="file"; filename="me.jpg"\r\nContent-Type: image/jpeg'


def multipart(parts: list[tuple[str, bytes]], boundary: str | None = None) -> tuple[str, bytes]:
    """Content type and body of parts, each a header and its content."""
    boundary = boundary or secrets.token_hex(12)
    body = b"".join(
        f"--{boundary}\r\n{header}\r\n\r\n".encode() + content + b"\r\n" for header, content in parts
    )
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


@dataclass(frozen=True)
class Row:
    """A row of the table whose test is more than one request."""

    operation: str
    situation: str
    status: int


STORIES: list[Row] = []
_Test = TypeVar("_Test")


def shows(operation: str, situation: str, status: int) -> Callable[[_Test], _Test]:
    """Says what of the contract a test shows, for docs/contract-table.md."""
    STORIES.append(Row(operation, situation, status))
    return lambda test: test


def _named(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map(names)
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    if isinstance(value, dict):
        return {name: _named(item, names) for name, item in value.items()}
    return value


@dataclass(frozen=True)
class Case:
    """One row of the table: a request, and what the contract says to it.

    Attributes:
        operation: Of openapi.json, which says what the answer looks like.
        key: Of `World.keys`, or any other text as it is; None: no header.
        message: How a message begins that the contract words.
        shows: What `check` looks at, in words.
    """

    operation: str
    situation: str
    path: str
    status: int
    method: str = "GET"
    key: str | None = "north"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | Callable[[World], Body] | None = None
    message: str = ""
    check: Check | None = None
    shows: str = ""

    @property
    def name(self) -> str:
        return f"{self.operation}: {self.situation}"


@dataclass(frozen=True)
class Endpoint:
    """A good request to each endpoint, to be spoiled.

    Attributes:
        rest: Of the path, below the event; of listEvents, below the organisation.
        pages: Default and greatest page size; None: it has no pages.
        closed: An event in which the endpoint's switch is off; empty: it has none.
    """

    operation: str
    method: str
    rest: str
    body: Body | None = None
    pages: tuple[int, int] | None = None
    closed: tuple[str, ...] = ()

    def path(self, org: str = "{north}", event: str = "{race}", query: str = "") -> str:
        middle = "" if self.operation == "listEvents" else f"/event/{event}"
        joint = "&" if "?" in self.rest else "?"
        return f"/api/v1/ext/{org}{middle}{self.rest}" + (joint + query if query else "")


SELFIE = Form(file="astronaut")
BY_BIB = JsonBody({"method": "bib", "identifier": "{bib}"})
ENDPOINTS = [
    Endpoint("ping", "GET", "/ping"),
    Endpoint("listEvents", "GET", "/events", pages=(10, 100)),
    Endpoint("getEventDetails", "GET", "/details"),
    Endpoint("listImages", "GET", "/images", pages=(32, 100)),
    Endpoint("searchByBib", "GET", "/bibs/{bib}", pages=(32, 100), closed=("closed",)),
    Endpoint("searchByFace", "POST", "/faces", SELFIE, pages=(32, 100), closed=("closed",)),
    Endpoint("getFaceSearch", "GET", "/faces/{astronaut}", pages=(32, 100), closed=("closed",)),
    Endpoint("listTimelineDays", "GET", "/timeline/days", closed=("closed",)),
    Endpoint(
        "listTimelineImages",
        "GET",
        "/timeline/images?from=0&to=4000000000",
        pages=(32, 100),
        closed=("closed",),
    ),
    Endpoint(
        "startVideoClipping",
        "POST",
        "/video-clipping/search-by-selfie",
        SELFIE,
        closed=("closed", "no-video", "no-video-selfie"),
    ),
    Endpoint(
        "startVideoClippingByBib",
        "POST",
        "/video-clipping/search-by-bib",
        JsonBody({"bib": "{bib}"}),
        closed=("closed", "no-video", "no-bib"),
    ),
    Endpoint("getVideoClipping", "GET", "/video-clipping/{clipped}", closed=("closed", "no-video")),
    Endpoint("createOriginalPhotoLinks", "POST", "/original-photos", BY_BIB, pages=(30, 60)),
]
BEYOND_64_BITS = "9223372036854775808"


def shared_cases() -> Iterator[Case]:
    for endpoint in ENDPOINTS:
        yield from _keys(endpoint)
        yield from _ownership(endpoint)
        yield from _switches(endpoint)
        if endpoint.pages is not None:
            yield from _paging(endpoint, *endpoint.pages)
        yield from _methods(endpoint)


def _case(endpoint: Endpoint, situation: str, status: int, path: str = "", **more: Any) -> Case:
    return Case(
        endpoint.operation,
        situation,
        path or endpoint.path(),
        status,
        endpoint.method,
        **{"body": endpoint.body, **more},
    )


def _keys(endpoint: Endpoint) -> Iterator[Case]:
    yield _case(endpoint, "no key", 401, key=None)
    yield _case(endpoint, "empty key", 401, key="")
    yield _case(endpoint, "unknown key", 403, key="not-a-key-of-anybody")
    yield _case(endpoint, "inactive key", 403, key="north-inactive")
    yield _case(endpoint, "deleted key", 403, key="north-deleted")
    yield _case(endpoint, "another organisation's key", 403, key="south")
    yield _case(endpoint, "no key, and nothing else fits", 401, endpoint.path("abc", "abc"), key=None)
    yield _case(endpoint, "unknown key, and nothing else fits", 403, endpoint.path("abc", "abc"), key="none")


def _ownership(endpoint: Endpoint) -> Iterator[Case]:
    yield _case(endpoint, "another organisation", 403, endpoint.path("{south}", "{south-race}"))
    yield _case(endpoint, "an organisation that is nowhere", 403, endpoint.path("999999"))
    yield _case(endpoint, "org_id is no integer", 422, endpoint.path("abc"), message="path.org_id: ")
    yield _case(endpoint, "org_id with a fraction", 422, endpoint.path("1.5"))
    yield _case(endpoint, "org_id beyond 64 bits", 422, endpoint.path(BEYOND_64_BITS))
    yield _case(endpoint, "org_id is `..`", 422, endpoint.path("%2E%2E"))
    yield _case(endpoint, "org_id is negative", 403, endpoint.path("-1"))
    if endpoint.operation == "listEvents":
        return
    yield _case(endpoint, "another organisation's event", 403, endpoint.path(event="{south-race}"))
    yield _case(endpoint, "an event that is nowhere", 404, endpoint.path(event="999999"))
    yield _case(endpoint, "event_id is 0", 404, endpoint.path(event="0"))
    yield _case(endpoint, "event_id is negative", 404, endpoint.path(event="-1"))
    yield _case(
        endpoint, "event_id is no integer", 422, endpoint.path(event="abc"), message="path.event_id: "
    )
    yield _case(endpoint, "event_id with a fraction", 422, endpoint.path(event="1.5"))
    yield _case(endpoint, "event_id beyond 64 bits", 422, endpoint.path(event=BEYOND_64_BITS))
    yield _case(endpoint, "event_id holds an escaped slash", 422, endpoint.path(event="1%2F2"))
    yield _case(
        endpoint,
        "another organisation, and an event_id that is no integer",
        403,
        endpoint.path("{south}", "abc"),
    )


def _switches(endpoint: Endpoint) -> Iterator[Case]:
    for event in endpoint.closed:
        at = f"{{{event}}}"
        yield _case(endpoint, f"switched off ({event})", 403, endpoint.path(event=at))
        if endpoint.pages:
            yield _case(
                endpoint,
                f"switched off ({event}), and a bad page",
                403,
                endpoint.path(event=at, query="page=0"),
            )
        if endpoint.body is not None:
            yield _case(
                endpoint,
                f"switched off ({event}), and a bad body",
                403,
                endpoint.path(event=at),
                body=RawBody("text/plain", b"hello"),
            )
        if "{astronaut}" in endpoint.rest or "{clipped}" in endpoint.rest:
            stem = endpoint.rest.rpartition("/")[0]
            for what, request_id in (("unknown", NOWHERE), ("malformed", "abc")):
                spoiled = replace(endpoint, rest=f"{stem}/{request_id}")
                yield _case(
                    endpoint,
                    f"switched off ({event}), and a request_id that is {what}",
                    403,
                    spoiled.path(event=at),
                )


def _paging(endpoint: Endpoint, default: int, greatest: int) -> Iterator[Case]:
    def sized(size: int, page: int) -> Check:
        def check(world: World, reply: Reply) -> None:
            told = reply.data["pagination"]
            assert told["page_size"] == size
            assert told["currentPage"] == (page if told["total"] else 0)

        return check

    yield _case(endpoint, "no paging asked for", 200, check=sized(default, 1), shows=f"page_size {default}")
    for query, size, page in [
        ("page=1&page_size=1", 1, 1),
        (f"page_size={greatest}", greatest, 1),
        ("page=2&page_size=1", 1, 2),
    ]:
        yield _case(endpoint, f"`{query}`", 200, endpoint.path(query=query), check=sized(size, page))
    for page in ("1000", "9223372036854775807"):
        yield _case(
            endpoint,
            f"`page={page}`, past the end",
            200,
            endpoint.path(query=f"page={page}"),
            check=_past_the_end,
            shows="an empty list, the true totals, currentPage as asked",
        )
    for query, field_name in [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=abc", "page"),
        ("page=1.5", "page"),
        ("page=", "page"),
        (f"page={BEYOND_64_BITS}", "page"),
        ("page_size=0", "page_size"),
        ("page_size=-5", "page_size"),
        (f"page_size={greatest + 1}", "page_size"),
        ("page_size=1e1", "page_size"),
        ("page_size=%20", "page_size"),
        ("page_size=%FF", ""),
    ]:
        message = f"query.{field_name}: " if field_name else "query"
        yield _case(endpoint, f"`{query}`", 422, endpoint.path(query=query), message=message)
    yield _case(
        endpoint,
        "page and page_size both bad",
        422,
        endpoint.path(query="page=0&page_size=0"),
        check=_both_named,
        shows="one message that names both",
    )
    yield _case(endpoint, "bad page without a key", 401, endpoint.path(query="page=0"), key=None)
    if endpoint.operation != "listEvents":
        yield _case(
            endpoint,
            "bad page of another organisation's event",
            403,
            endpoint.path(event="{south-race}", query="page=0"),
        )
        yield _case(
            endpoint,
            "bad page of an event that is nowhere",
            404,
            endpoint.path(event="999999", query="page=0"),
        )


def _past_the_end(world: World, reply: Reply) -> None:
    data = reply.data
    told = data["pagination"]
    assert told["total"] > 0
    assert told["totalPages"] == -(-told["total"] // told["page_size"])
    assert told["currentPage"] >= 1000
    assert (told["hasNextPage"], told["hasPreviousPage"]) == (False, True)
    (items,) = (data[name] for name in ("events", "images", "presigned_urls") if name in data)
    assert items == []


def _both_named(world: World, reply: Reply) -> None:
    assert "query.page: " in reply.message
    assert "query.page_size: " in reply.message
    assert "; " in reply.message


def _methods(endpoint: Endpoint) -> Iterator[Case]:
    def allows(world: World, reply: Reply) -> None:
        allowed = {method.strip() for method in reply.headers["Allow"].split(",")}
        assert endpoint.method in allowed
        assert "PATCH" not in allowed

    others = ["PUT", "PATCH", "DELETE", "GET" if endpoint.method == "POST" else "POST"]
    for method in others:
        yield Case(
            endpoint.operation,
            f"method {method}",
            endpoint.path().split("?")[0],
            405,
            method,
            check=allows,
            shows="Allow",
        )
