"""How long what people ask for is kept, and that a purge leaves nothing behind."""

import io
import json
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
import time
import uuid

import numpy as np
import pytest
from PIL import Image

import eventlens


def holds(folder, needle):
    """Whether any file below the folder holds these bytes."""
    return any(needle in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def rows(season, sql):
    database = sqlite3.connect(season.folder / "catalog.sqlite")
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def change(season, sql):
    database = sqlite3.connect(season.folder / "catalog.sqlite")
    database.execute(sql)
    database.commit()
    database.close()


def command(*arguments):
    return [sys.executable, "-m", "eventlens.cli", *map(str, arguments)]


def run(*arguments, code=0):
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


@pytest.fixture(scope="module")
def made(sample, finish, tmp_path_factory):
    """A workspace with two events of a few photos, one with a video; to be copied."""
    folder = tmp_path_factory.mktemp("made") / "season"
    season = eventlens.open(folder)
    for name, first in (("Purged", 0), ("Other", 4)):
        photos = tmp_path_factory.mktemp("photos")
        for path in sorted(sample.photos.iterdir())[first : first + 4]:
            shutil.copy(path, photos / f"{name.lower()}-key-{path.name}")
        if name == "Purged":
            shutil.copy(finish / "finish.mp4", photos / "purged-key-finish.mp4")
        event = season.create_event(name, bib_pattern=r"[A-Z]?\d{2,5}", selfie_retention=True)
        event.set_renditions()
        assert not event.index(photos).failed
        event.set_roster(f"bib,name\n12,Runner Of {name}\n".encode())
    return folder


@pytest.fixture
def copied(made, tmp_path):
    shutil.copytree(made, tmp_path / "season")
    return eventlens.open(tmp_path / "season")


@pytest.fixture
def selfie(sample):
    return next(iter(sample.selfies.values()))


def piece_of(jpeg):
    """Bytes that are in no other picture: behind the tables, which are the same in all JPEGs."""
    return jpeg[len(jpeg) // 2 :][:64]


def renditions_in(season, event):
    return sorted((season.folder / "renditions" / "imgs" / str(event.id)).rglob("*.jpg"))


def with_exif(selfie):
    """The selfie as a telephone writes it, with the place where it was taken."""
    picture = Image.open(selfie).convert("RGB")
    exif = picture.getexif()
    exif[0x010F] = "Telephone Of Somebody"
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


def test_selfies_are_not_stored_unless_asked(copied, selfie):
    event = copied.event("Purged")
    event.selfie_retention = False
    given = with_exif(selfie)
    search = event.find_selfie(given)
    assert search.selfies
    assert search.stored_selfies == []
    assert rows(copied, "SELECT count(*) FROM search_selfies") == [(0,)]
    assert not holds(copied.folder, piece_of(given))
    assert eventlens.open(copied.folder).create_event("New").selfie_retention is False


def test_stored_selfies_show_the_face_and_not_where_it_was_taken(copied, selfie):
    event = copied.event("Purged")
    given = with_exif(selfie)
    assert b"Telephone Of Somebody" in given
    search = event.find_selfie([given, given])
    (stored, _) = search.stored_selfies
    assert b"Telephone" not in stored.picture
    assert np.linalg.norm(stored.embedding) == pytest.approx(1, abs=1e-2)
    again = eventlens.FaceFinder().find(eventlens.decode_image(stored.picture))
    assert again[0].embedding @ stored.embedding > 0.9
    assert event.search(search.request_id).stored_selfies[0].picture == stored.picture

    event.selfie_retention = False
    assert len(search.stored_selfies) == 2, "as was promised"
    assert event.apply_retention() == 0
    assert search.stored_selfies == []
    assert event.search(search.request_id).request_id == search.request_id


def test_an_expired_search_is_not_found_and_the_next_run_deletes_it(copied, selfie, few):
    event = copied.event("Purged")
    assert event.search_lifetime_days == 30
    request_id = event.find_selfie(selfie).request_id
    ((days,),) = rows(copied, "SELECT (expires - created) / 86400000.0 FROM searches")
    assert days == 30
    change(copied, "UPDATE searches SET expires = 1")
    with pytest.raises(eventlens.NotFoundError):
        event.search(request_id)
    with pytest.raises(eventlens.NotFoundError):
        event.find_clips(request_id=request_id)
    event.index(few, dry_run=True)
    assert rows(copied, "SELECT count(*) FROM searches") == [(1,)]
    copied.event("Other").index([next(few.iterdir())])
    assert rows(copied, "SELECT count(*) FROM searches") == [(0,)]
    assert not event.find_selfie(selfie, request_id=request_id).repeated, "the id is free again"


def test_a_new_time_holds_for_searches_to_come(copied, selfie):
    event = copied.event("Purged")
    event.find_selfie(selfie)
    event.search_lifetime_days = 0.5
    event.find_selfie(selfie)
    days = "SELECT (expires - created) / 86400000.0 FROM searches ORDER BY id"
    assert rows(copied, days) == [(30,), (0.5,)]
    assert event.apply_retention() == 0
    assert rows(copied, days) == [(0.5,), (0.5,)]
    event.search_lifetime_days = None
    assert event.search_lifetime_days is None
    assert event.apply_retention() == 0
    assert rows(copied, days) == [(0.5,), (0.5,)], "nothing is kept for longer than it was to be"
    with pytest.raises(eventlens.BadInputError, match="lifetime"):
        event.search_lifetime_days = 0


def test_a_search_is_forgotten_when_the_person_asks(copied, selfie):
    event = copied.event("Purged")
    search = event.find_selfie(selfie)
    kept = event.find_selfie(selfie)
    traces = [uuid.UUID(search.request_id).bytes, piece_of(search.stored_selfies[0].picture)]
    assert holds(copied.folder, traces[0])
    event.forget_search(search.request_id)
    assert not holds(copied.folder, traces[0])
    assert search.stored_selfies == []
    with pytest.raises(eventlens.NotFoundError):
        event.search(search.request_id)
    with pytest.raises(eventlens.NotFoundError):
        event.forget_search(search.request_id)
    assert event.search(kept.request_id).matches == kept.matches
    event.forget_search(kept.request_id, compact=False)
    assert not holds(copied.folder, traces[1]), "of either search: the selfie was the same"


def traces_of(event, search):
    """Bytes by which the event would be known again."""
    traces = [uuid.UUID(search.request_id).bytes, piece_of(search.stored_selfies[0].picture)]
    traces += [name.encode() for _, name in event.roster()]
    traces += [search.stored_selfies[0].embedding.astype("<f2").tobytes()]
    for details in event.photos():
        traces += [details.photo.key.encode(), uuid.UUID(details.photo.uuid).bytes]
        traces += [face.embedding.astype("<f2").tobytes() for face in event.details(details.photo).faces]
    traces += [video.key.encode() for video in event.videos()]
    return traces


def answers_of(event, bib, request_id):
    """What an event knows and answers."""
    return (
        [(details.photo, [bib.text for bib in details.bibs]) for details in event.photos()],
        [
            face.embedding.tolist()
            for details in event.photos()
            for face in event.details(details.photo).faces
        ],
        event.videos(),
        event.roster(),
        event.find_bib(bib),
        event.search(request_id),
    )


def test_a_purge_leaves_nothing_of_one_event_and_all_of_the_other(copied, sample, selfie, tmp_path):
    purged, other = copied.event("Purged"), copied.event("Other")
    second = eventlens.open(copied.folder)  # another process would see the same
    bib = next(iter(sample.bibs.values()))
    search = purged.find_selfie(selfie)
    kept = other.find_selfie(list(sample.selfies.values())[1]).request_id
    second.event("Purged").find_bib(bib)
    before = answers_of(other, bib, kept)
    pictures = {path: path.read_bytes() for path in renditions_in(copied, other)}
    assert len(pictures) == 8
    traces = traces_of(purged, search)
    traces += [piece_of(path.read_bytes()) for path in renditions_in(copied, purged)]
    assert len(traces) > 15
    for trace in traces:
        assert holds(copied.folder, trace), trace
    held = second.event("Purged")
    ((photos,), (videos,), (faces,)) = (
        rows(copied, f"SELECT count(*) FROM {sql}")[0]
        for sql in (
            f"photos WHERE event = {purged.id}",
            f"videos WHERE event = {purged.id}",
            f"faces f JOIN photos p ON p.id = f.photo WHERE p.event = {purged.id}",
        )
    )

    report = copied.purge_event(purged)
    assert (report.event, report.event_name, report.resumed) == (purged.id, "Purged", False)
    assert report.begun <= report.finished
    assert (report.removed["photos"], report.removed["videos"]) == (photos, videos) == (4, 1)
    assert report.removed["faces"] > faces > 0, "those seen in the video too"
    assert report.removed["embeddings"] > report.removed["selfies"] == report.removed["searches"] == 1
    assert report.removed["appearances"] > 0
    assert report.removed["bib_reads"] > 0
    assert report.removed["roster_entries"] == 1
    assert report.removed["renditions"] == 8
    assert renditions_in(copied, purged) == []
    assert {path: path.read_bytes() for path in renditions_in(copied, other)} == pictures
    assert report.catalog_bytes_after < report.catalog_bytes_before
    receipt = json.loads(report.receipt.read_text())
    assert report.receipt.parent == copied.folder / "receipts"
    assert receipt["removed"] == report.removed
    assert (receipt["event"], receipt["event_name"]) == (purged.id, "Purged")
    assert receipt["begun"] == report.begun.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert receipt["software"] == f"eventlens {eventlens.__version__}"
    assert any("clips" in text for text in receipt["not_included"])

    for trace in traces:
        assert not holds(copied.folder, trace), trace
    for asked in (lambda: held.find_bib(bib), lambda: held.find_selfie(selfie), lambda: held.search(kept)):
        with pytest.raises(eventlens.NotFoundError):
            asked()
    assert answers_of(second.event("Other"), bib, kept) == answers_of(other, bib, kept) == before
    with pytest.raises(eventlens.NotFoundError):
        copied.purge_event(purged)


def test_a_purge_while_the_event_is_indexed(sample, tmp_path):
    """What the run was about to store does not stay behind in the organiser's folder."""
    season = eventlens.open(tmp_path / "season")
    event = season.create_event("Race")
    web = tmp_path / "web"
    event.set_renditions(web)

    def purge_at_the_first(progress):
        if progress.done and season.events():
            eventlens.open(season.folder).purge_event(event.id)

    with pytest.raises(eventlens.NotFoundError):
        event.index(sample.photos, progress=purge_at_the_first)
    assert season.events() == []
    assert [path for path in web.rglob("*") if path.is_file()] == []


def test_a_purge_that_was_killed_is_finished_by_the_same_command(copied):
    event = copied.event("Purged")
    number = event.id
    reader = sqlite3.connect(copied.folder / "catalog.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM photos").fetchall()  # what it sees cannot be written over meanwhile
    purging = subprocess.Popen(
        command("purge", "Purged", "-w", copied.folder, "--yes"), stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while rows(copied, f"SELECT 1 FROM events WHERE id = {number}") and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not rows(copied, f"SELECT 1 FROM events WHERE id = {number}")
    finally:
        purging.kill()
        purging.wait()
        reader.close()
    assert copied.unfinished_purges() == {number: "Purged"}
    assert not (copied.folder / "receipts").exists()
    namesake = copied.create_event("Purged")
    receipt = json.loads(run("purge", "Purged", "-w", copied.folder, "--json").stdout)
    assert receipt["event"] == number
    assert receipt["resumed"] is True
    assert receipt["removed"]["photos"] == 4, "what the first call removed is counted"
    assert receipt["removed"]["embeddings"] > 0
    assert copied.unfinished_purges() == {}
    assert copied.event("Purged").id == namesake.id
    assert not holds(copied.folder, b"purged-key-")


def test_the_command_line_says_and_changes_what_is_kept(copied, selfie):
    asked = ["retention", "-e", "Purged", "-w", copied.folder]
    printed = run(*asked).stdout
    assert "kept for 30 days" in printed
    assert "selfies: kept with their search" in printed
    request_id = copied.event("Purged").find_selfie(selfie).request_id
    changed = json.loads(run(*asked, "--search-days", "7", "--no-keep-selfies", "--json").stdout)
    assert changed == {
        "event": "Purged",
        "search_lifetime_days": 7,
        "selfie_retention": False,
        "searches_removed": 0,
    }
    change(copied, "UPDATE searches SET created = 1")
    assert "1 earlier search deleted" in run(*asked, "--apply-to-existing").stdout
    assert "kept forever" in run(*asked, "--search-days", "forever").stdout
    assert "not stored" in run(*asked).stdout
    run(*asked, "--search-days", "soon", code=2)
    run(*asked, "--search-days", "0", code=3)
    missing = run("forget", "-e", "Purged", "-w", copied.folder, "--request-id", request_id, code=3)
    assert "no search" in missing.stderr


def test_the_command_line_forgets_a_search(copied, selfie):
    event = copied.event("Other")
    request_id = event.find_selfie(selfie).request_id
    assert (
        "forgotten"
        in run("forget", "--event", "Other", "--request-id", request_id, "-w", copied.folder).stdout
    )
    with pytest.raises(eventlens.NotFoundError):
        event.search(request_id)


def test_the_command_line_asks_before_it_purges(copied):
    assert "--yes" in run("purge", "Purged", "-w", copied.folder, code=2).stderr
    try:
        asking, terminal = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal can be made here: {error}")
    os.write(asking, b"n\n")
    answered = subprocess.run(
        command("purge", "Purged", "-w", copied.folder),
        stdin=terminal,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(asking)
    os.close(terminal)
    assert answered.returncode == 130, answered
    assert "'Purged', 4 photos and 1 video, for good?" in answered.stderr
    assert copied.event("Purged").counts.total == 4
    done = run("purge", "Purged", "-w", copied.folder, "--yes").stdout
    assert "purged 'Purged':" in done
    assert "4  photos" in done
    assert "clips or copies in other folders are untouched" in done
    assert "no event 'Purged'" in run("purge", "Purged", "-w", copied.folder, "--yes", code=3).stderr
