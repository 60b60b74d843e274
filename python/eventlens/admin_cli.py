"""What the administrator of a server does: `eventlens org`, `key`, `event` and `token`.

A server that runs over the same workspace knows of every change at its next request.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

import eventlens
from eventlens.command_options import (
    EventArgument,
    EventOption,
    EveryOrgOption,
    JsonOption,
    OrgOption,
    WorkspaceOption,
    event_named,
    open_existing,
)
from eventlens.organisations import ApiKey, Organisation
from eventlens.terminal import counts_json, err, out, print_json, print_table, shown

org_app = typer.Typer(help="Organisations: who owns events, and the keys to them.", no_args_is_help=True)
key_app = typer.Typer(
    help="Keys that open a server to an organisation's events: made here, shown once.", no_args_is_help=True
)
event_app = typer.Typer(help="Events, and what a server offers of them.", no_args_is_help=True)

KeyArgument = Annotated[int, typer.Argument(help="The key's id; see `eventlens key list`.")]
DateOption = Annotated[str | None, typer.Option(help="Its local date, 2026-05-09 or 2026-05-09T07:30:00.")]
ZoneOption = Annotated[
    str | None, typer.Option(help="An IANA name, for cameras that store no offset; UTC without.")
]
PatternOption = Annotated[
    str | None, typer.Option(help=r"Regular expression for a whole bib, such as '[A-Z]?\d{2,5}'.")
]
StatusOption = Annotated[str | None, typer.Option(help="active, draft, or what your own steps are called.")]
FlagOption = Annotated[
    list[str] | None,
    typer.Option(
        "--flag",
        metavar="NAME=on|off",
        help=f"{', '.join(eventlens.Features.__dataclass_fields__)}; may be repeated.",
    ),
]
ThresholdOption = Annotated[
    str | None,
    typer.Option(
        metavar="PERCENT", help='Selfie searches keep matches this probable, 0 to 100; or "default", 50.'
    ),
]
ClipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--clip",
        metavar="NAME=NUMBER",
        help=f"How clips are planned: {', '.join(eventlens.ClipSettings.__dataclass_fields__)}; may be repeated.",
    ),
]
OriginalsOption = Annotated[
    bool | None, typer.Option(help="Tell where originals are, in every list of photos.")
]
RosterOption = Annotated[Path | None, typer.Option(help="CSV of participants: the bibs that exist.")]


# --- organisations ---


@org_app.command("create")
def org_create(
    name: Annotated[str, typer.Argument(help="Unique in the workspace.")],
    workspace: WorkspaceOption = Path("workspace"),
    as_json: JsonOption = False,
) -> None:
    """Add an organisation, and print its id."""
    made = eventlens.open(workspace).create_organisation(name)
    if as_json:
        print_json(organisation_json(made))
    else:
        print(made.id)


@org_app.command("list")
def org_list(workspace: WorkspaceOption = Path("workspace"), as_json: JsonOption = False) -> None:
    """Every organisation of the workspace. The first owns events that were made without one."""
    organisations = open_existing(workspace).organisations()
    if as_json:
        print_json({"organisations": [organisation_json(item) for item in organisations]})
        return
    print_table(
        ["id", "name", "searches", "origins"],
        [
            [str(item.id), shown(item.name), str(item.billable_searches), " ".join(item.cors_origins)]
            for item in organisations
        ],
    )


@org_app.command("set")
def org_set(
    org: Annotated[int, typer.Argument(help="Its id.")],
    workspace: WorkspaceOption = Path("workspace"),
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            help="A web page that may ask a server, such as https://photos.example.org, or * for all; may be "
            "repeated. They take the place of those before."
        ),
    ] = None,
    no_cors_origin: Annotated[
        bool, typer.Option("--no-cors-origin", help="No web page may ask a server.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Change an organisation."""
    if no_cors_origin and cors_origin:
        raise typer.BadParameter("give --cors-origin or --no-cors-origin")
    changed = open_existing(workspace).update_organisation(
        org, name=name, cors_origins=[] if no_cors_origin else cors_origin
    )
    if as_json:
        print_json(organisation_json(changed))
    else:
        origins = " ".join(changed.cors_origins) or "none"
        out.print(f"organisation {org}: {shown(changed.name)}; origins: {origins}", markup=False)


# --- keys ---


