"""Events that lie in a bucket: the same index as from a folder, nothing fetched twice, whatever happens on the way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from tests.python import faults, test_videos
from tests.python.faults import Plan, Proxy
from tests.python.servers import Bucket, Place
from tests.python.test_index import committed, digest

import eventlens
from eventlens import Storage
from eventlens.sample_event import BIB_PATTERN, SampleEvent
from eventlens.sample_server import S3Server

ZONE = "Europe/Berlin"
MBIT = 1_000_000 / 8  # bytes


@pytest.fixture(scope="module")
def sample_bucket(s3_server: S3Server, sample: SampleEvent) -> Bucket:
    """A bucket with the sample event: photos/ and videos/. Not to be changed."""
    bucket = Bucket(s3_server, "sample")
    for folder in (sample.photos, sample.videos):
        for path in folder.iterdir():
            bucket.put_file(f"{folder.name}/{path.name}", path)
    return bucket


@pytest.fixture
def few_in_bucket(bucket: Bucket, few: Path) -> list[str]:
    """Four photos in a bucket of their own, below photos/; their keys there."""
    for path in few.iterdir():
        bucket.put_file(f"photos/{path.name}", path)
    return sorted(path.name for path in few.iterdir())


def opened(folder: Path, storage: Storage) -> eventlens.Workspace:
    return eventlens.open(folder, storage=storage)


def impatient(bucket: Bucket) -> Storage:
    return Storage(**(vars(bucket.storage) | {"stalled_after": 1}))


def race_in(workspace: eventlens.Workspace) -> eventlens.Event:
    return workspace.create_event("Race", bib_pattern=BIB_PATTERN, time_zone=ZONE)


# --- the same as from a folder ---


@pytest.mark.parametrize("rate", [0.05, pytest.param(0.3, marks=pytest.mark.long)])
def test_faults_change_nothing(tmp_path, sample_bucket, indexed, sample, rate):
    """The whole index, photos and video, equals that of an undisturbed folder; all that is told is a count."""
    event = race_in(opened(tmp_path / "season", impatient(sample_bucket)))
    with Proxy(sample_bucket.port, plan=Plan(faults.PASSING, rate=rate, seed=5)) as proxy:
        reports = [
            event.index(sample_bucket.location(f"{folder}/", endpoint=proxy.endpoint))
            for folder in ("photos", "videos")
        ]
        spoiled = proxy.faults()
    assert [report.failed for report in reports] == [[], []]
    assert [report.unlisted for report in reports] == [[], []]
    assert sum(spoiled.values()) >= rate * len(proxy.exchanges) / 2
    harmful = sum(spoiled.values()) - spoiled["late"] - spoiled["drip"]
    assert sum(report.retries for report in reports) >= harmful / 2 > 0
    assert reports[0].added == len(sample.truth)
    assert digest(event) == digest(indexed)
    assert test_videos.digest(event) == test_videos.digest(indexed)


def test_an_azure_container_gives_the_same(tmp_path, container, few, indexed):
    for path in few.iterdir():
        container.put(f"photos/{path.name}", path.read_bytes())
    event = race_in(opened(tmp_path / "season", container.storage))
    report = event.index(container.location("photos/"))
    assert (report.added, report.failed, report.retries) == (4, [], 0)
    whole = digest(indexed)
    assert digest(event) == {path.name: whole[path.name] for path in few.iterdir()}
    assert event.index(container.location("photos/")).unchanged == 4


def test_an_event_in_a_bucket_can_be_searched_seen_and_cut(tmp_path, sample_bucket, sample):
    """Photos and clips come from the bucket when somebody asks for them, in another process too."""
    folder = tmp_path / "season"
    event = race_in(opened(folder, sample_bucket.storage))
    first = sorted(path.name for path in sample.photos.iterdir())[0]
    event.index(sample_bucket.location("videos/"))
    again = opened(folder, sample_bucket.storage).event("Race")
    bib = next(iter(sample.bibs.values()))
    spans = again.find_clips(bib=bib)
    assert spans
    clips = again.cut_clips(spans[:1], tmp_path / "clips")
    assert clips[0].path.stat().st_size > 10_000
    small = Bucket(sample_bucket.server, "one-photo")
    small.put_file(first, sample.photos / first)
    event.index(small.location())
    photo = next(details.photo for details in again.photos())
    assert photo.image().shape == eventlens.decode_image((sample.photos / first).read_bytes()).shape


# --- what changed ---


def test_only_what_changed_is_fetched(tmp_path, bucket, few_in_bucket, sample):
    changed, deleted, renamed, stays = few_in_bucket
    event = race_in(opened(tmp_path / "season", bucket.storage))
    with Proxy(bucket.port) as proxy:
        location = bucket.location("photos/", endpoint=proxy.endpoint)

        def index(**options: bool) -> eventlens.IndexReport:
            proxy.forget()
            return event.index(location, **options)

        plan = index(dry_run=True)
        assert (plan.added, event.counts.total) == (4, 0)
        assert not proxy.gets()

        first = index()
        assert (first.added, first.failed) == (4, [])
        assert proxy.gets() == {f"photos/{key}": 1 for key in few_in_bucket}
        uuids = {details.photo.key: details.photo.uuid for details in event.photos()}

        second = index()
        assert (second.added, second.updated, second.unchanged, second.removed, second.moved) == (
            0,
            0,
            4,
            0,
            0,
        )
        assert not proxy.gets()
        assert proxy.others() == {"listing": 1}

        bucket.put_file(f"photos/{changed}", sample.photos / sample.truth[7].name)
        bucket.remove(f"photos/{deleted}")
        bucket.rename(f"photos/{renamed}", "photos/finish/renamed.jpg")
        plan = index(dry_run=True)
        assert (plan.updated, plan.removed, plan.moved, plan.unchanged) == (1, 1, 1, 1)
        assert not proxy.gets()
        assert event.counts.total == 4

        third = index()
        assert (third.added, third.updated, third.removed, third.moved, third.unchanged) == (0, 1, 1, 1, 1)
        assert proxy.gets() == {f"photos/{changed}": 1}
        assert not proxy.others()["HEAD"]
    now = {details.photo.key: details.photo.uuid for details in event.photos()}
    assert now == {
        changed: uuids[changed],
        "finish/renamed.jpg": uuids[renamed],
        stays: uuids[stays],
    }


def test_a_rename_onto_a_known_key(tmp_path, bucket, few_in_bucket):
    """As `aws s3 mv` and a shift of numbers do it: what lies under a key is what is known of it."""
    first, second, third, last = few_in_bucket
    event = race_in(opened(tmp_path / "season", bucket.storage))
    location = bucket.location("photos/")
    event.index(location)
    before = {details.photo.key: len(details.faces) for details in event.photos()}

    bucket.remove(f"photos/{first}")
    bucket.rename(f"photos/{second}", f"photos/{first}")
    bucket.rename(f"photos/{third}", f"photos/{second}")
    report = event.index(location)
    assert (report.added, report.updated, report.removed, report.moved, report.failed) == (0, 2, 1, 0, [])
    photos = {details.photo.key: details for details in event.photos()}
    assert {key: len(details.faces) for key, details in photos.items()} == {
        first: before[second],
        second: before[third],
        last: before[last],
    }
    for key in photos:
        assert photos[key].photo.original() == bucket.get(f"photos/{key}")
    again = event.index(location)
    assert (again.unchanged, again.updated, again.removed, again.moved) == (3, 0, 0, 0)


def test_what_was_deleted_for_good_does_not_come_back_under_another_name(tmp_path, bucket, few_in_bucket):
    event = race_in(opened(tmp_path / "season", bucket.storage))
    location = bucket.location("photos/")
    event.index(location)
    gone = next(details.photo for details in event.photos() if details.photo.key == few_in_bucket[0])
    event.delete([gone])
    bucket.rename(f"photos/{gone.key}", "photos/finish/renamed.jpg")
    report = event.index(location)
    assert (report.added, report.unchanged) == (0, 3)
    assert event.counts.total == 3


def test_a_store_that_gives_out_midway_loses_nothing(tmp_path, bucket, few_in_bucket):
    """What was fetched before is kept, the rest is no failure of the photos, and the next run fetches only that."""
    event = race_in(opened(tmp_path / "season", Storage(**(vars(bucket.storage) | {"attempts": 2}))))
    first, *others = few_in_bucket
    dead = Plan([faults.slow_down], where=lambda request: request.key.removeprefix("photos/") in others)
    with Proxy(bucket.port, plan=dead) as proxy:
        location = bucket.location("photos/", endpoint=proxy.endpoint)
        try:
            failed = [key for key, _ in event.index(location).failed]
            assert sorted(failed) == others
        except eventlens.OverloadedError:
            pass  # it gave up before it had tried them all
        assert [details.photo.key for details in event.photos() if details.photo.failure == ""] == [first]
        proxy.plan = None
        proxy.forget()
        report = event.index(location)
        assert report.failed == []
        assert set(proxy.gets()) == {f"photos/{key}" for key in others}
    assert event.counts.processed == 4


def test_credentials_that_end_midway_end_the_run(tmp_path, bucket, few_in_bucket):
    event = race_in(opened(tmp_path / "season", bucket.storage))
    others = few_in_bucket[1:]
    ended = Plan([faults.expired_token], where=lambda request: request.key.removeprefix("photos/") in others)
    with Proxy(bucket.port, plan=ended) as proxy:
        location = bucket.location("photos/", endpoint=proxy.endpoint)
        said = ""
        try:
            said = str(event.index(location).failed)
        except eventlens.EventlensError as error:
            said = str(error)
        assert "xpired" in said
        assert bucket.storage.secret_key not in said
        proxy.plan = None
        proxy.forget()
        assert event.index(location).failed == []
        assert set(proxy.gets()) == {f"photos/{key}" for key in others}
    assert event.counts.processed == 4


# --- refusals ---


def asks_for(keys: list[str]) -> Callable[[faults.Request], bool]:
    return lambda request: request.method == "GET" and request.key.removeprefix("photos/") in keys


@pytest.mark.parametrize("kind", ["bucket", "container"])
@pytest.mark.parametrize(
    "fault",
    [faults.access_denied, faults.unauthorized, faults.moved_for_good],
    ids=lambda fault: fault.__name__,
)
def test_a_refusal_says_nothing_of_a_photo(tmp_path, request, kind, fault, few, indexed):
    """It is reported and not remembered: the next run reads the photo, and knows what an undisturbed one knows."""
    place: Place = request.getfixturevalue(kind)
    for path in few.iterdir():
        place.put(f"photos/{path.name}", path.read_bytes())
    first, *others = sorted(path.name for path in few.iterdir())
    event = race_in(opened(tmp_path / "season", place.storage))
    with Proxy(place.port, place.above_keys, Plan([fault], where=asks_for(others))) as proxy:
        location = place.location("photos/", endpoint=proxy.endpoint)
        report = event.index(location)
        assert sorted(key for key, _ in report.failed) == others
        for key, reason in report.failed:
            assert f"/photos/{key}: " in reason
        assert report.retries == 0, "asking again does not help"
        assert (event.failures(), event.counts.total) == ([], 1)
        proxy.plan = None
        proxy.forget()
        report = event.index(location)
        assert (report.added, report.unchanged, report.failed) == (3, 1, [])
        assert set(proxy.gets()) == {f"photos/{key}" for key in others}
    whole = digest(indexed)
    assert digest(event) == {key: whole[key] for key in [first, *others]}


@pytest.mark.parametrize(
    "fault", [faults.access_denied, faults.larger_than_any_photo], ids=lambda fault: fault.__name__
)
def test_what_cannot_be_read_replaces_nothing(tmp_path, bucket, few_in_bucket, fault):
    """Photos that are known are to be read anew, for another model. What is known stays until they can be."""
    folder = tmp_path / "season"
    event = race_in(opened(folder, bucket.storage))
    with Proxy(bucket.port) as proxy:
        location = bucket.location("photos/", endpoint=proxy.endpoint)
        event.index(location)
        before = digest(event)
        proxy.plan = Plan([fault], where=asks_for(few_in_bucket))
        other = eventlens.open(folder, storage=bucket.storage, embedder="dlib-resnet").event("Race")
        report = other.index(location)
        assert sorted(key for key, _ in report.failed) == few_in_bucket
        assert digest(event) == before
        proxy.plan = None
        report = other.index(location)
        assert (report.updated, report.failed) == (4, [])
    assert digest(event) == before


def test_what_a_photo_is_too_large_for_is_remembered(tmp_path, bucket, few_in_bucket):
    """Of a photo that nothing better is known of: it is not asked for again until it changes."""
    event = race_in(opened(tmp_path / "season", bucket.storage))
    large = few_in_bucket[1]
    with Proxy(bucket.port, plan=Plan([faults.larger_than_any_photo], where=asks_for([large]))) as proxy:
        location = bucket.location("photos/", endpoint=proxy.endpoint)
        ((key, reason),) = event.index(location).failed
        assert (key, "more than the allowed" in reason) == (large, True)
        assert event.failures() == [(key, reason)]
        assert event.index(location).unchanged == 4


def test_a_source_that_refuses_everything_ends_the_run(tmp_path, bucket):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: bucket.put(f"{number:03}.jpg", b"x"), range(200)))
    event = race_in(opened(tmp_path / "season", bucket.storage))
    with Proxy(
        bucket.port, plan=Plan([faults.access_denied], where=lambda request: bool(request.key))
    ) as proxy:
        with pytest.raises(
            eventlens.BadInputError, match=r"gives nothing any more: .*not allow it .*\(AccessDenied\)"
        ):
            event.index(bucket.location(endpoint=proxy.endpoint))
        assert len(proxy.gets()) < 120
    assert (event.failures(), event.counts.total) == ([], 0)


def test_a_folder_without_rights_keeps_nobody_from_the_others(tmp_path, bucket, few):
    """However much lies in it."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: bucket.put(f"closed/{number:03}.jpg", b"x"), range(60)))
    for path in few.iterdir():
        bucket.put_file(f"open/{path.name}", path)
    event = race_in(opened(tmp_path / "season", bucket.storage))
    closed = Plan([faults.access_denied], where=lambda request: request.key.startswith("closed/"))
    with Proxy(bucket.port, plan=closed) as proxy:
        report = event.index(bucket.location(endpoint=proxy.endpoint))
    assert len(report.failed) == 60
    assert all(key.startswith("closed/") for key, _ in report.failed)
    assert (event.counts.processed, event.counts.total) == (4, 4)


