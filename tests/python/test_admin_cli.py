"""Organisations, keys and events, from Python and from the command line."""

import hashlib
import hmac
import json
import os
import pty
import shutil
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.server.running import Server

import eventlens


def run(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "eventlens.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


def told(*arguments, code=0):
    return json.loads(run(*arguments, "--json", code=code).stdout)


def answered(answer, *arguments):
    """The command, asked at a terminal."""
    try:
        asking, terminal = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal can be made here: {error}")
    os.write(asking, answer)
    done = subprocess.run(
        [sys.executable, "-m", "eventlens.cli", *map(str, arguments)],
        stdin=terminal,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(asking)
    os.close(terminal)
    return done


# --- Python ---


def test_organisations_have_origins(season):
    (first,) = season.organisations()
    assert first.name == "default"
    assert first.cors_origins == ()
    assert first.billable_searches == 0
    runs = season.create_organisation("Lake Runs")
    assert datetime.now(timezone.utc) - runs.created < timedelta(minutes=5)
    changed = season.update_organisation(runs, cors_origins=["https://photos.example.org"])
    assert changed.name == "Lake Runs"
    assert changed.cors_origins == ("https://photos.example.org",)
    assert season.update_organisation(runs.id, name="Harbour").cors_origins == ("https://photos.example.org",)
    with pytest.raises(ValueError, match="no origin"):
        season.update_organisation(runs, cors_origins=["photos.example.org"])
    with pytest.raises(LookupError):
        season.update_organisation(99, name="Nobody")
    assert season.create_event("Race", org=runs).organisation == runs.id
    assert [event.name for event in season.events(org=runs.id)] == ["Race"]
    assert season.events() == []


def test_a_key_is_told_once(season):
    runs = season.create_organisation("Lake Runs")
    made = season.create_key(runs, name="shop", creator="ann@example.org")
    assert len(made.key) == 40
    assert made.key.isalnum()
    assert made.key.isascii()
    assert made.key not in repr(made)
    (key,) = season.keys(runs)
    assert (key.id, key.shown, key.name, key.creator, key.active) == (
        made.id,
        made.key[:5],
        "shop",
        "ann@example.org",
        True,
    )
    assert season.keys(1) == []
    assert season.keys() == [key]
    season.disable_key(key)
    assert not season.keys()[0].active
    season.enable_key(key.id)
    assert season.keys()[0].active
    season.delete_key(key)
    assert season.keys() == []
    with pytest.raises(LookupError):
        season.delete_key(key)
    keys = {season.create_key(runs).key for _ in range(10)}
    assert len(keys) == 10
    with pytest.raises(ValueError, match="ten keys"):
        season.create_key(runs)


def test_what_a_server_offers_of_an_event_is_set_by_itself(season):
    event = season.create_event("Race", confidence_percentage=60)
    assert event.features == eventlens.Features()
    assert event.clips == eventlens.ClipSettings()
    assert not event.originals
    event.set_features(selfie_search=False, name_search=True)
    assert event.features == eventlens.Features(selfie_search=False, name_search=True)
    event.set_clips(padding_start=0.5)
    event.set_clips(max_clip_duration=0)
    assert event.clips == eventlens.ClipSettings(padding_start=0.5, max_clip_duration=0)
    event.originals = True
    event.name, event.slug, event.status, event.cover_image = "Lake Race", "lake", "draft", "/cover.jpg"
    event.date, event.time_zone = "2026-05-09", "Europe/Berlin"
    again = season.event_by_id(event.id)
    assert (again.name, again.slug, again.status, again.cover_image, again.originals) == (
        "Lake Race",
        "lake",
        "draft",
        "/cover.jpg",
        True,
    )
    assert (again.date, again.time_zone) == ("2026-05-09T00:00:00", "Europe/Berlin")
    assert again.confidence_percentage == 60
    with pytest.raises(ValueError, match="seconds of a clip"):
        event.set_clips(max_gap=-1)
    with pytest.raises(LookupError):
        season.event_by_id(99)


def test_deleted_photos_stay_away(season, sample):
    event = season.create_event("Race", bib_pattern=r"[A-Z]?\d{2,5}")
    photos = sorted(sample.photos.iterdir())[:6]
    report = event.index(photos)
    assert report.added == len(photos)
    first, second, *_ = [details.photo for details in event.photos()]
    assert event.delete([first]) == 1
    bibs = event.bibs()
    bib = max(bibs, key=lambda text: bibs[text])
    shown = [match.photo for match in event.find_bib(bib) if match.kind == "bib"]
    assert event.delete(bib=bib) == len(shown) > 0
    assert not [match for match in event.find_bib(bib) if match.kind == "bib"]
    left = {details.photo.uuid for details in event.photos()}
    assert left.isdisjoint({first.uuid, *(photo.uuid for photo in shown)})
    again = event.index(photos)
    assert (again.added, again.updated, again.removed) == (0, 0, 0)
    assert {details.photo.uuid for details in event.photos()} == left
    with pytest.raises(ValueError, match="needs one of"):
        event.delete([second], bib=bib)
    with pytest.raises(LookupError):
        event.delete(request_id="00000000-0000-4000-8000-000000000000")


def test_the_flags_of_videos_turn_on_with_the_first_video(season, finish):
    event = season.create_event("Race")
    assert not event.features.video_search
    event.index(finish)
    assert event.features.video_search
    assert event.features.video_selfie_search


# --- the command line ---


def test_an_organisation_and_its_keys(tmp_path):
    workspace = ["--workspace", tmp_path / "season"]
    assert run("org", "list", *workspace, code=3).stderr.startswith("eventlens: no workspace")
    org = int(run("org", "create", "Lake Runs", *workspace).stdout)
    assert told("org", "create", "Harbour", *workspace)["name"] == "Harbour"
    told("org", "set", org, "--cors-origin", "https://a.example", "--cors-origin", "*", *workspace)
    assert [item["name"] for item in told("org", "list", *workspace)["organisations"]] == [
        "default",
        "Lake Runs",
        "Harbour",
    ]
    assert "https://a.example *" in run("org", "list", *workspace).stdout
    assert told("org", "set", org, "--no-cors-origin", *workspace)["cors_origins"] == []

    made = run("key", "create", "--org", org, "--name", "shop", *workspace)
    key = made.stdout.strip()  # alone, for KEY=$(...)
    assert made.stdout == key + "\n"
    assert len(key) == 40
    assert key.isalnum()
    assert key not in made.stderr
    assert "not shown again" in made.stderr
    second = told("key", "create", "--org", 1, *workspace)
    assert len(second["key"]) == 40
    assert second["organisation"] == 1
    (listed,) = told("key", "list", "--org", org, *workspace)["keys"]
    assert listed["shown"] == key[:5]
    assert listed["name"] == "shop"
    assert listed["active"]
    assert "key" not in listed

    run("key", "disable", listed["id"], *workspace)
    table = run("key", "list", *workspace).stdout
    assert f"{key[:5]}***" in table
    assert "Inactive" in table
    assert key not in table
    run("key", "enable", listed["id"], *workspace)
    assert "Inactive" not in run("key", "list", *workspace).stdout
    run("key", "delete", listed["id"], *workspace)
    assert told("key", "list", "--org", org, *workspace)["keys"] == []
    assert "there is no key" in run("key", "delete", listed["id"], *workspace, code=3).stderr


def test_an_event_is_made_shown_and_set(tmp_path):
    workspace = ["--workspace", tmp_path / "season"]
    org = int(run("org", "create", "Lake Runs", *workspace).stdout)
    number = int(
        run(
            *("event", "create", "Lakeside Half", "--org", org, "--date", "2026-05-09"),
            *("--threshold", "60", "--flag", "name_search=on", *workspace),
        ).stdout
    )
    event = told("event", "show", "Lakeside Half", *workspace)
    assert event["id"] == number
    assert event["organisation"] == org
    assert event["slug"] == "lakeside-half"
    assert event["confidence_percentage"] == 60
    assert event["features"]["name_search"]
    assert event["media"]["total"] == 0

    roster = tmp_path / "roster.csv"
    roster.write_text("bib,name\nA207,Ann\n")
    changed = told(
        *("event", "set", number, "--flag", "selfie_search=off", "--threshold", "default", "--originals"),
        *("--clip", "padding_start=1.5", "--clip", "max_clip_duration=20", "--roster", roster, *workspace),
    )
    assert not changed["features"]["selfie_search"]
    assert changed["features"]["bib_search"]
    assert changed["confidence_percentage"] is None
    assert changed["originals"]
    assert changed["clips"]["padding_start"] == 1.5
    assert changed["clips"]["padding_end"] == 2
    assert eventlens.open(tmp_path / "season").event_by_id(number).roster() == [("A207", "Ann")]
    shown = run("event", "show", number, *workspace).stdout
    assert "--flag selfie_search" in shown
    assert "--clip max_clip_duration" in shown

    other = int(run("event", "create", "Lakeside Half", *workspace).stdout)
    assert "several events" in run("event", "show", "Lakeside Half", *workspace, code=3).stderr
    assert {item["id"] for item in told("event", "list", *workspace)["events"]} == {number, other}
    assert [item["id"] for item in told("event", "list", "--org", org, *workspace)["events"]] == [number]


def test_a_token_is_signed_with_the_secret_of_the_workspace(tmp_path):
    season = eventlens.open(tmp_path / "season")
    event = season.create_event("Race")
    made = run("token", "--event", "Race", "--lasts", "2h", "--workspace", season.folder).stdout
    text, signature = made.strip().rsplit(".", 1)
    organisation, number, expires, _ = text.split(".")
    assert (int(organisation), int(number)) == (1, event.id)
    assert 7000 < int(expires) - time.time() <= 7200
    file = season.folder / "server-secret"
    assert file.stat().st_mode & 0o777 == 0o600
    secret = file.read_bytes()
    assert hmac.new(secret, f"token:{text}".encode(), hashlib.sha256).hexdigest() == signature
    second = told("token", "--event", event.id, "--workspace", season.folder)
    assert second["seconds"] == 3600
    assert second["token"] != made
    assert file.read_bytes() == secret
    assert not list(season.folder.glob(".server-secret*"))
    assert "90 days" in run("token", "-e", "Race", "--lasts", "91d", "-w", season.folder, code=3).stderr
    run("token", "-e", "Race", "--lasts", "soon", "-w", season.folder, code=2)
    file.write_bytes(b"short")
    with pytest.raises(ValueError, match="no secret"):
        season.visitor_token(event)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--flag", "selfie=on"], "--flag selfie=on"),
        (["--flag", "selfie_search=yes"], "on or off"),
        (["--clip", "fps=4"], "--clip fps=4"),
        (["--clip", "max_gap=much"], "give a number"),
        (["--threshold", "sixty"], "give a number"),
    ],
)
def test_wrong_settings_are_wrong_usage(tmp_path, arguments, why):
    season = eventlens.open(tmp_path / "season")
    event = season.create_event("Race")
    before = (event.features, event.clips, event.confidence_percentage)
    done = run("event", "set", "Race", *arguments, "--workspace", tmp_path / "season", code=2)
    assert why in " ".join(done.stderr.split())
    assert (event.features, event.clips, event.confidence_percentage) == before


