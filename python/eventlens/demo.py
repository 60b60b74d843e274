"""`eventlens demo`: the whole job on an event, ending in a report to look at."""

from __future__ import annotations

import mimetypes
import os
import re
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import eventlens
from eventlens.notebook import report_clip, report_match, selfie_picture
from eventlens.progress import cutting_shown, progress_shown
from eventlens.report import ReportClip, ReportEvent, ReportQuery, write_report
from eventlens.results import Matches
from eventlens.sample_server import S3Server, fetch_s3_server
from eventlens.terminal import (
    count_of,
    out,
    print_clips,
    print_failures,
    print_matches,
    print_report,
    print_spans,
)
from eventlens.videos import ClipSpan, ClipSpans, CutError, clock
from eventlens.workspace import Event

DIGITS = r"\d{2,5}"  # of a bib, where nobody says more
_SAMPLE_NAME = "Sample event"
_SAMPLE_ZONE = "Europe/Berlin"
_BUCKET = "race"
_MOST_CLIPS = 12  # that the demo cuts for one question
_MOST_EMBEDDED = 8_000_000  # bytes of a clip inside the report; larger ones are linked
_ENOUGH_SEEN = 0.1  # probability; the report sets apart what is less sure than 0.5


def run_demo(
    source: Path | None,
    *,
    selfie: Path | None,
    bib: str | None,
    folder: Path,
    bib_pattern: str | None = None,
    s3: bool = False,
) -> Path:
    """Index an event, find somebody by selfie and by bib, print what was found, cut clips, write a report.

    A second call indexes only what changed. Clips are cut again: each takes about a second, and what lies in the
    folder is then what was found.

    Args:
        source: A folder of photos and videos; None: the sample event, made in `folder` at the first call.
        selfie: Whom to look for; None: the sample event's runner, or the largest face of `source`.
        bib: Which bib; None: the sample runner's, or the most frequent one of `source`.
        folder: Where the sample event, the workspace, the clips and report.html go.
        bib_pattern: Regular expression for a whole bib of `source`; None: two to five digits.
        s3: Put the photos and videos into a bucket of an S3 server on this machine first, and take them from there.

    Returns:
        The report.
    """
    if selfie is not None and not selfie.is_file():
        raise eventlens.NotFoundError(f"no selfie at {str(selfie)!r}")
    folder.mkdir(parents=True, exist_ok=True)
    task = _sample_task(folder / "sample") if source is None else _own_task(source, bib_pattern)
    task = replace(task, selfie=selfie or task.selfie, bib=bib or task.bib)
    if not s3:
        report = _run(task, eventlens.open(folder / "workspace"), folder)
    else:
        with S3Server(folder / "s3", program=fetch_s3_server(progress=_say)) as server:
            _say(f"S3 server at {server.endpoint}, which ends with the demo")
            storage = eventlens.Storage(access_key=server.access_key, secret_key=server.secret_key)
            places = [_in_bucket(Path(place), server, storage) for place in task.places]
            task = replace(task, event=f"{task.event}, from {server.endpoint}", places=places)
            report = _run(task, eventlens.open(folder / "workspace", storage=storage), folder)
    if source is None:
        _say("your own photos and videos: ./run demo PATH [--selfie FILE] [--bib NUMBER]")
    return report


@dataclass(frozen=True)
class _Task:
    """An event, where its photos and videos are, and whom to look for."""

    event: str
    bib_pattern: str
    time_zone: str
    places: list[str]
    selfie: Path | None = None
    bib: str | None = None


def _sample_task(folder: Path) -> _Task:
    try:
        from eventlens.sample_event import BIB_PATTERN, make_sample_event
    except ModuleNotFoundError as error:
        raise eventlens.UnsupportedError(
            f"the sample event is drawn with {error.name}, which is not installed: pip install pillow"
        ) from None
    sample = make_sample_event(folder, progress=_say)
    made = f"{count_of(len(sample.truth), 'photo')} and a video of {sample.video.duration:.0f} s"
    _say(f"sample event: {made} in {sample.folder}")
    person = next(iter(sample.selfies))
    places = [str(sample.photos), str(sample.videos)]
    return _Task(_SAMPLE_NAME, BIB_PATTERN, _SAMPLE_ZONE, places, sample.selfies[person], sample.bibs[person])


