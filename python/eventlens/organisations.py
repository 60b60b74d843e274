"""Who owns events, and the keys that open a server to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from eventlens import _core


@dataclass(frozen=True)
class Organisation:
    """Who owns events."""

    id: int
    name: str
    cors_origins: tuple[str, ...]
    """Web pages that may ask a server: "https://photos.example.org", or "*" for all."""
    billable_searches: int
    """Of all its events, deleted ones included."""
    created: datetime


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key to a server: not the key."""

    id: int
    organisation: int
    shown: str
    """How it begins, to tell keys apart."""
    name: str
    creator: str
    active: bool
    created: datetime


@dataclass(frozen=True)
class NewKey:
    """A key that was just made. Tell it to whoever it is for: it is not known afterwards."""

    id: int
    key: str

    def __repr__(self) -> str:
        return f"NewKey(id={self.id}, key='{self.key[:5]}***')"


def new_key_of(made: _core.NewKey) -> NewKey:
    return NewKey(made.id, made.key)


def key_of(key: _core.ApiKey) -> ApiKey:
    return ApiKey(key.id, key.organisation, key.shown, key.name, key.creator, key.active, _time(key.created))


def organisations_in(engine: _core.Engine) -> list[Organisation]:
    return [
        Organisation(o.id, o.name, tuple(o.cors_origins), o.billable_searches, _time(o.created))
        for o in engine.organisations()
    ]


def change_organisation(
    engine: _core.Engine, org: Organisation | int, name: str | None, cors_origins: Sequence[str] | None
) -> Organisation:
    """What is None stays."""
    number = number_of(org)
    for before in organisations_in(engine):
        if before.id == number:
            origins = before.cors_origins if cors_origins is None else cors_origins
            engine.update_organisation(number, before.name if name is None else name, list(origins))
    for after in organisations_in(engine):
        if after.id == number:
            return after
    raise _core.NotFoundError(f"there is no organisation {number}")


def number_of(org: Organisation | int) -> int:
    return org if isinstance(org, int) else org.id


def id_of(key: ApiKey | int) -> int:
    return key if isinstance(key, int) else key.id


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