# --- deleting photos ---


@pytest.fixture(scope="module")
def indexed_photos(sample, tmp_path_factory):
    """Six photos of the sample event, and their originals, in a workspace that tests copy."""
    folder = tmp_path_factory.mktemp("deleting")
    (folder / "photos").mkdir()
    every = sorted(sample.photos.iterdir())
    for path in every[:3] + every[-3:]:
        shutil.copy(path, folder / "photos")
    event = eventlens.open(folder / "season").create_event("Race", bib_pattern=r"[A-Z]?\d{2,5}")
    event.set_renditions()
    assert event.index(folder / "photos").added == 6
    return folder


@pytest.fixture
def race(indexed_photos, tmp_path):
    """The event, in a workspace of the test's own."""
    shutil.copytree(indexed_photos / "season", tmp_path / "season")
    return eventlens.open(tmp_path / "season").event("Race")


def uuids_of(event):
    return {details.photo.uuid for details in event.photos()}


def deleting(event, tmp_path):
    return ["event", "delete-photos", event.id, "--workspace", tmp_path / "season"]


def test_photos_of_a_bib_are_deleted_and_stay_away(race, indexed_photos, tmp_path):
    originals = {path: path.read_bytes() for path in (indexed_photos / "photos").iterdir()}
    pictures = list((tmp_path / "season" / "renditions").rglob("*.jpg"))
    assert len(pictures) == 12
    bibs = race.bibs()
    bib = min(bibs, key=lambda text: bibs[text])
    shown = {match.photo.uuid for match in race.find_bib(bib) if match.kind == "bib"}
    others = uuids_of(race) - shown
    assert shown
    assert others
    done = told(*deleting(race, tmp_path), "--bib", bib, "--yes")
    assert done == {"event": race.id, "photos": len(shown), "unknown": [], "files_left": []}
    assert uuids_of(race) == others
    left = {path.stem for path in (tmp_path / "season" / "renditions").rglob("*.jpg")}
    assert left == others, "their thumbnails and previews go with them"
    workspace = ["--event", "Race", "--workspace", tmp_path / "season"]
    assert told("index", indexed_photos / "photos", *workspace)["added"] == 0
    assert uuids_of(race) == others
    assert {path: path.read_bytes() for path in (indexed_photos / "photos").iterdir()} == originals
    assert told(*deleting(race, tmp_path), "--bib", bib, "--yes", code=1)["photos"] == 0
    assert run(*deleting(race, tmp_path), "--bib", bib, "--yes", code=1).stdout == "nothing found\n"


