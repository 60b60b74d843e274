"""How soon the participant's page is there on a slow phone; what it looks like is kept in bench/results/pages.

The page is opened by Debian's Chromium, its network as slow as in a crowded field and its processor four times slower.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.server.browser import CHROMIUM, Browser
from tests.server.running import Server

import eventlens
from bench.measured import ROOT, Measured, Row
from eventlens.sample_event import BIB_PATTERN, make_sample_event

QUESTION = "How soon is the participant's page there on a slow phone?"
ROUNDS = 5
ADMIN = "an administrator's key for the bench"
SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 200_000,
    "uploadThroughput": 94_000,
}  # ms, bytes/s
SLOWER = 4  # times, the processor
PICTURES = ROOT / "bench" / "results" / "pages"


def measure() -> Measured:
    if not CHROMIUM:
        return Measured(
            "speed.pages", QUESTION, "", skipped="there is no Chromium (Debian: apt install chromium)"
        )
    take_pictures()
    sample = make_sample_event(ROOT / ".setup" / "sample")
    with tempfile.TemporaryDirectory() as scratch:
        season = eventlens.open(Path(scratch) / "season")
        event = season.create_event("Lakeside Half", bib_pattern=BIB_PATTERN, time_zone="Europe/Berlin")
        event.set_renditions()
        assert not event.index(sample.photos).failed
        with Server(season.folder, Path(scratch) / "log", {"admin_key": ADMIN}) as server:
            link = link_to(server, event.id)
            visits = [visit(Path(scratch) / f"profile-{number}", link) for number in range(ROUNDS)]
            size = sum(len(server.ask("GET", path).body) for path in files(server))
    names = ["the page can be used", "after Find: every photo of a bib is shown"]
    rows = [
        Row(name, statistics.median(times), "s", f"{min(times):.2f} to {max(times):.2f} over {ROUNDS} visits")
        for name, times in zip(names, zip(*visits, strict=True), strict=True)
    ]
    rows.append(Row("the page, its scripts and styles", size / 1000, "kB", "", "below 60"))
    megabits = SLOW["downloadThroughput"] * 8 / 1e6
    data = f"sample event; {SLOW['latency']} ms, {megabits:.1f} Mbit/s, CPU slowed {SLOWER} times"
    return Measured("speed.pages", QUESTION, data, rows)


def take_pictures() -> None:
    """The tests of the pages, with what was on the screen kept."""
    kept = {"EVENTLENS_SCREENSHOTS": str(PICTURES)}
    command = [sys.executable, "-m", "pytest", "-q", "tests/server/test_pages.py"]
    subprocess.run(command, env=os.environ | kept, cwd=ROOT, check=True, stdout=sys.stderr)


def link_to(server: Server, event: int) -> str:
    headers = {"X-Admin-Key": ADMIN, "Content-Type": "application/json"}
    reply = server.ask(
        "POST", f"/api/v1/admin/events/{event}/tokens", headers, json.dumps({"lasts": 600}).encode()
    )
    return f"{server.url}/demo#event={event}&org=1&token={reply.data['token']}"


def files(server: Server) -> list[str]:
    """The page and all that it names."""
    page = server.ask("GET", "/demo").body.decode()
    named = [part.split('"')[0] for part in page.split('href="')[1:] + page.split('src="')[1:]]
    scripts = ["pages/demo_api.js", "pages/demo_photos.js"]  # which the first one imports
    return ["/demo", *(f"/{name}" for name in [*named, *scripts] if name.startswith("pages/"))]


def visit(profile: Path, link: str) -> tuple[float, float]:
    """Seconds until something can be searched for, and from there until every photo is shown."""
    with Browser(profile) as phone:
        phone.call("Network.emulateNetworkConditions", **SLOW)
        phone.call("Emulation.setCPUThrottlingRate", rate=SLOWER)
        start = time.monotonic()
        phone.call("Page.navigate", url=link)
        phone.until("the page", "document.querySelector('#bib')?.checkVisibility()")
        usable = time.monotonic() - start
        phone.type("#bib", "A207")
        start = time.monotonic()
        phone.tap("#by-bib button")
        phone.until("photos", "document.querySelectorAll('#photos img').length")
        # Those that are out of sight are not loaded before they come into it.
        shown = """[...document.querySelectorAll('#photos img')]
            .filter((one) => one.getBoundingClientRect().top < innerHeight)
            .every((one) => one.complete && one.naturalWidth)"""
        phone.until("pictures", shown, seconds=60)
        return usable, time.monotonic() - start
