"""`eventlens demo`: the whole job on an event, ending in a report to look at."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

import eventlens
from eventlens import cli
from eventlens.notebook import report_match, selfie_picture
from eventlens.report import ReportEvent, ReportQuery, write_report
from eventlens.results import Matches
from eventlens.sample_event import make_sample_event
from eventlens.workspace import Event

_SAMPLE_NAME = "Sample event"
_SAMPLE_PATTERN = r"[A-Z]?\d{2,5}"

out = Console(highlight=False)


def run_demo(source: Path | None, *, selfie: Path | None, bib: str | None, folder: Path) -> Path:
    """Index an event, find somebody by selfie and by bib, print the matches, write a report.

    Args:
        source: A folder of photos; None: the sample event, made in `folder` at the first call.
        selfie: Whom to look for; None: the sample event's runner, or the largest face of `source`.
        bib: Which bib; None: the sample runner's, or the most frequent one of `source`.
        folder: Where the sample event, the workspace and report.html go.

    Returns:
        The report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    season = eventlens.open(folder / "workspace")
    if source is None:
        sample = make_sample_event(folder / "sample", progress=lambda line: out.print(line, markup=False))
        photos, name, pattern = sample.photos, _SAMPLE_NAME, _SAMPLE_PATTERN
        person = next(iter(sample.selfies))
        selfie, bib = selfie or sample.selfies[person], bib or sample.bibs[person]
        out.print(f"sample event: {len(sample.truth)} photos in {photos}", markup=False, soft_wrap=True)
    else:
        photos, name, pattern = source, f"Photos in {source.resolve()}", r"\d{2,5}"
    try:
        event = season.event(name)
    except eventlens.NotFoundError:
        event = season.create_event(name, bib_pattern=pattern)

    with cli.progress_shown("indexing") as progress:
        report = event.index(photos, progress=progress)
    cli.print_report(report)
    if event.counts.processed == 0:
        raise eventlens.NotFoundError(f"there is no photo that can be read in {str(photos)!r}")

    queries = []
    face: bytes | None = selfie.read_bytes() if selfie else largest_face(event)
    if face is None:
        out.print("\nno face in these photos: nobody to look for by selfie")
    else:
        out.print(f"\nby selfie: {selfie if selfie else 'the largest face there is'}", markup=False)
        queries.append(selfie_query(event, face))
        cli.print_matches(queries[-1][1])
    bib = bib or next((text for text, _ in event.bibs().most_common(1)), None)
    if bib is None:
        out.print("\nno bib was read in these photos: no number to look for")
    else:
        out.print(f"\nby bib: {bib}", markup=False)
        matches = event.find_bib(bib)
        cli.print_matches(matches)
        queries.append((ReportQuery([report_match(match) for match in matches], bib=bib), matches))

    path = folder / "report.html"
    write_report(path, report_event(event, str(photos)), [query for query, _ in queries])
    out.print(f"\nreport: {path}", markup=False, soft_wrap=True)
    if source is None:
        out.print("your own photos: ./run demo PATH [--selfie FILE] [--bib NUMBER]", markup=False)
    return path


def write_search_report(
    path: Path, event: Event, matches: Matches, *, selfie: Path | None = None, bib: str | None = None
) -> None:
    """The page of `eventlens find --html`."""
    picture = selfie_picture(eventlens.decode_image(selfie.read_bytes())) if selfie else None
    query = ReportQuery([report_match(match) for match in matches], selfie=picture, bib=bib or "")
    write_report(path, report_event(event), [query])


def selfie_query(event: Event, selfie: bytes) -> tuple[ReportQuery, Matches]:
    """Looks for a selfie, and keeps what less sure matches there are, for the report's "perhaps"."""
    search = event.find_selfie(selfie, min_probability=0.1)
    face = search.selfies[0]
    note = f"{face.faces_seen} faces in the selfie; the largest was used" if face.faces_seen > 1 else ""
    picture = selfie_picture(eventlens.decode_image(selfie, enough_long_side=2000), face.box)
    return ReportQuery(
        [report_match(match) for match in search.matches], selfie=picture, note=note
    ), search.matches


def largest_face(event: Event) -> bytes | None:
    """The largest face of an event's photos with some surroundings, as a JPEG; None: there is no face."""
    largest = max(
        (
            (face.box[2] * face.box[3], face.box, details.photo)
            for details in event.photos()
            for face in details.faces
        ),
        key=lambda item: item[0],
        default=None,
    )
    if largest is None:
        return None
    _, (x, y, width, height), photo = largest
    rgb = photo.image()
    left, top = max(0, round(x - 0.5 * width)), max(0, round(y - 0.5 * height))
    crop = rgb[top : round(y + 1.5 * height), left : round(x + 1.5 * width)].copy()
    return eventlens.encode_jpeg(crop, quality=95)


def report_event(event: Event, source: str = "") -> ReportEvent:
    counts = event.counts
    shown = {"photos": counts.processed, "failed": counts.failed}
    return ReportEvent(
        event.name, {what: count for what, count in shown.items() if count or what == "photos"}, source
    )
