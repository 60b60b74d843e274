"""What notebooks show for search results, and the report's values made from them: thumbnails and posters with
boxes drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from eventlens import _core
from eventlens.report import (
    Picture,
    PictureBox,
    ReportClip,
    ReportMatch,
    picture_html,
    printable,
    probability_words,
)
from eventlens.videos import clock

if TYPE_CHECKING:
    from eventlens.results import Appearance, Match, Photo, Pixels
    from eventlens.videos import ClipSpan

SHOWN = 24  # matches or clips a notebook cell shows; the rest are counted
_THUMBNAIL = 560  # pixels of the longer side
_POSTER = 800


def matches_html(matches: Sequence[Match], shown: int = SHOWN) -> str:
    """The matches as a grid of thumbnails, each with its probability and reason."""
    if not matches:
        return "<p>No matches.</p>"
    return _grid_html([_match_html(match) for match in matches[:shown]], len(matches) - shown)


def clips_html(spans: Sequence[ClipSpan], shown: int = SHOWN) -> str:
    """The seconds found in videos as a grid of posters, each with its times, probability and reason."""
    if not spans:
        return "<p>No clips.</p>"
    return _grid_html([_span_html(span) for span in spans[:shown]], len(spans) - shown)


def report_match(match: Match) -> ReportMatch:
    """A match as the report shows it; the photo is read from its source now."""
    return ReportMatch(
        key=match.photo.key,
        picture=match_picture(match),
        probability=match.probability,
        why=[match.why],
        captured=local_time(match.photo),
        camera=match.photo.camera,
    )


def report_clip(span: ClipSpan, *, file: str = "", mp4: bytes = b"", note: str = "") -> ReportClip:
    """A span as the report shows it; the poster is read from the video's source now.

    Args:
        file: The clip that was cut, as a path relative to the report.
        mp4: Its bytes, to be played inside the report.
        note: What is to be said of the file.
    """
    return ReportClip(
        key=span.video.key,
        poster=span_picture(span),
        start=span.start,
        end=span.end,
        duration=span.video.duration,
        probability=span.probability,
        why=list(dict.fromkeys(found.why for found in by_probability(span))),
        file=file,
        mp4=mp4,
        note=note,
    )


def local_time(photo: Photo) -> datetime | None:
    """When a photo was taken, by the clocks of the event's time zone."""
    return photo.captured and photo.captured.astimezone(ZoneInfo(photo.event.time_zone))


def match_picture(match: Match) -> Picture:
    """The match's thumbnail with the matched face or bib framed."""
    photo = match.photo
    boxes = [PictureBox(match.box, label=match.bib)]
    return Picture(_thumbnail(photo), photo.width, photo.height, boxes)


def span_picture(span: ClipSpan) -> Picture:
    """The frame in which the person is seen best, their face or bib framed."""
    surest = by_probability(span)[0]
    jpeg = _jpeg(lambda: span.poster(_POSTER))
    return Picture(jpeg, span.video.width, span.video.height, [PictureBox(surest.box, label=surest.bib)])


def by_probability(span: ClipSpan) -> list[Appearance]:
    """The appearances of a span, surest first."""
    return sorted(span.appearances, key=lambda found: -found.probability)


def selfie_picture(rgb: Pixels, face: tuple[float, float, float, float] | None = None) -> Picture:
    """A selfie's thumbnail, the face that was used framed."""
    height, width = int(rgb.shape[0]), int(rgb.shape[1])
    scale = min(1.0, _THUMBNAIL / max(width, height))
    small = _core.resize_image(rgb, max(1, round(width * scale)), max(1, round(height * scale)))
    boxes = [PictureBox(face)] if face is not None else []
    return Picture(_core.encode_jpeg(small, quality=85), width, height, boxes)


def _thumbnail(photo: Photo) -> bytes:
    return _jpeg(lambda: photo.image(long_side=_THUMBNAIL))


def _jpeg(read: Callable[[], Pixels]) -> bytes:
    """The picture encoded; empty when its source no longer has it: the others are shown."""
    try:
        return _core.encode_jpeg(read(), quality=82)
    except (_core.NotFoundError, _core.BadInputError, _core.UnsupportedError):
        return b""


def _grid_html(cards: Sequence[str], rest: int) -> str:
    more = f'<p style="opacity:.7">and {rest:,} more</p>' if rest > 0 else ""
    grid = "display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:14px;align-items:start"
    return f'<div style="{grid}">{"".join(cards)}</div>{more}'


def _match_html(match: Match) -> str:
    key = match.photo.key
    picture = picture_html(match_picture(match), f"photo {key}", "border-radius:8px;", shape=1.5)
    return _card_html(picture, [probability_words(match.probability), match.why, key])


def _span_html(span: ClipSpan) -> str:
    times = f"{clock(span.start)} – {clock(span.end)}"
    alternative = f"video {span.video.key}, {times}"
    picture = picture_html(span_picture(span), alternative, "border-radius:8px;", shape=16 / 9)
    lines = [times, probability_words(span.probability), by_probability(span)[0].why, span.video.key]
    return _card_html(picture, lines)


def _card_html(picture: str, lines: Sequence[str]) -> str:
    first, *middle, key = map(printable, lines)
    return (
        f'<div>{picture}<div style="font-size:12px;line-height:1.4;margin-top:4px"><b>{first}</b><br>'
        f"{'<br>'.join(middle)}<br>"
        f'<span style="opacity:.65;overflow-wrap:anywhere">{key}</span></div></div>'
    )
