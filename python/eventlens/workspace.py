"""A workspace folder, its events, and what can be asked of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from eventlens import _core
from eventlens._core import Bib, Face, IndexProgress, SourceInfo
from eventlens.index_runs import IndexRun, number_of_run, run_of
from eventlens.models import Manifests, manifest_paths
from eventlens.organisations import (
    ApiKey,
    NewKey,
    Organisation,
    change_organisation,
    id_of,
    key_of,
    new_key_of,
    number_of,
    organisations_in,
)
from eventlens.renditions import (
    Artwork,
    Position,
    RenditionProgress,
    RenditionReport,
    Renditions,
    artwork_of,
    change_settings,
    make_renditions,
    settings_of,
)
from eventlens.results import (
    IndexReport,
    Matches,
    Photo,
    Pixels,
    PurgeReport,
    Search,
    Video,
    matches_of,
    photo_of,
    purge_report_of,
    report_of,
    search_of,
    video_of,
)
from eventlens.settings import ClipSettings, Features, change_fields, clips_of, features_of
from eventlens.storage import Storage, core_options
from eventlens.videos import Clip, ClipSpan, ClipSpans, CutMode, cut_clips, spans_of
from eventlens.visitors import make_token
from eventlens.webhooks import (
    WEBHOOK_KINDS,
    NewWebhook,
    Webhook,
    WebhookDelivery,
    change_webhook,
    delivery_of,
    make_webhook,
    number_of_webhook,
    webhook_of,
)

if TYPE_CHECKING:
    import pandas as pd

Selfie: TypeAlias = "str | PathLike[str] | bytes | Pixels"
Source: TypeAlias = "str | PathLike[str] | Sequence[str | PathLike[str]]"


def open(
    workspace: str | PathLike[str],
    *,
    manifests: Manifests = (),
    precision: str = "auto",
    threads: int = 0,
    embedder: str = "",
    reader: str = "paddle",
    storage: Storage | None = None,
) -> Workspace:
    """Open a workspace folder, created if missing. Models load at first use.

    Args:
        workspace: A folder; `catalog.sqlite` in it is all there is to back up.
        manifests: Manifests of your own models, beside the fetched ones.
        precision: "auto" (bf16 where the CPU has it), "f32" or "bf16".
        threads: Photos recognised at once, one core each; 0: every core.
        embedder: Name of the face embedding model; empty: the default.
        reader: "paddle", or "tesseract", the bib reader of last resort.
        storage: Keys to buckets; None: those of the environment.

    Raises:
        UnsupportedError: a newer version of Eventlens made the workspace.
        BadInputError: the folder cannot be written, or holds another kind of file.
    """
    engine = _core.Engine(
        Path(workspace),
        manifest_paths(manifests),
        precision=precision,
        threads=threads,
        embedder=embedder,
        reader=reader,
        storage=core_options(storage),
    )
    return Workspace(engine, Path(workspace))


class Workspace:
    """Events and what is known of their photos. Thread safe; several processes may use one workspace."""

    def __init__(self, engine: _core.Engine, folder: Path) -> None:
        self._engine = engine
        self.folder = folder

    def __repr__(self) -> str:
        return f"<Workspace {fspath(self.folder)!r}, {len(self.events())} events>"

    def create_event(
        self,
        name: str,
        *,
        date: str = "",
        bib_pattern: str = r"\d{2,5}",
        time_zone: str = "UTC",
        confidence_percentage: float | None = None,
        search_lifetime_days: float | None = 30.0,
        selfie_retention: bool = False,
        org: str | Organisation | int | None = None,
    ) -> Event:
        r"""Create an event.

        Args:
            name: Unique in its organisation; at most 1000 characters.
            date: Local, "2026-05-09T07:30:00" or "2026-05-09".
            bib_pattern: Regular expression for a whole bib, ignoring case, such as r"[A-Z]?\d{2,5}".
            time_zone: IANA name; applies to photos whose camera did not store an offset.
            confidence_percentage: Selfie searches keep matches this probable; None: 50.
            search_lifetime_days: A search and its answer are deleted so long after it was made; None: never. 30 days
                is enough for people who come back for their pictures; asking again costs a selfie.
            selfie_retention: Keep the selfies of a search with it; else they are never stored.
            org: The organisation that owns it; by its name, created if new; None: the default one.

        Raises:
            BadInputError: the name is taken, or something above is malformed.
        """
        settings = _core.EventSettings()
        settings.name = name
        settings.date = date
        settings.bib_pattern = bib_pattern
        settings.time_zone = time_zone
        settings.confidence_percentage = confidence_percentage
        settings.search_lifetime_days = search_lifetime_days
        settings.selfie_retention = selfie_retention
        organisation = self._organisation(org, create=True)
        return Event(self._engine, self._engine.create_event(settings, organisation))

    def event(self, name: str, *, org: str | Organisation | int | None = None) -> Event:
        """The event of this name. Raises NotFoundError."""
        found = self._engine.find_event(name, self._organisation(org))
        if found is None:
            known = ", ".join(repr(event.name) for event in self.events(org=org)) or "none"
            raise _core.NotFoundError(f"no event {name!r} in {fspath(self.folder)!r}; there are: {known}")
        return Event(self._engine, found)

    def event_by_id(self, number: int) -> Event:
        """The event with this id, of any organisation. Raises NotFoundError."""
        return Event(self._engine, self._engine.event(number).id)

    def events(self, *, org: str | Organisation | int | None = None) -> list[Event]:
        """Every event of an organisation, latest date first."""
        return [Event(self._engine, info.id) for info in self._engine.events(self._organisation(org))]

    def delete_event(self, event: Event) -> list[tuple[str, str]]:
        """Forget an event and all that is known of its photos and searches. The photos themselves stay.

        See `purge_event` for people's right to be forgotten.

        Returns:
            (file, reason) of renditions in a place that failed; later runs of any event try again.
        """
        return [(left.key, left.reason) for left in self._engine.delete_event(event.id)]

    def purge_event(self, event: Event | int) -> PurgeReport:
        """Delete an event for good: embeddings, faces, bibs, renditions, searches, selfies, the roster.

        No byte of it is left in the workspace, and a receipt with counts is written into the workspace's folder
        "receipts". The photos and videos themselves stay, and so do clips and copies in folders of yours. Others who
        write to the workspace wait meanwhile, about a second for each 100 MB of what stays.

        Args:
            event: The event; or its number, to finish a purge that was interrupted (`unfinished_purges`).

        Raises:
            OverloadedError: another process does not stop reading or writing, or the disk is full; call it again.
            NotFoundError: there is neither such an event nor such a purge.
        """
        number = event if isinstance(event, int) else event.id
        return purge_report_of(self._engine.purge_event(number))

    def unfinished_purges(self) -> dict[int, str]:
        """Numbers and names of events whose purge was interrupted: `purge_event` of the number finishes it."""
        return {purge.event: purge.event_name for purge in self._engine.unfinished_purges()}

    # --- organisations ---

    def organisations(self) -> list[Organisation]:
        """Who owns events; the first is the one of events made without `org`."""
        return organisations_in(self._engine)

    def create_organisation(self, name: str) -> Organisation:
        """Raises BadInputError for a name that is empty or taken."""
        number = self._engine.create_organisation(name)
        return next(item for item in self.organisations() if item.id == number)

    def update_organisation(
        self,
        org: Organisation | int,
        *,
        name: str | None = None,
        cors_origins: Sequence[str] | None = None,
    ) -> Organisation:
        """Change an organisation; what is None stays.

        Args:
            cors_origins: Web pages that may ask a server, as browsers name them: "https://photos.example.org", or "*"
                for all.

        Raises:
            BadInputError: the name is taken, or an origin is none.
            NotFoundError: there is no such organisation.
        """
        return change_organisation(self._engine, org, name, cors_origins)

    def create_key(self, org: Organisation | int, *, name: str = "", creator: str = "") -> NewKey:
        """Make a key that opens a server to an organisation: 40 random letters and digits. Only a digest is stored.

        Raises:
            BadInputError: the organisation has ten keys already, inactive ones included.
            NotFoundError: there is no such organisation.
        """
        return new_key_of(self._engine.create_key(number_of(org), name, creator))

    def keys(self, org: Organisation | int | None = None) -> list[ApiKey]:
        """What is known of the keys of an organisation, or of all."""
        number = None if org is None else number_of(org)
        return [key_of(key) for key in self._engine.api_keys() if number in (None, key.organisation)]

    def disable_key(self, key: ApiKey | int) -> None:
        """Keep a key from being used, at once, until it is enabled. Raises NotFoundError."""
        self._engine.set_key_active(id_of(key), False)

    def enable_key(self, key: ApiKey | int) -> None:
        """Let a key be used again. Raises NotFoundError."""
        self._engine.set_key_active(id_of(key), True)

    def delete_key(self, key: ApiKey | int) -> None:
        """Forget a key for good. Raises NotFoundError."""
        self._engine.remove_key(id_of(key))

    # --- what a server does ---

    def index_run(self, run: int) -> IndexRun:
        """The run with this id, of any event: `Event.start_index_run` asks for one. Raises NotFoundError."""
        return run_of(self._engine.index_run(run))

    def index_run_failures(self, run: IndexRun | int) -> list[tuple[str, str]]:
        """(key, reason) of what the run could not process, once it has ended; a thousand at most."""
        failures = self._engine.index_run_failures(number_of_run(run))
        return [(failure.key, failure.reason) for failure in failures]

    def cancel_index_run(self, run: IndexRun | int) -> IndexRun:
        """Cancel a run: at once if it is queued, as soon as it can if it runs; what it has done stays.

        One that has ended stays as it is. Raises NotFoundError.
        """
        return run_of(self._engine.cancel_index_run(number_of_run(run)))

    def webhooks(self, org: Organisation | int | None = None) -> list[Webhook]:
        """Those of an organisation, or of all. Raises NotFoundError."""
        numbers = [number_of(org)] if org is not None else [item.id for item in self.organisations()]
        return [webhook_of(webhook) for number in numbers for webhook in self._engine.webhooks(number)]

    def create_webhook(
        self, org: Organisation | int, url: str, *, kinds: Sequence[str] = WEBHOOK_KINDS
    ) -> NewWebhook:
        """Have a server tell an address what has finished in an organisation's events; docs/server.md says how.

        Raises:
            BadInputError: the URL is not one of http:// or https://, or holds credentials; `kinds` are none or unknown;
                the organisation has ten webhooks already.
            NotFoundError: there is no such organisation.
        """
        return make_webhook(self._engine, number_of(org), url, kinds)

    def update_webhook(
        self,
        webhook: Webhook | int,
        *,
        url: str | None = None,
        kinds: Sequence[str] | None = None,
        active: bool | None = None,
    ) -> Webhook:
        """Change a webhook; what is None stays, and so does its secret. Raises as `create_webhook` does."""
        return change_webhook(self._engine, number_of_webhook(webhook), url, kinds, active)

    def delete_webhook(self, webhook: Webhook | int) -> None:
        """Forget a webhook, and what it was or is to be told. Raises NotFoundError."""
        self._engine.remove_webhook(number_of_webhook(webhook))

    def test_webhook(self, webhook: Webhook | int) -> WebhookDelivery:
        """Have a server send it a "ping", though it may be switched off. Raises NotFoundError."""
        return delivery_of(self._engine.add_ping(number_of_webhook(webhook)))

    def webhook_deliveries(self, webhook: Webhook | int) -> list[WebhookDelivery]:
        """What it was told in the last month, or is to be told: the latest hundred. Raises NotFoundError."""
        return [delivery_of(each) for each in self._engine.webhook_deliveries(number_of_webhook(webhook))]

    def visitor_token(self, event: Event, *, seconds: int = 3600) -> str:
        """A token with which a participant's browser may search one event, and nothing else, for a while.

        A server over this workspace takes it as the header `X-Event-Token`. It cannot be taken back, but ends by
        itself.

        Args:
            seconds: From 1 to those of 90 days.

        Raises:
            BadInputError: that is too short or too long.
        """
        if not 1 <= seconds <= 90 * 24 * 3600:
            raise _core.BadInputError("a token is good for 1 second to 90 days")
        return make_token(self.folder, event.organisation, event.id, seconds)

    def compact(self) -> None:
        """Write the catalog anew, so that nothing of what was ever removed is left in its files. Raises as
        `purge_event` does."""
        self._engine.compact()

    def _organisation(self, org: str | Organisation | int | None, *, create: bool = False) -> int:
        if isinstance(org, int | Organisation):
            return number_of(org)
        organisations = self._engine.organisations()
        if org is None:
            return organisations[0].id
        for organisation in organisations:
            if organisation.name == org:
                return organisation.id
        if not create:
            raise _core.NotFoundError(f"no organisation {org!r}")
        return self._engine.create_organisation(org)


@dataclass(frozen=True)
class PhotoDetails:
    """A photo and what was found in it; bibs as the event's pattern and roster read them now."""

    photo: Photo
    faces: list[Face]
    bibs: list[Bib]