def test_photos_of_a_search_are_deleted(race, sample, tmp_path):
    search = race.find_selfie(next(iter(sample.selfies.values())))
    found = {match.photo.uuid for match in search.matches}
    others = uuids_of(race) - found
    assert found
    assert told("event", "show", race.id, "--workspace", tmp_path / "season")["billable_searches"] == 1
    done = run(*deleting(race, tmp_path), "--request-id", search.request_id, "--yes")
    assert done.stdout.endswith("deleted for good\n")
    assert uuids_of(race) == others
    assert race.search(search.request_id).matches == []
    unknown = "00000000-0000-4000-8000-000000000000"
    assert unknown in run(*deleting(race, tmp_path), "--request-id", unknown, "--yes", code=3).stderr


def test_photos_are_deleted_one_by_one(race, tmp_path):
    first, second, *others = sorted(uuids_of(race))
    race.hide([race.photo(second)])
    unknown = "00000000-0000-4000-8000-000000000000"
    images = ["--image", first, "--image", second.upper(), "--image", first]
    done = told(*deleting(race, tmp_path), *images, "--image", unknown, "--yes", code=4)
    assert done == {"event": race.id, "photos": 2, "unknown": [unknown], "files_left": []}
    assert uuids_of(race) == set(others)
    done = run(*deleting(race, tmp_path), "--image", first, "--image", "me.jpg", "--yes", code=1)
    assert "nothing found" in done.stdout
    assert "unknown  me.jpg: no photo of the event" in done.stdout
    with pytest.raises(LookupError):
        race.photo(first)


