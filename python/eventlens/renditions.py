"""Renditions: thumbnails and watermarked previews of an event's photos, for browsers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from eventlens import _core
from eventlens._core import RenditionProgress

if TYPE_CHECKING:
    from eventlens.workspace import Event

__all__ = ["Position", "RenditionProgress", "RenditionReport", "Renditions"]

Position = Literal[
    "top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"
]
Artwork: TypeAlias = "str | PathLike[str] | bytes"


@dataclass(frozen=True)
class Renditions:
    """How an event's renditions are made: JPEGs, upright, never larger than the original.

    Attributes:
        location: Where they are stored, as `open_store` takes it; empty: in `renditions` in the workspace.
        preview_side: The long side of a preview, pixels.
        thumbnail_side: The long side of a thumbnail, pixels. Thumbnails bear no watermark.
        quality: Of the JPEGs, 1 to 100.
        watermark: A PNG that is laid over previews; None: none is.
        watermark_portrait: The same for photos that are higher than wide; None: as the other.
        position: Where the watermark lies.
        width: Of the watermark, as a share of the photo's width, up to 1; less where it would not fit.
        margin: From every edge, as a share of the photo's short side, up to 0.4.
        opacity: Of what the watermark's own alpha shows, 0 to 1.
    """

    location: str = ""
    preview_side: int = 2048
    thumbnail_side: int = 400
    quality: int = 85
    watermark: bytes | None = field(default=None, repr=False)
    watermark_portrait: bytes | None = field(default=None, repr=False)
    position: Position = "bottom-right"
    width: float = 0.3
    margin: float = 0.02
    opacity: float = 0.5


@dataclass(frozen=True)
class RenditionReport:
    """What a run of `make_renditions` did.

    Attributes:
        made: Photos whose renditions were made.
        unchanged: Photos whose renditions are up to date.
        failed: (key, reason) of each photo whose renditions could not be made.
        files_left: (file, reason) of files of removed photos in places that failed; the next run tries again.
        bytes: Of what was made.
        seconds: Of wall clock.
    """

    made: int
    unchanged: int
    failed: list[tuple[str, str]]
    files_left: list[tuple[str, str]]
    bytes: int
    seconds: float

    def __str__(self) -> str:
        parts = [f"renditions of {self.made} {'photo' if self.made == 1 else 'photos'} made"]
        if self.unchanged:
            parts.append(f"{self.unchanged} unchanged")
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        return ", ".join(parts)


def settings_of(event: Event) -> Renditions | None:
    settings = event._engine.renditions(event.id)
    if settings is None:
        return None
    return Renditions(
        location=settings.location,
        preview_side=settings.preview_side,
        thumbnail_side=settings.thumbnail_side,
        quality=settings.quality,
        watermark=settings.artwork or None,
        watermark_portrait=settings.artwork_portrait or None,
        position=settings.position,  # type: ignore[arg-type]  # the core's nine words
        width=settings.width,
        margin=settings.margin,
        opacity=settings.opacity,
    )


def change_settings(event: Event, renditions: Renditions) -> None:
    settings = _core.RenditionSettings()
    for name in (
        "preview_side",
        "thumbnail_side",
        "quality",
        "position",
        "width",
        "margin",
        "opacity",
    ):
        setattr(settings, name, getattr(renditions, name))
    settings.artwork = renditions.watermark or b""
    settings.artwork_portrait = renditions.watermark_portrait or b""
    event._engine.set_renditions(event.id, settings, renditions.location)


def artwork_of(artwork: Artwork | None) -> bytes | None:
    """The bytes of a PNG. Raises NotFoundError or BadInputError."""
    if artwork is None or isinstance(artwork, bytes):
        return artwork
    try:
        return Path(artwork).read_bytes()
    except FileNotFoundError:
        raise _core.NotFoundError(f"no watermark at {fspath(artwork)!r}") from None
    except OSError as error:
        raise _core.BadInputError(
            f"the watermark {fspath(artwork)!r} cannot be read: {error.strerror}"
        ) from error


def make_renditions(
    event: Event, *, force: bool, workers: int, progress: Callable[[RenditionProgress], None] | None
) -> RenditionReport:
    report = event._engine.make_renditions(event.id, workers, force, progress)
    return RenditionReport(
        made=report.made,
        unchanged=report.unchanged,
        failed=[(failure.key, failure.reason) for failure in report.failed],
        files_left=[(failure.key, failure.reason) for failure in report.files_left],
        bytes=report.bytes,
        seconds=report.seconds,
    )
