"""What searches and index runs answer: plain, typed values with a readable repr and, in notebooks, pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from eventlens import _core

if TYPE_CHECKING:
    from eventlens.workspace import Event

Box = tuple[float, float, float, float]
Pixels = npt.NDArray[np.uint8]
MatchKind = Literal["face", "bib", "bib_unsure", "bib_partial"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Photo:
    """A photo of an event.

    Attributes:
        id: Its number in the workspace.
        uuid: For the outside world; survives re-indexing and other models.
        key: Its name in the source: a path below the folder. Bytes that are not UTF-8 are surrogate-escaped.
        width: Of the upright photo, pixels.
        height: Of the upright photo, pixels.
        captured: When it was taken, in UTC, or None when the camera did not say.
        camera: Make and model, perhaps a serial number; may be empty.
        failure: Why it could not be processed; empty: it was.
    """

    id: int
    uuid: str
    key: str
    width: int
    height: int
    captured: datetime | None
    camera: str
    hidden: bool
    failure: str
    event: Event = field(repr=False, compare=False)

    def image(self, long_side: int = 0) -> Pixels:
        """The upright pixels, uint8 (height, width, 3) RGB, read from the source now.

        Args:
            long_side: Shrunk so that the longer side has at most this many pixels; 0: whole.

        Raises:
            NotFoundError: the source no longer has the photo.
        """
        return self.event._engine.photo_image(self.id, long_side)

    def original(self) -> bytes:
        """The original file's bytes, read from the source now. Raises NotFoundError when it is gone."""
        return self.event._engine.photo_bytes(self.id)

    def original_url(self, seconds: int = 3600) -> str:
        """A presigned link to the original, for so long.

        Raises:
            UnsupportedError: it does not lie in a bucket, or the bucket was opened without credentials.
        """
        return self.event._engine.original_link(self.id, seconds)

    def thumbnail(self) -> bytes:
        """A small JPEG, as `Event.set_renditions` had it made. Raises NotFoundError when none was."""
        return self.event._engine.rendition_bytes(self.id, "thumbnail")

    def preview(self) -> bytes:
        """A large JPEG, perhaps with a watermark. Raises as `thumbnail`."""
        return self.event._engine.rendition_bytes(self.id, "preview")

    def thumbnail_url(self, seconds: int = 3600) -> str:
        """A presigned link to the thumbnail, for so long; its file:// URL where it lies in a folder.

        Raises as `thumbnail`.
        """
        return self.event._engine.rendition_link(self.id, "thumbnail", seconds)

    def preview_url(self, seconds: int = 3600) -> str:
        """A link to the preview, as `thumbnail_url`."""
        return self.event._engine.rendition_link(self.id, "preview", seconds)


@dataclass(frozen=True)
class Video:
    """A video of an event.

    Attributes:
        id: Its number in the workspace.
        uuid: For the outside world; survives re-indexing and other models.
        key: Its name in the source: a path below the folder.
        duration: Seconds of picture. Times in a video count from its first frame.
        width: Of the upright picture, pixels.
        height: Of the upright picture, pixels.
        frame_rate: Frames per second on average; 0: the file does not say.
        codec: Such as "h264".
        indexed_until: Seconds of footage that have been read.
        finished: No more will be read.
        damaged_frames: That could not be decoded.
        failure: Why it could not be read or, with some footage, why not to its end; empty: it could.
    """

    id: int
    uuid: str
    key: str
    duration: float
    width: int
    height: int
    frame_rate: float
    codec: str
    indexed_until: float
    finished: bool
    damaged_frames: int
    hidden: bool
    failure: str
    event: Event = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.key

    def frame(self, time: float, long_side: int = 0) -> Pixels:
        """What is shown at a time, uint8 (height, width, 3) RGB, read from the source now.

        Args:
            time: Seconds.
            long_side: Shrunk so that the longer side has at most this many pixels; 0: whole.

        Raises:
            NotFoundError: the source no longer has the video.
            BadInputError: the time is outside of it.
        """
        return self.event._engine.video_frame(self.id, time, long_side)


@dataclass(frozen=True)
class Match:
    """A photo that shows, or may show, the person.

    Attributes:
        probability: The calibrated chance, 0 to 1, that the photo shows the person, given the event's size.
        kind: "face"; "bib": the number was read and is more likely right than wrong; "bib_unsure": it was read, but
            more likely wrongly; "bib_partial": a piece of it was read.
        box: (x, y, width, height) of the face or bib in pixels of the upright photo.
        similarity: Kind face: the cosine between the faces; else 0.
        bib: Kinds of bib: the text that was read; else empty.
    """

    photo: Photo
    probability: float
    kind: MatchKind
    box: Box
    similarity: float
    bib: str

    @property
    def why(self) -> str:
        """The reason in words."""
        return why_of(self.kind, self.similarity, self.bib)

    def __repr__(self) -> str:
        return f"<Match {self.photo.key!r}, {self.probability:.1%}, {self.why}>"


