"""Index runs: what changed, what failed, what was interrupted. Nothing committed is ever lost."""

import hashlib
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import eventlens

ONE_RUN = """
import signal, sys, eventlens
signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run where a shell has it ignored
season = eventlens.open(sys.argv[1])
try:
    event = season.event("Race")
except LookupError:
    event = season.create_event("Race")
print("ready", flush=True)
event.index(sys.argv[2], workers=1)
"""


@contextmanager
def a_run(workspace: Path, folder: Path | str) -> Iterator[subprocess.Popen[str]]:
    """An index run in a process of its own, past its start; ended, if need be, at the end of the block."""
    command = [sys.executable, "-c", ONE_RUN, str(workspace), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def digest(event: eventlens.Event) -> dict[str, str]:
    """SHA-256 of all that is known of each photo, to the last bit; ids and the time of indexing left out."""
    photos = [event.details(listed.photo) for listed in event.photos()]
    return {photo.photo.key: hashlib.sha256(repr(content(photo)).encode()).hexdigest() for photo in photos}


def content(details: eventlens.PhotoDetails) -> list[object]:
    photo = details.photo
    faces = [
        (face.box, face.landmarks.tobytes(), face.confidence, face.quality, face.embedding.tobytes())
        for face in details.faces
    ]
    bibs = [(bib.text, bib.probability, bib.box, bib.partial) for bib in details.bibs]
    return [photo.width, photo.height, photo.captured, photo.camera, photo.hidden, photo.failure, faces, bibs]


def committed(workspace: Path) -> dict[bytes, tuple[int, bytes, int]]:
    """Key to (id, uuid, change) of each photo. The change is a new number whenever a photo is put again."""
    with closing(sqlite3.connect(f"file:{workspace}/catalog.sqlite?mode=ro", uri=True)) as catalog:
        return {row[0]: row[1:] for row in catalog.execute("SELECT key, id, uuid, changed FROM photos")}


def test_only_what_changed_is_looked_at_again(season, few):
    event = season.create_event("Race")
    first = event.index(few)
    assert (first.added, first.unchanged, first.failed) == (4, 0, [])
    second = event.index(few)
    assert (second.added, second.updated, second.unchanged, second.removed) == (0, 0, 4, 0)

    names = sorted(few.iterdir())
    before = {details.photo.key: details.photo.uuid for details in event.photos()}
    os.utime(names[0], ns=(1, 1))
    names[1].unlink()
    shutil.copy(names[2], few / "new.jpg")
    third = event.index(few)
    assert (third.added, third.updated, third.unchanged, third.removed) == (1, 1, 2, 1)
    after = {details.photo.key: details.photo.uuid for details in event.photos()}
    assert names[1].name not in after
    assert after[names[0].name] == before[names[0].name], "a photo keeps its UUID"


def test_a_dry_run_does_nothing(season, few):
    event = season.create_event("Race")
    report = event.index(few, dry_run=True)
    assert report.added == 4
    assert event.counts.total == 0
    event.index(few)
    sorted(few.iterdir())[0].unlink()
    assert event.index(few, dry_run=True).removed == 1
    assert event.counts.total == 4


def test_one_bad_file_does_not_stop_the_run(season, few, plain_jpeg):
    (few / "empty.jpg").write_bytes(b"")
    (few / "text.jpg").write_text("not a photo")
    (few / "cut.jpg").write_bytes(plain_jpeg[: len(plain_jpeg) // 2])
    (few / "note.txt").write_text("not listed at all")
    (few / "line\nbreak é.jpg").write_bytes(plain_jpeg)
    event = season.create_event("Race")
    report = event.index(few)
    failed = dict(report.failed)
    assert {"empty.jpg", "text.jpg", "cut.jpg"} <= set(failed)
    assert all(failed.values()), "each with its reason"
    assert event.counts.processed == 5
    assert dict(event.failures()) == failed
    assert "line\nbreak é.jpg" in {details.photo.key for details in event.photos()}

    again = event.index(few)
    assert (again.updated, again.failed) == (0, []), "what failed is remembered until it changes"
    assert event.index(few, retry_failed=True).updated == len(failed)
    (few / "empty.jpg").write_bytes(plain_jpeg)
    assert event.index(few).updated == 1
    assert "empty.jpg" not in dict(event.failures())


def test_a_file_that_may_not_be_read_says_nothing_of_the_photo(tmp_path, few):
    """It is reported, and read as soon as it may be. Root, who may read all, gives that right up here."""
    locked = sorted(few.iterdir())[1]
    locked.chmod(0)
    command = [sys.executable, "-m", "eventlens.cli", "index", str(few), "-e", "Race"]
    command += ["--workspace", str(tmp_path / "season")]
    if os.getuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stdout + done.stderr
    assert locked.name in done.stdout
    assert "Permission denied" in done.stdout
    event = eventlens.open(tmp_path / "season").event("Race")
    assert (event.failures(), event.counts.total) == ([], 3)
    locked.chmod(0o600)
    report = event.index(few)
    assert (report.added, report.unchanged, report.failed) == (1, 3, [])


def test_names_that_are_not_utf8(season, few, plain_jpeg):
    strange = os.fsdecode(b"caf\xe9.jpg")
    Path(os.path.join(few, strange)).write_bytes(plain_jpeg)  # noqa: PTH118
    event = season.create_event("Race")
    event.index(few)
    photo = next(details.photo for details in event.photos() if details.photo.key == strange)
    assert photo.image(64).shape == (48, 64, 3)


def test_a_photo_without_a_face_is_fine(season, tmp_path, plain_jpeg):
    (tmp_path / "nobody.jpg").write_bytes(plain_jpeg)
    event = season.create_event("Race")
    event.index([tmp_path / "nobody.jpg"])
    assert [(d.faces, d.bibs) for d in event.photos()] == [([], [])]


def test_a_list_of_paths_only_adds(season, few):
    paths = sorted(few.iterdir())
    event = season.create_event("Race")
    assert event.index(paths[:2]).added == 2
    assert event.index(paths[1:3]).added == 1
    report = event.index([few / "missing.jpg"])
    assert [key for key, _ in report.failed] == [str(few / "missing.jpg")]
    assert event.counts.total == 3


def test_there_is_no_such_folder(season, tmp_path):
    event = season.create_event("Race")
    with pytest.raises(LookupError):
        event.index(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="gopher"):
        event.index("gopher://bucket/photos/")


def test_symlink_loops_end(season, few):
    (few / "loop").symlink_to(few, target_is_directory=True)
    assert season.create_event("Race").index(few).added == 4


def test_a_photo_that_disappears_while_indexing(season, few):
    event = season.create_event("Race")
    last = sorted(few.iterdir())[-1]

    def remove_it(_progress):
        last.unlink(missing_ok=True)

    report = event.index(few, workers=1, progress=remove_it)
    assert report.added == 4
    assert [key for key, _ in report.failed] in ([], [last.name])
    assert event.index(few).removed == (0 if report.failed else 1)
    assert event.counts.total == 3


def test_ctrl_c_keeps_what_is_done(tmp_path, sample):
    with a_run(tmp_path / "season", sample.photos) as process:
        wait_for_photos(tmp_path / "season", 1, process)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) != 0
    event = eventlens.open(tmp_path / "season").event("Race")
    done = event.counts.processed
    assert 0 < done < len(sample.truth)
    report = event.index(sample.photos)
    assert report.unchanged == done
    assert report.added == len(sample.truth) - done


def test_ctrl_c_while_a_bucket_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anybody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "whatever")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bucket = f"s3://lake/?endpoint=http://127.0.0.1:{silent.getsockname()[1]}"
        with a_run(tmp_path / "season", bucket) as process:
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                assert process.wait(10) != 0


def wait_for_photos(workspace: Path, count: int, process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        ended = process.poll() is not None
        if len(committed(workspace)) >= count:
            return
        assert not ended, "the run ended before it could be stopped"
        time.sleep(0.05)
    raise AssertionError("no photo was committed in a minute")


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.long)])
def test_kill_9_loses_nothing_committed(tmp_path, sample, indexed, kills):
    """Killed again and again at random moments, from the models' loading on; in the end everything is there, as from
    one undisturbed run, and nothing was looked at twice. An event is soon complete: then it is the next one's turn.
    """
    moments = random.Random(kills)
    spent = 0
    while spent < kills:
        workspace = tmp_path / f"season after {spent} kills"
        event = eventlens.open(workspace).create_event(
            "Race", bib_pattern=indexed.bib_pattern, time_zone=indexed.time_zone
        )
        kept: dict[bytes, tuple[int, bytes, int]] = {}
        while spent < kills and len(kept) + 4 <= len(sample.truth):
            with a_run(workspace, sample.photos) as process:
                wait_for_photos(workspace, len(kept) + moments.randrange(4), process)
                time.sleep(moments.random())
                process.kill()
                spent += process.wait() == -signal.SIGKILL
            before, kept = kept, committed(workspace)
            assert before.items() <= kept.items(), "committed photos are neither lost nor put again"
        assert event.index(sample.photos).unchanged == len(kept)
        assert kept.items() <= committed(workspace).items()
        assert digest(event) == digest(indexed)


