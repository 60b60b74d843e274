"""What takes more than one request: searches that stay as they were, clips in every state, keys that come and go."""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tests.server.cases import Form, JsonBody, shows
from tests.server.running import Reply, Server
from tests.server.schemas import hold_to_schema
from tests.server.world import BROKEN, World

import eventlens
from eventlens.client import ClipResult
from eventlens.sample_event import BIB_PATTERN, SampleEvent

QUICKLY = (0.05, 0.1, 0.2)


@pytest.fixture
def client(server: Server, world: World) -> Iterator[eventlens.Client]:
    with eventlens.Client(server.url, world.keys["north"], world.number("north"), attempts=1) as client:
        yield client


def post(server: Server, world: World, event: str, rest: str, body: Form | JsonBody) -> Reply:
    names = world.names
    kind, content = body.encoded(world, names)
    path = f"/api/v1/ext/{names['north']}/event/{names[event]}/{rest}"
    return server.ask("POST", path, {"X-API-Key": world.keys["north"], "Content-Type": kind}, content)


def get(server: Server, world: World, event: str, rest: str, key: str = "north") -> Reply:
    path = f"/api/v1/ext/{world.names['north']}/event/{world.names[event]}/{rest}"
    return server.ask("GET", path, {"X-API-Key": world.keys[key]})


def refused(call: Callable[[], object]) -> int:
    """The status with which a call is refused."""
    with pytest.raises(eventlens.RequestError) as caught:
        call()
    return caught.value.status


def ends(client: eventlens.Client, event: int, request_id: str) -> ClipResult:
    return client.wait_for_clips(event, request_id, timeout=120, cadence=QUICKLY)


# --- clips ---


@shows("getVideoClipping", "clips of a search: processing, then completed", 200)
@shows("startVideoClipping", "repeated after completed: the stored status", 200)
def test_clips_are_made_of_a_search(server: Server, world: World, client: eventlens.Client) -> None:
    race = world.number("race")
    search = client.search_face(race, world.selfies["astronaut"])
    assert refused(lambda: client.clips(race, search.request_id)) == 404  # none were started
    assert client.start_clips(race, request_id=search.request_id).status in ("processing", "completed")
    result = ends(client, race, search.request_id)
    assert (result.status, result.error, result.clip_errors) == ("completed", None, [])
    (clip,) = result.videos
    assert clip.source_video_key == "finish.mp4"
    # Seen from 5.3 to 8.0 seconds of the whole video, of which the event has those from 4 on; two are added.
    assert (clip.start_time, clip.end_time) == ("00:00:00", "00:00:05")
    with urlopen(clip.video_url) as answer:
        content = answer.read()
        assert answer.headers["Content-Type"] == "video/mp4"
    assert content[4:8] == b"ftyp"
    with urlopen(Request(clip.video_url, headers={"Range": "bytes=4-7"})) as answer:
        assert (answer.status, answer.read()) == (206, b"ftyp")
    assert client.start_clips(race, request_id=search.request_id).status == "completed"
    again = client.clips(race, search.request_id)
    assert [clip.uuid for clip in again.videos] == [clip.uuid]
    reply = get(server, world, "race", f"video-clipping/{search.request_id}")
    hold_to_schema("getVideoClipping", reply)
    assert reply.message == "Video clipping completed"


@shows("getVideoClipping", "frames matched, but too few for a clip: no_segments", 200)
def test_no_segments(server: Server, world: World, client: eventlens.Client) -> None:
    sparse, search = world.number("sparse"), world.names["sparse-search"]
    assert client.start_clips(sparse, request_id=search).status in ("processing", "no_segments")
    result = ends(client, sparse, search)
    assert (result.status, result.videos, result.error, result.clip_errors) == ("no_segments", [], None, [])
    assert client.start_clips(sparse, request_id=search).status == "no_segments"
    hold_to_schema("getVideoClipping", get(server, world, "sparse", f"video-clipping/{search}"))


@shows("getVideoClipping", "the video is gone: clip_failed, with a reason for each", 200)
@shows("startVideoClipping", "repeated after clip_failed: runs again", 200)
def test_clip_failed(server: Server, world: World, client: eventlens.Client) -> None:
    doomed, search = world.number("doomed"), world.names["doomed-search"]
    for _ in range(2):
        assert client.start_clips(doomed, request_id=search).status == "processing"
        result = ends(client, doomed, search)
        assert (result.status, result.videos, result.error) == ("clip_failed", [], None)
        (problem,) = result.clip_errors
        assert problem.source_video_key == "finish.mp4"
        assert problem.error == "The source video is gone"
    reply = get(server, world, "doomed", f"video-clipping/{search}")
    hold_to_schema("getVideoClipping", reply)
    assert str(world.workspace.folder.parent) not in reply.body.decode()  # nothing of this machine is told