class Matches(list[Match]):
    """A list of Match, surest first, that a notebook shows as thumbnails with boxes."""

    def _repr_html_(self) -> str:
        from eventlens.notebook import matches_html

        return matches_html(self)


@dataclass(frozen=True)
class Selfie:
    """What was made of one selfie: the largest face was used, and how many faces there were."""

    box: Box
    faces_seen: int
    quality: float


@dataclass(frozen=True)
class StoredSelfie:
    """A selfie that a search keeps, as the event's `selfie_retention` wants it.

    Attributes:
        picture: JPEG, without what the camera wrote beside the pixels; the longer side has at most 2000 pixels.
        embedding: Of the face that was looked for; float32, unit length.
        embedder: The model that made it.
    """

    picture: bytes = field(repr=False)
    embedding: npt.NDArray[np.float32] = field(repr=False, compare=False)
    embedder: str


@dataclass(frozen=True)
class Appearance:
    """Somebody in view in a video who is, or may be, the person.

    Attributes:
        start: Seconds.
        end: Seconds.
        probability: The calibrated chance, 0 to 1, that it is the person, given the event's size.
        kind: As `Match.kind`.
        similarity: Kind face: the cosine between the faces; else 0.
        bib: Kinds of bib: the text that was read; else empty.
        best_time: When they are seen best, seconds.
        box: (x, y, width, height) of the face or bib at that time, in pixels of the upright video.
    """

    video: Video
    start: float
    end: float
    probability: float
    kind: MatchKind
    similarity: float
    bib: str
    best_time: float
    box: Box

    @property
    def why(self) -> str:
        """The reason in words."""
        return why_of(self.kind, self.similarity, self.bib)


@dataclass(frozen=True)
class Search:
    """A selfie search and its frozen answer.

    Attributes:
        request_id: A UUID; `event.search(request_id)` gives the same answer again.
        matches: Surest first.
        selfies: One for each selfie given; empty when the answer is that of an earlier search.
        repeated: This id was searched before.
        appearances: In videos, surest first, with those from 0.2 on that `find_clips` chooses from; None: the event had
            no video then.
    """

    request_id: str
    matches: Matches
    selfies: list[Selfie]
    repeated: bool
    appearances: list[Appearance] | None = None
    event: Event | None = field(default=None, repr=False, compare=False)

    @property
    def stored_selfies(self) -> list[StoredSelfie]:
        """The selfies of this search; empty unless `event.selfie_retention` was on, and once the search is gone."""
        if self.event is None:
            return []
        stored = self.event._engine.stored_selfies(self.event.id, self.request_id)
        return [StoredSelfie(item.picture, item.embedding, item.embedder) for item in stored]

    def __repr__(self) -> str:
        return f"<Search {self.request_id}, {len(self.matches)} matches>"

    def _repr_html_(self) -> str:
        return self.matches._repr_html_()


@dataclass(frozen=True)
class IndexReport:
    """What an index run did; counts are of photos and videos.

    Attributes:
        updated: Known before, but changed, failed before, or read by another model.
        removed: No longer in the source.
        moved: Under another key now, with the content they had; not fetched again.
        failed: (key, reason) of each photo or video without a result, and of videos not read to their end.
        unlisted: (key, reason) of each folder that could not be read; nothing below it was removed.
        faces: Found in the photos of this run.
        seconds: Of wall clock.
        videos: That were read.
        footage: Seconds of video that were read.
        appearances: Found in it.
        damaged: (key, frames) of each video with frames that could not be decoded.
        retries: Requests made again, for a busy store or a broken connection; nothing is missing for that.
        store_clock_offset: Seconds by which the bucket's clock is ahead of this machine's, if it refused requests for
            that; they were dated by its clock then, but links that other processes make are not.
        renditions: Photos whose renditions were made.
        renditions_failed: (key, reason) of photos that are indexed, but without renditions.
        renditions_outdated: How many of the event's photos lack renditions, or have some of other settings; see
            `Event.make_renditions`.
        files_left: (file, reason) of renditions of removed photos in a place that failed; the next run tries again.
    """

    added: int
    updated: int
    unchanged: int
    removed: int
    failed: list[tuple[str, str]]
    unlisted: list[tuple[str, str]]
    faces: int
    seconds: float
    videos: int = 0
    footage: float = 0.0
    appearances: int = 0
    damaged: list[tuple[str, int]] = field(default_factory=list)
    moved: int = 0
    retries: int = 0
    store_clock_offset: int = 0
    renditions: int = 0
    renditions_failed: list[tuple[str, str]] = field(default_factory=list)
    renditions_outdated: int = 0
    files_left: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"{self.added} added"]
        for count, word in [
            (self.updated, "updated"),
            (self.unchanged, "unchanged"),
            (self.removed, "removed"),
            (self.moved, "moved"),
            (len(self.failed), "failed"),
            (len(self.unlisted), "folders unreadable"),
            (len(self.damaged), "damaged in part"),
            (len(self.renditions_failed), "without renditions"),
        ]:
            if count:
                parts.append(f"{count} {word}")
        return ", ".join(parts)


