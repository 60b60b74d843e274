"""What the command line prints: tables, and the JSON of `--json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eventlens import _core, model_fetch
from eventlens.renditions import RenditionReport
from eventlens.results import Appearance, IndexReport, Match, Matches, PurgeReport
from eventlens.videos import Clip, ClipSpan, clock

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def count_of(count: int, thing: str, things: str = "") -> str:
    return f"1 {thing}" if count == 1 else f"{count} {things or thing + 's'}"


def shown(key: str) -> str:
    """A key that can be printed: bytes that are not UTF-8, and control characters, as escapes."""
    text = key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def print_json(value: dict[str, Any]) -> None:
    json.dump(value, sys.stdout, default=str, indent=2)
    sys.stdout.write("\n")


def pairs(items: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"key": shown(key), "reason": reason} for key, reason in items]


def report_json(report: IndexReport) -> dict[str, Any]:
    return {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "moved": report.moved,
        "failed": pairs(report.failed),
        "unlisted": pairs(report.unlisted),
        "faces": report.faces,
        "videos": report.videos,
        "footage": round(report.footage, 3),
        "appearances": report.appearances,
        "damaged": [{"key": shown(key), "frames": frames} for key, frames in report.damaged],
        "retries": report.retries,
        "store_clock_offset": report.store_clock_offset,
        "renditions": report.renditions,
        "renditions_failed": pairs(report.renditions_failed),
        "renditions_outdated": report.renditions_outdated,
        "files_left": pairs(report.files_left),
        "seconds": round(report.seconds, 3),
    }


def counts_json(counts: _core.EventCounts) -> dict[str, Any]:
    videos = counts.videos
    return {
        "total": counts.total,
        "processed": counts.processed,
        "failed": counts.failed,
        "hidden": counts.hidden,
        "videos": {
            "total": videos.total,
            "processed": videos.processed,
            "in_progress": videos.in_progress,
            "failed": videos.failed,
            "hidden": videos.hidden,
            "footage": round(videos.seconds, 3),
        },
    }


def match_json(match: Match) -> dict[str, Any]:
    return {
        "photo": match.photo.uuid,
        "key": shown(match.photo.key),
        "probability": round(match.probability, 4),
        "kind": match.kind,
        "box": [round(value, 1) for value in match.box],
        "similarity": round(match.similarity, 4) if match.kind == "face" else None,
        "bib": match.bib or None,
        "captured": match.photo.captured.isoformat() if match.photo.captured else None,
    }


def span_json(span: ClipSpan) -> dict[str, Any]:
    return {
        "video": span.video.uuid,
        "key": shown(span.video.key),
        "start": round(span.start, 3),
        "end": round(span.end, 3),
        "probability": round(span.probability, 4),
        "poster_time": round(span.poster_time, 3),
        "appearances": [appearance_json(found) for found in span.appearances],
    }


def appearance_json(found: Appearance) -> dict[str, Any]:
    return {
        "start": round(found.start, 3),
        "end": round(found.end, 3),
        "probability": round(found.probability, 4),
        "kind": found.kind,
        "box": [round(value, 1) for value in found.box],
        "best_time": round(found.best_time, 3),
        "similarity": round(found.similarity, 4) if found.kind == "face" else None,
        "bib": found.bib or None,
    }


def clip_json(clip: Clip) -> dict[str, Any]:
    return {
        "path": shown(str(clip.path)),
        "start": round(clip.start, 3),
        "end": round(clip.end, 3),
        "method": clip.method,
        "codec": clip.codec,
        "width": clip.width,
        "height": clip.height,
        "frames": clip.frames,
        "audio": clip.audio,
        "note": clip.note,
        "thumbnail": None if clip.thumbnail is None else shown(str(clip.thumbnail)),
    }


def print_report(report: IndexReport, *, dry_run: bool = False) -> None:
    found = [f"{count_of(report.faces, 'face')} in photos"] if report.faces else []
    if report.videos:
        seen = f"{report.footage / 60:.1f} min of footage, {count_of(report.appearances, 'appearance')}"
        found.append(f"{count_of(report.videos, 'video')}, {seen}")
    if report.renditions:
        found.append(f"renditions of {count_of(report.renditions, 'photo')}")
    if report.retries:
        found.append(f"{report.retries} requests made again")
    prefix = "would be: " if dry_run else ""
    rate = f" in {report.seconds:.1f} s" if report.seconds >= 0.05 else ""
    out.print(f"{prefix}{'; '.join([str(report), *found])}{rate}", markup=False, soft_wrap=True)
    if report.store_clock_offset:
        minutes = abs(report.store_clock_offset) / 60
        side = "behind" if report.store_clock_offset > 0 else "ahead of"
        out.print(
            f"  this machine's clock is {minutes:.0f} minutes {side} the bucket's: set it", markup=False
        )
    print_failures(report.failed)
    print_failures(
        [(key, f"{count_of(frames, 'frame')} could not be decoded") for key, frames in report.damaged],
        "damaged",
    )
    print_failures(report.unlisted, "not listed")
    print_failures(report.renditions_failed, "no renditions")
    print_failures(report.files_left, "still there")


def rendition_report_json(report: RenditionReport) -> dict[str, Any]:
    return {
        "made": report.made,
        "unchanged": report.unchanged,
        "failed": pairs(report.failed),
        "files_left": pairs(report.files_left),
        "bytes": report.bytes,
        "seconds": round(report.seconds, 3),
    }


def print_rendition_report(report: RenditionReport) -> None:
    size = f", {report.bytes / 1e6:.1f} MB" if report.bytes else ""
    out.print(f"{report}{size} in {report.seconds:.1f} s", markup=False)
    print_failures(report.failed)
    print_failures(report.files_left, "still there")


def purge_json(report: PurgeReport) -> dict[str, Any]:
    """The receipt, and where it is."""
    receipt: dict[str, Any] = json.loads(report.receipt.read_text(encoding="utf-8"))
    return receipt | {"receipt": shown(str(report.receipt))}


def print_purge(report: PurgeReport) -> None:
    again = ", after an interruption" if report.resumed else ""
    out.print(f"purged {shown(report.event_name)!r}{again}:", markup=False, soft_wrap=True)
    for kind, count in report.removed.items():
        out.print(f"  {count:>9,}  {kind.replace('_', ' ')}", markup=False)
    sizes = [size / 1e6 for size in (report.catalog_bytes_before, report.catalog_bytes_after)]
    out.print(f"the catalog had {sizes[0]:.1f} MB and has {sizes[1]:.1f} MB", markup=False)
    out.print("photos, videos, and clips or copies in other folders are untouched", markup=False)
    out.print(f"receipt: {report.receipt}", markup=False, soft_wrap=True)


def print_failures(failures: list[tuple[str, str]], word: str = "failed", most: int = 20) -> None:
    for key, reason in failures[:most]:
        out.print(f"  {word}  {shown(key)}: {reason}", markup=False, soft_wrap=True)
    if len(failures) > most:
        out.print(f"  … and {len(failures) - most} more (`--json` lists them)", markup=False)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Cells are printed as they are: what looks like markup in a file's name is a part of the name."""
    table = Table(*headings, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)


