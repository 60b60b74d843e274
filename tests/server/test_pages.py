"""What people do on the pages, done in a real browser: with touches on a phone's screen, and with a mouse on a desk's.

With EVENTLENS_SCREENSHOTS=FOLDER, what was on the screen is kept there.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.server.browser import CHROMIUM, DESK, PHONE, Browser
from tests.server.conftest import wait_until_ready
from tests.server.running import Server
from tests.server.world import World

import eventlens
from eventlens.sample_event import SampleEvent

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here (Debian: apt install chromium)")

ADMIN = "an administrator's key for tests"


@pytest.fixture(scope="module")
def served(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("pages") / "log"
    with Server(world.workspace.folder, log, {"admin_key": ADMIN}) as server:
        wait_until_ready(server)
        yield server


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile") as browser:
        yield browser


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path / "profile", DESK) as browser:
        yield browser


def link_to(server: Server, world: World, event: str, lasts: int = 600) -> str:
    """A participant's link, as an organiser's backend makes it."""
    number = world.names[event]
    headers = {"X-Admin-Key": ADMIN, "Content-Type": "application/json"}
    path = f"/api/v1/admin/events/{number}/tokens"
    reply = server.ask("POST", path, headers, json.dumps({"lasts": lasts}).encode())
    assert reply.status == 200, reply.message
    return f"{server.url}/demo#event={number}&org={world.names['north']}&token={reply.data['token']}"


def billed_searches(world: World) -> int:
    billed: int = world.workspace._engine.event(world.events["race"].id).billable_searches
    return billed


def keep(browser: Browser, name: str, whole: bool = False) -> None:
    if folder := os.environ.get("EVENTLENS_SCREENSHOTS"):
        time.sleep(0.5)  # pictures fade in
        Path(folder).mkdir(parents=True, exist_ok=True)
        browser.screenshot(Path(folder) / f"{name}.png", whole)


def thumbnails(browser: Browser) -> int:
    """How many photos are shown: loaded, and not broken."""
    script = "[...document.querySelectorAll('#photos img')].filter((one) => one.complete && one.naturalWidth).length"
    shown: int = browser.evaluate(script)
    return shown


def until_shown(browser: Browser, count: int) -> None:
    end = time.monotonic() + 20
    while thumbnails(browser) != count:
        assert time.monotonic() < end, (
            f"{thumbnails(browser)} of {count} photos are shown: {browser.problems}"
        )
        time.sleep(0.1)


def fits(browser: Browser) -> bool:
    """Nothing sticks out at the side."""
    width: int = browser.evaluate("document.documentElement.scrollWidth")
    return width <= browser.size[0]


def test_photos_of_a_bib_on_a_phone(served, world, phone):
    phone.open(link_to(served, world, "race"))
    phone.until_text("race", "#event")
    assert "May 9, 2026" in phone.text("#date")
    keep(phone, "demo-start", whole=True)
    assert fits(phone)

    phone.type("#bib", "a207")
    phone.tap("#by-bib button")
    count = len(world.of_bib)
    phone.until_text("with number A207", "#found-title")
    assert phone.text("#found-title").startswith(f"{count} photo")
    until_shown(phone, count)
    keep(phone, "demo-bib")
    assert fits(phone)

    phone.reload()
    phone.until_text("with number A207", "#found-title")
    assert phone.problems == []


def look_through_photos(phone: Browser, count: int) -> None:
    """Opens one, goes to its neighbours and back to the page."""
    phone.tap("#photos button")
    phone.until("the large photo", "document.querySelector('#large').naturalWidth > 500")
    assert phone.text("#place") == f"1 of {count}"
    keep(phone, "demo-photo")
    phone.tap("#next")
    phone.until_text(f"2 of {count}", "#place")
    phone.press("ArrowLeft")
    phone.until_text(f"1 of {count}", "#place")
    phone.press("Escape")
    phone.until("the page behind", "!document.querySelector('#viewer').open")
    assert phone.evaluate("document.activeElement.parentElement === document.querySelector('#photos li')")


@contextmanager
def offering_originals(event: eventlens.Event) -> Iterator[None]:
    event.originals = True
    try:
        yield
    finally:
        event.originals = False


def downloaded(served, world, phone, folder: Path) -> bytes:
    """The first photo of a bib, as the page's button gives it."""
    phone.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    phone.open(f"{link_to(served, world, 'race')}&bib=A207")
    until_shown(phone, len(world.of_bib))
    phone.tap("#photos button")
    phone.tap("#download")
    end = time.monotonic() + 20
    while not (found := [path for path in folder.glob("*.jpg") if path.stat().st_size]):
        assert time.monotonic() < end, f"nothing was downloaded: {phone.text('#viewer')} {phone.problems}"
        time.sleep(0.1)
    assert phone.problems == []
    return found[0].read_bytes()


def test_an_original_is_downloaded_as_it_was_taken(served, world, phone, tmp_path):
    with offering_originals(world.events["race"]):
        photo = downloaded(served, world, phone, tmp_path / "downloads")
    originals = [path.read_bytes() for path in (world.workspace.folder.parent / "media" / "race").iterdir()]
    assert photo in originals


