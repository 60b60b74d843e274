"""Several processes work in one workspace for minutes: nothing is lost, mixed up or leaked."""

import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

import eventlens

ROLES = Path(__file__).with_name("soak_roles.py")
SECONDS = 120
FLAT = 16_000_000  # bytes; a search that kept its decoded selfie would pass it within ten searches


class Crew:
    """Processes with a role each, from soak_roles.py; killed, if need be, at the end of the block."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._stack = ExitStack()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *reason: object) -> None:
        self._stack.close()

    def start(self, role: str, *arguments: object) -> "subprocess.Popen[str]":
        command = [sys.executable, str(ROLES), role, str(self._workspace), *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        return process


def ended(process: "subprocess.Popen[str]") -> Any:
    """Tells a process to end; what it says."""
    answer, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return json.loads(answer)


def shared_out(photos: Path, target: Path) -> dict[str, Path]:
    """Folders with a third of the photos each, and empty ones for what is taken out of two of them."""
    folders = {name: target / name for name in ("still", "one", "other", "out of one", "out of other")}
    for folder in folders.values():
        folder.mkdir()
    for number, photo in enumerate(sorted(photos.iterdir())):
        shutil.copy(photo, folders[("still", "one", "other")[number % 3]])
    return folders


@pytest.mark.long
def test_processes_share_a_workspace_for_minutes(tmp_path, sample):
    """Two bring an event up to date with photos that come and go, one hides and shows, one searches all along."""
    workspace = tmp_path / "season"
    event = eventlens.open(workspace).create_event("Race", bib_pattern=r"[A-Z]?\d{2,5}")
    folders = shared_out(sample.photos, tmp_path)
    event.index(folders["still"])
    person, selfie = next(iter(sample.selfies.items()))
    bib = sample.bibs[person]
    with Crew(workspace) as crew:
        indexers = [
            crew.start("index", folders[name], folders[f"out of {name}"]) for name in ("one", "other")
        ]
        hider = crew.start("hide", folders["still"])
        searcher = crew.start("search", bib, selfie)
        time.sleep(SECONDS)
        runs = [ended(process) for process in indexers]
        hidden = ended(hider)
        searched = ended(searcher)

    assert min(runs) >= 5
    left = {name: {path.name for path in folders[name].iterdir()} for name in ("still", "one", "other")}
    known = sorted((details.photo.key, details.photo.hidden) for details in event.photos())
    assert known == sorted((key, key in hidden) for keys in left.values() for key in keys)
    for name, keys in left.items():
        report = event.index(folders[name])
        assert (report.unchanged, report.added, report.updated, report.removed) == (len(keys), 0, 0, 0)
    assert (event.counts.total, event.counts.hidden) == (len(known), len(hidden))

    # Who followed every change finds what one finds who reads the event afresh.
    afresh = [event.find_bib(bib), event.find_selfie(selfie).matches]
    assert all(afresh)
    for followed, matches in zip(searched["answers"], afresh, strict=True):
        assert followed == pytest.approx({match.photo.uuid: match.probability for match in matches})

    held = searched["held"]
    quarter = len(held) // 4
    assert quarter >= 10
    grown = statistics.median(held[-quarter:]) - statistics.median(held[quarter : 2 * quarter])
    assert grown < FLAT, f"{grown / 1e6:.1f} MB in the last {2 * quarter} rounds"

    with closing(sqlite3.connect(workspace / "catalog.sqlite")) as catalog:
        assert catalog.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert catalog.execute("PRAGMA foreign_key_check").fetchall() == []
