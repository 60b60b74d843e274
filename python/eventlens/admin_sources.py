"""Where an event's photos and videos lie: `eventlens source`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import eventlens
from eventlens.command_options import (
    SOME_FAILED,
    EventOption,
    JsonOption,
    WorkspaceOption,
    YesOption,
    ask_before,
    event_named,
    open_existing,
)
from eventlens.terminal import out, pairs, print_failures, print_json, print_table, shown

source_app = typer.Typer(
    help="Sources of an event: the folders and buckets that its photos and videos lie in.",
    no_args_is_help=True,
)


@source_app.command("list")
def source_list(
    event: EventOption, workspace: WorkspaceOption = Path("workspace"), as_json: JsonOption = False
) -> None:
    """Where the event's photos and videos lie. Single files are one source, "paths:"."""
    sources = event_named(open_existing(workspace), event).sources()
    if as_json:
        print_json({"sources": [source_json(source) for source in sources]})
        return
    print_table(["id", "source"], [[str(source.id), shown(source.uri)] for source in sources])


@source_app.command("add")
def source_add(
    location: Annotated[
        str,
        typer.Argument(
            help="A folder, or a bucket (s3://BUCKET/PREFIX/, az://ACCOUNT/CONTAINER/PREFIX/; keys from the "
            "environment)."
        ),
    ],
    event: EventOption,
    workspace: WorkspaceOption = Path("workspace"),
    as_json: JsonOption = False,
) -> None:
    """Name a source of an event, and print its id. It is not read yet.

    `eventlens index` of the same location indexes it, and so does a server: `eventlens runs start`. Both add a source
    that is new by themselves.
    """
    added = event_named(open_existing(workspace), event).add_source(location)
    if as_json:
        print_json(source_json(added))
    else:
        print(added.id)


@source_app.command("remove")
def source_remove(
    source: Annotated[int, typer.Argument(help="The source's id; see `eventlens source list`.")],
    event: EventOption,
    workspace: WorkspaceOption = Path("workspace"),
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Forget a source, with all that is known of the photos and videos in it.

    Their faces, bibs and appearances go, also from the answers of earlier searches, and so do their thumbnails and
    previews, and the index runs of the source. The photos and videos themselves stay where they are.

    What was deleted for good there is forgotten too: when the source is added and indexed again, it is found again.
    """
    there = event_named(open_existing(workspace), event)
    known = {item.id: item.uri for item in there.sources()}
    if source in known and not yes:
        ask_before(f"Remove {shown(known[source])} from {shown(there.name)!r}, with all that is known of it?")
    left = there.remove_source(source)
    if as_json:
        print_json({"event": there.id, "source": source, "files_left": pairs(left)})
    else:
        out.print(f"source {source} is removed, with what came from it")
        print_failures(left, "still there")
    if left:
        raise typer.Exit(SOME_FAILED)


def source_json(source: eventlens.SourceInfo) -> dict[str, Any]:
    return {"id": source.id, "source": shown(source.uri), "access": shown(source.access)}
