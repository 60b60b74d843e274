"""What a server answers, as values. Names are the contract's, in Python's spelling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

Json: TypeAlias = dict[str, Any]
Item = TypeVar("Item")
ClipStatus = Literal["processing", "completed", "no_matches", "no_segments", "clip_failed", "failed"]


@dataclass(frozen=True)
class Pagination:
    """Where a page stands among all of them; without any item, `current_page` and `total_pages` are 0."""

    total: int
    current_page: int
    total_pages: int
    has_next_page: bool
    has_previous_page: bool
    page_size: int


@dataclass(frozen=True)
class ReplyPage(Generic[Item]):
    """One page of a list."""

    items: list[Item]
    pagination: Pagination


@dataclass(frozen=True)
class Ping:
    status: str
    org_id: int
    event_id: int


@dataclass(frozen=True)
class EventItem:
    """An event in the list; `event_date` is ISO 8601 without an offset, `cover_image` a URL or a path."""

    event_id: int
    event_name: str | None
    event_slug: str | None
    event_date: str | None
    status: str | None
    cover_image: str | None


@dataclass(frozen=True)
class EventDetails:
    """An event and what may be searched in it."""

    event_id: int
    event_name: str | None
    event_slug: str | None
    event_date: str | None
    status: str | None
    event_enabled: bool
    bib_search: bool
    selfie_search: bool
    name_search: bool
    video_search: bool
    video_selfie_search: bool
    timeline_search: bool


@dataclass(frozen=True)
class ImageItem:
    """A photo. Width and height are the upright original's; URLs are good for a while, and are not to be kept."""

    img_url: str
    height: int | None
    width: int | None
    image_id: str
    thumbnail_url: str
    original_url: str | None


@dataclass(frozen=True)
class FaceSearch:
    """A page of a selfie search's frozen answer, surest first.

    Attributes:
        request_id: Names the search: pages, clips and originals are asked for with it.
        confidence_percentage: The event's threshold; None: the default, 50.
        message: For people: it says so when there was no face in the selfie.
    """

    request_id: str
    confidence_percentage: float | None
    images: list[ImageItem]
    pagination: Pagination
    message: str


@dataclass(frozen=True)
class TimelineHour:
    hour: int
    count: int


@dataclass(frozen=True)
class TimelineDay:
    """A day, YYYY-MM-DD, and its hours that have photos; both UTC."""

    date: str
    total: int
    hours: list[TimelineHour]


@dataclass(frozen=True)
class ClipStart:
    """The job that was started, or the state of the one there is."""

    status: ClipStatus
    request_id: str


@dataclass(frozen=True)
class ClipItem:
    """A clip; times are HH:MM:SS within the source video."""

    uuid: str
    video_url: str
    source_video_key: str
    start_time: str
    end_time: str


@dataclass(frozen=True)
class ClipProblem:
    """A clip that could not be made."""

    source_video_key: str | None
    error: str


@dataclass(frozen=True)
class ClipResult:
    """How the clips of a search went; with status "completed", some may still have failed."""

    request_id: str
    status: ClipStatus
    videos: list[ClipItem]
    error: str | None
    clip_errors: list[ClipProblem]


@dataclass(frozen=True)
class OriginalLink:
    """A link to an original, good for about an hour, and a name to save it under."""

    url: str
    filename: str


@dataclass(frozen=True)
class MissingOriginal:
    image_id: str
    error: str
    path: str | None


@dataclass(frozen=True)
class Originals:
    """A page of links; counts are of this page."""

    presigned_urls: list[OriginalLink]
    failed_urls: list[MissingOriginal]
    total_images: int
    successful_count: int
    failed_count: int
    identifier: str | None
    pagination: Pagination


# Keys that a later server may add are left alone; one that is missing is a KeyError.


def fields(kind: Callable[..., Item], data: Json) -> Item:
    """The dataclass `kind` of the values that bear its names."""
    return kind(**{name: data[name] for name in kind.__annotations__})


def pagination(data: Json) -> Pagination:
    told: Json = data["pagination"]
    return Pagination(
        total=told["total"],
        current_page=told["currentPage"],
        total_pages=told["totalPages"],
        has_next_page=told["hasNextPage"],
        has_previous_page=told["hasPreviousPage"],
        page_size=told["page_size"],
    )


def images(data: Json) -> ReplyPage[ImageItem]:
    return ReplyPage([fields(ImageItem, item) for item in data["images"]], pagination(data))


def events(data: Json) -> ReplyPage[EventItem]:
    return ReplyPage([fields(EventItem, item) for item in data["events"]], pagination(data))


def face_search(data: Json, message: str) -> FaceSearch:
    found = images(data)
    return FaceSearch(
        data["request_id"], data["confidence_percentage"], found.items, found.pagination, message
    )


def timeline(data: Json) -> list[TimelineDay]:
    return [
        TimelineDay(day["date"], day["total"], [fields(TimelineHour, hour) for hour in day["hours"]])
        for day in data["days"]
    ]


def clip_result(data: Json) -> ClipResult:
    return ClipResult(
        data["request_id"],
        data["status"],
        [fields(ClipItem, item) for item in data["videos"]],
        data["error"],
        [fields(ClipProblem, item) for item in data["clip_errors"]],
    )


def originals(data: Json) -> Originals:
    return Originals(
        [fields(OriginalLink, item) for item in data["presigned_urls"]],
        [fields(MissingOriginal, item) for item in data["failed_urls"]],
        data["total_images"],
        data["successful_count"],
        data["failed_count"],
        data["identifier"],
        pagination(data),
    )
