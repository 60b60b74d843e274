"""What notebooks show for search results, and the report's values made from them: thumbnails with boxes
drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eventlens import _core
from eventlens.report import Picture, PictureBox, ReportMatch, picture_html, printable, probability_words

if TYPE_CHECKING:
    from eventlens.results import Match, Photo, Pixels

SHOWN = 24  # matches a notebook cell shows; the rest are counted
_THUMBNAIL = 560  # pixels of the longer side


def matches_html(matches: Sequence[Match], shown: int = SHOWN) -> str:
    """The matches as a grid of thumbnails, each with its probability and reason."""
    if not matches:
        return "<p>No matches.</p>"
    cards = "".join(_card_html(match) for match in matches[:shown])
    rest = len(matches) - shown
    more = f'<p style="opacity:.7">and {rest:,} more</p>' if rest > 0 else ""
    grid = "display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:14px;align-items:start"
    return f'<div style="{grid}">{cards}</div>{more}'


def report_match(match: Match) -> ReportMatch:
    """A match as the report shows it; the photo is read from its source now."""
    return ReportMatch(
        key=match.photo.key,
        picture=match_picture(match),
        probability=match.probability,
        why=[match.why],
        captured=match.photo.captured,
        camera=match.photo.camera,
    )


def match_picture(match: Match) -> Picture:
    """The match's thumbnail with the matched face or bib framed."""
    photo = match.photo
    boxes = [PictureBox(match.box, label=match.bib)]
    return Picture(_thumbnail(photo), photo.width, photo.height, boxes)


def selfie_picture(rgb: Pixels, face: tuple[float, float, float, float] | None = None) -> Picture:
    """A selfie's thumbnail, the face that was used framed."""
    height, width = int(rgb.shape[0]), int(rgb.shape[1])
    scale = min(1.0, _THUMBNAIL / max(width, height))
    small = _core.resize_image(rgb, max(1, round(width * scale)), max(1, round(height * scale)))
    boxes = [PictureBox(face)] if face is not None else []
    return Picture(_core.encode_jpeg(small, quality=85), width, height, boxes)


def _thumbnail(photo: Photo) -> bytes:
    """The photo's JPEG thumbnail; empty when the source no longer has it: the others are shown."""
    try:
        return _core.encode_jpeg(photo.image(long_side=_THUMBNAIL), quality=82)
    except (_core.NotFoundError, _core.BadInputError, _core.UnsupportedError):
        return b""


def _card_html(match: Match) -> str:
    key = match.photo.key
    picture = picture_html(match_picture(match), f"photo {key}", "border-radius:8px;", shape=1.5)
    words = probability_words(match.probability)
    return (
        f'<div>{picture}<div style="font-size:12px;line-height:1.4;margin-top:4px"><b>{words}</b><br>'
        f"{printable(match.why)}<br>"
        f'<span style="opacity:.65;overflow-wrap:anywhere">{printable(key)}</span></div></div>'
    )