class Event:
    """One event: index its photos, find people in them. Thread safe."""

    def __init__(self, engine: _core.Engine, event_id: int) -> None:
        self._engine = engine
        self.id = event_id

    def __repr__(self) -> str:
        return f"<Event {self.name!r}, {self.counts.processed} photos>"

    # --- settings ---

    @property
    def name(self) -> str:
        return self._settings.name

    @name.setter
    def name(self, name: str) -> None:
        self._change("name", name)

    @property
    def organisation(self) -> int:
        """The id of the organisation that owns it."""
        return self._engine.event(self.id).organisation

    @property
    def slug(self) -> str:
        """Its name in URLs, unique in its organisation; set to "", it is made from the name."""
        return self._settings.slug

    @slug.setter
    def slug(self, slug: str) -> None:
        self._change("slug", slug)

    @property
    def status(self) -> str:
        """ "active", "draft", or what your own steps are called."""
        return self._settings.status

    @status.setter
    def status(self, status: str) -> None:
        self._change("status", status)

    @property
    def cover_image(self) -> str:
        """URL or path of a picture; empty: none."""
        return self._settings.cover_image

    @cover_image.setter
    def cover_image(self, cover_image: str) -> None:
        self._change("cover_image", cover_image)

    @property
    def date(self) -> str:
        return self._settings.date

    @date.setter
    def date(self, date: str) -> None:
        self._change("date", date)

    @property
    def time_zone(self) -> str:
        return self._settings.time_zone

    @time_zone.setter
    def time_zone(self, time_zone: str) -> None:
        self._change("time_zone", time_zone)

    @property
    def features(self) -> Features:
        """What clients of a server may use."""
        return features_of(self._settings.features)

    def set_features(
        self,
        *,
        enabled: bool | None = None,
        bib_search: bool | None = None,
        selfie_search: bool | None = None,
        name_search: bool | None = None,
        video_search: bool | None = None,
        video_selfie_search: bool | None = None,
        timeline_search: bool | None = None,
    ) -> None:
        """Switch on or off what clients of a server may use; what is None stays."""
        wanted = {
            "enabled": enabled,
            "bib_search": bib_search,
            "selfie_search": selfie_search,
            "name_search": name_search,
            "video_search": video_search,
            "video_selfie_search": video_selfie_search,
            "timeline_search": timeline_search,
        }
        self._engine.change_event(self.id, lambda settings: change_fields(settings.features, wanted))

    @property
    def clips(self) -> ClipSettings:
        """How a server plans clips. `find_clips` does not look at it: it takes its own."""
        return clips_of(self._settings.clips)

    def set_clips(
        self,
        *,
        min_probability: float | None = None,
        min_segment: float | None = None,
        max_gap: float | None = None,
        padding_start: float | None = None,
        padding_end: float | None = None,
        max_clip_duration: float | None = None,
    ) -> None:
        """Say how a server plans clips, in the words of `find_clips`; what is None stays.

        Raises:
            BadInputError: a number of seconds outside of a day, or a probability outside of 0 to 1.
        """
        wanted = {
            "min_probability": min_probability,
            "min_segment": min_segment,
            "max_gap": max_gap,
            "padding_start": padding_start,
            "padding_end": padding_end,
            "max_clip_duration": max_clip_duration,
        }
        self._engine.change_event(self.id, lambda settings: change_fields(settings.clips, wanted))

    @property
    def originals(self) -> bool:
        """Whether a server tells where originals are, in every list of photos."""
        return self._settings.originals

    @originals.setter
    def originals(self, told: bool) -> None:
        self._change("originals", told)

    @property
    def bib_pattern(self) -> str:
        """What a whole bib looks like. Changing it reads no photo again."""
        return self._settings.bib_pattern

    @bib_pattern.setter
    def bib_pattern(self, pattern: str) -> None:
        self._change("bib_pattern", pattern)

    @property
    def confidence_percentage(self) -> float | None:
        """Selfie searches keep matches this probable; None: 50."""
        return self._settings.confidence_percentage

    @confidence_percentage.setter
    def confidence_percentage(self, percentage: float | None) -> None:
        self._change("confidence_percentage", percentage)

    @property
    def search_lifetime_days(self) -> float | None:
        """A search is deleted so many days after it was made, from 1/24 to 36500; None: never.

        A new time holds for searches to come, and after `apply_retention` for earlier ones.
        """
        return self._settings.search_lifetime_days

    @search_lifetime_days.setter
    def search_lifetime_days(self, days: float | None) -> None:
        self._change("search_lifetime_days", days)

    @property
    def selfie_retention(self) -> bool:
        """Whether a selfie search keeps the selfies, until it goes itself. Switched off, it holds for searches to
        come, and after `apply_retention` for earlier ones."""
        return self._settings.selfie_retention

    @selfie_retention.setter
    def selfie_retention(self, keep: bool) -> None:
        self._change("selfie_retention", keep)

    def apply_retention(self) -> int:
        """Let the retention hold for the searches there are, as though they had been made under it.

        Nothing is kept for longer than it was to be. Returns how many searches went.
        """
        return self._engine.apply_retention(self.id)

    @property
    def _settings(self) -> _core.EventSettings:
        return self._engine.event(self.id).settings

    def _change(self, field: str, value: object) -> None:
        self._engine.change_event(self.id, lambda settings: setattr(settings, field, value))

    def set_roster(self, csv: str | PathLike[str] | bytes) -> int:
        """Say which bibs exist: reads that are on the roster rank first. Reads no photo again.

        Args:
            csv: A file, or its bytes: UTF-8, one participant a row, the bib in the column "bib" (else the first),
                the name in "name" (else the second), divided by commas, semicolons or tabs.

        Returns:
            How many participants there are. An empty list removes the roster.

        Raises:
            NotFoundError: there is no such file.
        """
        return self._engine.set_roster(self.id, csv if isinstance(csv, bytes) else _read(csv, "roster"))

    def roster(self) -> list[tuple[str, str]]:
        """(bib, name) of each participant."""
        return self._engine.roster(self.id)

    def set_clock_offset(self, camera: str, seconds: int) -> None:
        """Add seconds to a camera's clock, for the photos known and those to come.

        Args:
            camera: As `photo.camera` and `cameras()` name it.
        """
        self._engine.set_clock_offset(self.id, camera, seconds)

    def cameras(self) -> dict[str, int]:
        """Each camera seen, and the seconds added to its clock."""
        return {clock.camera: clock.seconds for clock in self._engine.camera_clocks(self.id)}

    # --- indexing ---

    def index(
        self,
        source: Source,
        *,
        workers: int = 0,
        retry_failed: bool = False,
        dry_run: bool = False,
        fps: float = 4.0,
        shortest_appearance: float = 1.0,
        progress: Callable[[IndexProgress], None] | None = None,
    ) -> IndexReport:
        """Bring the event up to date with its photos and videos, which stay where they are.

        Only those that are new, changed, or last read by other models are fetched; those gone from a folder or bucket
        leave the index, and one that was renamed in a bucket is not fetched again. One bad file is reported and the run
        goes on. Ctrl-C, or the end of the process in any way, loses nothing that was committed (about a second of
        photos, a minute of footage at most); the next run continues.

        Args:
            source: A folder, "s3://BUCKET/PREFIX/?endpoint=URL", "az://ACCOUNT/CONTAINER/PREFIX/" or a file:// URL
                (docs/storage.md); or a list of paths, which only adds.
            workers: Photos worked on at once; 0: one for each core.
            retry_failed: Look again at what failed before, though it did not change.
            dry_run: Say what would be done, and do nothing.
            fps: Frames of a video looked at in each second in which anybody may be.
            shortest_appearance: Seconds; whoever is in view for so long is to be found. Where keyframes are further
                apart than this, or show somebody, the frames between them are looked at too.
            progress: Called about ten times a second, in this thread.

        Raises:
            NotFoundError: there is no such folder.
            OverloadedError: the disk is full, another process holds the workspace, or the bucket gives nothing any
                more. What is done is kept.
        """
        if isinstance(source, str | PathLike):
            report = self._engine.index_source(
                self.id, fspath(source), workers, retry_failed, dry_run, fps, shortest_appearance, progress
            )
        else:
            paths = [fspath(path) for path in source]
            report = self._engine.index_paths(
                self.id, paths, workers, retry_failed, dry_run, fps, shortest_appearance, progress
            )
        return report_of(report)

    def sources(self) -> list[SourceInfo]:
        """Where its photos and videos lie, in the order in which they were added; single files are one together."""
        return self._engine.sources(self.id)

    def add_source(self, location: str | PathLike[str]) -> SourceInfo:
        """Name a folder or a bucket as `index` does, to be indexed later. It is not read yet; a known one stays.

        Raises:
            NotFoundError: there is no such folder.
            BadInputError: the location is malformed, or keys to it are missing.
        """
        number = self._engine.add_source(self.id, fspath(location))
        return next(source for source in self.sources() if source.id == number)

    def remove_source(self, source: SourceInfo | int) -> list[tuple[str, str]]:
        """Forget a source and all that is known of the photos and videos in it; they stay where they are.

        What was deleted there for good is forgotten too: indexed again, the source brings it back.

        Returns:
            (file, reason) of renditions in a place that failed; later runs of any event try again.

        Raises:
            NotFoundError: the event has no such source.
        """
        number = source if isinstance(source, int) else source.id
        return [(left.key, left.reason) for left in self._engine.remove_source(self.id, number)]

    def start_index_run(
        self, source: str | PathLike[str] | SourceInfo | int, *, retry_failed: bool = False
    ) -> IndexRun:
        """Ask the server over this workspace to index a source, as `index` would; without a server it waits for one.

        Args:
            source: A folder or bucket, from then on a source of the event; or one of `sources()`, or its id.
            retry_failed: Look again at what failed before, though it did not change.

        Returns:
            The run; the one that is queued already, if there is.

        Raises:
            NotFoundError: there is no such source or folder.
            BadInputError: as `add_source`; or the source is single files.
        """
        if isinstance(source, str | PathLike):
            return run_of(self._engine.start_index_run(self.id, fspath(source), retry_failed))
        number = source if isinstance(source, int) else source.id
        return run_of(self._engine.start_index_run_of_source(self.id, number, retry_failed))

    def index_runs(self) -> list[IndexRun]:
        """The runs that a server was asked for, the latest hundred, latest first."""
        return [run_of(run) for run in self._engine.index_runs(self.id)]

    # --- renditions ---

    @property
    def renditions(self) -> Renditions | None:
        """How thumbnails and previews are made, or None: none are."""
        return settings_of(self)

    def set_renditions(
        self,
        location: str | PathLike[str] | None = None,
        *,
        preview_side: int = 2048,
        thumbnail_side: int = 400,
        quality: int = 85,
        watermark: Artwork | None = None,
        watermark_portrait: Artwork | None = None,
        position: Position = "bottom-right",
        width: float = 0.3,
        margin: float = 0.02,
        opacity: float = 0.5,
    ) -> None:
        """Have `index` make a thumbnail and a preview of each photo it reads, JPEGs for browsers.

        They are upright, never larger than the original, and bear its colour profile, but nothing else of what the
        file says: no place, no camera. Colours of the watermark are mixed with the photo's as they are stored.
        Originals are never changed. Photos that were indexed before, and all after a change here, get theirs by
        `make_renditions`.

        Args:
            location: A folder or a bucket, as `open_store` takes it; None: `renditions` in the workspace. Keys are
                imgs/EVENT/large/UUID.jpg and imgs/EVENT/small/UUID.jpg.
            preview_side: The long side of a preview, pixels, at most 8192.
            thumbnail_side: The long side of a thumbnail, pixels, at least 16. Thumbnails bear no watermark.
            quality: Of the JPEGs, 1 to 100.
            watermark: A PNG, mostly with alpha, to be laid over previews; a path or its bytes, up to 20 MB. It is kept
                in the workspace.
            watermark_portrait: The same for photos that are higher than wide; None: as the other.
            position: "top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom" or
                "bottom-right".
            width: Of the watermark, as a share of the photo's width, up to 1; less where it would not fit.
            margin: From every edge, as a share of the photo's short side, up to 0.4.
            opacity: Of what the watermark's own alpha shows, 0 to 1.

        Raises:
            BadInputError: something above is malformed, or the location cannot be written.
            UnsupportedError: the watermark is not a PNG.
        """
        change_settings(
            self,
            Renditions(
                location=fspath(location or ""),
                preview_side=preview_side,
                thumbnail_side=thumbnail_side,
                quality=quality,
                watermark=artwork_of(watermark),
                watermark_portrait=artwork_of(watermark_portrait),
                position=position,
                width=width,
                margin=margin,
                opacity=opacity,
            ),
        )

    def remove_renditions(self) -> list[tuple[str, str]]:
        """Make no more of them, and remove those there are.

        Returns:
            (file, reason) of files in a place that failed; later runs try again.
        """
        return [(left.key, left.reason) for left in self._engine.remove_renditions(self.id)]

    def make_renditions(
        self,
        *,
        force: bool = False,
        workers: int = 0,
        progress: Callable[[RenditionProgress], None] | None = None,
    ) -> RenditionReport:
        """Make the renditions that photos lack, and those made by other settings, from the originals.

        What is interrupted goes on with the next run.

        Args:
            force: Make all of them again.
            workers: Photos worked on at once; 0: one for each core.
            progress: Called about ten times a second, in this thread.

        Raises:
            BadInputError: the event is to have none, see `set_renditions`.
            OverloadedError: photos or renditions lie in a place that gives up.
        """
        return make_renditions(self, force=force, workers=workers, progress=progress)

    # --- what there is ---

    @property
    def counts(self) -> _core.EventCounts:
        """How many photos there are: total, processed, failed, hidden; and of videos, `counts.videos`."""
        return self._engine.counts(self.id)

    @property
    def billable_searches(self) -> int:
        """Searches that count; those of deleted events are in `Organisation.billable_searches` too."""
        return self._engine.event(self.id).billable_searches

    def failures(self) -> list[tuple[str, str]]:
        """(key, reason) of the photos and videos that could not be processed, and of videos not read to their end."""
        return [(failure.key, failure.reason) for failure in self._engine.failures(self.id)]

    # --- finding ---

    def find_selfie(
        self,
        selfie: Selfie | Sequence[Selfie],
        *,
        min_probability: float | None = None,
        limit: int = 1000,
        request_id: str = "",
        query_expansion: bool = True,
    ) -> Search:
        """Find the photos that show a person.

        Args:
            selfie: A path, encoded bytes or RGB pixels, or a list of them showing one person. Of several faces in one
                picture the largest is meant; `Search.selfies` says how many there were. Not stored, unless the event's
                `selfie_retention` says so.
            min_probability: Photos below are left out; None: the event's confidence_percentage, or 0.5.
            limit: Photos at most.
            request_id: A UUID that names the search: a second call with it gives the frozen answer of the first.
            query_expansion: Let sure matches help to find more.

        Raises:
            BadInputError: no face in a selfie, or it cannot be decoded.
        """
        selfies = [selfie] if isinstance(selfie, str | PathLike | bytes | np.ndarray) else list(selfie)
        pixels = [item for item in selfies if isinstance(item, np.ndarray)]
        if pixels and len(pixels) != len(selfies):
            raise _core.BadInputError("give all selfies as pixels, or all as files or bytes")
        if pixels:
            result = self._engine.find_selfie_pixels(
                self.id, pixels, request_id, min_probability, limit, query_expansion
            )
        else:
            encoded = [
                item if isinstance(item, bytes) else _read(item, "selfie")
                for item in selfies
                if not isinstance(item, np.ndarray)
            ]
            result = self._engine.find_selfie_encoded(
                self.id, encoded, request_id, min_probability, limit, query_expansion
            )
        return search_of(result, self)

    def search(self, request_id: str) -> Search:
        """The frozen answer of an earlier selfie search, until it expires. Raises NotFoundError."""
        return search_of(self._engine.search(self.id, request_id), self)

    def forget_search(self, request_id: str, *, compact: bool = True) -> None:
        """Delete a search, its answer and its selfies, when the person asks for it.

        Args:
            compact: Write the catalog anew (`Workspace.compact`), as SQLite may have moved a copy of a value aside;
                False: leave that to later, when many are forgotten at once.

        Raises:
            NotFoundError: no search with this request id.
            OverloadedError: of `compact`; the search is gone, call `Workspace.compact` again.
        """
        self._engine.remove_search(self.id, request_id)
        if compact:
            self._engine.compact()

    def find_bib(self, bib: str, *, min_probability: float = 0.0) -> Matches:
        """Find the photos of a bib number, surest first: exact, then unsure, then partial reads (`Match.kind`).

        Args:
            bib: In any case; leading zeros and letters count.
            min_probability: Photos below are left out.

        Raises:
            BadInputError: empty, or longer than 64 characters.
        """
        return matches_of(self._engine.find_bib(self.id, bib, min_probability), self)

    def find_clips(
        self,
        *,
        selfie: Selfie | Sequence[Selfie] | None = None,
        bib: str | None = None,
        request_id: str = "",
        min_probability: float | None = None,
        min_segment: float = 0.0,
        max_gap: float = 3.0,
        padding_start: float = 0.0,
        padding_end: float = 0.0,
        max_clip_duration: float = 0.0,
    ) -> ClipSpans:
        """Find the seconds of video in which a person is seen, from a selfie, a bib number, or an earlier search.

        A selfie is matched once, against photos and videos, and the answer is frozen under its request id, as
        `find_selfie` does it. What to keep of it is planned anew at each call; no video is decoded.

        Args:
            selfie: As of `find_selfie`.
            bib: As of `find_bib`.
            request_id: Of an earlier search; beside a selfie, a UUID to name the new search.
            min_probability: Appearances below are left out; None: the event's confidence_percentage, or 0.5.
            min_segment: Seconds; a shorter segment, before padding, is left out.
            max_gap: Seconds; appearances no further apart become one segment.
            padding_start: Seconds to add before each segment.
            padding_end: Seconds to add behind it.
            max_clip_duration: Seconds; longer segments become several clips one after another; 0: any length.

        Returns:
            By video and time, never overlapping: exactly what `cut_clips` cuts.

        Raises:
            BadInputError: nothing to look for was given, or too much; no face in the selfie; a search made before the
                event had videos.
            NotFoundError: no search with this request id.
        """
        if (selfie is not None) + (bib is not None) + (bool(request_id) and selfie is None) != 1:
            raise _core.BadInputError("find_clips needs one of selfie, bib and request_id")
        if min_probability is None:
            percentage = self.confidence_percentage
            min_probability = 0.5 if percentage is None else percentage / 100
        options = (min_probability, min_segment, max_gap, padding_start, padding_end, max_clip_duration)
        if bib is not None:
            return spans_of(self._engine.find_bib_clips(self.id, bib, *options), self)
        if selfie is not None:
            found = self.find_selfie(selfie, request_id=request_id)
            if found.appearances is None:
                return ClipSpans()  # there are no videos
            request_id = found.request_id
        return spans_of(self._engine.find_clips(self.id, request_id, *options), self)

    def cut_clips(
        self,
        spans: Iterable[ClipSpan],
        out: str | PathLike[str],
        *,
        mode: CutMode = "exact",
        quality: int = 20,
        thumbnails: bool = True,
        progress: Callable[[float], None] | None = None,
    ) -> list[Clip]:
        """Cut each span out of its video, into a folder. See `eventlens.cut_clip`.

        Args:
            out: A folder, created if missing; files are named after video and time.
            mode: "exact" or "copy".
            quality: Of what is encoded: x264's constant rate factor, 0 (lossless) to 51.
            thumbnails: Write a JPEG beside each clip, of the frame in which the person is seen best.
            progress: Called with the part that is done, 0 to 1.

        Raises:
            CutError: some could not be cut; the others were, and are its `clips`.
        """
        return cut_clips(spans, out, mode=mode, quality=quality, thumbnails=thumbnails, progress=progress)

    # --- looking ---

    def videos(self) -> list[Video]:
        """Every video, failed and hidden ones too."""
        return [video_of(entry, self) for entry in self._engine.videos(self.id)]

    def photos(self) -> Iterator[PhotoDetails]:
        """Every photo with its faces and bibs, failed and hidden ones too; `details(photo)` has the embeddings."""
        found: list[PhotoDetails] = []
        self._engine.visit_photos(self.id, lambda details: found.append(self._details(details)))
        return iter(found)

    def photo(self, uuid: str) -> Photo:
        """The photo with this UUID, a failed or hidden one too. Raises NotFoundError."""
        found = self._engine.find_photo(self.id, uuid)
        if found is None:
            raise _core.NotFoundError(f"no photo {uuid!r} in {self.name!r}")
        return photo_of(found, self)

    def details(self, photo: Photo) -> PhotoDetails:
        """What was found in one photo."""
        return self._details(self._engine.details(photo.id))

    def _details(self, details: _core.PhotoDetails) -> PhotoDetails:
        return PhotoDetails(photo_of(details.photo, self), details.faces, details.bibs)

    def bibs(self) -> Counter[str]:
        """Each bib read with a probability of 0.5 or more, and how many photos show it."""
        return Counter(
            itertools.chain.from_iterable(
                {bib.text for bib in details.bibs if bib.probability >= 0.5} for details in self.photos()
            )
        )

    def hide(self, photos: Iterable[Photo]) -> int:
        """Keep photos from being found, in frozen searches too. Returns how many changed."""
        return self._engine.set_hidden(self.id, [photo.id for photo in photos], True)

    def show(self, photos: Iterable[Photo]) -> int:
        """Let hidden photos be found again. Returns how many changed."""
        return self._engine.set_hidden(self.id, [photo.id for photo in photos], False)

    def delete(
        self, photos: Iterable[Photo] = (), *, bib: str | None = None, request_id: str | None = None
    ) -> int:
        """Delete photos for good: what is known of them, and their renditions. Originals stay where they are, and
        `index` leaves them alone from now on.

        Args:
            photos: Some photos; or instead
            bib: those on which this bib is read exactly, as a server shows them;
            request_id: those that a selfie search found.

        Returns:
            How many.

        Raises:
            BadInputError: more than one thing to go by was given.
            NotFoundError: no search with this request id.
            OverloadedError: they are deleted, but files of renditions lie in a place that failed; later runs try again.
        """
        ids = [photo.id for photo in photos]
        if bool(ids) + (bib is not None) + (request_id is not None) > 1:
            raise _core.BadInputError("delete needs one of photos, bib and request_id")
        if bib is not None:
            done = self._engine.delete_photos_of_bib(self.id, bib)
        elif request_id is not None:
            done = self._engine.delete_photos_of_search(self.id, request_id)
        else:
            done = self._engine.delete_photos(self.id, ids)
        if done.files_left:
            left = done.files_left[0]
            raise _core.OverloadedError(
                f"{done.photos} photos are deleted, but not {left.key}: {left.reason}"
            )
        return done.photos

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row for each bib read: photo, key, captured, camera, bib, probability, partial, x, y, width, height.

        Photos without a bib have one row, with bib None. What `export` writes and `to_dataframe` holds.
        """
        for details in self.photos():
            photo = details.photo
            row = {
                "photo": photo.uuid,
                "key": photo.key,
                "captured": photo.captured,
                "camera": photo.camera,
                "faces": len(details.faces),
                "failure": photo.failure,
                "hidden": photo.hidden,
            }
            nothing = {"bib": None, "probability": None, "partial": None}
            if not details.bibs:
                yield row | nothing | dict.fromkeys(("x", "y", "width", "height"))
            for bib in details.bibs:
                box = dict(zip(("x", "y", "width", "height"), bib.box, strict=True))
                yield row | {"bib": bib.text, "probability": bib.probability, "partial": bib.partial} | box

    def to_dataframe(self) -> pd.DataFrame:
        """`rows()` as a pandas DataFrame.

        Raises:
            UnsupportedError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise _core.UnsupportedError("a DataFrame needs pandas: pip install pandas") from None

        return pd.DataFrame(list(self.rows()))


def _read(path: str | PathLike[str], what: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise _core.NotFoundError(f"no {what} at {fspath(path)!r}") from None
    except OSError as error:
        raise _core.BadInputError(f"the {what} {fspath(path)!r} cannot be read: {error.strerror}") from error
