"""The server is killed in the midst of searches and clips, twice. What it had accepted is there afterwards, once."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.server.conftest import wait_until_ready
from tests.server.running import Server

import eventlens
from eventlens.sample_event import BIB_PATTERN, SampleEvent

SEARCHES = 60
CLIPS = 40
AT_ONCE = 16
KILLED_AT = (30, 60)  # requests that were accepted
SETTINGS = {"rate.searches": "0", "clip_workers": "2"}
QUICKLY = (0.2,)


@dataclass
class Season:
    """A workspace with an event, its photos and one video of the astronaut, and a key to it."""

    folder: Path
    org: int
    event: int
    key: str
    selfie: bytes


@pytest.fixture
def season(sample: SampleEvent, tmp_path: Path) -> Season:
    footage = tmp_path / "footage"
    footage.mkdir()
    eventlens.cut_clip(sample.videos / sample.video.name, (4.0, 9.0), footage / "finish.mp4")
    for number in ("001", "002", "008"):
        (footage / f"{number}.jpg").write_bytes((sample.photos / f"lakeside_{number}.jpg").read_bytes())
    workspace = eventlens.open(tmp_path / "season")
    event = workspace.create_event("race", bib_pattern=BIB_PATTERN)
    assert not event.index(footage).failed
    engine = workspace._engine
    (organisation,) = engine.organisations()
    key = engine.create_key(organisation.id, "tests", "").key
    return Season(
        tmp_path / "season", organisation.id, event.id, key, sample.selfies["astronaut"].read_bytes()
    )


def client_of(server: Server, season: Season) -> eventlens.Client:
    return eventlens.Client(server.url, season.key, season.org, attempts=1)


class Requests:
    """Searches and starts of clips under ids of our own, many at once. Counts those that were accepted."""

    def __init__(self, season: Season) -> None:
        self.season = season
        self.accepted: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def under_way(self, server: Server, searches: list[str], clips: list[str]) -> Iterator[None]:
        """Sends them while the block lasts, and waits at its end until each was answered or refused."""
        # Both kinds are under way all the time.
        order = sorted([(request_id, False) for request_id in searches] + [(each, True) for each in clips])
        with client_of(server, self.season) as client, ThreadPoolExecutor(AT_ONCE) as threads:
            for request_id, with_clips in order:
                threads.submit(
                    self._one, client.start_clips if with_clips else client.search_face, request_id
                )
            yield

    def _one(self, ask: Callable[..., object], request_id: str) -> None:
        try:
            ask(self.season.event, selfie=self.season.selfie, request_id=request_id)
        except eventlens.RequestError:
            return  # it was killed; whoever asked asks again
        with self._changed:
            self.accepted.add(request_id)
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.accepted) >= count, timeout=120)


def clip_files(season: Season) -> list[Path]:
    return list((season.folder / "renditions").rglob("*.mp4"))


def test_nothing_accepted_is_lost_or_done_twice(season: Season, tmp_path: Path) -> None:
    searches = [str(uuid.uuid4()) for _ in range(SEARCHES)]
    clips = [str(uuid.uuid4()) for _ in range(CLIPS)]
    requests = Requests(season)
    log = tmp_path / "log"
    for killed_at in KILLED_AT:
        server = Server(season.folder, log, SETTINGS)
        wait_until_ready(server)
        before = set(requests.accepted)
        with client_of(server, season) as client:
            for request_id in before:
                assert client.face_search(season.event, request_id).images
            for request_id in before & set(clips):
                assert client.clips(season.event, request_id).status in ("processing", "completed")
        with requests.under_way(server, searches, clips):  # as clients do: all of them, under their ids
            requests.wait_for(killed_at)
            server.kill()
        assert len(requests.accepted) < SEARCHES + CLIPS, "killed in the midst"
    assert len(clip_files(season)) < CLIPS

    with Server(season.folder, log, SETTINGS) as server, client_of(server, season) as client:
        wait_until_ready(server)
        with requests.under_way(server, searches, clips):
            pass
        assert requests.accepted == {*searches, *clips}
        for request_id in clips:
            result = client.wait_for_clips(season.event, request_id, timeout=180, cadence=QUICKLY)
            assert (result.status, result.error, result.clip_errors) == ("completed", None, [])
            (clip,) = result.videos
            with urlopen(clip.video_url) as answer:
                assert answer.read(8)[4:] == b"ftyp"
        for request_id in searches:
            assert client.face_search(season.event, request_id).images

    workspace = eventlens.open(season.folder)
    assert workspace._engine.organisations()[0].billable_searches == SEARCHES + CLIPS
    assert len(clip_files(season)) == CLIPS, "each was stored once"