@dataclass(frozen=True)
class PurgeReport:
    """What the purge of an event removed. Tells nothing of a person.

    Attributes:
        event: The event's number in the workspace, which no other will get.
        event_name: What it was called.
        begun: In UTC; of the first call, if it was interrupted.
        finished: In UTC.
        resumed: An earlier call was interrupted; its work is counted too.
        removed: By kind: photos, videos, faces, embeddings, appearances, bib_reads, searches, selfies, renditions,
            roster_entries.
        catalog_bytes_before: Size of the catalog's files.
        catalog_bytes_after: Size of the catalog's files.
        receipt: The file in the workspace that says the same, as JSON.
    """

    event: int
    event_name: str
    begun: datetime
    finished: datetime
    resumed: bool
    removed: dict[str, int]
    catalog_bytes_before: int
    catalog_bytes_after: int
    receipt: Path


def why_of(kind: MatchKind, similarity: float, bib: str) -> str:
    return {
        "face": f"face, similarity {similarity:.2f}",
        "bib": f"bib {bib} read",
        "bib_unsure": f"bib {bib} read, unsure",
        "bib_partial": f"part of a bib read: {bib}",
    }[kind]


def time_of(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def photo_of(info: _core.PhotoInfo, event: Event) -> Photo:
    milliseconds = info.captured_utc
    return Photo(
        id=info.id,
        uuid=info.uuid,
        key=info.key,
        width=info.width,
        height=info.height,
        captured=None if milliseconds is None else time_of(milliseconds),
        camera=info.camera,
        hidden=info.hidden,
        failure=info.failure,
        event=event,
    )


def matches_of(found: Iterable[_core.FoundPhoto], event: Event) -> Matches:
    return Matches(
        Match(
            photo=photo_of(item.photo, event),
            probability=item.match.probability,
            kind=item.match.kind,  # type: ignore[arg-type]  # the core's four words
            box=item.match.box,
            similarity=item.match.similarity,
            bib=item.match.bib,
        )
        for item in found
    )


def video_of(entry: _core.VideoEntry, event: Event) -> Video:
    return Video(
        id=entry.id,
        uuid=entry.uuid,
        key=entry.key,
        duration=entry.info.duration,
        width=entry.info.width,
        height=entry.info.height,
        frame_rate=entry.info.frame_rate,
        codec=entry.info.codec,
        indexed_until=entry.indexed_until,
        finished=entry.finished,
        damaged_frames=entry.damaged_frames,
        hidden=entry.hidden,
        failure=entry.failure,
        event=event,
    )


def appearance_of(found: _core.FoundAppearance, video: Video) -> Appearance:
    return Appearance(
        video=video,
        start=found.start,
        end=found.end,
        probability=found.match.probability,
        kind=found.match.kind,  # type: ignore[arg-type]  # the core's four words
        similarity=found.match.similarity,
        bib=found.match.bib,
        best_time=found.face_time,
        box=found.box,
    )


def _appearances_of(result: _core.SearchResult, event: Event) -> list[Appearance] | None:
    if result.appearances is None:
        return None
    videos = {entry.id: video_of(entry, event) for entry in event._engine.videos(event.id)}
    return [
        appearance_of(found, videos[found.video]) for found in result.appearances if found.video in videos
    ]


def search_of(result: _core.SearchResult, event: Event) -> Search:
    return Search(
        request_id=result.request_id,
        matches=matches_of(result.matches, event),
        selfies=[Selfie(s.box, s.faces_seen, s.quality) for s in result.selfies],
        repeated=result.repeated,
        appearances=_appearances_of(result, event),
        event=event,
    )


def purge_report_of(report: _core.CorePurgeReport) -> PurgeReport:
    return PurgeReport(
        event=report.purge.event,
        event_name=report.purge.event_name,
        begun=time_of(report.purge.begun),
        finished=time_of(report.finished),
        resumed=report.purge.resumed,
        removed=dict(report.purge.removed),
        catalog_bytes_before=report.purge.bytes,
        catalog_bytes_after=report.bytes_after,
        receipt=Path(report.receipt),
    )


def report_of(report: _core.CoreIndexReport) -> IndexReport:
    return IndexReport(
        added=report.added,
        updated=report.updated,
        unchanged=report.unchanged,
        removed=report.removed,
        failed=[(failure.key, failure.reason) for failure in report.failed],
        unlisted=[(failure.key, failure.reason) for failure in report.unlisted],
        faces=report.faces,
        seconds=report.seconds,
        videos=report.videos,
        footage=report.footage,
        appearances=report.appearances,
        damaged=[(video.key, video.frames) for video in report.damaged],
        moved=report.moved,
        retries=report.retries,
        store_clock_offset=report.store_clock_offset,
        renditions=report.renditions,
        renditions_failed=[(failure.key, failure.reason) for failure in report.renditions_failed],
        renditions_outdated=report.renditions_outdated,
        files_left=[(failure.key, failure.reason) for failure in report.files_left],
    )