def print_matches(matches: Matches) -> None:
    if not matches:
        out.print("no photos")
        return
    rows = [(percent(match.probability), shown(match.photo.key), match.why) for match in matches]
    print_table(["sure", "photo", "why"], rows)


def print_counts(rows: Sequence[dict[str, Any]]) -> None:
    """A table of the events' photos and, if there are any, one of their videos; of rows with `counts_json()`."""
    columns = ["total", "processed", "failed", "hidden"]
    print_table(
        ["event", "date", "photos", *columns[1:]],
        [[row["event"], row["date"], *(str(row[name]) for name in columns)] for row in rows],
    )
    filmed = [row for row in rows if row["videos"]["total"]]
    if not filmed:
        return
    columns = ["total", "processed", "in_progress", "failed", "hidden"]
    out.print()
    print_table(
        ["event", "videos", "processed", "in progress", "failed", "hidden", "footage"],
        [
            [
                row["event"],
                *(str(row["videos"][name]) for name in columns),
                f"{row['videos']['footage'] / 60:.1f} min",
            ]
            for row in filmed
        ],
    )


def print_spans(spans: Sequence[ClipSpan]) -> None:
    rows = []
    for span in spans:
        surest = max(span.appearances, key=lambda found: found.probability)
        key = shown(span.video.key)
        rows.append((key, clock(span.start), clock(span.end), percent(span.probability), surest.why))
    print_table(["video", "from", "to", "sure", "why"], rows)


def print_seconds(spans: Sequence[ClipSpan]) -> None:
    """In how many seconds of which videos the person appears; the spans have neither gaps nor padding in them."""
    seconds: dict[str, float] = {}
    for span in spans:
        key = shown(span.video.key)
        seconds[key] = seconds.get(key, 0.0) + span.end - span.start
    out.print(f"in {count_of(len(seconds), 'video')}, {sum(seconds.values()):.1f} s in all:")
    for key, length in seconds.items():
        out.print(f"  {length:.1f} s  {key}", markup=False, soft_wrap=True)


def print_clips(clips: Sequence[Clip]) -> None:
    for clip in clips:
        length = clip.end - clip.start
        out.print(f"  {shown(str(clip.path))}  {length:.1f} s, {clip.method}", markup=False, soft_wrap=True)
        if clip.note:
            out.print(f"    {clip.note}", markup=False, soft_wrap=True)


def percent(probability: float) -> str:
    """Whole per cent; nothing is ever quite certain."""
    return ">99%" if probability > 0.99 else "<1%" if probability < 0.01 else f"{probability:.0%}"


def print_models(statuses: list[model_fetch.ModelStatus], *, as_json: bool) -> None:
    if as_json:
        print_json({"models": [vars(status) for status in statuses]})
        return
    rows = [
        (
            f"{status.name} *" if status.default else status.name,
            status.role,
            status.licence,
            f"{status.size / 1e6:.1f}",
            status.state,
        )
        for status in statuses
    ]
    print_table(["model", "role", "licence", "MB", "state"], rows)
    out.print(f"* default; in {model_fetch.default_folder()}", markup=False, soft_wrap=True)
