"""What the commands of every file share: options, how an event is named, how they ask, exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import eventlens
from eventlens.terminal import err, shown

NAMES_TOLD = 5  # of the events there are, when the one asked for is not among them
NOTHING_FOUND, ERROR, SOME_FAILED, INTERRUPTED = 1, 3, 4, 130

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="The workspace folder.", envvar="EVENTLENS_WORKSPACE")
]
OrgOption = Annotated[int, typer.Option("--org", help="The organisation's id; see `eventlens org list`.")]
EveryOrgOption = Annotated[int | None, typer.Option("--org", help="Only of this organisation.")]
EventArgument = Annotated[str, typer.Argument(metavar="EVENT", help="The event's name or id.")]
EventOption = Annotated[str, typer.Option("--event", "-e", help="The event's name or id.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for scripts.")]


def open_existing(workspace: Path, **options: Any) -> eventlens.Workspace:
    """A workspace that must be there already: a query does not make one."""
    if not (workspace / "catalog.sqlite").exists():
        raise eventlens.NotFoundError(
            f"no workspace in {str(workspace)!r}; "
            f"`eventlens index FOLDER --event NAME --workspace {workspace}` makes one"
        )
    return eventlens.open(workspace, **options)


def all_events(season: eventlens.Workspace) -> list[eventlens.Event]:
    """Of every organisation."""
    return [event for owner in season.organisations() for event in season.events(org=owner)]


def event_named(season: eventlens.Workspace, name: str) -> eventlens.Event:
    """By its name, in any organisation, or else by its id."""
    events = all_events(season)
    named = [event for event in events if event.name == name]
    if len(named) > 1:
        ids = ", ".join(str(event.id) for event in named)
        raise eventlens.BadInputError(f"several events are called {shown(name)!r}; name one by its id: {ids}")
    if named:
        return named[0]
    if name.isdecimal() and len(name) < 19:
        return season.event_by_id(int(name))
    known = ", ".join(repr(shown(event.name)) for event in events[:NAMES_TOLD]) or "none"
    if len(events) > NAMES_TOLD:
        known += f" and {len(events) - NAMES_TOLD} more, see `eventlens event list`"
    raise eventlens.NotFoundError(f"no event {shown(name)!r}; there are: {known}")


def ask_before(question: str) -> None:
    """Ends the command, with nothing deleted, unless somebody at the terminal says yes; scripts say --yes instead."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("give --yes: there is no terminal to ask at")
    if not typer.confirm(question, err=True):
        err.print("nothing was deleted")
        raise typer.Exit(INTERRUPTED)