@shows("getVideoClipping", "one of two videos is gone: completed, with a clip error", 200)
def test_one_failure_does_not_spoil_the_rest(world: World, client: eventlens.Client) -> None:
    half, search = world.number("half"), world.names["half-search"]
    client.start_clips(half, request_id=search)
    result = ends(client, half, search)
    assert result.status == "completed"
    assert [clip.source_video_key for clip in result.videos] == ["finish.mp4"]
    assert [problem.source_video_key for problem in result.clip_errors] == ["gone.mp4"]


@shows("getVideoClipping", "the person is in no video: no_matches", 200)
def test_no_matches(server: Server, world: World, client: eventlens.Client) -> None:
    race, search = world.number("race"), world.names["president"]
    assert client.start_clips(race, request_id=search).status == "no_matches"
    result = client.clips(race, search)
    assert (result.status, result.videos, result.error, result.clip_errors) == ("no_matches", [], None, [])
    hold_to_schema("getVideoClipping", get(server, world, "race", f"video-clipping/{search}"))


@shows("startVideoClipping", "a selfie: the same search answers /faces", 200)
def test_a_selfie_for_clips_is_a_search_of_photos_too(world: World, client: eventlens.Client) -> None:
    race = world.number("race")
    started = client.start_clips(race, selfie=world.selfies["astronaut"])
    found = client.face_search(race, started.request_id)
    assert sorted(image.image_id for image in found.images) == sorted(world.of_astronaut)
    links = client.originals(race, request_id=started.request_id)
    assert links.successful_count == len(world.of_astronaut)
    assert ends(client, race, started.request_id).status == "completed"


@shows("startVideoClipping", "segments never computed, and the selfie again: computed", 200)
def test_a_search_from_before_the_videos_is_completed_by_its_selfie(
    world: World, client: eventlens.Client
) -> None:
    late = world.number("late")
    search = world.searched("second-before-video", "closed", "astronaut").request_id  # closed has no video
    assert refused(lambda: client.start_clips(late, request_id=search)) == 404  # and is another event
    search = world.names["before-video"]
    assert refused(lambda: client.start_clips(late, request_id=search)) == 400
    before = billable(world, "late")
    started = client.start_clips(late, selfie=world.selfies["astronaut"], request_id=search)
    assert started.request_id == search
    assert ends(client, late, search).status == "completed"
    assert billable(world, "late") == before  # the search was counted when it was made
    # The other tests want a search without segments.
    world.workspace.event("late").forget_search(search, compact=False)


@shows("startVideoClipping", "refused while no video was read: no search is made, and none is billed", 400)
@shows("startVideoClippingByBib", "the same number and id again, when a video was read: clips", 200)
def test_starts_before_a_video_was_read(
    server: Server, world: World, client: eventlens.Client, sample: SampleEvent, tmp_path: Path
) -> None:
    media = tmp_path / "media"
    media.mkdir()
    (media / "broken.mp4").write_bytes(b"no video")
    event = world.workspace.create_event("later", org=world.number("north"), bib_pattern=BIB_PATTERN)
    assert len(event.index(media).failed) == 1
    event.set_features(video_search=True, video_selfie_search=True)
    request_id = str(uuid.uuid4())
    race = {"selfie": world.selfies["astronaut"], "request_id": request_id}
    assert refused(lambda: client.start_clips(event.id, **race)) == 400
    assert refused(lambda: client.start_clips(event.id, bib="318", request_id=request_id)) == 400
    assert refused(lambda: client.face_search(event.id, request_id)) == 404
    assert world.workspace._engine.event(event.id).billable_searches == 0

    eventlens.cut_clip(sample.videos / sample.video.name, (4.0, 9.0), media / "finish.mp4")
    event.index(media)
    assert client.start_clips(event.id, bib="318", request_id=request_id).status == "processing"
    assert ends(client, event.id, request_id).status == "completed"


@shows("startVideoClippingByBib", "clips of a number, polled as any other", 200)
@shows("getFaceSearch", "the id of a bib's clips", 404)
@shows("searchByFace", "the id of a bib's clips", 404)
@shows("createOriginalPhotoLinks", "by selfie, with the id of a bib's clips: empty", 200)
def test_clips_of_a_bib(server: Server, world: World, client: eventlens.Client) -> None:
    race, request_id = world.number("race"), str(uuid.uuid4())
    started = client.start_clips(race, bib="318", request_id=request_id.upper())
    assert started.request_id == request_id
    result = ends(client, race, request_id)
    assert result.status == "completed"
    assert len(result.videos) == 1
    assert client.start_clips(race, bib="318", request_id=request_id).status == "completed"
    assert refused(lambda: client.face_search(race, request_id)) == 404
    assert post(server, world, "race", "faces", Form(None, request_id)).status == 404
    assert post(server, world, "race", "faces", Form("astronaut", request_id)).status == 404
    assert client.originals(race, request_id=request_id).total_images == 0
    assert (
        post(server, world, "race", "video-clipping/search-by-selfie", Form(None, request_id)).status == 404
    )


