"""
The C++ core of Eventlens.
"""

from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import os
import pathlib
import typing

__all__: list[str] = [
    "ApiKey",
    "AppearanceContent",
    "AppearanceMatch",
    "BadInputError",
    "Bib",
    "BibRead",
    "BibReader",
    "CameraClock",
    "ClipOptions",
    "CoreClip",
    "CoreClipSpan",
    "CoreDeletion",
    "CoreIndexReport",
    "CorePurgeReport",
    "CoreRenditionReport",
    "CoreStoredSelfie",
    "CoreWebhook",
    "CoreWebhookDelivery",
    "DamagedVideo",
    "Engine",
    "EventCounts",
    "EventFeatures",
    "EventInfo",
    "EventSettings",
    "EventlensError",
    "Face",
    "FaceFinder",
    "FoundAppearance",
    "FoundPhoto",
    "GalleryMatch",
    "GalleryStats",
    "IndexFailure",
    "IndexProgress",
    "IndexRunInfo",
    "ListedObjects",
    "ModelEntry",
    "ModelStore",
    "NewKey",
    "NotFoundError",
    "Organisation",
    "OverloadedError",
    "PhotoDetails",
    "PhotoInfo",
    "Purge",
    "RenditionProgress",
    "RenditionSettings",
    "SearchResult",
    "SelfieFace",
    "SourceInfo",
    "StorageOptions",
    "Store",
    "StoredObject",
    "UnsupportedError",
    "VideoCounts",
    "VideoEntry",
    "VideoInfo",
    "VideoProgress",
    "cut_clip",
    "decode_image",
    "encode_jpeg",
    "interpret_bibs",
    "open_store",
    "read_frame",
    "resize_image",
    "video_info",
    "webhook_kinds",
]

class EventlensError(Exception):
    """
    What every error of Eventlens is.
    """

class BadInputError(EventlensError, ValueError):
    """
    The bytes or arguments are wrong; the same call will fail again.
    """

class NotFoundError(EventlensError, LookupError):
    """
    The named file, photo, event or search does not exist.
    """

class UnsupportedError(EventlensError, NotImplementedError):
    """
    Valid, but this build cannot handle it: an image format, a model, a newer workspace.
    """

class OverloadedError(EventlensError, RuntimeError):
    """
    A limit was reached, such as a full disk; the same call may succeed later.
    """