def test_two_processes_index_one_event_at_once(tmp_path, sample, indexed):
    eventlens.open(tmp_path / "season").create_event(
        "Race", bib_pattern=indexed.bib_pattern, time_zone=indexed.time_zone
    )
    with a_run(tmp_path / "season", sample.photos) as one, a_run(tmp_path / "season", sample.photos) as other:
        assert [one.wait(300), other.wait(300)] == [0, 0]
    event = eventlens.open(tmp_path / "season").event("Race")
    assert digest(event) == digest(indexed)
    assert event.index(sample.photos).unchanged == len(sample.truth)


def test_what_another_process_commits_is_found_at_once(tmp_path, sample):
    _person, selfie = next(iter(sample.selfies.items()))
    mine = eventlens.open(tmp_path / "season")
    event = mine.create_event("Race")
    assert event.find_selfie(selfie).matches == []
    with a_run(tmp_path / "season", sample.photos) as process:
        assert process.wait(300) == 0
    assert event.find_selfie(selfie).matches


def test_searches_go_on_while_indexing(season, sample):
    event = season.create_event("Race")
    answers: list[int] = []
    stop = threading.Event()

    def search():
        while not stop.is_set():
            answers.append(len(event.find_bib("1234")))

    thread = threading.Thread(target=search)
    thread.start()
    try:
        event.index(sorted(sample.photos.iterdir())[:8])
    finally:
        stop.set()
        thread.join()
    assert len(answers) > 3


