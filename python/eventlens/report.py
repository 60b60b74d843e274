"""One HTML file that shows what a search found and why: to look at, to send, to keep.

The file holds everything it needs, pictures included, and asks nothing of the network. It knows only the
plain values below, not the engine: `eventlens.notebook` makes them from matches.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path

__all__ = [
    "Picture",
    "PictureBox",
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
    """A photo's thumbnail.

    Attributes:
        jpeg: Encoded, of any size; empty when the photo cannot be read any more.
        width: Of the photo that the boxes refer to, pixels.
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
        captured: When it was taken, shown as it is given.
    """

    key: str
    picture: Picture
    probability: float
    why: Sequence[str]
    captured: datetime | None = None
    camera: str = ""


@dataclass(frozen=True)
class ReportQuery:
    """One question and its answer, surest first. A question is a selfie, a bib, or both."""

    matches: Sequence[ReportMatch]
    selfie: Picture | None = None
    bib: str = ""
    note: str = ""  # such as "3 faces in the selfie; the largest was used"


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
    when = (made or datetime.now()).strftime("%Y-%m-%d %H:%M")
    style = _STYLE.read_text(encoding="utf-8")
    sections = "".join(_query_html(query, number, confident) for number, query in enumerate(queries))
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
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
<footer><p>Probabilities are calibrated: of the photos marked 80 %, about eight in ten show the person.
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
    width, height = max(1, picture.width), max(1, picture.height)
    left, top, wide, high = _crop(picture, shape or width / height)
    window = f"{left:.0f} {top:.0f} {wide:.0f} {high:.0f}"
    if not picture.jpeg:
        frame = f"aspect-ratio:{wide:.0f}/{high:.0f};display:grid;place-items:center;background:#8883;{style}"
        return f'<div style="{frame}">the photo cannot be read any more</div>'
    data = base64.b64encode(picture.jpeg).decode("ascii")
    line = max(wide, high) / 220  # drawn in the photo's pixels, so it must grow with them
    # Faint ones first: what was matched lies on top.
    boxes = sorted(picture.boxes, key=lambda box: box.highlighted)
    drawn = "".join(_box_svg(box, line, width) for box in boxes)
    return (
        f'<svg role="img" aria-label="{printable(alternative)}" viewBox="{window}" '
        f'style="display:block;width:100%;{style}">'
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
    title = f"{_photos(len(sure))} for {printable(asked or 'this question')}"
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
    if sure:
        html += _cards_html(sure)
    else:
        html += "<p>No photo is likely to show this person.</p>"
    if unsure:
        summary = f"Perhaps: {_photos(len(unsure))} more, each less likely than {100 * confident:.0f} %"
        opened = "" if sure else " open"
        html += f'<details class="unsure"{opened}><summary>{summary}</summary>{_cards_html(unsure)}</details>'
    return html + "</section>"


def _cards_html(matches: Sequence[ReportMatch]) -> str:
    return f'<ol class="cards">{"".join(_card_html(match) for match in matches)}</ol>'


def _card_html(match: ReportMatch) -> str:
    words = probability_words(match.probability)
    shape = f"--p:{min(max(match.probability, 0.0), 1.0):.3f}"
    why = "".join(f"<li>{printable(reason)}</li>" for reason in match.why)
    details = [match.captured.strftime("%H:%M:%S")] if match.captured else []
    details += [printable(match.camera)] if match.camera else []
    return f"""
<li class="card">{picture_html(match.picture, f"photo {match.key}", shape=1.5)}
<div class="text"><p class="sure"><i style="{shape}"></i>{words[0].upper()}{words[1:]}</p>
<ul class="why">{why}</ul>
<p class="key">{printable(match.key)}</p><p class="when">{" · ".join(details)}</p></div></li>"""


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count:,} photos"
