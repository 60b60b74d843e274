"""One workspace and one server for most tests; those that change much make their own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# Their checks are asserts, whose values a failure should tell.
pytest.register_assert_rewrite("tests.server.cases", "tests.server.photo_cases", "tests.server.search_cases")

from tests.server.running import Server, program  # noqa: E402
from tests.server.world import World, make_world  # noqa: E402

from eventlens.model_fetch import default_folder  # noqa: E402
from eventlens.sample_event import SampleEvent, make_sample_event  # noqa: E402

ROOT = Path(__file__).parents[2]
READY_WITHIN = 60.0  # seconds


@pytest.fixture(scope="session")
def sample() -> SampleEvent:
    kept = ROOT / ".setup" / "sample"
    kept.parent.mkdir(exist_ok=True)
    return make_sample_event(kept)


@pytest.fixture(scope="session")
def world(sample: SampleEvent, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Not to be changed, but for searches and clips of the event "race"."""
    if not (default_folder() / "manifest.json").exists():
        pytest.exit(f"no models in {default_folder()}: run `./run setup`", returncode=2)
    if not program().is_file():
        pytest.exit(f"no server at {program()}: run `./run setup`, or set EVENTLENS_SERVER", returncode=2)
    return make_world(tmp_path_factory.mktemp("world"), sample)


@pytest.fixture(scope="session")
def server(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without limits of rate on that workspace."""
    log = tmp_path_factory.mktemp("server") / "log"
    with Server(world.workspace.folder, log, {"rate.searches": "0"}) as server:
        wait_until_ready(server)
        yield server


def wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while server.ask("GET", "/readyz").status != 200:
        assert time.monotonic() < deadline, server.said()
        time.sleep(0.05)