def test_progress_tells_the_truth(season, few):
    states: list[tuple[int, int, int]] = []
    season.create_event("Race").index(few, progress=lambda p: states.append((p.listed, p.total, p.done)))
    assert states[-1] == (4, 4, 4)
    assert [done for *_, done in states] == sorted(done for *_, done in states)


def test_an_error_in_progress_ends_the_run_and_keeps_what_is_done(season, sample):
    event = season.create_event("Race")

    def fail_later(progress):
        if progress.done:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        event.index(sample.photos, progress=fail_later)
    assert 0 < event.counts.processed < len(sample.truth)


def test_clock_offset_and_time_zone(season, sample):
    event = season.create_event("Race", time_zone="Europe/Berlin")
    event.index(sample.photos)
    taken = {d.photo.key: d.photo.captured for d in event.photos() if d.photo.captured}
    assert taken, "the sample event's photos carry capture times"
    camera = next(d.photo.camera for d in event.photos() if d.photo.captured)
    event.set_clock_offset(camera, -90)
    for details in event.photos():
        photo = details.photo
        if photo.key in taken and photo.camera == camera:
            assert (taken[photo.key] - photo.captured).total_seconds() == 90
    assert event.cameras()[camera] == -90


def test_a_workspace_from_a_newer_version_is_refused(tmp_path):
    eventlens.open(tmp_path / "season")
    with closing(sqlite3.connect(tmp_path / "season/catalog.sqlite")) as catalog:
        catalog.execute("PRAGMA user_version = 9999")
        catalog.commit()
    with pytest.raises(eventlens.UnsupportedError, match="newer"):
        eventlens.open(tmp_path / "season")


def test_a_folder_that_nobody_can_make_says_so():
    with pytest.raises(eventlens.EventlensError, match="/proc"):
        eventlens.open("/proc/season")


@pytest.mark.skipif(os.getuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_says_so(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(eventlens.EventlensError):
        eventlens.open(tmp_path / "season")


def test_photos_of_a_read_only_folder_stay_untouched(season, few):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in few.iterdir()}
    few.chmod(0o500)
    try:
        season.create_event("Race").index(few)
    finally:
        few.chmod(0o700)
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in few.iterdir()}


def test_a_full_disk_keeps_what_was_committed(tmp_path, sample):
    """A file-size limit stands in for the full disk: SQLite sees the same failing write."""
    script = (
        "import resource, signal, sys, eventlens\n"
        "event = eventlens.open(sys.argv[1]).create_event('Race')\n"
        "event.index(sorted(__import__('pathlib').Path(sys.argv[2]).iterdir())[:3])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    event.index(sys.argv[2])\n"
        "except eventlens.EventlensError as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "season"), str(sample.photos)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip(), "the run must say that it could not go on"
    event = eventlens.open(tmp_path / "season").event("Race")
    assert event.counts.processed == 3
    assert event.index(sample.photos).added == len(sample.truth)