def test_a_refusal_says_nothing_of_a_video(tmp_path, sample_bucket, indexed):
    folder = tmp_path / "season"
    event = race_in(opened(folder, sample_bucket.storage))
    refused = Plan([faults.access_denied], where=lambda request: bool(request.key))
    with Proxy(sample_bucket.port, plan=refused) as proxy:
        location = sample_bucket.location("videos/", endpoint=proxy.endpoint)
        ((_, reason),) = event.index(location).failed
        assert "AccessDenied" in reason
        assert event.videos() == []

        proxy.plan = None
        assert event.index(location).failed == []
        whole = test_videos.digest(indexed)
        assert test_videos.digest(event) == whole

        proxy.plan = refused
        other = eventlens.open(folder, storage=sample_bucket.storage, embedder="dlib-resnet").event("Race")
        assert len(other.index(location).failed) == 1
        assert test_videos.digest(event) == whole
        (video,) = event.videos()
        assert (video.finished, video.failure) == (True, "")


def test_a_refusal_in_the_middle_of_a_video(tmp_path, bucket, long_video):
    """The next run goes on there."""
    bucket.put_file("film/long.mp4", long_video)
    event = race_in(opened(tmp_path / "season", bucket.storage))
    size = long_video.stat().st_size

    def is_in_the_middle(request: faults.Request) -> bool:
        first = request.asked.removeprefix("bytes=").split("-")[0]
        return bool(request.key) and 0.5 * size < int(first or 0) < 0.9 * size

    with Proxy(bucket.port, plan=Plan([faults.access_denied], where=is_in_the_middle)) as proxy:
        location = bucket.location("film/", endpoint=proxy.endpoint)
        ((_, reason),) = event.index(location, fps=0.1, shortest_appearance=60).failed
        assert "AccessDenied" in reason
        (video,) = event.videos()
        assert (video.finished, video.failure) == (False, "")
        proxy.plan = None
        report = event.index(location, fps=0.1, shortest_appearance=60)
        assert (report.updated, report.failed) == (1, [])
    (video,) = event.videos()
    assert (video.finished, video.failure) == (True, "")
    assert video.indexed_until == pytest.approx(video.duration, abs=1)


