"""One HTML file that shows what a search found and why: to look at, to send, to keep.

The file holds everything it needs, pictures included, and asks nothing of the network; only clips that were not
embedded lie beside it. It knows only the plain values below, not the engine: `eventlens.notebook` makes them
from matches and clips.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

from eventlens.videos import clock

__all__ = [
    "Picture",
    "PictureBox",
    "ReportClip",
    "ReportEvent",
    "ReportMatch",
    "ReportQuery",
    "picture_html",
    "printable",
    "write_report",
]

Box = tuple[float, float, float, float]

_STYLE = Path(__file__).with_name("report.css")

CONFIDENT = 0.5  # matches at least this probable are results; the others are set apart as "perhaps"


@dataclass(frozen=True)
class PictureBox:
    """A frame drawn on a picture.

    Attributes:
        box: (x, y, width, height) in pixels of the photo.
        label: Drawn beside it when it is highlighted, such as the bib's number; may be empty.
        highlighted: What the search matched; everything else is drawn faintly.
    """

    box: Box
    label: str = ""
    highlighted: bool = True


@dataclass(frozen=True)
class Picture:
    """A photo's thumbnail, or that of a video's frame.

    Attributes:
        jpeg: Encoded, of any size; empty when the original cannot be read any more.
        width: Of the original that the boxes refer to, pixels.
        height: Of the same.
    """

    jpeg: bytes
    width: int
    height: int
    boxes: Sequence[PictureBox] = ()


@dataclass(frozen=True)
class ReportMatch:
    """A photo that was found.

    Attributes:
        key: The photo's name; any characters at all.
        probability: 0 to 1, that it shows the person.
        why: The reasons, such as "face, similarity 0.71".
        captured: When it was taken, shown as it is given, with the name of its time zone.
    """

    key: str
    picture: Picture
    probability: float
    why: Sequence[str]
    captured: datetime | None = None
    camera: str = ""


@dataclass(frozen=True)
class ReportClip:
    """Seconds of a video in which the person was found.

    Attributes:
        key: The video's name; any characters at all.
        poster: The frame in which they are seen best.
        start: Seconds of the video, from
        end: to.
        duration: Of the whole video, seconds.
        probability: 0 to 1, that it shows the person.
        why: The reasons, such as "bib A207 read".
        file: The clip, as a path relative to the report; empty: it was not cut.
        mp4: The clip itself, to be played inside the report; empty: only the poster is shown.
        note: What is to be said of the file; may be empty.
    """

    key: str
    poster: Picture
    start: float
    end: float
    duration: float
    probability: float
    why: Sequence[str]
    file: str = ""
    mp4: bytes = b""
    note: str = ""


@dataclass(frozen=True)
class ReportQuery:
    """One question and its answer, photos surest first. A question is a selfie, a bib, or both."""

    matches: Sequence[ReportMatch]
    selfie: Picture | None = None
    bib: str = ""
    note: str = ""  # such as "3 faces in the selfie; the largest was used"
    clips: Sequence[ReportClip] = ()  # by video and time


@dataclass(frozen=True)
class ReportEvent:
    """The event's head line: its name and counts, such as {"photos": 43, "faces": 71}."""

    name: str
    counts: dict[str, int] = field(default_factory=dict)
    source: str = ""


def write_report(
    path: str | os.PathLike[str],
    event: ReportEvent,
    queries: Sequence[ReportQuery],
    *,
    confident: float = CONFIDENT,
    made: datetime | None = None,
) -> Path:
    """Write the report; a file that is already there is replaced only when the new one is complete.

    Args:
        confident: Matches below this probability are set apart as "perhaps".
        made: The time to print; now when None.

    Raises:
        OSError: The file cannot be written there.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.write_text(report_html(event, queries, confident=confident, made=made), encoding="utf-8")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def report_html(
    event: ReportEvent,
    queries: Sequence[ReportQuery],
    *,
    confident: float = CONFIDENT,
    made: datetime | None = None,
) -> str:
    """The report as text."""
    counts = "".join(f"<li><b>{count:,}</b> {printable(what)}</li>" for what, count in event.counts.items())
    source = f'<p class="source">{printable(event.source)}</p>' if event.source else ""
    when = (made or datetime.now().astimezone()).strftime("%Y-%m-%d %H:%M %Z").strip()
    style = _STYLE.read_text(encoding="utf-8")
    sections = "".join(_query_html(query, number, confident) for number, query in enumerate(queries))
    policy = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{printable(event.name)} · Eventlens</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="brand">Eventlens</p>
<h1>{printable(event.name)}</h1>
{source}<ul class="counts">{counts}</ul>
</header>
<main>{sections}</main>
<footer><p>Probabilities are calibrated: of what is marked 80 %, about eight in ten show the person.
Made {when}.</p></footer>
</body>
</html>
"""