def test_pictures_that_cannot_be_deleted_are_told(race, tmp_path):
    """The photos are gone all the same, and the next run tries again."""
    first = min(uuids_of(race))
    picture = next((tmp_path / "season" / "renditions").rglob(f"{first}*.jpg"))
    picture.unlink()
    picture.mkdir()
    (picture / "in the way").touch()
    done = told(*deleting(race, tmp_path), "--image", first, "--yes", code=4)
    assert (done["photos"], len(done["files_left"])) == (1, 1)
    assert picture.name in done["files_left"][0]["key"]
    assert first not in uuids_of(race)


def test_the_command_line_asks_before_it_deletes_photos(race, tmp_path):
    everything = uuids_of(race)
    image = ["--image", min(everything)]
    assert "--yes" in run(*deleting(race, tmp_path), *image, code=2).stderr
    run(*deleting(race, tmp_path), *image, "--bib", "207", "--yes", code=2)
    run(*deleting(race, tmp_path), "--yes", code=2)
    said = answered(b"n\n", *deleting(race, tmp_path), *image)
    assert said.returncode == 130, said
    assert "Delete 1 photo of 'Race' for good?" in said.stderr
    assert uuids_of(race) == everything
    said = answered(b"y\n", *deleting(race, tmp_path), *image)
    assert said.returncode == 0, said
    assert said.stdout.strip() == "1 photo deleted for good"
    assert uuids_of(race) == everything - {min(everything)}


# --- sources ---