# --- videos ---


def assert_no_byte_twice(spans: list[tuple[int, int]]) -> None:
    for (_, behind), (first, _) in pairwise(spans):
        assert behind <= first, "bytes are fetched again"


def test_a_video_is_read_once(tmp_path, sample_bucket, sample, indexed):
    event = race_in(opened(tmp_path / "season", sample_bucket.storage))
    key = f"videos/{sample.video.name}"
    size = (sample.videos / sample.video.name).stat().st_size
    with Proxy(sample_bucket.port) as proxy:
        event.index(sample_bucket.location("videos/", endpoint=proxy.endpoint))
        spans = proxy.spans(key)
        assert_no_byte_twice(spans)
        assert 0.5 * size < proxy.bytes_of(key) <= size
    assert test_videos.digest(event) == test_videos.digest(indexed)


@pytest.fixture(scope="module", params=[100, pytest.param(1000, marks=pytest.mark.long)])
def long_video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of so many MB, 20 Mbit/s, its index at the end as cameras write it: ten seconds, again and again."""
    folder = tmp_path_factory.mktemp("long")
    piece, whole = folder / "piece.mp4", folder / f"{request.param}.mp4"
    noise = "testsrc2=size=640x360:rate=30,noise=alls=70:allf=t,format=yuv420p"
    make = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        noise,
        "-f",
        "lavfi",
        "-i",
        "sine=r=48000",
        "-t",
        "10",
    ]
    make += ["-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-sc_threshold", "0", "-b:v", "20M"]
    make += ["-minrate", "20M", "-maxrate", "20M", "-bufsize", "10M", "-c:a", "aac", str(piece)]
    subprocess.run(make, check=True)
    times = round(request.param * 1e6 / piece.stat().st_size)
    loop = [
        "ffmpeg",
        "-v",
        "error",
        "-stream_loop",
        str(times - 1),
        "-i",
        str(piece),
        "-c",
        "copy",
        str(whole),
    ]
    subprocess.run(loop, check=True)
    return whole


def test_a_cut_reads_little_of_a_long_video(tmp_path, bucket, long_video):
    """Ten seconds out of the middle: 60 MB at most, which is 2.4 times what they have at 20 Mbit/s."""
    bucket.put_file("film/long.mp4", long_video)
    size = long_video.stat().st_size
    event = race_in(opened(tmp_path / "season", bucket.storage))
    with Proxy(bucket.port) as proxy:
        # Looked at a frame a minute: what is in it does not matter here.
        report = event.index(
            bucket.location("film/", endpoint=proxy.endpoint), fps=0.1, shortest_appearance=60
        )
        assert report.failed == []
        assert_no_byte_twice(proxy.spans("film/long.mp4"))
        assert proxy.bytes_of("film/long.mp4") <= size
        (video,) = event.videos()
        assert video.duration > size / (20 * MBIT) * 0.8
        proxy.forget()
        middle = video.duration / 2 + 0.7
        span = eventlens.ClipSpan(video, middle, middle + 10, 1.0, [], middle)
        (clip,) = event.cut_clips([span], tmp_path / "clips", thumbnails=False)
        read = proxy.bytes_of("film/long.mp4")
    assert clip.end - clip.start == pytest.approx(10, abs=0.1)
    seconds = 10 * size / video.duration
    assert seconds < read < 2.4 * seconds
    assert read < 60e6


# --- killed ---

ONE_RUN = """
import sys, eventlens
event = eventlens.open(sys.argv[1]).event("Race")
print("ready", flush=True)
event.index(sys.argv[2], workers=1)
"""


@contextmanager
def a_run(workspace: Path, location: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """An index run in a process of its own, past its start; ended, if need be, at the end of the block."""
    command = [sys.executable, "-c", ONE_RUN, str(workspace), location]
    with subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.long)])
def test_kill_9_fetches_nothing_committed_again(tmp_path, sample_bucket, sample, indexed, kills):
    """Killed at random moments of indexing from a bucket: in the end the index is that of an undisturbed run."""
    moments = random.Random(kills)
    spent = 0
    with Proxy(sample_bucket.port) as proxy:
        location = sample_bucket.location("photos/", endpoint=proxy.endpoint)
        while spent < kills:
            workspace = tmp_path / f"season after {spent} kills"
            event = race_in(opened(workspace, sample_bucket.storage))
            kept: dict[bytes, tuple[int, bytes, int]] = {}
            while spent < kills and len(kept) + 4 <= len(sample.truth):
                proxy.forget()
                with a_run(workspace, location, sample_bucket.server.environment) as process:
                    wait_for_photos(workspace, len(kept) + moments.randrange(8), process)
                    time.sleep(moments.random())
                    process.kill()
                    spent += process.wait() == -signal.SIGKILL
                before, kept = kept, committed(workspace)
                assert before.items() <= kept.items(), "committed photos are neither lost nor put again"
                assert not {f"photos/{key.decode()}" for key in before} & set(proxy.gets())
            proxy.forget()
            assert event.index(location).unchanged == len(kept)
            assert not {f"photos/{key.decode()}" for key in kept} & set(proxy.gets())
            assert digest(event) == digest(indexed)


def wait_for_photos(workspace: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while len(committed(workspace)) < count:
        if process.poll() is not None:  # it was done before it could be stopped
            assert process.returncode == 0
            return
        assert time.monotonic() < deadline, "no photo was committed in a minute"
        time.sleep(0.05)


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.long)])
def test_kill_9_goes_on_inside_a_video_of_a_bucket(tmp_path, sample_bucket, indexed, kills):
    moments = random.Random(kills)
    workspace = tmp_path / "season"
    event = race_in(opened(workspace, sample_bucket.storage))
    location = sample_bucket.location("videos/")
    reached = 0.0
    for _ in range(kills):
        with a_run(workspace, location, sample_bucket.server.environment) as process:
            time.sleep(1 + 3 * moments.random())
            process.kill()
        videos = event.videos()
        if videos:
            assert videos[0].indexed_until >= reached, "what was committed stays"
            reached = videos[0].indexed_until
    assert event.index(location).failed == []
    assert test_videos.digest(event) == test_videos.digest(indexed)


# --- secrets ---


def test_no_secret_is_written_or_said(tmp_path, bucket, few_in_bucket):
    """Not into the workspace, whose every byte is looked at, and not by the command line, even where it fails."""
    server = bucket.server
    secrets = [server.secret_key.encode(), b"a-token-of-the-session"]
    environment = os.environ | server.environment | {"AWS_SESSION_TOKEN": ""}
    workspace = tmp_path / "season"

    def run(location: str, **changed: str) -> tuple[int, bytes]:
        command = [sys.executable, "-m", "eventlens.cli", "index", location]
        command += ["--event", "Race", "--workspace", str(workspace)]
        done = subprocess.run(command, env=environment | changed, capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    code, said = run(bucket.location("photos/"))
    assert (code, b"4 added" in said) == (0, True)
    refused, complaint = run(bucket.location("photos/"), AWS_SECRET_ACCESS_KEY="not-the-right-key")
    assert refused == 3
    token, about_it = run(bucket.location("photos/"), AWS_SESSION_TOKEN="a-token-of-the-session")
    assert token in {0, 3}
    inline = eventlens.BadInputError
    with pytest.raises(inline) as caught:
        eventlens.open_store(f"s3://{server.access_key}:{server.secret_key}@{bucket.name}/")
    for text in (said, complaint, about_it, str(caught.value).encode()):
        assert not [secret for secret in [*secrets, b"not-the-right-key", b"Signature="] if secret in text]
    files = [path for path in workspace.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert not [secret for secret in [*secrets, server.access_key.encode()] if secret in content], path