def test_of_an_event_that_keeps_its_originals_the_preview_is_downloaded(served, world, phone, tmp_path):
    photo = downloaded(served, world, phone, tmp_path / "downloads")
    with urllib.request.urlopen(phone.evaluate("document.querySelector('#large').src"), timeout=20) as shown:
        assert photo == shown.read()


def test_a_selfie_finds_photos_and_clips(served, world, phone, sample: SampleEvent):
    billed = billed_searches(world)
    phone.open(link_to(served, world, "race"))
    phone.until_text("race", "#event")
    phone.choose_file("#camera", sample.selfies["astronaut"])
    phone.until_text("We think these", "#found-title")
    until_shown(phone, len(world.of_astronaut))
    keep(phone, "demo-selfie")
    assert fits(phone)
    request = phone.evaluate("new URLSearchParams(location.hash.slice(1)).get('selfie')")

    look_through_photos(phone, len(world.of_astronaut))

    phone.tap("#clips-start")
    phone.until_text("We think this clip shows you", "#clips", seconds=60)
    phone.until("a clip that plays", "document.querySelector('#clips video')?.readyState >= 1")
    assert phone.evaluate("document.querySelector('#clips video').duration") > 1
    keep(phone, "demo-clips", whole=True)
    assert fits(phone)

    # The same search again, as somebody does who comes back: nothing is matched anew, and the clip is there at once.
    phone.reload()
    phone.until_text("We think these", "#found-title")
    phone.tap("#clips-start")
    phone.until_text("We think this clip shows you", "#clips", seconds=5)
    assert phone.evaluate("new URLSearchParams(location.hash.slice(1)).get('selfie')") == request
    assert billed_searches(world) == billed + 1
    assert phone.problems == []


def test_the_picture_that_leaves_the_phone_says_nothing_of_place_or_camera(served, world, phone, tmp_path):
    from PIL import Image

    with Image.open(world.workspace.folder.parent / "media" / "race" / "lakeside_001.jpg") as photo:
        exif = photo.getexif()
        exif.get_ifd(0x8825)[2] = (47.0, 30.0, 0.0)  # GPS latitude
        photo.resize((4000, 3000)).save(tmp_path / "selfie.jpg", exif=exif)
    phone.open(link_to(served, world, "race"))
    phone.until_text("race", "#event")
    phone.evaluate(
        "window.really = fetch; fetch = (to, what) => { window.asked = what; return really(to, what); }; 0"
    )
    phone.choose_file("#file", tmp_path / "selfie.jpg")
    phone.until_text("photo", "#found-title")
    sent = phone.evaluate("asked.body.get('file').arrayBuffer().then((bytes) => [...new Uint8Array(bytes)])")
    (tmp_path / "sent.jpg").write_bytes(bytes(sent))
    with Image.open(tmp_path / "sent.jpg") as picture:
        assert picture.size == (1600, 1200)
        assert dict(picture.getexif()) == {}


def test_nobody_found_says_so_and_what_may_help(served, world, phone, sample: SampleEvent, tmp_path):
    phone.open(link_to(served, world, "race"))
    phone.until_text("race", "#event")
    phone.type("#bib", "99999")
    phone.press("Enter")
    phone.until_text("We found no photo with number 99999", "#found-title")
    assert "a selfie looks for your face" in phone.text("#found-note")
    keep(phone, "demo-nothing")
    (tmp_path / "nobody.jpg").write_bytes(world.faceless)
    phone.choose_file("#file", tmp_path / "nobody.jpg")
    phone.until_text("We found no photo of you", "#found-title")
    assert "face" in phone.text("#found-note").lower()
    (tmp_path / "text.jpg").write_text("no picture")
    phone.choose_file("#file", tmp_path / "text.jpg")
    phone.until_text("cannot open that picture", "#trouble")
    keep(phone, "demo-no-picture")


def test_the_day_hour_by_hour(served, world, phone):
    phone.open(link_to(served, world, "race"))
    phone.until("the hours", "document.querySelectorAll('#days button').length")
    assert phone.evaluate("document.querySelectorAll('#days h3').length") == 2
    told = phone.evaluate("[...document.querySelectorAll('#days b')].map((one) => Number(one.textContent))")
    assert sum(told) == len(world.taken)
    phone.tap("#days button")
    phone.until_text(f"{told[0]} photo", "#found-title")
    until_shown(phone, told[0])
    keep(phone, "demo-day")
    assert phone.problems == []


def test_only_what_the_event_allows_is_offered(served, world, phone):
    phone.open(link_to(served, world, "no-bib"))
    phone.until_text("no-bib", "#event")
    assert phone.evaluate("document.querySelector('#by-bib').checkVisibility()") is False
    assert phone.evaluate("document.querySelector('#by-selfie').checkVisibility()") is True
    phone.open("about:blank")
    phone.open(link_to(served, world, "closed"))
    phone.until_text("not opened the search", "#stop")
    assert phone.evaluate("document.querySelector('#ask').checkVisibility()") is False