def picture_html(picture: Picture, alternative: str, style: str = "", shape: float = 0.0) -> str:
    """A thumbnail with its boxes, as HTML that needs no style sheet.

    Args:
        alternative: What the picture shows, for those who do not see it; plain text.
        style: CSS for the frame.
        shape: Width divided by height to crop to, around what is highlighted; 0: the whole picture.
    """
    left, top, wide, high = _crop(picture, shape or max(1, picture.width) / max(1, picture.height))
    if not picture.jpeg:
        frame = f"aspect-ratio:{wide:.0f}/{high:.0f};display:grid;place-items:center;background:#8883;{style}"
        return f'<div style="{frame}">the original cannot be read any more</div>'
    attributes = f'role="img" aria-label="{printable(alternative)}" style="display:block;width:100%;{style}"'
    return _picture_svg(picture, (left, top, wide, high), attributes)


def _picture_svg(picture: Picture, window: Box, attributes: str) -> str:
    width, height = max(1, picture.width), max(1, picture.height)
    left, top, wide, high = window
    data = base64.b64encode(picture.jpeg).decode("ascii")
    line = max(wide, high) / 220  # drawn in the original's pixels, so it must grow with them
    # Faint ones first: what was matched lies on top.
    boxes = sorted(picture.boxes, key=lambda box: box.highlighted)
    drawn = "".join(_box_svg(box, line, width) for box in boxes)
    return (
        f'<svg {attributes} viewBox="{left:.0f} {top:.0f} {wide:.0f} {high:.0f}">'
        f'<image width="{width}" height="{height}" preserveAspectRatio="none" '
        f'href="data:image/jpeg;base64,{data}"/>'
        f"{drawn}</svg>"
    )


def _crop(picture: Picture, shape: float) -> Box:
    """The largest window of this shape, as near to what is highlighted as it fits in the photo."""
    width, height = max(1, picture.width), max(1, picture.height)
    wide, high = min(width, height * shape), min(height, width / shape)
    marked = [box.box for box in picture.boxes if box.highlighted] or [(0.0, 0.0, width, height)]
    middle_x = sum(x + w / 2 for x, _, w, _ in marked) / len(marked)
    middle_y = sum(y + h / 2 for _, y, _, h in marked) / len(marked)
    left = min(max(0.0, middle_x - wide / 2), width - wide)
    top = min(max(0.0, middle_y - high / 2), height - high)
    return left, top, wide, high


def printable(text: str) -> str:
    """Any text, safe inside HTML: escaped, with undecodable bytes, controls and direction marks made visible.

    File names may hold any bytes; a line break, or a mark that turns the reading direction, could make one
    name look like another.
    """
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return escape("".join(_visible(character) for character in text))


def probability_words(probability: float) -> str:
    """The chance for people: "very likely, 96 %". Never 100 %: nothing here is certain."""
    word = next(word for least, word in _WORDS if probability >= least)
    if probability > 0.99:
        return f"{word}, over 99 %"
    if probability < 0.01:
        return f"{word}, under 1 %"
    return f"{word}, {round(100 * probability)} %"


_WORDS = [
    (0.99, "almost certain"),
    (0.9, "very likely"),
    (0.5, "likely"),
    (0.2, "perhaps"),
    (float("-inf"), "unlikely"),
]


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the pictures of control characters
    if code == 0x7F or 0x80 <= code < 0xA0 or code in _DIRECTION_MARKS or 0xD800 <= code < 0xE000:
        return "\N{REPLACEMENT CHARACTER}"
    return character


_DIRECTION_MARKS = {0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def _box_svg(box: PictureBox, line: float, width: int) -> str:
    x, y, w, h = box.box
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(w, 0):.1f}" height="{max(h, 0):.1f}"'
    shape = f'{place} rx="{2 * line:.1f}" fill="none"'
    if not box.highlighted:
        return f'<rect {shape} stroke="#fff" stroke-opacity=".6" stroke-width="{0.6 * line:.1f}"/>'
    svg = (
        f'<rect {shape} stroke="#000" stroke-opacity=".45" stroke-width="{2.4 * line:.1f}"/>'
        f'<rect {shape} stroke="#ff9f1c" stroke-width="{1.5 * line:.1f}"/>'
    )
    if box.label:
        size = 7 * line
        wide = (0.62 * len(box.label) + 0.9) * size
        left = min(max(0.0, x), max(0.0, width - wide))
        top = y + h + 1.5 * line
        font = f'font-family="system-ui,sans-serif" font-weight="700" font-size="{size:.1f}"'
        svg += (
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{1.4 * size:.1f}" '
            f'rx="{2 * line:.1f}" fill="#ff9f1c"/>'
            f'<text x="{left + wide / 2:.1f}" y="{top + 1.05 * size:.1f}" {font} text-anchor="middle" '
            f'fill="#241300">{printable(box.label)}</text>'
        )
    return svg