@shows("startVideoClippingByBib", "the id of a selfie search", 404)
def test_a_selfies_id_makes_no_clips_of_a_bib(world: World, client: eventlens.Client) -> None:
    race = world.number("race")
    assert refused(lambda: client.start_clips(race, bib="318", request_id=world.names["astronaut"])) == 404


@shows("getVideoClipping", "the switch of its search was turned off since", 403)
def test_a_switch_turned_off_closes_the_polling(world: World, client: eventlens.Client) -> None:
    half = world.number("half")
    by_selfie = client.start_clips(half, selfie=world.selfies["astronaut"]).request_id
    by_bib = client.start_clips(half, bib="318").request_id
    for feature, closed, open_ in [
        ("video_selfie_search", [by_selfie], [by_bib]),
        ("bib_search", [by_bib], [by_selfie]),
        ("video_search", [by_selfie, by_bib], []),
    ]:
        switch(world, "half", feature, False)
        try:
            for request_id in closed:
                assert refused(lambda: client.clips(half, request_id)) == 403  # noqa: B023
            for request_id in open_:
                assert client.clips(half, request_id).request_id == request_id
        finally:
            switch(world, "half", feature, True)
    assert client.clips(half, by_selfie).request_id == by_selfie


@shows("startVideoClipping", "many at once with one id: one job, one clip for each video", 200)
def test_starts_at_once_make_one_job(world: World, client: eventlens.Client) -> None:
    race, request_id = world.number("race"), str(uuid.uuid4())
    before = billable(world, "race")
    with ThreadPoolExecutor(8) as threads:
        started = list(
            threads.map(
                lambda _: client.start_clips(race, selfie=world.selfies["astronaut"], request_id=request_id),
                range(16),
            )
        )
    assert {start.request_id for start in started} == {request_id}
    assert {start.status for start in started} <= {"processing", "completed"}
    assert len(ends(client, race, request_id).videos) == 1
    assert billable(world, "race") == before + 1


# --- searches ---


@shows("searchByFace", "counted once: new +1; repeated, refused or read again +0", 200)
def test_searches_are_counted_exactly(server: Server, world: World, client: eventlens.Client) -> None:
    race, selfie = world.number("race"), world.selfies["astronaut"]
    counts = [billable(world, "race")]

    def counted() -> int:
        counts.append(billable(world, "race"))
        return counts[-1] - counts[-2]

    request_id = str(uuid.uuid4())
    client.search_face(race, selfie, request_id=request_id)
    assert counted() == 1
    client.search_face(race, selfie, request_id=request_id)
    client.search_face(race, world.selfies["president"], request_id=request_id.upper())
    client.face_search(race, request_id, page_size=1)
    client.start_clips(race, request_id=request_id)
    client.originals(race, request_id=request_id)
    assert counted() == 0
    assert post(server, world, "race", "faces", Form(b"no picture")).status == 400
    assert post(server, world, "race", "faces", Form(None, str(uuid.uuid4()))).status == 404
    assert post(server, world, "closed", "faces", Form("astronaut")).status == 403
    assert counted() == 0
    assert post(server, world, "race", "faces", Form("astronaut")).status == 200
    assert counted() == 1


@shows("searchByFace", "many at once with one id: one search, one answer", 200)
def test_searches_at_once_with_one_id_are_one(world: World, client: eventlens.Client) -> None:
    race, request_id = world.number("race"), str(uuid.uuid4())
    before = billable(world, "race")
    barrier = threading.Barrier(12)
    people = ["astronaut", "president"]

    def search(number: int) -> tuple[str, ...]:
        barrier.wait()
        found = client.search_face(race, world.selfies[people[number % 2]], request_id=request_id)
        return tuple(image.image_id for image in found.images)

    with ThreadPoolExecutor(12) as threads:
        answers = set(threads.map(search, range(12)))
    assert len(answers) == 1
    assert billable(world, "race") == before + 1


