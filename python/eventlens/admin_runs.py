"""Index runs that a server does: `eventlens runs`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

import eventlens
from eventlens.command_options import (
    EventOption,
    JsonOption,
    WorkspaceOption,
    all_events,
    event_named,
    open_existing,
)
from eventlens.terminal import out, pairs, print_failures, print_json, print_table, shown

runs_app = typer.Typer(
    help="Index runs that the server over a workspace does; `eventlens index` works by itself, and here.",
    no_args_is_help=True,
)

RunArgument = Annotated[int, typer.Argument(help="The run's id; see `eventlens runs list`.")]


@runs_app.command("start")
def runs_start(
    source: Annotated[
        str,
        typer.Argument(help="A folder or a bucket that the server can read, or the id of a source."),
    ],
    event: EventOption,
    workspace: WorkspaceOption = Path("workspace"),
    retry_failed: Annotated[bool, typer.Option(help="Look again at what failed before.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the server over this workspace to index a source, and print the run's id.

    The run waits until a server has done those before it. One of the same source that waits already is told instead.
    """
    there = event_named(open_existing(workspace), event)
    by_id = source.isdecimal() and len(source) < 19
    run = there.start_index_run(int(source) if by_id else source, retry_failed=retry_failed)
    if as_json:
        print_json(run_json(run))
    else:
        print(run.id)


@runs_app.command("list")
def runs_list(
    event: Annotated[
        str | None, typer.Option("--event", "-e", help="Only of this event, by its name or id.")
    ] = None,
    workspace: WorkspaceOption = Path("workspace"),
    as_json: JsonOption = False,
) -> None:
    """The runs that a server was asked for, latest first: a hundred of each event."""
    season = open_existing(workspace)
    events = all_events(season) if event is None else [event_named(season, event)]
    runs = sorted((run for item in events for run in item.index_runs()), key=lambda run: -run.id)
    if as_json:
        print_json({"runs": [run_json(run) for run in runs]})
        return
    print_table(
        ["id", "event", "status", "photos", "videos", "failed", "asked for", "source"],
        [
            [
                str(run.id),
                str(run.event),
                status_of(run),
                progress_of(run.counts["done"], run.counts["total"]),
                progress_of(run.counts["videos_done"], run.counts["videos_total"]),
                str((run.counts["failed"] or 0) + (run.counts["videos_failed"] or 0)),
                f"{run.created:%Y-%m-%d %H:%M}",
                shown(run.uri),
            ]
            for run in runs
        ],
    )


@runs_app.command("show")
def runs_show(
    run: RunArgument, workspace: WorkspaceOption = Path("workspace"), as_json: JsonOption = False
) -> None:
    """How far a run is or what it did, and what it could not process and why; a thousand failures at most."""
    season = open_existing(workspace)
    told = season.index_run(run)
    failures = season.index_run_failures(told)
    if as_json:
        print_json(run_json(told) | {"failures": pairs(failures)})
        return
    rows = [["status", status_of(told)], ["event", str(told.event)], ["source", shown(told.uri)]]
    rows += [["error", shown(told.error)]] if told.error else []
    times = {"asked for": told.created, "started": told.started, "finished": told.finished}
    rows += [[name, f"{time:%Y-%m-%d %H:%M:%S} UTC"] for name, time in times.items() if time is not None]
    rows += [
        [name.replace("_", " "), "not known yet" if count is None else str(count)]
        for name, count in told.counts.items()
    ]
    print_table(["run", str(told.id)], rows)
    print_failures(failures, most=len(failures))


@runs_app.command("cancel")
def runs_cancel(
    run: RunArgument, workspace: WorkspaceOption = Path("workspace"), as_json: JsonOption = False
) -> None:
    """End a run early: at once if it waits, as soon as it can if it runs. What it has done stays."""
    now = open_existing(workspace).cancel_index_run(run)
    if as_json:
        print_json(run_json(now))
    else:
        out.print(f"run {run} is {status_of(now)}")


def run_json(run: eventlens.IndexRun) -> dict[str, Any]:
    told = asdict(run) | {"uri": shown(run.uri), "error": shown(run.error)}
    for name in ("created", "started", "finished"):
        told[name] = None if told[name] is None else told[name].isoformat()
    return told


def status_of(run: eventlens.IndexRun) -> str:
    return "running, to be cancelled" if run.cancelling else run.state


def progress_of(done: int | None, total: int | None) -> str:
    """Of work that may not be known yet."""
    return f"{done} of {'?' if total is None else total}"
