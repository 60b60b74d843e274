"""Index runs that a server over the workspace does, one after another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from eventlens import _core
from eventlens.results import time_of

IndexRunState = Literal["queued", "running", "completed", "failed", "cancelled"]


@dataclass(frozen=True)
class IndexRun:
    """An index run that was asked for.

    Attributes:
        event: The event's id.
        source: The id of the source that is indexed, and
        uri: what names it.
        retry_failed: What failed before is looked at again.
        cancelling: It runs, and ends as soon as it can.
        error: Why it failed; else empty.
        created: When it was asked for, in UTC.
        attempts: How often it was begun; more than once where a server was killed.
        counts: By name: listed, total (None while the source is being listed), done, failed, unchanged, added, removed
            and more, as servers tell them.
    """

    id: int
    event: int
    source: int
    uri: str
    retry_failed: bool
    state: IndexRunState
    cancelling: bool
    error: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    attempts: int
    counts: dict[str, int | None]


def run_of(run: _core.IndexRunInfo) -> IndexRun:
    return IndexRun(
        id=run.id,
        event=run.event,
        source=run.source,
        uri=run.source_uri,
        retry_failed=run.retry_failed,
        state=cast(IndexRunState, run.state),
        cancelling=run.cancelling,
        error=run.error,
        created=time_of(run.created),
        started=None if run.started is None else time_of(run.started),
        finished=None if run.finished is None else time_of(run.finished),
        attempts=run.attempts,
        counts={name: None if name == "total" and count < 0 else count for name, count in run.counts.items()},
    )


def number_of_run(run: IndexRun | int) -> int:
    return run if isinstance(run, int) else run.id