@key_app.command("create")
def key_create(
    org: OrgOption,
    workspace: WorkspaceOption = Path("workspace"),
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    creator: Annotated[str, typer.Option(help="Who made it, such as an e-mail address.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, once: only a digest of it is stored."""
    made = eventlens.open(workspace).create_key(org, name=name, creator=creator)
    if as_json:
        print_json({"id": made.id, "organisation": org, "key": made.key})
        return
    err.print(f"key {made.id} of organisation {org}; keep it now, it is not shown again:")
    print(made.key)


@key_app.command("list")
def key_list(
    workspace: WorkspaceOption = Path("workspace"), org: EveryOrgOption = None, as_json: JsonOption = False
) -> None:
    """The keys there are, by how they begin."""
    keys = open_existing(workspace).keys(org)
    if as_json:
        print_json({"keys": [key_json(key) for key in keys]})
        return
    print_table(
        ["id", "org", "key", "status", "name", "creator", "created"],
        [
            [
                str(key.id),
                str(key.organisation),
                f"{key.shown}***",
                "Active" if key.active else "Inactive",
                shown(key.name),
                shown(key.creator),
                f"{key.created:%Y-%m-%d}",
            ]
            for key in keys
        ],
    )


@key_app.command("disable")
def key_disable(key: KeyArgument, workspace: WorkspaceOption = Path("workspace")) -> None:
    """Keep a key from being used, at once, until it is enabled."""
    open_existing(workspace).disable_key(key)
    out.print(f"key {key} is inactive")


@key_app.command("enable")
def key_enable(key: KeyArgument, workspace: WorkspaceOption = Path("workspace")) -> None:
    """Let a key be used again: it is the same as before."""
    open_existing(workspace).enable_key(key)
    out.print(f"key {key} is active")


@key_app.command("delete")
def key_delete(key: KeyArgument, workspace: WorkspaceOption = Path("workspace")) -> None:
    """Forget a key for good."""
    open_existing(workspace).delete_key(key)
    out.print(f"key {key} is deleted")


# --- events ---


@event_app.command("create")
def event_create(
    name: Annotated[str, typer.Argument(help="Unique in its organisation.")],
    org: OrgOption = 1,
    workspace: WorkspaceOption = Path("workspace"),
    date: DateOption = None,
    time_zone: ZoneOption = None,
    bib_pattern: PatternOption = None,
    status: StatusOption = None,
    flag: FlagOption = None,
    threshold: ThresholdOption = None,
    clip: ClipOption = None,
    originals: OriginalsOption = None,
    roster: RosterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an event, to be filled by `eventlens index` or by a server, and print its id."""
    flags, clips, percentage = flags_of(flag), clips_of(clip), threshold_of(threshold)
    season = eventlens.open(workspace)
    made = season.create_event(
        name,
        org=org,
        date=date or "",
        time_zone=time_zone or "UTC",
        bib_pattern=bib_pattern or r"\d{2,5}",
        confidence_percentage=percentage,
    )
    change_event(made, status=status, originals=originals, flags=flags, clips=clips, roster=roster)
    if as_json:
        print_json(event_json(made))
    else:
        print(made.id)


@event_app.command("list")
def event_list(
    workspace: WorkspaceOption = Path("workspace"), org: EveryOrgOption = None, as_json: JsonOption = False
) -> None:
    """Every event, of every organisation."""
    season = open_existing(workspace)
    events = [
        event
        for organisation in season.organisations()
        if org in (None, organisation.id)
        for event in season.events(org=organisation)
    ]
    if as_json:
        print_json({"events": [event_json(event) for event in events]})
        return
    print_table(
        ["id", "org", "name", "date", "status", "photos", "videos"],
        [
            [
                str(event.id),
                str(event.organisation),
                shown(event.name),
                event.date,
                shown(event.status),
                str(event.counts.processed),
                str(event.counts.videos.processed),
            ]
            for event in events
        ],
    )


@event_app.command("show")
def event_show(
    event: EventArgument, workspace: WorkspaceOption = Path("workspace"), as_json: JsonOption = False
) -> None:
    """What an event offers, and how it is set."""
    told = event_json(event_named(open_existing(workspace), event))
    if as_json:
        print_json(told)
        return
    features, clips, media = told.pop("features"), told.pop("clips"), told.pop("media")
    rows = [[name, "" if value is None else shown(str(value))] for name, value in told.items()]
    rows += [[f"--flag {name}", "on" if on else "off"] for name, on in features.items()]
    rows += [[f"--clip {name}", f"{number:g}"] for name, number in clips.items()]
    rows += [["photos", str(media["processed"])], ["videos", str(media["videos"]["processed"])]]
    print_table(["setting", "value"], rows)


@event_app.command("set")
def event_set(
    event: EventArgument,
    workspace: WorkspaceOption = Path("workspace"),
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    slug: Annotated[str | None, typer.Option(help="Its name in URLs.")] = None,
    date: DateOption = None,
    time_zone: ZoneOption = None,
    bib_pattern: PatternOption = None,
    status: StatusOption = None,
    cover_image: Annotated[str | None, typer.Option(help="URL or path of a picture.")] = None,
    flag: FlagOption = None,
    threshold: ThresholdOption = None,
    clip: ClipOption = None,
    originals: OriginalsOption = None,
    roster: RosterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change an event; what is not named stays.

    \b
      eventlens event set "Lakeside Half" --flag selfie_search=off --threshold 60
      eventlens event set 3 --clip padding_start=2 --clip max_clip_duration=20 --originals
    """
    flags, clips, percentage = flags_of(flag), clips_of(clip), threshold_of(threshold)
    there = event_named(open_existing(workspace), event)
    change_event(
        there,
        name=name,
        slug=slug,
        date=date,
        time_zone=time_zone,
        bib_pattern=bib_pattern,
        status=status,
        cover_image=cover_image,
        originals=originals,
        flags=flags,
        clips=clips,
        roster=roster,
    )
    if threshold is not None:
        there.confidence_percentage = percentage
    if as_json:
        print_json(event_json(there))
    else:
        out.print(f"event {there.id} is set", markup=False)


def token(
    event: EventOption,
    workspace: WorkspaceOption = Path("workspace"),
    lasts: Annotated[
        str, typer.Option(help="How long it is good: seconds, or such as 30m, 12h, 3d; 90 days at most.")
    ] = "1h",
    as_json: JsonOption = False,
) -> None:
    """Print a token with which a participant's browser may search one event, without a key, for a while.

    It goes into the participant's page, https://SERVER/demo#event=ID&org=ID&token=TOKEN, and cannot be taken back.
    """
    seconds = seconds_of(lasts)
    season = open_existing(workspace)
    there = event_named(season, event)
    made = season.visitor_token(there, seconds=seconds)
    if as_json:
        print_json({"event": there.id, "organisation": there.organisation, "seconds": seconds, "token": made})
    else:
        print(made)


# --- what they share ---


def organisation_json(organisation: Organisation) -> dict[str, Any]:
    return asdict(organisation) | {"created": organisation.created.isoformat()}


def key_json(key: ApiKey) -> dict[str, Any]:
    return asdict(key) | {"created": key.created.isoformat()}


def event_json(event: eventlens.Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "organisation": event.organisation,
        "name": event.name,
        "slug": event.slug,
        "date": event.date,
        "time_zone": event.time_zone,
        "status": event.status,
        "cover_image": event.cover_image,
        "bib_pattern": event.bib_pattern,
        "confidence_percentage": event.confidence_percentage,
        "search_lifetime_days": event.search_lifetime_days,
        "selfie_retention": event.selfie_retention,
        "originals": event.originals,
        "billable_searches": event.billable_searches,
        "features": asdict(event.features),
        "clips": asdict(event.clips),
        "media": counts_json(event.counts),
    }


def change_event(
    event: eventlens.Event,
    *,
    flags: dict[str, bool],
    clips: dict[str, float],
    roster: Path | None,
    **changes: str | bool | None,
) -> None:
    for field, value in changes.items():
        if value is not None:
            setattr(event, field, value)
    if flags:
        event.set_features(**flags)
    if clips:
        event.set_clips(**clips)
    if roster is not None:
        event.set_roster(roster)


def named_value(text: str, option: str, names: list[str]) -> tuple[str, str]:
    """Of NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or name not in names:
        raise typer.BadParameter(f"{option} {text}: give NAME=VALUE, with one of {', '.join(names)}")
    return name, value


def flags_of(items: list[str] | None) -> dict[str, bool]:
    """Of `--flag`."""
    flags = {}
    for item in items or []:
        name, value = named_value(item, "--flag", list(eventlens.Features.__dataclass_fields__))
        if value not in ("on", "off"):
            raise typer.BadParameter(f"--flag {item}: give on or off")
        flags[name] = value == "on"
    return flags


def clips_of(items: list[str] | None) -> dict[str, float]:
    """Of `--clip`."""
    clips = {}
    for item in items or []:
        name, value = named_value(item, "--clip", list(eventlens.ClipSettings.__dataclass_fields__))
        try:
            clips[name] = float(value)
        except ValueError:
            raise typer.BadParameter(f"--clip {item}: give a number") from None
    return clips


def seconds_of(text: str) -> int:
    """Of `--lasts`."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    if not number.isdecimal() or len(number) > 9:
        raise typer.BadParameter(f"--lasts {text}: give seconds, or such as 30m, 12h, 3d")
    return int(number) * units[unit]


def threshold_of(text: str | None) -> float | None:
    """Of `--threshold`."""
    if text in (None, "default"):
        return None
    try:
        return float(text or "")
    except ValueError:
        raise typer.BadParameter(f'--threshold {text}: give a number, or "default"') from None
