"""How fast a bucket is listed, fetched from and indexed, beside boto3 and beside a folder.

The server is versitygw on loopback. What is compared takes turns, each measurement in a process of its own; where CPU
counts it is the client's, bound to one core, and the server has the others.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.python import faults, test_index, test_million_keys, test_videos
from tests.python.faults import Plan, Proxy
from tests.python.test_million_keys import endless_bucket, in_a_process

import eventlens
from bench.measured import ROOT, Measured, Row
from eventlens.packages import UnreachableError
from eventlens.sample_event import BIB_PATTERN, make_sample_event
from eventlens.sample_server import S3Server, fetch_s3_server

QUESTION = "What does it cost that media lie in a bucket?"
LISTED, FETCHED, SIZE = 10_000, 2_000, 200_000  # objects, objects, bytes
MANY = test_million_keys.MILLION
THREADS = 8
ROUNDS = 3
FAULTS = 0.05


def measure() -> Measured:
    try:
        fetch_s3_server()
    except UnreachableError as error:
        return Measured("speed.storage", QUESTION, "", skipped=str(error))
    sample = make_sample_event(ROOT / ".setup" / "sample")
    with tempfile.TemporaryDirectory() as scratch, S3Server(Path(scratch) / "s3") as server:
        os.environ.update(server.environment)
        rows = [
            *listing_rows(server, Path(scratch)),
            *fetching_rows(server),
            *indexing_rows(server, sample.photos, Path(scratch)),
            *fault_rows(server, [sample.photos, sample.videos], Path(scratch)),
            *memory_rows(Path(scratch)),
        ]
    data = (
        f"{LISTED:,} objects of 200 bytes; {FETCHED:,} of {SIZE // 1000} kB; the sample event's "
        f"{len(sample.truth)} photos; versitygw on loopback; {MANY:,} keys made up by a server that holds none"
    )
    return Measured("speed.storage", QUESTION, data, rows)


def listing_rows(server: S3Server, scratch: Path) -> list[Row]:
    """Objects that hold no photo and are known as such: nothing is left to do but to list and compare."""
    fill(server, "small", LISTED, lambda number: f"no photo, only number {number:06}".ljust(200).encode())
    at = ["small", server.location("small"), server.endpoint, scratch / "listed"]
    child("index_all", *at)
    ours, boto = turns([("index_all", at), ("list_with_boto3", at)], "seconds")
    allowed = [1.2 * other + 2 for other in boto]
    rest = max(own / most for own, most in zip(ours, allowed, strict=True))
    return [
        Row(f"{LISTED:,} objects listed and passed over as unchanged", statistics.median(ours), "s", spread(ours),
            f"at most {statistics.median(allowed):.2f} s: 1.2 × boto3's listing + 2 s"),
        Row("boto3's listing of them, without comparing", statistics.median(boto), "s", spread(boto)),
        Row("the slowest of ours beside what it may take", rest, "times", "", "at most 1"),
    ]  # fmt: skip


def fetching_rows(server: S3Server) -> list[Row]:
    fill(server, "photos", FETCHED, lambda number: bytes([number % 256]) * SIZE)
    at = ["photos", server.location("photos"), server.endpoint]
    calls = [("fetch", at), ("fetch_with_boto3", at)]
    answers = [[child(what, *arguments, one_core=True) for what, arguments in calls] for _ in range(ROUNDS)]
    ours, boto = ([FETCHED / answer[i]["cpu"] for answer in answers] for i in (0, 1))
    ratios = [own / other for own, other in zip(ours, boto, strict=True)]
    walls = [[FETCHED * SIZE / 1e6 / answer[i]["seconds"] for answer in answers] for i in (0, 1)]
    return [
        Row(f"objects of {SIZE // 1000} kB fetched per CPU second, {THREADS} at once, beside boto3",
            statistics.median(ratios), "times", f"{spread(ratios)}, interleaved", "at least 2"),
        Row("fetched per CPU second", statistics.median(ours), "objects", spread(ours)),
        Row(f"by boto3, {THREADS} threads", statistics.median(boto), "objects", spread(boto)),
        Row("fetched", statistics.median(walls[0]), "MB/s of one core", spread(walls[0])),
        Row(f"by boto3, {THREADS} threads", statistics.median(walls[1]), "MB/s of one core", spread(walls[1])),
    ]  # fmt: skip


def indexing_rows(server: S3Server, photos: Path, scratch: Path) -> list[Row]:
    server.make_bucket("race")
    put_folder(server, "race", photos)
    calls: list[tuple[str, list[Any]]] = [
        ("index_anew", [server.location("race", f"{photos.name}/"), scratch / "from-s3"]),
        ("index_anew", [photos, scratch / "from-folder"]),
    ]
    answers = [[child(what, *arguments, one_core=True) for what, arguments in calls] for _ in range(ROUNDS)]
    bucket, folder = ([answer[i]["seconds"] for answer in answers] for i in (0, 1))
    ratios = [one / other for one, other in zip(bucket, folder, strict=True)]
    count = len(list(photos.iterdir()))
    return [
        Row("indexing photos from a bucket beside from a folder, one core", statistics.median(ratios), "times",
            f"{spread(ratios)}, interleaved", "at most 1.05"),
        Row("a photo from the bucket", 1000 * statistics.median(bucket) / count, "ms"),
        Row("a photo from the folder", 1000 * statistics.median(folder) / count, "ms"),
    ]  # fmt: skip


def fault_rows(server: S3Server, folders: list[Path], scratch: Path) -> list[Row]:
    """The same event again and again: from the server, then through a proxy that spoils one request in twenty."""
    for folder in folders:
        put_folder(server, "race", folder)
    storage = eventlens.Storage(stalled_after=2)
    clean: dict[str, object] = {}
    differing = failed = retries = spoiled = requests = 0
    for seed in range(ROUNDS + 1):
        event = eventlens.open(scratch / f"faults-{seed}", storage=storage).create_event(
            "bench", bib_pattern=BIB_PATTERN
        )
        plan = Plan(faults.PASSING, rate=FAULTS, seed=seed) if seed else None
        with Proxy(int(server.endpoint.rpartition(":")[2]), plan=plan) as proxy:
            for folder in folders:
                report = event.index(server.location("race", f"{folder.name}/", endpoint=proxy.endpoint))
                failed += len(report.failed) + len(report.unlisted)
                retries += report.retries
        known = test_index.digest(event) | {"the video": test_videos.digest(event)}
        clean = clean or known
        differing += sum(known.get(key) != clean.get(key) for key in known | clean)
        spoiled += sum(proxy.faults().values())
        requests += len(proxy.exchanges) if seed else 0
    return [
        Row("photos and videos whose index differs after faults", differing, "",
            f"of {ROUNDS} times {len(clean)}", "0"),
        Row("failures told", failed, "", "", "0"),
        Row("requests spoiled", spoiled, "", f"of {requests}; {FAULTS:.0%} meant"),
        Row("requests made again", retries, "", "late and slow replies are no reason to"),
    ]  # fmt: skip


def memory_rows(scratch: Path) -> list[Row]:
    """By how much the peak of a process grows from a listing of 10,000 keys to one of a million."""
    with endless_bucket(MANY, ".txt") as location:
        listed = in_a_process("go_through", location)
        passed_over = in_a_process("dry_run", location, scratch / "other-files")
    with endless_bucket(MANY, ".jpg") as location:
        planned = in_a_process("dry_run", location, scratch / "photos")
    assert (listed["objects"], passed_over["added"], planned["added"]) == (MANY, 0, MANY)
    flat, per_key = test_million_keys.FLAT / 1e6, test_million_keys.PER_KEY
    return [
        Row(f"memory while listing {MANY:,} keys, more than for 10,000", listed["grown"] / 1e6, "MB", "",
            f"at most {flat:.0f}"),
        Row(f"memory of a dry run over {MANY:,} keys of other files", passed_over["grown"] / 1e6, "MB", "",
            f"at most {flat:.0f}"),
        Row(f"memory of a dry run over {MANY:,} new photos, for each", planned["grown"] / MANY, "bytes", "",
            f"at most {per_key}"),
    ]  # fmt: skip


# --- what they share ---


def fill(server: S3Server, bucket: str, count: int, content: Callable[[int], bytes]) -> None:
    server.make_bucket(bucket)
    store = eventlens.open_store(server.location(bucket))
    with ThreadPoolExecutor(THREADS) as pool:
        assert all(
            pool.map(
                lambda number: store.write(f"{number // 1000:03}/{number:06}.jpg", content(number)),
                range(count),
            )
        )


def put_folder(server: S3Server, bucket: str, folder: Path) -> None:
    store = eventlens.open_store(server.location(bucket))
    for path in folder.iterdir():
        store.write(f"{folder.name}/{path.name}", path.read_bytes())


def turns(calls: list[tuple[str, list[Any]]], figure: str) -> list[list[float]]:
    answers = [[child(what, *arguments)[figure] for what, arguments in calls] for _ in range(ROUNDS)]
    return [list(column) for column in zip(*answers, strict=True)]


def spread(values: list[float]) -> str:
    digits = 0 if min(values) >= 100 else 2
    return f"{min(values):.{digits}f} to {max(values):.{digits}f} over {len(values)} rounds"


# --- in processes of their own ---


def child(what: str, *arguments: object, one_core: bool = False) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.speed.storage", what, *map(str, arguments)]
    bound = one_cpu if one_core else None
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=bound)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def one_cpu() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def timed(work: Callable[[], object]) -> None:
    """Prints how long it took, and how much CPU of this process."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    work()
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