def test_sources_are_added_listed_and_removed(race, indexed_photos, tmp_path):
    (tmp_path / "more").mkdir()
    named = ["--event", "Race", "--workspace", tmp_path / "season"]
    (first,) = told("source", "list", *named)["sources"]
    assert first["source"].endswith("/photos")
    added = int(run("source", "add", tmp_path / "more", *named).stdout)
    assert told("source", "add", tmp_path / "more", *named)["id"] == added, "a known one stays"
    assert [item["id"] for item in told("source", "list", *named)["sources"]] == [first["id"], added]
    assert "/more" in run("source", "list", *named).stdout
    assert race.counts.total == 6
    assert run("source", "add", tmp_path / "nowhere", *named, code=3).stderr.startswith("eventlens:")

    race.delete([race.photo(min(uuids_of(race)))])
    search = race.find_bib(max(race.bibs()))
    assert search
    assert "--yes" in run("source", "remove", first["id"], *named, code=2).stderr
    said = answered(b"n\n", "source", "remove", first["id"], *named)
    assert said.returncode == 130, said
    assert "/photos from 'Race', with all" in said.stderr
    assert race.counts.total == 5
    done = told("source", "remove", first["id"], "--yes", *named)
    assert done == {"event": race.id, "source": first["id"], "files_left": []}
    assert race.counts.total == 0
    assert not list((tmp_path / "season" / "renditions").rglob("*.jpg"))
    assert [item["id"] for item in told("source", "list", *named)["sources"]] == [added]
    assert len(list((indexed_photos / "photos").iterdir())) == 6
    assert "source" in run("source", "remove", first["id"], "--yes", *named, code=3).stderr
    again = told("index", indexed_photos / "photos", *named)
    assert again["added"] == 6, "what was deleted there for good is found again, as the help says"


# --- what a server does ---


def test_runs_wait_and_are_cancelled(tmp_path):
    season = eventlens.open(tmp_path / "season")
    event = season.create_event("Race")
    (tmp_path / "photos").mkdir()
    workspace = ["--workspace", tmp_path / "season"]
    number = int(run("runs", "start", tmp_path / "photos", "--event", "Race", *workspace).stdout)
    (source,) = event.sources()
    same = told("runs", "start", source.id, "--event", event.id, *workspace)
    assert (same["id"], same["source"], same["state"]) == (number, source.id, "queued")
    again = told("runs", "start", source.id, "--event", event.id, "--retry-failed", *workspace)
    assert again["id"] != number
    assert again["retry_failed"]
    other = season.create_event("Other").start_index_run(tmp_path / "photos")
    assert [item["id"] for item in told("runs", "list", *workspace)["runs"]] == [
        other.id,
        again["id"],
        number,
    ]
    listed = told("runs", "list", "--event", "Race", *workspace)["runs"]
    assert [item["id"] for item in listed] == [again["id"], number]
    assert "0 of ?" in run("runs", "list", *workspace).stdout
    assert run("runs", "cancel", number, *workspace).stdout == f"run {number} is cancelled\n"
    shown = told("runs", "show", number, *workspace)
    assert (shown["state"], shown["started"], shown["failures"]) == ("cancelled", None, [])
    assert shown["counts"]["total"] is None
    assert told("runs", "cancel", number, *workspace)["state"] == "cancelled", "one that has ended stays"
    assert "no index run 99" in run("runs", "show", 99, *workspace, code=3).stderr
    assert "no source 99" in run("runs", "start", 99, "--event", "Race", *workspace, code=3).stderr


def test_webhooks_are_kept(tmp_path):
    season = eventlens.open(tmp_path / "season")
    workspace = ["--workspace", tmp_path / "season"]
    url = "https://shop.example.org/hook"
    made = run("webhook", "add", url, "--org", 1, *workspace)
    secret = made.stdout.strip()  # alone, for SECRET=$(...)
    assert len(bytes.fromhex(secret)) == 32
    assert secret not in made.stderr
    assert "not shown again" in made.stderr
    second = told("webhook", "add", url, "--org", 1, "--kind", "clips.finished", *workspace)
    assert second["secret"] != secret
    first, other = told("webhook", "list", *workspace)["webhooks"]
    assert first["kinds"] == ["index.finished", "clips.finished"]
    assert first["active"]
    assert (other["id"], other["kinds"]) == (second["id"], ["clips.finished"])
    assert secret not in json.dumps(first)
    assert (
        told("webhook", "list", "--org", season.create_organisation("Other").id, *workspace)["webhooks"] == []
    )
    changed = told("webhook", "set", first["id"], "--kind", "index.finished", "--inactive", *workspace)
    assert (changed["url"], changed["kinds"], changed["active"]) == (url, ["index.finished"], False)
    assert "Inactive" in run("webhook", "list", *workspace).stdout
    assert "is active: https://b.example/" in (
        run("webhook", "set", first["id"], "--url", "https://b.example/", "--active", *workspace).stdout
    )
    run("webhook", "remove", other["id"], *workspace)
    assert [item["id"] for item in told("webhook", "list", *workspace)["webhooks"]] == [first["id"]]
    assert "no webhook" in run("webhook", "deliveries", other["id"], *workspace, code=3).stderr
    wrong = run("webhook", "add", url, "--org", 1, "--kind", "photos.finished", *workspace, code=3)
    assert "photos.finished" in wrong.stderr
    assert "https://" in run("webhook", "add", "shop.example.org", "--org", 1, *workspace, code=3).stderr