def test_a_link_that_ran_out_or_lacks_something_says_what_to_do(served, world, phone):
    link = link_to(served, world, "race", lasts=1)
    time.sleep(2.1)
    phone.open(link)
    phone.until_text("may have run out", "#stop")
    keep(phone, "demo-expired")
    phone.open("about:blank")
    phone.open(f"{served.url}/demo")
    phone.until_text("organiser’s link or QR code", "#stop")


def test_a_lost_connection_can_be_tried_again_without_a_second_search(
    served, world, phone, sample: SampleEvent
):
    phone.open(link_to(served, world, "race"))
    phone.until_text("race", "#event")
    billed = billed_searches(world)
    offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    phone.call("Network.emulateNetworkConditions", offline=True, **offline)
    phone.choose_file("#file", sample.selfies["astronaut"])
    phone.until_text("cannot be reached", "#trouble", seconds=30)
    phone.call("Network.emulateNetworkConditions", offline=False, **offline)
    phone.tap("#trouble button")
    phone.until_text("We think these", "#found-title")
    assert billed_searches(world) == billed + 1


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_desk(served, world, tmp_path, dark):
    with Browser(tmp_path / "profile", DESK, dark) as desk:
        desk.open(f"{link_to(served, world, 'race')}&bib=A207")
        until_shown(desk, len(world.of_bib))
        keep(desk, "demo-desk-dark" if dark else "demo-desk")
        assert fits(desk)
        ground = desk.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(18, 22, 26)") is dark


def test_the_page_can_be_used_by_keyboard_alone(served, world, desk):
    desk.open(link_to(served, world, "race"))
    desk.until_text("race", "#event")
    reached = []
    for _ in range(6):
        desk.press("Tab")
        reached.append(desk.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert reached[:3] == ["camera", "file", "bib"]
    named = desk.evaluate(
        """[...document.querySelectorAll('button, input')].filter((one) => one.checkVisibility()).filter((one) =>
        !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length)).length"""
    )
    assert named == 0


# --- the documents ---


def fill(browser: Browser, world: World, key: str) -> None:
    values = {"X-API-Key": key, "org_id": world.names["north"], "event_id": world.names["race"]}
    for name, value in values.items():
        browser.type(f"#values input[name='{name}']", value)


def test_the_documents_show_every_operation(served, desk):
    document = served.ask("GET", "/openapi.json").json
    operations = {
        one["operationId"]
        for path in document["paths"].values()
        for one in path.values()
        if "responses" in one
    }
    desk.open(f"{served.url}/docs")
    desk.until_text(document["info"]["title"], "h1")
    shown = desk.evaluate("[...document.querySelectorAll('article')].map((one) => one.id)")
    assert sorted(shown) == sorted(operations)
    keep(desk, "docs-desk")
    desk.type("#filter", "clips bib")
    left = desk.evaluate(
        "[...document.querySelectorAll('#index li')].filter((one) => one.checkVisibility()).length"
    )
    assert left == 1
    # Every answer opens, whatever its schema.
    opened = desk.evaluate(
        """(async () => {
            for (const one of document.querySelectorAll('article details')) one.open = true;
            await new Promise((done) => setTimeout(done, 500));
            return [...document.querySelectorAll('article details')].filter((one) => one.childElementCount < 2).length;
        })()"""
    )
    assert opened == 0
    assert desk.problems == []


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_a_call_is_tried_from_the_documents(served, world, tmp_path, sample: SampleEvent, size):
    with Browser(tmp_path / "profile", size) as browser:
        browser.open(f"{served.url}/docs")
        browser.until("the form", "document.querySelector('#values input') !== null")
        fill(browser, world, world.keys["north"])
        name = "phone" if size == PHONE else "desk"

        browser.tap("#ping details.try summary")
        browser.until_text("$EVENTLENS_KEY", "#ping .curl")
        assert world.keys["north"] not in browser.text("main")
        browser.tap("#ping form button", "Send")
        browser.until_text('"message": "pong"', "#ping .answer")
        keep(browser, f"docs-ping-{name}")

        browser.tap("#searchByFace details.try summary")
        browser.choose_file("#searchByFace input[type=file]", sample.selfies["astronaut"])
        browser.tap("#searchByFace form button", "Send")
        browser.until_text('"request_id"', "#searchByFace .answer")
        assert world.of_astronaut[0] in browser.text("#searchByFace .answer")
        keep(browser, f"docs-selfie-{name}")

        browser.tap("#searchByBib details.try summary")
        browser.type("#searchByBib .fields input", "a207")
        browser.tap("#searchByBib form button", "Send")
        browser.until_text('"total"', "#searchByBib .answer")
        assert fits(browser)
        assert browser.problems == []

        browser.evaluate("document.querySelector('#values input[type=password]').value = ''")
        browser.type("#values input[type=password]", "wrong")
        browser.tap("#ping form button", "Send")
        browser.until_text("403", "#ping .answer")


def test_the_pages_load_nothing_from_elsewhere_and_no_script_of_others(served):
    for page in ("/demo", "/docs"):
        reply = served.ask("GET", page)
        assert reply.status == 200
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert b"//" not in reply.body.replace(b"<!doctype", b"")
        again = served.ask("GET", page, {"If-None-Match": reply.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
