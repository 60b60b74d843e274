"""What a server offers of an event: its switches, and how it plans clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eventlens import _core


@dataclass(frozen=True)
class Features:
    """What an event's clients may use. Change them with `Event.set_features`."""

    enabled: bool = True
    bib_search: bool = True
    selfie_search: bool = True
    name_search: bool = False
    video_search: bool = False
    """This and the next turn on by themselves with the event's first video, unless one was changed before."""
    video_selfie_search: bool = False
    timeline_search: bool = True


@dataclass(frozen=True)
class ClipSettings:
    """How a server plans the clips of who was found, as `Event.find_clips` takes it. Change it with
    `Event.set_clips`."""

    min_probability: float = 0.5
    min_segment: float = 0.0
    max_gap: float = 3.0
    padding_start: float = 2.0
    padding_end: float = 2.0
    max_clip_duration: float = 30.0


def features_of(features: _core.EventFeatures) -> Features:
    return Features(**{name: getattr(features, name) for name in Features.__dataclass_fields__})


def clips_of(clips: _core.ClipOptions) -> ClipSettings:
    return ClipSettings(**{name: getattr(clips, name) for name in ClipSettings.__dataclass_fields__})


def change_fields(target: object, changes: Mapping[str, object]) -> None:
    """Sets those that are not None."""
    for name, value in changes.items():
        if value is not None:
            setattr(target, name, value)
