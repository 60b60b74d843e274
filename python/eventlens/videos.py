"""Videos of an event, the seconds in which a person is seen, and clips cut out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eventlens import _core
from eventlens.results import Appearance, Pixels, Video, appearance_of, video_of

if TYPE_CHECKING:
    from eventlens.workspace import Event

CutMode = Literal["exact", "copy"]

_QUALITY = 20


@dataclass(frozen=True)
class ClipSpan:
    """Seconds of a video in which the person is seen: what a clip would show.

    Attributes:
        start: Seconds.
        end: Seconds.
        probability: The chance, 0 to 1, that the person is in it: that of its surest appearance.
        appearances: The evidence, by time.
        poster_time: Of the frame in which they are seen best.
    """

    video: Video
    start: float
    end: float
    probability: float
    appearances: list[Appearance]
    poster_time: float

    def __repr__(self) -> str:
        return (
            f"<ClipSpan {self.video.key!r} {clock(self.start)}–{clock(self.end)}, {self.probability:.1%}, "
            f"{max(self.appearances, key=lambda a: a.probability).why}>"
        )

    def poster(self, long_side: int = 640) -> Pixels:
        """The frame in which the person is seen best, uint8 (height, width, 3) RGB."""
        return self.video.frame(self.poster_time, long_side)


class ClipSpans(list[ClipSpan]):
    """A list of ClipSpan, by video and time, that a notebook shows with their posters."""

    def _repr_html_(self) -> str:
        from eventlens.notebook import clips_html

        return clips_html(self)


@dataclass(frozen=True)
class Clip:
    """A clip that was cut and checked.

    Attributes:
        path: An MP4 file that plays while it is downloaded.
        start: Seconds of the source that it really shows, from
        end: to.
        method: "smart": only the frames up to the first keyframe, and perhaps the last ones, were encoded anew;
            "encoded": all were; "copied": none.
        codec: Of the clip.
        frames: How many it shows.
        note: What the file's user should know; may be empty.
        thumbnail: A JPEG file beside it, of the frame in which the person is seen best; None: not asked for.
    """

    path: Path
    start: float
    end: float
    method: Literal["smart", "encoded", "copied"]
    codec: str
    width: int
    height: int
    frames: int
    audio: bool
    note: str
    thumbnail: Path | None = None


class CutError(_core.EventlensError):
    """Some clips could not be cut; the others were.

    Attributes:
        clips: Those that were cut.
        failed: (span, reason) of the others.
    """

    def __init__(self, clips: list[Clip], failed: list[tuple[ClipSpan, str]]) -> None:
        reasons = "; ".join(
            f"{span.video.key} at {clock(span.start)}: {reason}" for span, reason in failed[:3]
        )
        super().__init__(f"{len(failed)} of {len(clips) + len(failed)} clips could not be cut: {reasons}")
        self.clips = clips
        self.failed = failed


def cut_clip(
    source: str | PathLike[str],
    span: tuple[float, float] | ClipSpan,
    out: str | PathLike[str],
    *,
    mode: CutMode = "exact",
    quality: int = _QUALITY,
    progress: Callable[[float], None] | None = None,
) -> Clip:
    """Cut seconds out of a video file, into an MP4 file.

    Args:
        source: A video file.
        span: (start, end) in seconds; 0 is the first frame.
        out: The MP4 file to write; it appears complete or not at all.
        mode: "exact": the first and the last frame are those asked for, and nothing else is in the file; every such
            clip is decoded back and checked. "copy": nothing is encoded anew, so that the clip begins at the keyframe
            before; `Clip.start` and `Clip.note` say what it shows.
        quality: Of what is encoded: x264's constant rate factor, 0 (lossless) to 51.
        progress: Called with the part that is done, 0 to 1.

    Raises:
        BadInputError: not a video, a span outside of it, or a path that cannot be written.
        OverloadedError: the disk is full.
    """
    start, end = (span.start, span.end) if isinstance(span, ClipSpan) else span
    return clip_of(_core.cut_clip(Path(source), start, end, Path(out), mode, quality, progress))


def read_frame(source: str | PathLike[str], time: float, long_side: int = 0) -> Pixels:
    """What a video file shows at a time (seconds), uint8 (height, width, 3) RGB, upright."""
    return _core.read_frame(Path(source), time, long_side)


def cut_clips(
    spans: Iterable[ClipSpan],
    out: str | PathLike[str],
    *,
    mode: CutMode,
    quality: int,
    thumbnails: bool,
    progress: Callable[[float], None] | None,
) -> list[Clip]:
    """What `Event.cut_clips` does."""
    wanted = list(spans)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    names = _file_names(wanted)
    seconds = sum(span.end - span.start for span in wanted) or 1.0
    done = 0.0
    clips: list[Clip] = []
    failed: list[tuple[ClipSpan, str]] = []
    for span, name in zip(wanted, names, strict=True):
        length = span.end - span.start

        def tell(part: float, before: float = done, length: float = length) -> None:
            if progress is not None:
                progress((before + part * length) / seconds)

        path = folder / f"{name}.mp4"
        try:
            cut = span.video.event._engine.cut_clip(
                span.video.id, span.start, span.end, path, mode, quality, tell
            )
            thumbnail = _write_thumbnail(span, path.with_suffix(".jpg")) if thumbnails else None
            clips.append(clip_of(cut, thumbnail))
        except (_core.EventlensError, OSError) as error:  # the latter of the thumbnail's file
            failed.append((span, str(error)))
        done += length
    if failed:
        raise CutError(clips, failed)
    return clips


def clock(seconds: float) -> str:
    """1:02:03.4 of 3723.4 seconds; 2:03.4 below an hour."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    rest = f"{minutes:02d}:{tenths / 10:04.1f}" if hours else f"{minutes}:{tenths / 10:04.1f}"
    return f"{hours}:{rest}" if hours else rest


def spans_of(spans: Sequence[_core.CoreClipSpan], event: Event) -> ClipSpans:
    return ClipSpans(_span_of(span, video_of(span.video, event)) for span in spans)


def _span_of(span: _core.CoreClipSpan, video: Video) -> ClipSpan:
    return ClipSpan(
        video=video,
        start=span.start,
        end=span.end,
        probability=span.probability,
        appearances=[appearance_of(found, video) for found in span.appearances],
        poster_time=span.poster_time,
    )


def clip_of(clip: _core.CoreClip, thumbnail: Path | None = None) -> Clip:
    return Clip(
        path=Path(clip.path),
        start=clip.start,
        end=clip.end,
        method=clip.method,  # type: ignore[arg-type]  # the core's three words
        codec=clip.codec,
        width=clip.width,
        height=clip.height,
        frames=clip.frames,
        audio=clip.audio,
        note=clip.note,
        thumbnail=thumbnail,
    )


def _file_names(spans: Sequence[ClipSpan]) -> list[str]:
    """Unique, telling, and harmless on any disk: "finish-line_0012.3-0018.0"."""
    names: list[str] = []
    for span in spans:
        stem = "".join(c if c.isalnum() or c in "-." else "-" for c in Path(fspath(span.video.key)).stem)[:80]
        name = f"{stem}_{span.start:06.1f}-{span.end:06.1f}"
        number = 2
        unique = name
        while unique in names:
            unique = f"{name}_{number}"
            number += 1
        names.append(unique)
    return names


def _write_thumbnail(span: ClipSpan, path: Path) -> Path:
    path.write_bytes(_core.encode_jpeg(span.poster(), quality=85))
    return path
