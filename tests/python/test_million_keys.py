"""A million keys are listed in flat memory, and what an index run remembers of a key is small.

The bucket is made up as it is asked for: pages of ListObjectsV2 for as many keys as are wanted, none of which are held.
What lists it is a process of its own, which tells how much memory it had at most.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import eventlens

PAGE = 1_000  # keys, the most that S3 gives at once
FEW = 10_000  # keys; once so many were listed, everything is loaded and has its size
MILLION = 1_000_000

# Bytes by which the peak may grow from a listing of few keys to one of a million. Measured are less than 100,000, the
# allocator's; a listing that keeps the keys grows by 340 MB, and one that keeps two bytes of each is beyond this.
FLAT = 2_000_000

# Bytes that an index run may hold of each photo that it has to look at. Measured are 170: a listed object of 88, its
# key and its ETag. The objects are there twice for a moment when the list of them grows.
PER_KEY = 300


@contextmanager
def endless_bucket(count: int, ending: str, asked: list[int] | None = None) -> Iterator[str]:
    """The location of a bucket with the keys "notes/0000000" + ending and so on.

    asked: Gets the number of the first key of each page that is asked for.
    """

    class Pages(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            first = int(query.get("continuation-token", ["0"])[0])
            if asked is not None:
                asked.append(first)
            body = page(first, min(first + PAGE, count), first + PAGE < count, ending)
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"s3://bucket/?endpoint=http://127.0.0.1:{server.server_port}&anonymous=1"
        finally:
            server.shutdown()
            thread.join()


def page(first: int, behind: int, is_truncated: bool, ending: str) -> bytes:
    contents = "".join(
        f"<Contents><Key>notes/{number:07}{ending}</Key><LastModified>2026-11-22T09:30:00.000Z</LastModified>"
        f"<ETag>&quot;{number:032x}&quot;</ETag><Size>{number}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for number in range(first, behind)
    )
    more = f"<NextContinuationToken>{behind}</NextContinuationToken>" if is_truncated else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix></Prefix>'
        f"<KeyCount>{behind - first}</KeyCount><MaxKeys>{PAGE}</MaxKeys><EncodingType>url</EncodingType>"
        f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>{more}{contents}</ListBucketResult>"
    ).encode()


def in_a_process(what: str, location: str, *more: object) -> dict[str, int]:
    """What one of the functions at the end of this file prints, called in a process of its own."""
    command = [sys.executable, __file__, what, location, *map(str, more)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=600)
    told: dict[str, int] = json.loads(done.stdout)
    return told


def test_pages_are_asked_for_when_they_are_needed():
    asked: list[int] = []
    with endless_bucket(10 * PAGE, ".txt", asked) as location:
        listing = eventlens.open_store(location).list()
        assert asked == []
        assert [next(listing).key for _ in range(PAGE)][-1] == "notes/0000999.txt"
        assert asked == [0]
        next(listing)
        assert asked == [0, PAGE]


def test_an_error_ends_a_listing():
    with endless_bucket(PAGE, ".txt") as location:
        listing = eventlens.open_store(location, storage=eventlens.Storage(attempts=1)).list()
    with pytest.raises(eventlens.OverloadedError):
        next(listing)  # the server is gone
    assert list(listing) == []


def test_a_listing_is_flat():
    with endless_bucket(MILLION, ".txt") as location:
        told = in_a_process("go_through", location)
    assert told["objects"] == MILLION
    assert told["sizes"] == MILLION * (MILLION - 1) // 2, "each of them once"
    assert told["grown"] < FLAT


def test_the_bound_tells_a_listing_that_is_kept():
    """Or the test above would pass whatever happens."""
    with endless_bucket(MILLION // 10, ".txt") as location:
        assert in_a_process("keep", location)["grown"] > 10 * FLAT


def test_an_index_run_over_other_files_is_flat(tmp_path):
    with endless_bucket(MILLION, ".txt") as location:
        told = in_a_process("dry_run", location, tmp_path / "season")
    assert told["added"] == 0
    assert told["grown"] < FLAT


def test_an_index_run_remembers_little_of_a_key(tmp_path):
    with endless_bucket(MILLION, ".jpg") as location:
        told = in_a_process("dry_run", location, tmp_path / "season")
    assert told["added"] == MILLION
    assert told["grown"] / MILLION < PER_KEY


# --- in processes of their own ---


def peak() -> int:
    """Bytes of memory that this process had at most. Not ru_maxrss: that begins with the peak of who started it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise AssertionError("the system tells no peak")


def go_through(location: str) -> None:
    with endless_bucket(FEW, ".txt") as small:
        assert sum(1 for _ in eventlens.open_store(small).list()) == FEW
    before = peak()
    objects = sizes = 0
    for stored in eventlens.open_store(location).list():
        objects += 1
        sizes += stored.size
    print(json.dumps({"objects": objects, "sizes": sizes, "grown": peak() - before}))


def keep(location: str) -> None:
    before = peak()
    kept = list(eventlens.open_store(location).list())
    print(json.dumps({"objects": len(kept), "grown": peak() - before}))


def dry_run(location: str, folder: str) -> None:
    event = eventlens.open(folder).create_event("Race")
    with endless_bucket(FEW, ".txt") as small:
        event.index(small, dry_run=True)
    before = peak()
    report = event.index(location, dry_run=True)
    print(json.dumps({"added": report.added, "grown": peak() - before}))


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    {"go_through": go_through, "keep": keep, "dry_run": dry_run}[what](*arguments)
