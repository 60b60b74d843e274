"""What the tests share: the sample event, indexed once, ways to make pictures, and servers with buckets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from tests.python.servers import Azurite, Bucket, Container, fetch_azurite

import eventlens
from eventlens.model_fetch import default_folder
from eventlens.packages import UnreachableError
from eventlens.sample_event import SampleEvent, make_sample_event
from eventlens.sample_server import S3Server, fetch_s3_server

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _models_are_there() -> None:
    if not (default_folder() / "manifest.json").exists():
        pytest.exit(
            f"no models in {default_folder()}: run `./run setup`, or `eventlens models fetch`", returncode=2
        )


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleEvent:
    """The sample event; made once in .setup, so that a second run of the tests starts at once."""
    kept = ROOT / ".setup" / "sample"
    kept.parent.mkdir(exist_ok=True)
    return make_sample_event(kept)


@pytest.fixture(scope="session")
def indexed(sample: SampleEvent, tmp_path_factory: pytest.TempPathFactory) -> eventlens.Event:
    """The sample event, photos and video, indexed; not to be changed."""
    season = eventlens.open(tmp_path_factory.mktemp("season"))
    event = season.create_event("Sample", bib_pattern=r"[A-Z]?\d{2,5}", time_zone="Europe/Berlin")
    for folder in (sample.photos, sample.videos):
        assert not event.index(folder).failed
    return event


@pytest.fixture(scope="session")
def finish(sample: SampleEvent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with five seconds of the sample event's video, in which the first two runners come in."""
    folder = tmp_path_factory.mktemp("finish")
    eventlens.cut_clip(sample.videos / sample.video.name, (4.0, 9.0), folder / "finish.mp4")
    return folder


@pytest.fixture
def season(tmp_path: Path) -> eventlens.Workspace:
    return eventlens.open(tmp_path / "season")


@pytest.fixture
def few(sample: SampleEvent, tmp_path: Path) -> Path:
    """A folder with four photos of the sample event, to be changed at will."""
    folder = tmp_path / "few"
    folder.mkdir()
    for path in sorted(sample.photos.iterdir())[:4]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture
def plain_jpeg() -> bytes:
    """A photo that shows nobody: soft noise."""
    rng = np.random.default_rng(7)
    small = rng.integers(90, 140, (48, 64, 3), dtype=np.uint8)
    return eventlens.encode_jpeg(eventlens.resize_image(small, 640, 480))


_numbers = count(1)  # of buckets: each test has its own


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    try:
        program = fetch_s3_server()
    except UnreachableError as error:
        pytest.skip(f"no S3 server: {error}")
    with S3Server(tmp_path_factory.mktemp("s3"), program=program) as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    """A new bucket of an S3 server."""
    return Bucket(s3_server, f"race-{next(_numbers)}")


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    try:
        fetch_azurite()
    except UnreachableError as error:
        pytest.skip(f"no Azure: {error}")
    with Azurite(tmp_path_factory.mktemp("azure")) as server:
        yield server


@pytest.fixture
def container(azurite: Azurite) -> Container:
    """A new container of an Azure account."""
    return Container(azurite, f"race-{next(_numbers)}")