def test_a_server_does_what_the_command_line_asks_for(sample, tmp_path):
    """A run with a failure, and two webhooks that are told of it: one that answers, and one that does not."""
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(min(sample.photos.iterdir()), photos)
    (photos / "broken.jpg").write_bytes(b"no photo")
    season = eventlens.open(tmp_path / "season")
    season.create_event("Race")
    workspace = ["--workspace", tmp_path / "season"]
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    def outcomes(webhook):
        deliveries = told("webhook", "deliveries", webhook, *workspace)["deliveries"]
        return [(item["kind"], item["attempts"], item["last_status"]) for item in deliveries]

    def wait_for(done):
        deadline = time.monotonic() + 120
        while not done():
            assert time.monotonic() < deadline, server.said()
            time.sleep(0.2)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        url = f"http://127.0.0.1:{listener.server_port}/"
        told_of_it = told("webhook", "add", url, "--org", 1, *workspace)["id"]
        deaf = told("webhook", "add", "http://127.0.0.1:1/", "--org", 1, *workspace)["id"]
        with Server(season.folder, tmp_path / "log") as server:
            number = told("runs", "start", photos, "--event", "Race", *workspace)["id"]
            wait_for(lambda: season.index_run(number).finished)
            assert "a ping waits" in run("webhook", "test", told_of_it, *workspace).stdout
            wait_for(lambda: outcomes(told_of_it) == [("ping", 1, 204), ("index.finished", 1, 204)])
            wait_for(lambda: outcomes(deaf) == [("index.finished", 1, None)])
        listener.shutdown()
        thread.join()

    done = told("runs", "show", number, *workspace)
    assert (done["state"], done["counts"]["added"], done["counts"]["total"]) == ("completed", 2, 2)
    ((key, reason),) = [(failure["key"], failure["reason"]) for failure in done["failures"]]
    assert key == "broken.jpg"
    assert f"failed  broken.jpg: {reason}" in run("runs", "show", number, *workspace).stdout
    assert "completed" in run("runs", "list", *workspace).stdout
    assert [news["type"] for news in heard] == ["index.finished", "ping"]
    assert heard[0]["data"]["run_id"] == number
    assert "delivered" in run("webhook", "deliveries", told_of_it, *workspace).stdout
    assert "next try" in run("webhook", "deliveries", deaf, *workspace).stdout
    (delivery,) = season.webhook_deliveries(deaf)
    assert delivery.last_error
    assert delivery.payload["data"] == heard[0]["data"]


def test_commands_find_the_events_of_every_organisation(few, tmp_path):
    season = eventlens.open(tmp_path / "season")
    event = season.create_event("Harbour", org="Lake Runs")
    workspace = ["--workspace", tmp_path / "season"]
    assert told("index", few, "--event", "Harbour", *workspace)["added"] == 4
    assert told("index", few, "--event", event.id, *workspace)["unchanged"] == 4
    assert season.events() == [], "none is made in the first organisation"
    assert [row["event"] for row in told("status", *workspace)["events"]] == ["Harbour"]
    assert told("status", "--event", event.id, *workspace)["events"][0]["processed"] == 4
    told("retention", "--event", "Harbour", "--search-days", 14, *workspace)
    assert event.search_lifetime_days == 14
    other = season.create_event("Harbour")
    assert "several events" in run("purge", "Harbour", "--yes", *workspace, code=3).stderr
    assert told("purge", event.id, "--yes", *workspace)["removed"]["photos"] == 4
    assert season.event("Harbour").id == other.id


def test_an_unknown_event_is_answered_with_those_there_are(tmp_path):
    season = eventlens.open(tmp_path / "season")
    wrong = ("status", "--event", "Harbor", "--workspace", tmp_path / "season")
    assert run(*wrong, code=3).stderr == "eventlens: no event 'Harbor'; there are: none\n"
    season.create_event("Harbour", org="Lake Runs")
    assert run(*wrong, code=3).stderr == "eventlens: no event 'Harbor'; there are: 'Harbour'\n"
    for year in range(2019, 2026):
        season.create_event(f"Lakeside {year}")
    assert run(*wrong, code=3).stderr.endswith("and 3 more, see `eventlens event list`\n")