@shows("getFaceSearch", "photos that were processed later do not appear", 200)
@shows("getFaceSearch", "a photo that was hidden or deleted does not reappear", 200)
@shows("getFaceSearch", "a search that expired or was forgotten", 404)
def test_answers_are_frozen(
    world: World, client: eventlens.Client, sample: SampleEvent, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in ("001", "002"):
        shutil.copy(sample.photos / f"lakeside_{number}.jpg", photos)
    event = world.workspace.create_event("frozen", bib_pattern=BIB_PATTERN)
    try:
        event.index(photos)
        search = client.search_face(event.id, world.selfies["astronaut"])
        assert len(search.images) == 2
        shutil.copy(sample.photos / "lakeside_003.jpg", photos)
        assert event.index(photos).added == 1

        def ids(page_size: int = 32) -> list[str]:
            found = client.face_search(event.id, search.request_id, page_size=page_size)
            assert found.pagination.total == len(
                list(client.each_image_of_search(event.id, search.request_id))
            )
            return [image.image_id for image in found.images]

        assert ids() == [image.image_id for image in search.images]
        assert len(client.search_face(event.id, world.selfies["astronaut"]).images) == 3
        hidden, kept = search.images
        event.hide([details.photo for details in event.photos() if details.photo.uuid == hidden.image_id])
        assert ids() == [kept.image_id]
        assert len(client.images(event.id).items) == 2
        assert refused(lambda: client.originals(event.id, image_id=hidden.image_id)) == 400
        event.show([details.photo for details in event.photos() if details.photo.uuid == hidden.image_id])
        assert len(ids()) == 2
        gone = next(details.photo.key for details in event.photos() if details.photo.uuid == hidden.image_id)
        (photos / gone).unlink()
        assert event.index(photos).removed == 1
        assert ids() == [kept.image_id]
        event.forget_search(search.request_id, compact=False)
        assert refused(lambda: client.face_search(event.id, search.request_id)) == 404
    finally:
        world.workspace.delete_event(event)
    assert refused(lambda: client.ping(event.id)) == 404


@shows("createOriginalPhotoLinks", "the original is gone from its source: failed_urls", 200)
def test_an_original_that_is_gone(
    server: Server, world: World, client: eventlens.Client, sample: SampleEvent, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in ("001", "002"):
        shutil.copy(sample.photos / f"lakeside_{number}.jpg", photos)
    event = world.workspace.create_event("gone", bib_pattern=BIB_PATTERN)
    try:
        event.index(photos)
        by_key = {details.photo.key: details.photo.uuid for details in event.photos()}
        (photos / "lakeside_001.jpg").unlink()
        links = client.originals(event.id, image_ids=sorted(by_key.values()))
        assert (links.total_images, links.successful_count, links.failed_count) == (2, 1, 1)
        assert [item.image_id for item in links.failed_urls] == [by_key["lakeside_001.jpg"]]
        with urlopen(links.presigned_urls[0].url) as answer:
            assert answer.read() == (photos / "lakeside_002.jpg").read_bytes()
        # Nothing of this machine is told where a picture cannot be made.
        (image,) = (
            item for item in client.images(event.id).items if item.image_id == links.failed_urls[0].image_id
        )
        reply = server.ask("GET", image.img_url.removeprefix(server.url))
        assert reply.status == 404
        assert str(tmp_path) not in reply.body.decode()
    finally:
        world.workspace.delete_event(event)


# --- keys and switches ---


@shows("ping", "a key that is deactivated, activated, deleted: at once", 403)
def test_keys_come_and_go_at_once(server: Server, world: World) -> None:
    engine = world.workspace._engine
    made = engine.create_key(world.number("north"), "short-lived", "")
    path = f"/api/v1/ext/{world.names['north']}/event/{world.names['race']}/ping"

    def status() -> int:
        return server.ask("GET", path, {"X-API-Key": made.key}).status

    assert status() == 200
    engine.set_key_active(made.id, False)
    assert status() == 403
    engine.set_key_active(made.id, True)
    assert status() == 200
    engine.remove_key(made.id)
    assert status() == 403


@shows("searchByBib", "switched off and on: at once", 403)
def test_switches_hold_at_once(server: Server, world: World) -> None:
    assert get(server, world, "late", "bibs/318").status == 200
    switch(world, "late", "bib_search", False)
    assert get(server, world, "late", "bibs/318").status == 403
    switch(world, "late", "bib_search", True)
    assert get(server, world, "late", "bibs/318").status == 200


def test_the_whole_contract_by_the_client(world: World, client: eventlens.Client) -> None:
    race = world.number("race")
    assert client.ping(race).status == "ok"
    assert {event.event_id for event in client.each_event()} >= {race}
    assert client.details(race).video_selfie_search
    assert [image.image_id for image in client.each_image(race)] == world.gallery
    assert {image.image_id for image in client.each_image_of_bib(race, " a207 ")} == world.of_bib
    days = client.timeline_days(race)
    assert sum(day.total for day in days) == len(world.taken)
    assert len(list(client.each_timeline_image(race, 0, 4e9))) == len(world.taken)
    assert BROKEN not in world.by_file


def billable(world: World, event: str) -> int:
    count: int = world.workspace._engine.event(world.number(event)).billable_searches
    return count


def switch(world: World, event: str, feature: str, on: bool) -> None:
    settings = world.events[event]._settings
    setattr(settings.features, feature, on)
    world.workspace._engine.update_event(world.number(event), settings)
