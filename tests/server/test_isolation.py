"""What belongs to one organisation is nobody else's: every mismatch of key, organisation, event, request and image."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from urllib.parse import urlsplit

import pytest
from tests.server.cases import NOWHERE, Form
from tests.server.running import Reply, Server
from tests.server.world import World

# Of each event: its organisation, a search and an image of it.
EVENTS = {
    "race": ("north", "astronaut", "image"),
    "closed": ("north", "closed-search", "closed-image"),
    "south-race": ("south", "south-search", "south-image"),
    "east-race": ("east", "east-search", "east-image"),
}
ORGANISATIONS = ("north", "south", "east")
REQUESTS = [*(search for _, search, _ in EVENTS.values()), NOWHERE]
IMAGES = [*(image for _, _, image in EVENTS.values()), NOWHERE]


@dataclass(frozen=True)
class Question:
    """A request, and what it asks for: nothing in particular, a search or an image.

    Attributes:
        unknown: The status where what it asks for is not the event's.
        switched: It needs a switch that the event "closed" has not on.
    """

    method: str
    path: str
    kind: str = ""
    body: dict[str, object] | Form | None = None
    unknown: int = 200
    switched: bool = False


PLAIN = [
    Question("GET", "/ping"),
    Question("GET", "/details"),
    Question("GET", "/images"),
    Question("GET", "/bibs/318", switched=True),
    Question("GET", "/timeline/days", switched=True),
    Question("GET", "/timeline/images?from=0&to=4000000000", switched=True),
    Question("POST", "/faces", body=Form("admiral"), switched=True),
    Question("POST", "/original-photos", body={"method": "bib", "identifier": "318"}),
]
OF_REQUEST = [
    Question("GET", "/faces/{asked}", "request", unknown=404, switched=True),
    Question("POST", "/faces", "request", Form(None, "{asked}"), unknown=404, switched=True),
    Question(
        "POST",
        "/video-clipping/search-by-selfie",
        "request",
        Form(None, "{asked}"),
        unknown=404,
        switched=True,
    ),
    Question("GET", "/video-clipping/{asked}", "request", unknown=404, switched=True),
    Question("POST", "/original-photos", "request", {"method": "selfie", "identifier": "{asked}"}),
]
OF_IMAGE = [
    Question("POST", "/original-photos", "image", {"method": "image_id", "identifier": "{asked}"}, 400),
    Question("POST", "/original-photos", "image", {"method": "image_ids", "identifier": ["{asked}"]}, 400),
]


def questions() -> Iterator[tuple[Question, str]]:
    for question in PLAIN:
        yield question, ""
    yield from product(OF_REQUEST, REQUESTS)
    yield from product(OF_IMAGE, IMAGES)


def expected(key: str, org: str, event: str, question: Question, asked: str) -> int:
    """What the contract says."""
    owner, search, image = EVENTS[event]
    if key != org or owner != org:
        return 403
    if event == "closed" and question.switched:
        return 403
    if question.kind == "request":
        return 200 if asked == search else question.unknown
    if question.kind == "image":
        return 200 if asked == image else question.unknown
    return 200


def send(
    server: Server,
    world: World,
    key: str,
    org: str,
    event: str,
    question: Question,
    asked: str,
    token: Mapping[str, str] | None = None,
) -> Reply:
    identifier = world.names.get(asked, asked)
    path = f"/api/v1/ext/{world.names[org]}/event/{world.names[event]}" + question.path.format(
        asked=identifier
    )
    headers = dict(token or {"X-API-Key": world.keys[key]})
    content = None
    if isinstance(question.body, Form):
        headers["Content-Type"], content = question.body.encoded(world, {"asked": identifier})
    elif question.body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(question.body).replace("{asked}", identifier).encode()
    return server.ask(question.method, path, headers, content)


@pytest.mark.parametrize("org", ORGANISATIONS)
@pytest.mark.parametrize("key", ORGANISATIONS)
def test_nothing_of_others_is_told(server: Server, world: World, key: str, org: str) -> None:
    # Clips of an event's own search may be polled once they were started.
    for event, (owner, search, _) in EVENTS.items():
        if owner == key and event != "closed":
            start = OF_REQUEST[2]
            assert send(server, world, key, owner, event, start, search).status == 200
    counts: Counter[int] = Counter()
    told: dict[tuple[str, int], set[bytes]] = {}
    for event, (question, asked) in product(EVENTS, questions()):
        reply = send(server, world, key, org, event, question, asked)
        wanted = expected(key, org, event, question, asked)
        assert reply.status == wanted, (event, question, asked, reply.body[:200])
        counts[reply.status] += 1
        if reply.status == 200:
            assert_only_own(world, event, reply)
        else:
            assert reply.data is None
            place = f"{event} {question.path} {question.method} {question.body}" if wanted != 403 else event
            if not (
                wanted == 403 and event == "closed" and key == org
            ):  # its switches have words of their own
                told.setdefault((place, wanted), set()).add(reply.body)
    # What is nobody's, what is another event's and what is another organisation's sound alike.
    assert all(len(bodies) == 1 for bodies in told.values()), told
    foreign = [EVENTS[event][0] != org or key != org for event in EVENTS]
    assert counts[403] >= sum(foreign) * len(list(questions()))


def assert_only_own(world: World, event: str, reply: Reply) -> None:
    """No image id, and no number in a link, of another event."""
    text = reply.body.decode()
    for other, images in world.images.items():
        if other != event:
            assert not any(image in text for image in images)
    for number in re.findall(r"/media/(\d+)/", text):
        assert number == world.names[event]


def test_no_key_finds_out_which_organisations_there_are(server: Server, world: World) -> None:
    headers = {"X-API-Key": world.keys["south"]}
    replies = {
        server.ask("GET", f"/api/v1/ext/{org}/events", headers).body
        for org in (world.names["north"], world.names["east"], "0", "-7", "424242")
    }
    assert len(replies) == 1


@pytest.mark.parametrize("field", ["img_url", "thumbnail_url"])
def test_a_signature_opens_one_picture(server: Server, world: World, field: str) -> None:
    def link(org: str, event: str) -> tuple[str, str]:
        path = f"/api/v1/ext/{world.names[org]}/event/{world.names[event]}/images"
        reply = server.ask("GET", path, {"X-API-Key": world.keys[org]})
        parts = urlsplit(reply.data["images"][0][field])
        return parts.path, parts.query

    (ours, our_signature), (theirs, their_signature) = link("north", "race"), link("south", "south-race")
    assert server.ask("GET", f"{ours}?{our_signature}").status == 200
    for path, query in [
        (ours, their_signature),
        (theirs, our_signature),
        (ours, ""),
        (ours, our_signature.replace("expires=", "expires=9")),
        (ours, our_signature[:-1]),
        (ours.replace("/small/", "/original/").replace("/large/", "/original/"), our_signature),
    ]:
        reply = server.ask("GET", f"{path}?{query}")
        assert reply.status in (403, 404), (path, query, reply.status)


@pytest.mark.parametrize("owned", ["race", "closed", "south-race", "east-race"])
def test_a_token_opens_one_event(server: Server, world: World, owned: str) -> None:
    """A participant's token: every event and organisation but its own is a 403, whatever is asked for."""
    owner, search, image = EVENTS[owned]
    headers = {"X-Event-Token": world.workspace.visitor_token(world.events[owned], seconds=600)}
    for org, event, (question, asked) in product(ORGANISATIONS, EVENTS, questions()):
        reply = send(server, world, owner, org, event, question, asked, headers)
        of_originals = question.path == "/original-photos" and owned != "closed"  # which alone offers them
        if org != owner or event != owned or (owned == "closed" and question.switched) or of_originals:
            wanted = {403}
        elif question.kind and asked not in (search, image):
            wanted = {question.unknown}
        else:
            wanted = {200, 404}  # 404: no clips of this search were started
        wanted |= {429} if question.method == "POST" else set()  # tokens may search less often
        assert reply.status in wanted, (org, event, question, asked, reply.body[:200])
        if reply.status == 200:
            assert_only_own(world, event, reply)
    # It lists no events, and a spoiled one opens nothing.
    assert server.ask("GET", f"/api/v1/ext/{world.names[owner]}/events", headers).status == 401
    ping = f"/api/v1/ext/{world.names[owner]}/event/{world.names[owned]}/ping"
    assert server.ask("GET", ping, headers).status == 200
    token = headers["X-Event-Token"]
    for spoiled in (
        token[:-1],
        token + "0",
        token.replace(".", ".9", 1),
        token.swapcase(),
        "x",
        "1.1.9999999999.x.",
    ):
        assert server.ask("GET", ping, {"X-Event-Token": spoiled}).status == 403
    expired = {"X-Event-Token": world.workspace.visitor_token(world.events[owned], seconds=1)}
    deadline = time.monotonic() + 5
    while server.ask("GET", ping, expired).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert server.ask("GET", ping, expired).status == 403
