"""What an organiser deletes for good: `eventlens event delete-photos`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import eventlens
from eventlens.command_options import (
    NOTHING_FOUND,
    SOME_FAILED,
    EventArgument,
    JsonOption,
    WorkspaceOption,
    YesOption,
    ask_before,
    event_named,
    open_existing,
)
from eventlens.terminal import count_of, out, pairs, print_failures, print_json, shown


def delete_photos(
    event: EventArgument,
    workspace: WorkspaceOption = Path("workspace"),
    bib: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Those on which this bib is read exactly.")
    ] = None,
    request_id: Annotated[
        str | None, typer.Option(metavar="UUID", help="Those that this selfie search found.")
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="UUID", help="The photo that a server calls so; may be repeated."),
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Delete photos of an event for good: of a bib, of a selfie search, or one by one.

    \b
      eventlens event delete-photos "Lakeside Half" --bib A207
      eventlens event delete-photos 3 --image 0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d10 --yes

    All that is known of them goes, their faces and bibs, also from the answers of earlier searches, and so do their
    thumbnails and previews; where a place fails just now, later runs try again. There is no way back: `eventlens index`
    leaves them alone from now on. The originals are never touched, they stay where the organiser has them.

    Photos that are hidden, or on which the bib is unsure or partly seen, are deleted by --image alone. Videos stay.
    """
    if [bib is not None, request_id is not None, bool(image)].count(True) != 1:
        raise typer.BadParameter("give one of --bib, --request-id and --image")
    there = event_named(open_existing(workspace), event)
    photos, unknown = photos_meant(there, bib, request_id, image or [])
    if photos and not yes:
        ask_before(f"Delete {count_of(len(photos), 'photo')} of {shown(there.name)!r} for good?")
    done = there._engine.delete_photos(there.id, [photo.id for photo in photos])
    left = [(failure.key, failure.reason) for failure in done.files_left]
    if as_json:
        told = {"event": there.id, "photos": done.photos, "unknown": unknown, "files_left": pairs(left)}
        print_json(told)
    else:
        out.print(f"{count_of(done.photos, 'photo')} deleted for good" if photos else "nothing found")
        print_failures([(uuid, "no photo of the event") for uuid in unknown], "unknown", len(unknown))
        print_failures(left, "still there")
    if not photos:
        raise typer.Exit(NOTHING_FOUND)
    if unknown or left:
        raise typer.Exit(SOME_FAILED)


def photos_meant(
    event: eventlens.Event, bib: str | None, request_id: str | None, images: list[str]
) -> tuple[list[eventlens.Photo], list[str]]:
    """The photos to be deleted, each once, and the UUIDs among `images` that name none."""
    if bib is not None:
        return [match.photo for match in event.find_bib(bib) if match.kind == "bib"], []
    if request_id is not None:
        return [match.photo for match in event.search(request_id).matches], []
    photos: dict[int, eventlens.Photo] = {}
    unknown = []
    for uuid in images:
        try:
            photo = event.photo(uuid)
        except eventlens.NotFoundError:
            unknown.append(uuid)
        else:
            photos[photo.id] = photo
    return list(photos.values()), unknown