class ModelEntry:
    """
    One entry of a model manifest.
    """
    def __repr__(self) -> str: ...
    @property
    def licence(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def output_size(self) -> int:
        """
        Of a face_embedder: numbers per face.
        """
    @property
    def provenance(self) -> str: ...
    @property
    def role(self) -> str:
        """
        face_detector, face_embedder, text_detector or text_recognizer.
        """
    @property
    def threshold(self) -> float:
        """
        Of a face_embedder: the cosine from which two faces are very likely one person's.
        """

class ModelStore:
    """
    The models named by manifests, and the runtime that executes them. Thread safe.
    """
    def __init__(
        self,
        manifests: collections.abc.Sequence[os.PathLike[str] | str | bytes],
        *,
        precision: str = "auto",
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> None:
        """
        Read model manifests.

        Args:
            manifests: Manifest files. Later ones may add models and change the defaults.
            precision: "auto" computes in bf16 where the CPU has it and in f32 elsewhere; "f32" or "bf16" insist.
            threads: Images recognised at once, one core each; 0: every core.

        Raises:
            NotFoundError: a manifest is missing.
            BadInputError: a manifest is malformed; the message names the field.
            UnsupportedError: bf16 was asked for and the CPU has none.
        """
    def default_for(self, role: str) -> ModelEntry: ...
    def entries(self) -> list[ModelEntry]: ...
    def entry(self, name: str) -> ModelEntry: ...
    def verify(self, name: str) -> None:
        """
        Compare a model's files with their SHA-256; raises NotFoundError or BadInputError with the remedy.
        """
    @property
    def precision(self) -> str:
        """
        What networks really compute in: f32 or bf16.
        """

class Face:
    """
    One face found in an image.
    """
    def __repr__(self) -> str: ...
    @property
    def box(self) -> tuple[float, float, float, float]:
        """
        (x, y, width, height) in pixels of the upright image.
        """
    @property
    def confidence(self) -> float:
        """
        0 to 1, the detector's.
        """
    @property
    def embedding(self) -> numpy.typing.NDArray[numpy.float32]:
        """
        Unit-length float32 vector (a copy): the dot product of two is the face similarity.
        """
    @property
    def landmarks(self) -> numpy.typing.NDArray[numpy.float32]:
        """
        float32 (5, 2): image-left eye, image-right eye, nose tip, image-left and image-right mouth corner, in pixels (a copy).
        """
    @property
    def quality(self) -> float:
        """
        0 to 1, how well the face can be told from others.
        """

class FaceFinder:
    """
    Finds faces and describes each with an embedding. Thread safe.
    """
    def __init__(
        self,
        models: ModelStore,
        *,
        min_confidence: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        min_side: typing.SupportsInt | typing.SupportsIndex = 12,
        max_long_side: typing.SupportsInt | typing.SupportsIndex = 2048,
        embedder: str = "",
    ) -> None: ...
    def find(self, image: numpy.typing.NDArray[numpy.uint8]) -> list[Face]:
        """
        Find faces, largest first (by the part of the box inside the image).

        Args:
            image: uint8 pixels shaped (height, width) or (height, width, 3), RGB, C-contiguous.
                Borrowed without copying: do not write to it until the call returns.

        Returns:
            A list of Face; empty when there is none.

        Raises:
            BadInputError: the array has another shape.

        The GIL is released while searching.
        """
    def find_in_selfie(self, image: numpy.typing.NDArray[numpy.uint8]) -> list[Face]:
        """
        As find(); a face that fills the frame is looked for again in a padded, smaller view.
        """
    @property
    def embedder(self) -> str:
        """
        The embedding model; embeddings of two models must not be compared.
        """

class BibRead:
    """
    Text seen in a photo, before any rule says what a bib looks like.
    """
    def __repr__(self) -> str: ...
    @property
    def corners(self) -> numpy.typing.NDArray[numpy.float32]:
        """
        float32 (4, 2): top left, top right, bottom right, bottom left, in pixels (a copy).
        """
    @property
    def text(self) -> str: ...

class Bib:
    """
    A number read on a runner.
    """
    def __repr__(self) -> str: ...
    @property
    def box(self) -> tuple[float, float, float, float]:
        """
        (x, y, width, height) in pixels of the upright image.
        """
    @property
    def partial(self) -> bool:
        """
        A part of the number is likely hidden or unread.
        """
    @property
    def probability(self) -> float:
        """
        0 to 1: the calibrated chance that text is the whole number. 0.5 and above counts as exact.
        """
    @property
    def text(self) -> str: ...

class BibReader:
    """
    Finds and reads the text on runners. Thread safe.
    """
    def __init__(self, models: ModelStore, *, reader: str = "paddle") -> None: ...
    def read_text(
        self, image: numpy.typing.NDArray[numpy.uint8], faces: collections.abc.Sequence[Face]
    ) -> list[BibRead]:
        """
        Read everything legible that could be a bib.

        Args:
            image: uint8 pixels shaped (height, width) or (height, width, 3), RGB, C-contiguous, borrowed.
            faces: Those found in the same image; text on the torsos below them is looked for more closely.

        Returns:
            A list of BibRead, to be given to interpret_bibs.

        Raises:
            BadInputError: the array has another shape.

        The GIL is released while reading.
        """

class VideoInfo:
    """
    What a video file says of itself.
    """
    @property
    def audio_tracks(self) -> int: ...
    @property
    def codec(self) -> str: ...
    @property
    def container(self) -> str: ...
    @property
    def duration(self) -> float:
        """
        Seconds of picture.
        """
    @property
    def frame_rate(self) -> float:
        """
        Frames per second, on average; 0: not known.
        """
    @property
    def height(self) -> int: ...
    @property
    def recorded_utc(self) -> int | None:
        """
        Milliseconds since 1970-01-01T00:00:00Z, or None.
        """
    @property
    def rotation(self) -> int:
        """
        Degrees clockwise that bring the stored frames upright.
        """
    @property
    def width(self) -> int: ...

class CoreClip:
    """
    A clip that was cut.
    """
    @property
    def audio(self) -> bool: ...
    @property
    def bytes(self) -> int: ...
    @property
    def codec(self) -> str: ...
    @property
    def end(self) -> float: ...
    @property
    def frames(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def method(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def path(self) -> pathlib.Path: ...
    @property
    def start(self) -> float: ...
    @property
    def width(self) -> int: ...

class GalleryMatch:
    """
    Why a photo is offered.
    """
    @property
    def bib(self) -> str:
        """
        Kinds bib...: the text that was read.
        """
    @property
    def box(self) -> tuple[float, float, float, float]:
        """
        (x, y, width, height) of the face or bib, in pixels of the upright photo.
        """
    @property
    def face(self) -> int:
        """
        Kind face: its place among the photo's faces; else -1.
        """
    @property
    def kind(self) -> str:
        """
        face, bib, bib_unsure or bib_partial.
        """
    @property
    def probability(self) -> float:
        """
        0 to 1: the calibrated chance that the photo shows the person, given the event's size.
        """
    @property
    def similarity(self) -> float:
        """
        Kind face: the plain cosine to the probe.
        """

class GalleryStats:
    """
    The size of an event in memory.
    """
    @property
    def bibs(self) -> int: ...
    @property
    def faces(self) -> int: ...
    @property
    def hidden_photos(self) -> int: ...
    @property
    def memory_bytes(self) -> int: ...
    @property
    def photos(self) -> int: ...

class StorageOptions:
    """
    How buckets are reached; see `eventlens.Storage`.
    """

    access_key: str
    azure_key: str
    azure_sas: str
    ca_file: str
    proxy: str
    secret_key: str
    session_token: str
    def __init__(self) -> None: ...
    @property
    def attempts(self) -> int: ...
    @attempts.setter
    def attempts(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def connect_within(self) -> int: ...
    @connect_within.setter
    def connect_within(self, arg1: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def environment(self) -> dict[str, str]: ...
    @environment.setter
    def environment(self, arg0: collections.abc.Mapping[str, str]) -> None: ...
    @property
    def parallel_reads(self) -> int: ...
    @parallel_reads.setter
    def parallel_reads(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def stalled_after(self) -> int: ...
    @stalled_after.setter
    def stalled_after(self, arg1: typing.SupportsInt | typing.SupportsIndex) -> None: ...

class StoredObject:
    """
    One object of a store, as a listing shows it.
    """
    def __repr__(self) -> str: ...
    @property
    def etag(self) -> str:
        """
        The store's own mark of the content; may be empty.
        """
    @property
    def key(self) -> str: ...
    @property
    def modified(self) -> int:
        """
        Nanoseconds since 1970-01-01 UTC.
        """
    @property
    def size(self) -> int:
        """
        Bytes.
        """

class ListedObjects:
    """
    The objects of a store, listed as they are asked for.
    """
    def __iter__(self) -> ListedObjects: ...
    def __next__(self) -> StoredObject: ...

class Store:
    """
    Where media live: a folder, or a bucket. Thread safe.

    Errors: NotFoundError for an object that is gone, BadInputError for what is not allowed or not a key, OverloadedError
    when the store has trouble of its own, after all attempts.
    """
    def list(self, prefix: str = "") -> ListedObjects:
        """
        Iterate over the objects whose keys begin with `prefix`, in the byte order of keys.

        They are listed as they are asked for, with one page of the bucket, or one folder, in memory at a time. Errors come from
        the iteration, which is for one thread.
        """
    def presign(
        self, key: str, seconds: typing.SupportsInt | typing.SupportsIndex = 3600, download_name: str = ""
    ) -> str:
        """
        A URL that serves the object by GET, without credentials, for so long. UnsupportedError for a folder.
        """
    def read(self, key: str) -> bytes:
        """
        The whole content of an object, of 4 GiB at most.
        """
    def read_range(
        self,
        key: str,
        offset: typing.SupportsInt | typing.SupportsIndex,
        length: typing.SupportsInt | typing.SupportsIndex,
    ) -> bytes:
        """
        Bytes of an object; fewer than `length` only at its end.
        """
    def remove(self, key: str) -> None:
        """
        Remove an object; one that is not there is no error.
        """
    def write(
        self,
        key: str,
        content: bytes,
        content_type: str = "application/octet-stream",
        cache_control: str = "",
        only_if_absent: bool = False,
    ) -> bool:
        """
        Put an object whole, or not at all. False: only_if_absent, and there is one.
        """
    @property
    def retries(self) -> int:
        """
        Requests made again so far.
        """
    @property
    def uri(self) -> str:
        """
        Names the place for good; holds no secret.
        """

class VideoProgress:
    """
    How far an index run is with its videos.
    """
    @property
    def appearances(self) -> int: ...
    @property
    def done(self) -> int:
        """
        Of those, read to the end, failures included.
        """
    @property
    def failed(self) -> int: ...
    @property
    def footage(self) -> float:
        """
        Seconds of footage read in this run.
        """
    @property
    def part(self) -> float:
        """
        Of the work, 0 to 1.
        """
    @property
    def seconds(self) -> float:
        """
        Since the first video was begun.
        """
    @property
    def total(self) -> int:
        """
        Videos that need work.
        """

class DamagedVideo:
    """
    A video with frames that could not be decoded.
    """
    @property
    def frames(self) -> int: ...
    @property
    def key(self) -> str: ...

class VideoEntry:
    """
    What is known of a video beside who is in it.
    """
    @property
    def bytes(self) -> int: ...
    @property
    def damaged_frames(self) -> int: ...
    @property
    def failure(self) -> str: ...
    @property
    def finished(self) -> bool: ...
    @property
    def hidden(self) -> bool: ...
    @property
    def id(self) -> int: ...
    @property
    def indexed_until(self) -> float: ...
    @property
    def info(self) -> VideoInfo: ...
    @property
    def key(self) -> str: ...
    @property
    def source(self) -> int: ...
    @property
    def uuid(self) -> str: ...

class VideoCounts:
    """
    The videos of an event, counted.
    """
    @property
    def failed(self) -> int: ...
    @property
    def hidden(self) -> int: ...
    @property
    def in_progress(self) -> int: ...
    @property
    def processed(self) -> int: ...
    @property
    def seconds(self) -> float:
        """
        Of footage, read so far.
        """
    @property
    def total(self) -> int: ...

class AppearanceMatch:
    """
    Why an appearance is offered.
    """
    @property
    def appearance(self) -> int: ...
    @property
    def bib(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def probability(self) -> float: ...
    @property
    def similarity(self) -> float: ...

class FoundAppearance:
    """
    Somebody in view in a video.
    """
    @property
    def box(self) -> tuple[float, float, float, float]: ...
    @property
    def end(self) -> float: ...
    @property
    def face_time(self) -> float: ...
    @property
    def id(self) -> int: ...
    @property
    def match(self) -> AppearanceMatch: ...
    @property
    def start(self) -> float: ...
    @property
    def video(self) -> int: ...

class CoreClipSpan:
    """
    Seconds of a video in which a person is seen.
    """
    @property
    def appearances(self) -> list[FoundAppearance]: ...
    @property
    def end(self) -> float: ...
    @property
    def poster_time(self) -> float: ...
    @property
    def probability(self) -> float: ...
    @property
    def start(self) -> float: ...
    @property
    def video(self) -> VideoEntry: ...

class AppearanceContent:
    """
    Somebody in view in a video, as stored.
    """
    @property
    def bib_reads(self) -> list[tuple[float, BibRead]]: ...
    @property
    def chain(self) -> int: ...
    @property
    def end(self) -> float: ...
    @property
    def face(self) -> Face | None: ...
    @property
    def face_time(self) -> float: ...
    @property
    def id(self) -> int: ...
    @property
    def path(self) -> list[tuple[float, tuple[float, float, float, float]]]: ...
    @property
    def sightings(self) -> int: ...
    @property
    def start(self) -> float: ...

class IndexProgress:
    """
    How far an index run is; counts are of photos.
    """
    @property
    def bib_reads(self) -> int: ...
    @property
    def done(self) -> int:
        """
        Of those, committed, failures included.
        """
    @property
    def faces(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def listed(self) -> int: ...
    @property
    def total(self) -> int:
        """
        Photos that need work; -1 while the source is being listed.
        """
    @property
    def unchanged(self) -> int: ...
    @property
    def videos(self) -> VideoProgress: ...

class IndexFailure:
    """
    A key and why nothing came of it.
    """
    @property
    def key(self) -> str: ...
    @property
    def reason(self) -> str: ...

class CoreIndexReport:
    """
    What an index run did.
    """
    @property
    def added(self) -> int: ...
    @property
    def appearances(self) -> int: ...
    @property
    def bib_reads(self) -> int: ...
    @property
    def damaged(self) -> list[DamagedVideo]: ...
    @property
    def faces(self) -> int: ...
    @property
    def failed(self) -> list[IndexFailure]: ...
    @property
    def files_left(self) -> list[IndexFailure]: ...
    @property
    def footage(self) -> float: ...
    @property
    def moved(self) -> int: ...
    @property
    def removed(self) -> int: ...
    @property
    def renditions(self) -> int: ...
    @property
    def renditions_failed(self) -> list[IndexFailure]: ...
    @property
    def renditions_outdated(self) -> int: ...
    @property
    def retries(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def store_clock_offset(self) -> int: ...
    @property
    def unchanged(self) -> int: ...
    @property
    def unlisted(self) -> list[IndexFailure]: ...
    @property
    def updated(self) -> int: ...
    @property
    def videos(self) -> int: ...

class PhotoInfo:
    """
    What is known of a photo beside what it shows.
    """
    @property
    def bytes(self) -> int: ...
    @property
    def camera(self) -> str: ...
    @property
    def captured_utc(self) -> int | None:
        """
        Milliseconds since 1970-01-01T00:00:00Z, or None.
        """
    @property
    def failure(self) -> str: ...
    @property
    def height(self) -> int: ...
    @property
    def hidden(self) -> bool: ...
    @property
    def id(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def source(self) -> int: ...
    @property
    def uuid(self) -> str: ...
    @property
    def width(self) -> int: ...

class FoundPhoto:
    """
    A photo and why it is offered.
    """
    @property
    def match(self) -> GalleryMatch: ...
    @property
    def photo(self) -> PhotoInfo: ...

class SelfieFace:
    """
    What was made of one selfie.
    """
    @property
    def box(self) -> tuple[float, float, float, float]: ...
    @property
    def faces_seen(self) -> int: ...
    @property
    def quality(self) -> float: ...

class SearchResult:
    """
    A search and its frozen answer.
    """
    @property
    def appearances(self) -> list[FoundAppearance] | None: ...
    @property
    def matches(self) -> list[FoundPhoto]: ...
    @property
    def repeated(self) -> bool: ...
    @property
    def request_id(self) -> str: ...
    @property
    def selfies(self) -> list[SelfieFace]: ...

class PhotoDetails:
    """
    A photo and what was found in it.
    """
    @property
    def bibs(self) -> list[Bib]: ...
    @property
    def faces(self) -> list[Face]: ...
    @property
    def photo(self) -> PhotoInfo: ...

class EventFeatures:
    """
    What an event's clients may use.
    """

    bib_search: bool
    enabled: bool
    name_search: bool
    selfie_search: bool
    timeline_search: bool
    video_search: bool
    video_selfie_search: bool

class ClipOptions:
    """
    Which seconds of a video to keep.
    """
    @property
    def max_clip_duration(self) -> float: ...
    @max_clip_duration.setter
    def max_clip_duration(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def max_gap(self) -> float: ...
    @max_gap.setter
    def max_gap(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def min_probability(self) -> float: ...
    @min_probability.setter
    def min_probability(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def min_segment(self) -> float: ...
    @min_segment.setter
    def min_segment(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def padding_end(self) -> float: ...
    @padding_end.setter
    def padding_end(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def padding_start(self) -> float: ...
    @padding_start.setter
    def padding_start(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class EventSettings:
    """
    What an organiser decides of an event.
    """

    bib_pattern: str
    clips: ClipOptions
    cover_image: str
    date: str
    features: EventFeatures
    name: str
    originals: bool
    selfie_retention: bool
    slug: str
    status: str
    time_zone: str
    def __init__(self) -> None: ...
    @property
    def confidence_percentage(self) -> float | None: ...
    @confidence_percentage.setter
    def confidence_percentage(self, arg0: typing.SupportsFloat | typing.SupportsIndex | None) -> None: ...
    @property
    def search_lifetime_days(self) -> float | None: ...
    @search_lifetime_days.setter
    def search_lifetime_days(self, arg0: typing.SupportsFloat | typing.SupportsIndex | None) -> None: ...

class EventInfo:
    """
    An event of a workspace.
    """
    @property
    def billable_searches(self) -> int: ...
    @property
    def id(self) -> int: ...
    @property
    def organisation(self) -> int: ...
    @property
    def settings(self) -> EventSettings: ...

class SourceInfo:
    """
    A place that holds an event's photos and videos.
    """
    @property
    def access(self) -> str: ...
    @property
    def id(self) -> int: ...
    @property
    def uri(self) -> str: ...

class EventCounts:
    """
    The photos of an event, counted.
    """
    @property
    def failed(self) -> int: ...
    @property
    def hidden(self) -> int: ...
    @property
    def processed(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def videos(self) -> VideoCounts: ...

class CameraClock:
    """
    A camera, and the seconds to add to its clock.
    """
    @property
    def camera(self) -> str: ...
    @property
    def photos(self) -> int: ...
    @property
    def seconds(self) -> int: ...

class CoreStoredSelfie:
    """
    A selfie that a search keeps.
    """
    @property
    def embedder(self) -> str: ...
    @property
    def embedding(self) -> numpy.typing.NDArray[numpy.float32]: ...
    @property
    def picture(self) -> bytes: ...

class Purge:
    """
    A purge that has begun.
    """
    @property
    def begun(self) -> int:
        """
        Milliseconds since 1970-01-01T00:00:00Z.
        """
    @property
    def bytes(self) -> int:
        """
        Of the catalog's files at the beginning.
        """
    @property
    def event(self) -> int: ...
    @property
    def event_name(self) -> str: ...
    @property
    def removed(self) -> dict[str, int]: ...
    @property
    def resumed(self) -> bool: ...
    @property
    def uuid(self) -> str: ...

class CorePurgeReport:
    """
    What the purge of an event removed.
    """
    @property
    def bytes_after(self) -> int: ...
    @property
    def finished(self) -> int:
        """
        Milliseconds since 1970-01-01T00:00:00Z.
        """
    @property
    def purge(self) -> Purge: ...
    @property
    def receipt(self) -> pathlib.Path: ...

class Engine:
    """
    A workspace, its catalog and its models. The package's Workspace and Event are made of it. Thread safe; the GIL is released around all work.
    """
    def __init__(
        self,
        workspace: os.PathLike[str] | str | bytes,
        manifests: collections.abc.Sequence[os.PathLike[str] | str | bytes],
        *,
        precision: str = "auto",
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
        embedder: str = "",
        reader: str = "paddle",
        storage: StorageOptions = ...,
    ) -> None: ...
    def add_ping(self, webhook: typing.SupportsInt | typing.SupportsIndex) -> CoreWebhookDelivery: ...
    def add_source(self, event: typing.SupportsInt | typing.SupportsIndex, location: str) -> int: ...
    def add_webhook(
        self,
        organisation: typing.SupportsInt | typing.SupportsIndex,
        url: str,
        secret: str,
        kinds: collections.abc.Sequence[str],
    ) -> int: ...
    def api_keys(self) -> list[ApiKey]: ...
    def appearances(self, video: typing.SupportsInt | typing.SupportsIndex) -> list[AppearanceContent]: ...
    def apply_retention(self, event: typing.SupportsInt | typing.SupportsIndex) -> int: ...
    def camera_clocks(self, event: typing.SupportsInt | typing.SupportsIndex) -> list[CameraClock]: ...
    def cancel_index_run(self, run: typing.SupportsInt | typing.SupportsIndex) -> IndexRunInfo: ...
    def change_event(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        change: collections.abc.Callable[[EventSettings], None],
    ) -> None:
        """
        Calls `change` with the settings as they are and stores what it made of them, in one transaction. It must not use the workspace.
        """
    def compact(self) -> None: ...
    def counts(self, event: typing.SupportsInt | typing.SupportsIndex) -> EventCounts: ...
    def create_event(
        self, settings: EventSettings, organisation: typing.SupportsInt | typing.SupportsIndex = 1
    ) -> int: ...
    def create_key(
        self, organisation: typing.SupportsInt | typing.SupportsIndex, name: str, creator: str
    ) -> NewKey: ...
    def create_organisation(self, name: str) -> int: ...
    def cut_clip(
        self,
        video: typing.SupportsInt | typing.SupportsIndex,
        start: typing.SupportsFloat | typing.SupportsIndex,
        end: typing.SupportsFloat | typing.SupportsIndex,
        out: os.PathLike[str] | str | bytes,
        mode: str,
        quality: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> CoreClip: ...
    def delete_event(self, event: typing.SupportsInt | typing.SupportsIndex) -> list[IndexFailure]: ...
    def delete_photos(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        photos: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ) -> CoreDeletion: ...
    def delete_photos_of_bib(
        self, event: typing.SupportsInt | typing.SupportsIndex, bib: str
    ) -> CoreDeletion: ...
    def delete_photos_of_search(
        self, event: typing.SupportsInt | typing.SupportsIndex, request_id: str
    ) -> CoreDeletion: ...
    def details(self, photo: typing.SupportsInt | typing.SupportsIndex) -> PhotoDetails: ...
    def event(self, event: typing.SupportsInt | typing.SupportsIndex) -> EventInfo: ...
    def events(self, organisation: typing.SupportsInt | typing.SupportsIndex = 1) -> list[EventInfo]: ...
    def failures(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        limit: typing.SupportsInt | typing.SupportsIndex = 10000,
    ) -> list[IndexFailure]: ...
    def find_bib(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        text: str,
        min_probability: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> list[FoundPhoto]: ...
    def find_bib_clips(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        bib: str,
        min_probability: typing.SupportsFloat | typing.SupportsIndex,
        min_segment: typing.SupportsFloat | typing.SupportsIndex,
        max_gap: typing.SupportsFloat | typing.SupportsIndex,
        padding_start: typing.SupportsFloat | typing.SupportsIndex,
        padding_end: typing.SupportsFloat | typing.SupportsIndex,
        max_clip_duration: typing.SupportsFloat | typing.SupportsIndex,
    ) -> list[CoreClipSpan]: ...
    def find_clips(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        request_id: str,
        min_probability: typing.SupportsFloat | typing.SupportsIndex,
        min_segment: typing.SupportsFloat | typing.SupportsIndex,
        max_gap: typing.SupportsFloat | typing.SupportsIndex,
        padding_start: typing.SupportsFloat | typing.SupportsIndex,
        padding_end: typing.SupportsFloat | typing.SupportsIndex,
        max_clip_duration: typing.SupportsFloat | typing.SupportsIndex,
    ) -> list[CoreClipSpan]: ...
    def find_event(
        self, name: str, organisation: typing.SupportsInt | typing.SupportsIndex = 1
    ) -> int | None: ...
    def find_photo(self, event: typing.SupportsInt | typing.SupportsIndex, uuid: str) -> PhotoInfo | None: ...
    def find_selfie_encoded(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        selfies: collections.abc.Sequence[bytes],
        request_id: str,
        min_probability: typing.SupportsFloat | typing.SupportsIndex | None,
        limit: typing.SupportsInt | typing.SupportsIndex,
        query_expansion: bool,
    ) -> SearchResult: ...
    def find_selfie_pixels(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        selfies: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.uint8]],
        request_id: str,
        min_probability: typing.SupportsFloat | typing.SupportsIndex | None,
        limit: typing.SupportsInt | typing.SupportsIndex,
        query_expansion: bool,
    ) -> SearchResult: ...
    def gallery_stats(self, event: typing.SupportsInt | typing.SupportsIndex) -> GalleryStats: ...
    def index_paths(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        paths: collections.abc.Sequence[str],
        workers: typing.SupportsInt | typing.SupportsIndex,
        retry_failed: bool,
        dry_run: bool,
        fps: typing.SupportsFloat | typing.SupportsIndex,
        shortest_appearance: typing.SupportsFloat | typing.SupportsIndex,
        progress: typing.Any,
    ) -> CoreIndexReport: ...
    def index_run(self, run: typing.SupportsInt | typing.SupportsIndex) -> IndexRunInfo: ...
    def index_run_failures(self, run: typing.SupportsInt | typing.SupportsIndex) -> list[IndexFailure]: ...
    def index_runs(self, event: typing.SupportsInt | typing.SupportsIndex) -> list[IndexRunInfo]: ...
    def index_source(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        source: str,
        workers: typing.SupportsInt | typing.SupportsIndex,
        retry_failed: bool,
        dry_run: bool,
        fps: typing.SupportsFloat | typing.SupportsIndex,
        shortest_appearance: typing.SupportsFloat | typing.SupportsIndex,
        progress: typing.Any,
    ) -> CoreIndexReport: ...
    def make_renditions(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        workers: typing.SupportsInt | typing.SupportsIndex,
        all: bool,
        progress: typing.Any,
    ) -> CoreRenditionReport: ...
    def organisations(self) -> list[Organisation]: ...
    def original_link(
        self,
        photo: typing.SupportsInt | typing.SupportsIndex,
        seconds: typing.SupportsInt | typing.SupportsIndex,
    ) -> str: ...
    def photo_bytes(self, photo: typing.SupportsInt | typing.SupportsIndex) -> bytes: ...
    def photo_image(
        self,
        photo: typing.SupportsInt | typing.SupportsIndex,
        long_side: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.uint8]: ...
    def purge_event(self, event: typing.SupportsInt | typing.SupportsIndex) -> CorePurgeReport: ...
    def remove_key(self, key: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def remove_photos(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        photos: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ) -> int: ...
    def remove_renditions(self, event: typing.SupportsInt | typing.SupportsIndex) -> list[IndexFailure]: ...
    def remove_search(self, event: typing.SupportsInt | typing.SupportsIndex, request_id: str) -> None: ...
    def remove_source(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        source: typing.SupportsInt | typing.SupportsIndex,
    ) -> list[IndexFailure]: ...
    def remove_webhook(self, webhook: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def rendition_bytes(self, photo: typing.SupportsInt | typing.SupportsIndex, kind: str) -> bytes: ...
    def rendition_link(
        self,
        photo: typing.SupportsInt | typing.SupportsIndex,
        kind: str,
        seconds: typing.SupportsInt | typing.SupportsIndex,
    ) -> str: ...
    def renditions(self, event: typing.SupportsInt | typing.SupportsIndex) -> RenditionSettings | None: ...
    def roster(self, event: typing.SupportsInt | typing.SupportsIndex) -> list[tuple[str, str]]: ...
    def search(self, event: typing.SupportsInt | typing.SupportsIndex, request_id: str) -> SearchResult: ...
    def set_clock_offset(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        camera: str,
        seconds: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def set_hidden(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        photos: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        hidden: bool,
    ) -> int: ...
    def set_key_active(self, key: typing.SupportsInt | typing.SupportsIndex, active: bool) -> None: ...
    def set_renditions(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        settings: RenditionSettings,
        location: str = "",
    ) -> None: ...
    def set_roster(self, event: typing.SupportsInt | typing.SupportsIndex, csv: bytes) -> int: ...
    def set_videos_hidden(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        videos: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        hidden: bool,
    ) -> int: ...
    def sources(self, event: typing.SupportsInt | typing.SupportsIndex) -> list[SourceInfo]: ...
    def start_index_run(
        self, event: typing.SupportsInt | typing.SupportsIndex, location: str, retry_failed: bool
    ) -> IndexRunInfo: ...
    def start_index_run_of_source(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        source: typing.SupportsInt | typing.SupportsIndex,
        retry_failed: bool,
    ) -> IndexRunInfo: ...
    def stored_selfies(
        self, event: typing.SupportsInt | typing.SupportsIndex, request_id: str
    ) -> list[CoreStoredSelfie]: ...
    def unfinished_purges(self) -> list[Purge]: ...
    def update_event(
        self, event: typing.SupportsInt | typing.SupportsIndex, settings: EventSettings
    ) -> None: ...
    def update_organisation(
        self,
        organisation: typing.SupportsInt | typing.SupportsIndex,
        name: str,
        cors_origins: collections.abc.Sequence[str],
    ) -> None: ...
    def update_webhook(
        self,
        webhook: typing.SupportsInt | typing.SupportsIndex,
        url: str,
        kinds: collections.abc.Sequence[str],
        active: bool,
    ) -> None: ...
    def video_frame(
        self,
        video: typing.SupportsInt | typing.SupportsIndex,
        time: typing.SupportsFloat | typing.SupportsIndex,
        long_side: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.uint8]: ...
    def videos(self, event: typing.SupportsInt | typing.SupportsIndex) -> list[VideoEntry]: ...
    def visit_photos(
        self,
        event: typing.SupportsInt | typing.SupportsIndex,
        visit: collections.abc.Callable[[PhotoDetails], None],
    ) -> None: ...
    def webhook(self, webhook: typing.SupportsInt | typing.SupportsIndex) -> CoreWebhook: ...
    def webhook_deliveries(
        self, webhook: typing.SupportsInt | typing.SupportsIndex
    ) -> list[CoreWebhookDelivery]: ...
    def webhooks(self, organisation: typing.SupportsInt | typing.SupportsIndex) -> list[CoreWebhook]: ...

class RenditionSettings:
    """
    How renditions are made.
    """

    artwork: bytes
    artwork_portrait: bytes
    position: str
    def __init__(self) -> None: ...
    @property
    def location(self) -> str:
        """
        Where they are stored; empty: the workspace's own folder.
        """
    @property
    def margin(self) -> float: ...
    @margin.setter
    def margin(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def opacity(self) -> float: ...
    @opacity.setter
    def opacity(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def preview_side(self) -> int: ...
    @preview_side.setter
    def preview_side(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def quality(self) -> int: ...
    @quality.setter
    def quality(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def thumbnail_side(self) -> int: ...
    @thumbnail_side.setter
    def thumbnail_side(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def width(self) -> float: ...
    @width.setter
    def width(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class RenditionProgress:
    """
    How far a run that makes renditions is; counts are of photos.
    """
    @property
    def done(self) -> int:
        """
        Of those, recorded, failures included.
        """
    @property
    def failed(self) -> int: ...
    @property
    def total(self) -> int: ...

class CoreRenditionReport:
    """
    What a run that makes renditions did.
    """
    @property
    def bytes(self) -> int: ...
    @property
    def failed(self) -> list[IndexFailure]: ...
    @property
    def files_left(self) -> list[IndexFailure]: ...
    @property
    def made(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def unchanged(self) -> int: ...

class Organisation:
    """
    Who owns events.
    """
    @property
    def billable_searches(self) -> int: ...
    @property
    def cors_origins(self) -> list[str]:
        """
        Web pages that may ask a server.
        """
    @property
    def created(self) -> int:
        """
        Milliseconds since 1970-01-01T00:00:00Z.
        """
    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...

class ApiKey:
    """
    What is known of a key to a server: not the key.
    """
    @property
    def active(self) -> bool: ...
    @property
    def created(self) -> int:
        """
        Milliseconds since 1970-01-01T00:00:00Z.
        """
    @property
    def creator(self) -> str: ...
    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def organisation(self) -> int: ...
    @property
    def shown(self) -> str:
        """
        How it begins.
        """

class NewKey:
    """
    A key that was just made, and is told this once.
    """
    @property
    def id(self) -> int: ...
    @property
    def key(self) -> str: ...

class CoreDeletion:
    """
    What was deleted for good.
    """
    @property
    def files_left(self) -> list[IndexFailure]: ...
    @property
    def photos(self) -> int: ...

class IndexRunInfo:
    """
    An index run that somebody asked for.
    """
    @property
    def attempts(self) -> int: ...
    @property
    def cancelling(self) -> bool:
        """
        It runs, and is to end.
        """
    @property
    def counts(self) -> dict[str, int]:
        """
        By name; a total of -1 is not known yet.
        """
    @property
    def created(self) -> int:
        """
        Milliseconds since 1970-01-01T00:00:00Z.
        """
    @property
    def error(self) -> str: ...
    @property
    def event(self) -> int: ...
    @property
    def finished(self) -> int | None: ...
    @property
    def id(self) -> int: ...
    @property
    def retry_failed(self) -> bool: ...
    @property
    def source(self) -> int: ...
    @property
    def source_uri(self) -> str: ...
    @property
    def started(self) -> int | None: ...
    @property
    def state(self) -> str: ...

class CoreWebhook:
    """
    Who is told of what has finished: not the secret.
    """
    @property
    def active(self) -> bool: ...
    @property
    def created(self) -> int:
        """
        Milliseconds since 1970-01-01T00:00:00Z.
        """
    @property
    def id(self) -> int: ...
    @property
    def kinds(self) -> list[str]: ...
    @property
    def organisation(self) -> int: ...
    @property
    def url(self) -> str: ...

class CoreWebhookDelivery:
    """
    What a webhook was told, or is to be told.
    """
    @property
    def attempts(self) -> int: ...
    @property
    def created(self) -> int:
        """
        Milliseconds since 1970-01-01T00:00:00Z.
        """
    @property
    def delivered(self) -> int | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def last_error(self) -> str: ...
    @property
    def last_status(self) -> int | None: ...
    @property
    def next_try(self) -> int | None:
        """
        None: it arrived, or was given up.
        """
    @property
    def payload(self) -> str:
        """
        JSON.
        """
    @property
    def uuid(self) -> str: ...
    @property
    def webhook(self) -> int: ...

def cut_clip(
    source: os.PathLike[str] | str | bytes,
    start: typing.SupportsFloat | typing.SupportsIndex,
    end: typing.SupportsFloat | typing.SupportsIndex,
    out: os.PathLike[str] | str | bytes,
    mode: str,
    quality: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> CoreClip: ...
def decode_image(
    encoded: bytes, *, enough_long_side: typing.SupportsInt | typing.SupportsIndex = 0
) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Decode JPEG, PNG, WebP, TIFF or HEIC bytes into upright pixels.

    Args:
        encoded: The file's bytes.
        enough_long_side: A JPEG may be decoded at a half, a quarter or an eighth of its size as long as its long side
            keeps this many pixels. 0: whole.

    Returns:
        uint8 pixels shaped (height, width, 3), RGB.

    Raises:
        BadInputError: broken, truncated, or larger than 150 million pixels.
        UnsupportedError: another format.

    Thread safe; the GIL is released.
    """

def encode_jpeg(
    image: numpy.typing.NDArray[numpy.uint8], *, quality: typing.SupportsInt | typing.SupportsIndex = 90
) -> bytes:
    """
    Encode uint8 pixels shaped (height, width) or (height, width, 3), RGB, as JPEG bytes; quality is 1 to 100.
    """

def interpret_bibs(
    reads: collections.abc.Sequence[BibRead],
    *,
    pattern: str = "\\d{2,5}",
    roster: collections.abc.Sequence[str] = [],
) -> list[Bib]:
    """
    Apply an event's rules to stored reads, surest first.

    Args:
        reads: From BibReader.read_text.
        pattern: Regular expression for the whole text, ignoring case.
        roster: Valid bibs, upper case; empty: unknown.

    Raises:
        BadInputError: the pattern is no regular expression, or too costly a one.
    """

def open_store(location: str, options: StorageOptions) -> Store: ...
def read_frame(
    source: os.PathLike[str] | str | bytes,
    time: typing.SupportsFloat | typing.SupportsIndex,
    long_side: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.uint8]: ...
def resize_image(
    image: numpy.typing.NDArray[numpy.uint8],
    width: typing.SupportsInt | typing.SupportsIndex,
    height: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Resize uint8 pixels to (height, width): by area when it shrinks, bilinear when it grows.
    """

def video_info(source: os.PathLike[str] | str | bytes) -> VideoInfo: ...
def webhook_kinds() -> list[str]:
    """
    What webhooks can be told of.
    """