def _own_task(source: Path, bib_pattern: str | None) -> _Task:
    return _Task(f"Photos in {source.resolve()}", bib_pattern or DIGITS, "UTC", [str(source)])


def _in_bucket(folder: Path, server: S3Server, storage: eventlens.Storage) -> str:
    """Puts a folder's files into the bucket, those that are not there yet; returns where they are."""
    server.make_bucket(_BUCKET)
    location = server.location(_BUCKET, f"{folder.resolve().name}/")
    store = eventlens.open_store(location, storage=storage)
    there = {stored.key: stored.size for stored in store.list()}
    put = 0
    for path in sorted(folder.rglob("*")):
        key = path.relative_to(folder).as_posix()
        if path.is_file() and there.get(key) != path.stat().st_size:
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            store.write(key, path.read_bytes(), content_type=kind)
            put += 1
    _say(f"{count_of(put, 'file')} of {folder} put into {location}")
    return location


def _say(line: str) -> None:
    out.print(line, markup=False, soft_wrap=True)


def index_sample(folder: Path) -> tuple[eventlens.Workspace, Event, Path]:
    """The sample event, made and indexed at the first call; its workspace in `folder`, and a selfie of a runner."""
    folder.mkdir(parents=True, exist_ok=True)
    task = _sample_task(folder / "sample")
    season = eventlens.open(folder / "workspace")
    assert task.selfie is not None
    return season, _indexed(task, season), task.selfie


def _indexed(task: _Task, season: eventlens.Workspace) -> Event:
    try:
        event = season.event(task.event)
    except eventlens.NotFoundError:
        event = season.create_event(task.event, bib_pattern=task.bib_pattern, time_zone=task.time_zone)
    if event.bib_pattern != task.bib_pattern:
        event.bib_pattern = task.bib_pattern
    for place in task.places:
        with progress_shown("indexing") as progress:
            report = event.index(place, progress=progress)
        print_report(report)
    if event.counts.processed + event.counts.videos.processed == 0:
        raise eventlens.NotFoundError(f"there is no photo or video that can be read in {task.places[0]!r}")
    return event


def _run(task: _Task, season: eventlens.Workspace, folder: Path) -> Path:
    """Index, find, cut, report."""
    event = _indexed(task, season)
    path = folder / "report.html"
    queries: list[ReportQuery] = []
    selfie = task.selfie
    face = selfie.read_bytes() if selfie else largest_face(event)
    if face is None:
        out.print("\nno face in them: nobody to look for by selfie")
    else:
        out.print(f"\nby selfie: {selfie if selfie else 'the largest face there is'}", markup=False)
        queries.append(
            ask_by_selfie(event, face, folder / "clips" / (selfie.stem if selfie else "face"), path)
        )
    bib = task.bib or most_frequent_bib(event)
    if bib is None:
        out.print("\nno bib was read in them: no number to look for")
    else:
        out.print(f"\nby bib: {bib}", markup=False)
        playing = any(clip.mp4 for query in queries for clip in query.clips)
        queries.append(ask_by_bib(event, bib, folder / "clips" / f"bib-{bib}", path, play=not playing))

    write_report(path, report_event(event, ", ".join(task.places)), queries)
    _say(f"\nreport: {path}")
    return path


def ask_by_selfie(event: Event, selfie: bytes, clips: Path, report: Path) -> ReportQuery:
    """Looks for a selfie, prints what was found, cuts clips, and says it as the report does."""
    search = event.find_selfie(selfie, min_probability=_ENOUGH_SEEN)
    print_matches(search.matches)
    spans = ClipSpans() if search.appearances is None else event.find_clips(request_id=search.request_id)
    face = search.selfies[0]
    return ReportQuery(
        [report_match(match) for match in search.matches],
        selfie=selfie_picture(eventlens.decode_image(selfie, enough_long_side=2000), face.box),
        note=f"{face.faces_seen} faces in the selfie; the largest was used" if face.faces_seen > 1 else "",
        clips=cut_for_report(event, spans, clips, report),
    )


def ask_by_bib(event: Event, bib: str, clips: Path, report: Path, *, play: bool) -> ReportQuery:
    """The same for a bib number. `play`: one of the clips is to be played inside the report."""
    matches = event.find_bib(bib)
    print_matches(matches)
    return ReportQuery(
        [report_match(match) for match in matches],
        bib=bib,
        clips=cut_for_report(event, event.find_clips(bib=bib), clips, report, play=play),
    )