def boto3_client(endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(s3={"addressing_style": "path"}, max_pool_connections=THREADS)
    return boto3.client("s3", endpoint_url=endpoint, region_name=S3Server.region, config=config)


def index_all(_bucket: str, location: str, _endpoint: str, folder: str) -> None:
    """Brings an event up to date; the first time it is made."""
    season = eventlens.open(folder)
    try:
        event = season.event("bench")
    except eventlens.NotFoundError:
        event = season.create_event("bench")
    known = event.counts.total

    def work() -> None:
        report = event.index(location)
        assert report.unchanged == known
        assert report.unchanged + report.added == LISTED

    timed(work)


def list_with_boto3(bucket: str, _location: str, endpoint: str, _folder: str) -> None:
    client = boto3_client(endpoint)

    def work() -> None:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        assert sum(len(page["Contents"]) for page in pages) == LISTED

    timed(work)


def fetch(_bucket: str, location: str, _endpoint: str) -> None:
    store = eventlens.open_store(location)
    fetch_with(store.read)


def fetch_with_boto3(bucket: str, _location: str, endpoint: str) -> None:
    client = boto3_client(endpoint)

    def read(key: str) -> bytes:
        content: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    fetch_with(read)


def fetch_with(read: Callable[[str], bytes]) -> None:
    """All of them once; the first few before the clock starts, so that connections are open and code is loaded."""
    keys = [f"{number // 1000:03}/{number:06}.jpg" for number in range(FETCHED)]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(read, keys[: 4 * THREADS]))

        def work() -> None:
            assert sum(len(content) for content in pool.map(read, keys)) == FETCHED * SIZE

        timed(work)


def index_anew(location: str, folder: str) -> None:
    """Photos into a new event, on one core, after everything was loaded and warmed up by one of them."""
    shutil.rmtree(folder, ignore_errors=True)
    season = eventlens.open(folder, threads=1)
    sample = make_sample_event(ROOT / ".setup" / "sample")
    season.create_event("warm", bib_pattern=BIB_PATTERN).index(sorted(sample.photos.iterdir())[:2], workers=1)
    event = season.create_event("bench", bib_pattern=BIB_PATTERN)

    def work() -> None:
        report = event.index(location, workers=1)
        assert not report.failed
        assert report.added == len(sample.truth)

    timed(work)


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    children: list[Callable[..., None]] = [index_all, list_with_boto3, fetch, fetch_with_boto3, index_anew]
    {child.__name__: child for child in children}[what](*arguments)
