"""How far something long is: bars with rate and time left on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from eventlens import _core
from eventlens.terminal import count_of, err
from eventlens.videos import clock

_BETWEEN_LINES = 10.0  # seconds, where there is no terminal


@contextlib.contextmanager
def progress_shown(
    title: str, *, quiet: bool = False
) -> Iterator[Callable[[_core.IndexProgress], None] | None]:
    """For photos and then for videos a bar with rate and time left on a terminal, plain lines elsewhere."""
    if quiet:
        yield None
        return
    if not err.is_terminal:
        yield _plain_lines(title)
        return
    with _bars() as bars:
        photos = bars.add_task(title, total=None, amount="")
        videos = bars.add_task("", total=1.0, amount="", visible=False, start=False)

        def show(state: _core.IndexProgress) -> None:
            if state.total < 0:
                bars.update(photos, description=f"{title}: listing, {state.listed} photos and videos")
                return
            if not bars.tasks[photos].finished:  # then its rate stays what it was
                elapsed = bars.tasks[photos].elapsed or 0.0
                rate = f" · {state.done / elapsed:.1f} photos/s" if elapsed > 0 and state.done else ""
                bars.update(
                    photos,
                    description=title,
                    total=state.total,
                    completed=state.done,
                    amount=f"{state.done} of {state.total} photos{rate}",
                    visible=state.total > 0 or state.videos.total == 0,
                )
            if state.videos.total > 0 and state.done == state.total:
                bars.start_task(videos)
                bars.update(
                    videos,
                    description=f"{title}: {state.videos.done} of {state.videos.total} videos",
                    completed=state.videos.part,
                    amount=footage_words(state.videos),
                    visible=True,
                )

        yield show


@contextlib.contextmanager
def cutting_shown(clips: int, *, quiet: bool = False) -> Iterator[Callable[[float], None] | None]:
    """The same for clips that are cut: told the part that is done, 0 to 1."""
    if quiet:
        yield None
        return
    title = f"cutting {count_of(clips, 'clip')}"
    if not err.is_terminal:
        last = time.monotonic()

        def tell(part: float) -> None:
            nonlocal last
            if time.monotonic() - last >= _BETWEEN_LINES:
                last = time.monotonic()
                err.print(f"{title}: {part:.0%}", markup=False)

        yield tell
        return
    with _bars() as bars:
        task = bars.add_task(title, total=1.0, amount="")
        yield lambda part: bars.update(task, completed=part, amount=f"{part:.0%}")


@contextlib.contextmanager
def making_shown(
    title: str, *, quiet: bool = False
) -> Iterator[Callable[[_core.RenditionProgress], None] | None]:
    """The same for renditions that are made."""
    if quiet:
        yield None
        return
    if not err.is_terminal:
        last = time.monotonic()

        def tell(state: _core.RenditionProgress) -> None:
            nonlocal last
            if time.monotonic() - last >= _BETWEEN_LINES:
                last = time.monotonic()
                err.print(
                    f"{title}: {state.done} of {state.total} photos, {state.failed} failed", markup=False
                )

        yield tell
        return
    with _bars() as bars:
        task = bars.add_task(title, total=None, amount="")

        def show(state: _core.RenditionProgress) -> None:
            amount = f"{state.done} of {state.total} photos"
            bars.update(task, total=state.total, completed=state.done, amount=amount, visible=state.total > 0)

        yield show


def footage_words(state: _core.VideoProgress) -> str:
    """How far the videos are: "62% · 12.4 min of footage · 4.1 min/min", minutes of footage for each that passed."""
    words = f"{state.part:.0%} · {state.footage / 60:.1f} min of footage"
    return f"{words} · {state.footage / state.seconds:.1f} min/min" if state.seconds >= 1 else words


def _bars() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
    )


def _plain_lines(title: str) -> Callable[[_core.IndexProgress], None]:
    last = time.monotonic()
    told: set[str] = set()  # what was said to be finished

    def due(what: str, *, finished: bool) -> bool:
        nonlocal last
        if what in told or (not finished and time.monotonic() - last < _BETWEEN_LINES):
            return False
        if finished:
            told.add(what)
        last = time.monotonic()
        return True

    def show(state: _core.IndexProgress) -> None:
        videos = state.videos
        listed = state.total >= 0
        photos_done = listed and state.done == state.total
        if (state.total > 0 or not listed) and due("photos", finished=photos_done):
            total = str(state.total) if listed else "?"
            err.print(f"{title}: {state.done} of {total} photos, {state.failed} failed", markup=False)
        if photos_done and videos.total > 0 and due("videos", finished=videos.done == videos.total):
            left = videos.seconds * (1 - videos.part) / videos.part if videos.part > 0 else 0.0
            ahead = f" · {clock(left).partition('.')[0]} left" if left >= 1 else ""
            done = f"{videos.done} of {videos.total} videos, {videos.failed} failed"
            err.print(f"{title}: {done} · {footage_words(videos)}{ahead}", markup=False)

    return show