def cut_for_report(
    event: Event, spans: ClipSpans, folder: Path, report: Path, *, play: bool = True
) -> list[ReportClip]:
    """Prints and cuts the surest spans; says them by video and time, the best one with its clip to be played."""
    if not spans:
        return []
    wanted = sorted(sorted(spans, key=_worth)[-_MOST_CLIPS:], key=lambda span: (span.video.key, span.start))
    out.print()
    print_spans(wanted)
    if len(wanted) < len(spans):
        out.print(f"and {len(spans) - len(wanted)} less sure or shorter; `eventlens clip` cuts them all")
    failed: list[tuple[ClipSpan, str]] = []
    with cutting_shown(len(wanted)) as progress:
        try:
            clips = event.cut_clips(wanted, folder, progress=progress)
        except CutError as error:
            clips, failed = error.clips, error.failed
    print_clips(clips)
    print_failures([(f"{span.video.key} at {clock(span.start)}", reason) for span, reason in failed])

    left = iter(clips)
    cut = [None if any(span is lost for lost, _ in failed) else next(left) for span in wanted]
    small = [
        (span, clip)
        for span, clip in zip(wanted, cut, strict=True)
        if play and clip is not None and clip.path.stat().st_size <= _MOST_EMBEDDED
    ]
    played = max(small, key=lambda pair: _worth(pair[0]))[1] if small else None
    return [
        report_clip(
            span,
            file="" if clip is None else os.path.relpath(clip.path, report.parent),
            mp4=clip.path.read_bytes() if clip is not None and clip is played else b"",
            note="" if clip is None else clip.note,
        )
        for span, clip in zip(wanted, cut, strict=True)
    ]


def _worth(span: ClipSpan) -> tuple[float, float]:
    """Surer clips are better ones; of equally sure ones, longer ones."""
    return round(span.probability, 2), span.end - span.start


def write_search_report(
    path: Path,
    event: Event,
    matches: Matches,
    spans: ClipSpans,
    *,
    selfie: Path | None = None,
    bib: str | None = None,
) -> None:
    """The page of `eventlens find --html`."""
    picture = selfie_picture(eventlens.decode_image(selfie.read_bytes())) if selfie else None
    query = ReportQuery(
        [report_match(match) for match in matches],
        selfie=picture,
        bib=bib or "",
        clips=[report_clip(span) for span in spans],
    )
    write_report(path, report_event(event), [query])


def largest_face(event: Event) -> bytes | None:
    """The largest face of an event's photos, else of its videos, with some surroundings, as a JPEG; None: no face."""
    in_photos = [(face.box, details.photo.image) for details in event.photos() for face in details.faces]
    found = in_photos or [
        (seen.face.box, partial(video.frame, seen.face_time))
        for video in event.videos()
        for seen in event._engine.appearances(video.id)
        if seen.face is not None
    ]
    if not found:
        return None
    (x, y, width, height), read = max(found, key=lambda item: item[0][2] * item[0][3])
    rgb = read()
    left, top = max(0, round(x - 0.5 * width)), max(0, round(y - 0.5 * height))
    crop = rgb[top : round(y + 1.5 * height), left : round(x + 1.5 * width)].copy()
    return eventlens.encode_jpeg(crop, quality=95)


def most_frequent_bib(event: Event) -> str | None:
    """Of the photos; where none shows a bib, the one that was read in most frames of the videos."""
    if in_photos := event.bibs().most_common(1):
        return in_photos[0][0]
    frames: dict[str, set[tuple[int, float]]] = {}
    for video in event.videos():
        for seen in event._engine.appearances(video.id):
            for time, read in seen.bib_reads:
                if re.fullmatch(event.bib_pattern, read.text, re.IGNORECASE):
                    frames.setdefault(read.text, set()).add((video.id, time))
    # Of texts read equally often the longer: the other may be a piece of it.
    return max(frames, key=lambda text: (len(frames[text]), len(text), text), default=None)


def report_event(event: Event, source: str = "") -> ReportEvent:
    photos, videos = event.counts, event.counts.videos
    counts = [(photos.processed, "photo"), (videos.processed, "video")]
    named = {what if count == 1 else f"{what}s": count for count, what in counts if count}
    failed = photos.failed + videos.failed
    return ReportEvent(event.name, named | ({"failed": failed} if failed else {}), source)