def _query_html(query: ReportQuery, number: int, confident: float) -> str:
    sure = [match for match in query.matches if match.probability >= confident]
    unsure = [match for match in query.matches if match.probability < confident]
    asked = " and ".join(
        (["this selfie"] if query.selfie else []) + ([f"bib {query.bib}"] if query.bib else [])
    )
    found = [_count(len(sure), "photo")] if sure or not query.clips else []
    found += [_count(len(query.clips), "clip")] if query.clips else []
    title = f"{' and '.join(found)} for {printable(asked or 'this question')}"
    probe = ""
    if query.selfie:
        style = "width:104px;border-radius:14px;"
        probe += picture_html(query.selfie, "the selfie that was searched for", style, shape=1.0)
    if query.bib:
        probe += f'<p class="bib"><span>bib</span>{printable(query.bib)}</p>'
    note = f'<p class="note">{printable(query.note)}</p>' if query.note else ""
    html = f"""
<section aria-labelledby="q{number}">
<div class="query">{probe}<div><h2 id="q{number}">{title}</h2>{note}</div></div>
"""
    if query.clips:
        html += _clips_html(query.clips) + "<h3>In photos</h3>"
    if sure:
        html += _cards_html(sure)
    else:
        html += "<p>No photo is likely to show this person.</p>"
    if unsure:
        photos = _count(len(unsure), "photo")
        summary = f"Perhaps: {photos} more, each less likely than {100 * confident:.0f} %"
        opened = "" if sure or query.clips else " open"
        html += f'<details class="unsure"{opened}><summary>{summary}</summary>{_cards_html(unsure)}</details>'
    return html + "</section>"


def _cards_html(matches: Sequence[ReportMatch]) -> str:
    return f'<ol class="cards">{"".join(_card_html(match) for match in matches)}</ol>'


def _card_html(match: ReportMatch) -> str:
    details = [match.captured.strftime("%Y-%m-%d %H:%M:%S %Z").strip()] if match.captured else []
    details += [match.camera] if match.camera else []
    return f"""
<li class="card">{picture_html(match.picture, f"photo {match.key}", shape=1.5)}
<div class="text">{_verdict_html(match.probability, match.why)}
<p class="key">{printable(match.key)}</p><p class="when">{printable(" · ".join(details))}</p></div></li>"""


def _clips_html(clips: Sequence[ReportClip]) -> str:
    seconds = sum(clip.end - clip.start for clip in clips)
    videos = len({clip.key for clip in clips})
    heading = f"On video: {seconds:.0f} seconds{f' in {videos} videos' if videos > 1 else ''}"
    ordered = sorted(clips, key=lambda clip: not clip.mp4)  # what can be played comes first
    return f'<h3>{heading}</h3><ol class="cards clips">{"".join(_clip_html(clip) for clip in ordered)}</ol>'


def _clip_html(clip: ReportClip) -> str:
    span = f"{clock(clip.start)} – {clock(clip.end)}"
    link = quote(os.fsencode(clip.file))
    alternative = f"video {clip.key}, {span}"
    if clip.mp4:
        data = base64.b64encode(clip.mp4).decode("ascii")
        shown = (
            f'<video controls playsinline preload="metadata" aria-label="{printable(alternative)}" '
            f'{_poster_attribute(clip.poster)}src="data:video/mp4;base64,{data}"></video>'
        )
    else:
        shown = picture_html(clip.poster, alternative, shape=16 / 9)
        if clip.file:
            shown = f'<a class="play" href="{link}" aria-label="play {printable(alternative)}">{shown}</a>'
    length = clip.duration or clip.end or 1.0
    place = f"--from:{min(clip.start / length, 1):.4f};--to:{min(clip.end / length, 1):.4f}"
    file = f'<p class="file"><a href="{link}">{printable(Path(clip.file).name)}</a></p>' if clip.file else ""
    note = f'<p class="when">{printable(clip.note)}</p>' if clip.note else ""
    return f"""
<li class="card{" player" if clip.mp4 else ""}"><div class="frame">{shown}</div>
<div class="text"><p class="span">{span}<small>{clip.end - clip.start:.1f} s</small></p>
<div class="track" style="{place}"><i></i></div>
{_verdict_html(clip.probability, clip.why)}
<p class="key">{printable(clip.key)}</p>{file}{note}</div></li>"""


def _poster_attribute(poster: Picture) -> str:
    """The frame that a player shows before it plays, the box drawn in it."""
    if not poster.jpeg:
        return ""
    size = f'xmlns="http://www.w3.org/2000/svg" width="{poster.width}" height="{poster.height}"'
    svg = _picture_svg(poster, (0, 0, max(1, poster.width), max(1, poster.height)), size)
    return f'poster="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode("ascii")}" '


def _verdict_html(probability: float, why: Sequence[str]) -> str:
    words = probability_words(probability).replace(" %", "\N{NO-BREAK SPACE}%")
    shape = f"--p:{min(max(probability, 0.0), 1.0):.3f}"
    reasons = "".join(f"<li>{printable(reason)}</li>" for reason in why)
    return (
        f'<p class="sure"><i style="{shape}"></i>{words[0].upper()}{words[1:]}</p>'
        f'<ul class="why">{reasons}</ul>'
    )


def _count(count: int, thing: str) -> str:
    return f"1 {thing}" if count == 1 else f"{count:,} {thing}s"
