"""Cases of events, gallery, bibs, timeline and originals: contract 2.1 to 2.5, 2.8, 2.9, 2.12."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any
from urllib.request import urlopen

from tests.server.cases import NOWHERE, ORG, RACE, Case, Check, JsonBody, RawBody
from tests.server.running import Reply
from tests.server.schemas import DOCUMENT
from tests.server.world import UNDATED, World

NO_PAGES = {
    "total": 0,
    "currentPage": 0,
    "totalPages": 0,
    "hasNextPage": False,
    "hasPreviousPage": False,
}


def data_is(expected: Callable[[World], Any]) -> Check:
    def check(world: World, reply: Reply) -> None:
        assert reply.data == expected(world)

    return check


def images_are(expected: Callable[[World], list[str]]) -> Check:
    """The image ids, in this order, and the pagination that goes with so many on one page."""

    def check(world: World, reply: Reply) -> None:
        wanted = expected(world)
        assert [image["image_id"] for image in reply.data["images"]] == wanted
        told = reply.data["pagination"]
        if wanted:
            assert told == {
                "total": len(wanted),
                "currentPage": 1,
                "totalPages": 1,
                "hasNextPage": False,
                "hasPreviousPage": False,
                "page_size": told["page_size"],
            }
        else:
            assert told == {**NO_PAGES, "page_size": told["page_size"]}

    return check


def no_images(page_size: int = 32) -> Check:
    return data_is(lambda world: {"images": [], "pagination": {**NO_PAGES, "page_size": page_size}})


def photo_cases() -> Iterator[Case]:
    yield from _system()
    yield from _events()
    yield from _gallery()
    yield from _bibs()
    yield from _days()
    yield from _windows()
    yield from _originals()


def _system() -> Iterator[Case]:
    yield Case(
        "ping",
        "everything fits",
        RACE + "/ping",
        200,
        message="pong",
        check=data_is(
            lambda world: {"status": "ok", "org_id": world.number("north"), "event_id": world.number("race")}
        ),
        shows="the ids, echoed",
    )
    yield Case("ping", "HEAD", RACE + "/ping", 200, "HEAD", check=_no_body, shows="no body")
    yield Case("ping", "event switched off for clients", "/api/v1/ext/{north}/event/{closed}/ping", 200)
    yield Case("healthz", "no key", "/healthz", 200, key=None)
    yield Case("readyz", "no key", "/readyz", 200, key=None)
    yield Case("metrics", "no key", "/metrics", 200, key=None, check=_prometheus, shows="Prometheus text")
    yield Case("openapi", "no key", "/openapi.json", 200, key=None, check=_openapi, shows="3.1.0, every path")
    for path in ("/api", "/api/v1/ext", "/api/v1/ext/{north}", RACE, RACE + "/nothing", RACE + "/images/"):
        yield Case("", f"`{path}`: no such route", path, 404)
    for path in (
        "/api/v1/ext/{north}/event/{race}/images/../images",
        "/api/v1/ext/{north}/event//{race}/images",
        "/api/v1/ext/{north}/events/{race}/images",
        "/API/v1/ext/{north}/events",
    ):
        yield Case("", f"`{path}`: paths are taken as they are", path, 404)


def _no_body(world: World, reply: Reply) -> None:
    assert reply.body == b""


def _prometheus(world: World, reply: Reply) -> None:
    lines = reply.body.decode().splitlines()
    assert any(line.startswith("# TYPE ") for line in lines)
    assert not any(key in reply.body.decode() for key in world.keys.values())


def _openapi(world: World, reply: Reply) -> None:
    document = reply.json
    assert document == DOCUMENT
    assert document["openapi"] == "3.1.0"
    assert sum(path.startswith("/api/v1/ext/") for path in document["paths"]) == 13


def _events() -> Iterator[Case]:
    def all_of_north(world: World, reply: Reply) -> None:
        events = reply.data["events"]
        north = [name for name in world.events if not name.startswith(("south", "east"))]
        assert {event["event_id"] for event in events} == {world.number(name) for name in north}
        # By date, latest first, then by number, greatest first; those without a date last.
        order = [(event["event_date"] or "", event["event_id"]) for event in events]
        assert order == sorted(order, reverse=True)
        by_id = {event["event_id"]: event for event in events}
        race = by_id[world.number("race")]
        assert race == {
            "event_id": world.number("race"),
            "event_name": "race",
            "event_slug": race["event_slug"],
            "event_date": "2026-05-09T07:30:00",
            "status": "active",
            "cover_image": race["cover_image"],
        }
        assert race["event_slug"]
        assert by_id[world.number("empty")]["status"] == "draft"
        assert by_id[world.number("empty")]["event_date"] is None

    yield Case(
        "listEvents",
        "all of the organisation, drafts too",
        ORG + "/events?page_size=100",
        200,
        message="Records for events",
        check=all_of_north,
        shows="order, unset fields null, nobody else's",
    )
    yield Case(
        "listEvents",
        "an organisation without events",
        "/api/v1/ext/{west}/events",
        200,
        key="west",
        check=data_is(lambda world: {"events": [], "pagination": {**NO_PAGES, "page_size": 10}}),
        shows="an empty list",
    )

    def details(world: World, reply: Reply) -> None:
        data = reply.data
        assert {name: data[name] for name in data if name not in ("event_slug",)} == {
            "event_id": world.number("race"),
            "event_name": "race",
            "event_date": "2026-05-09T07:30:00",
            "status": "active",
            "event_enabled": True,
            "bib_search": True,
            "selfie_search": True,
            "name_search": False,
            "video_search": True,
            "video_selfie_search": True,
            "timeline_search": True,
        }

    yield Case(
        "getEventDetails",
        "everything on",
        RACE + "/details",
        200,
        message="Event details",
        check=details,
        shows="the switches; no cover_image",
    )

    def switches(event: str, **wanted: bool) -> Case:
        def check(world: World, reply: Reply) -> None:
            assert {name: reply.data[name] for name in wanted} == wanted

        return Case(
            "getEventDetails",
            f"the event `{event}`",
            f"/api/v1/ext/{{north}}/event/{{{event}}}/details",
            200,
            check=check,
            shows=", ".join(f"{name} {str(value).lower()}" for name, value in wanted.items()),
        )

    yield switches(
        "closed",
        event_enabled=False,
        bib_search=False,
        selfie_search=False,
        video_search=False,
        video_selfie_search=False,
        timeline_search=False,
    )
    yield switches("no-video", video_search=False, video_selfie_search=False)
    yield switches("no-video-selfie", video_search=True, video_selfie_search=False)
    yield switches("photos-only", video_search=True, video_selfie_search=True)


def _gallery() -> Iterator[Case]:
    yield Case(
        "listImages",
        "all photos",
        RACE + "/images",
        200,
        message="Records for all images",
        check=images_are(lambda world: world.gallery),
        shows="by capture time, undated last; hidden and failed ones left out",
    )
    yield Case(
        "listImages",
        "an event without photos",
        "/api/v1/ext/{north}/event/{empty}/images",
        200,
        message="No images found",
        check=no_images(),
        shows="empty-result pagination",
    )
    yield Case(
        "listImages",
        "an event that is not enabled",
        "/api/v1/ext/{north}/event/{closed}/images",
        200,
        check=images_are(lambda world: world.images["closed"]),
        shows="its photos: the switch is for information",
    )

    def middle_page(world: World, reply: Reply) -> None:
        assert [image["image_id"] for image in reply.data["images"]] == world.gallery[3:6]
        total = len(world.gallery)
        assert reply.data["pagination"] == {
            "total": total,
            "currentPage": 2,
            "totalPages": -(-total // 3),
            "hasNextPage": True,
            "hasPreviousPage": True,
            "page_size": 3,
        }

    yield Case(
        "listImages",
        "a page in the middle",
        RACE + "/images?page=2&page_size=3",
        200,
        check=middle_page,
        shows="its photos and where it stands",
    )

    def pictures(world: World, reply: Reply) -> None:
        from eventlens import decode_image

        first = reply.data["images"][0]
        assert (first["width"], first["height"]) == world.first_size
        assert first["original_url"] is None
        for url, side in ((first["img_url"], 2048), (first["thumbnail_url"], 400)):
            with urlopen(url) as answer:
                assert answer.headers["Content-Type"] == "image/jpeg"
                height, width = decode_image(answer.read()).shape[:2]
            assert max(height, width) <= side

    yield Case(
        "listImages",
        "what the URLs lead to",
        RACE + "/images?page_size=1",
        200,
        check=pictures,
        shows="JPEGs of both renditions; the original's size, upright; original_url null",
    )

    def originals(world: World, reply: Reply) -> None:
        (image,) = reply.data["images"]
        with urlopen(image["original_url"]) as answer:
            assert answer.read() == world.closed_original

    yield Case(
        "listImages",
        "an event that lets its originals be told",
        "/api/v1/ext/{north}/event/{closed}/images",
        200,
        check=originals,
        shows="original_url leads to the original",
    )


def _bibs() -> Iterator[Case]:
    def of_bib(path: str, situation: str, found: bool, shows: str = "") -> Case:
        def wanted(world: World) -> list[str]:
            return [image for image in world.gallery if image in world.of_bib] if found else []

        return Case(
            "searchByBib", situation, RACE + f"/bibs/{path}", 200, check=images_are(wanted), shows=shows
        )

    yield of_bib("{bib}", "a number that was read", True, "its photos, in the gallery's order")
    yield of_bib("a207", "lower case", True)
    yield of_bib("%20A207%20", "blanks around it", True)
    yield of_bib("%41207", "escaped letters", True)
    yield of_bib("A20", "the beginning of a number", False)
    yield of_bib("207", "the end of a number", False)
    yield of_bib("A2070", "a number and more", False)
    yield of_bib("99999", "a number of nobody", False)
    yield of_bib("A%2F207", "an escaped slash", False)
    yield of_bib("..", "`..`", False)
    yield of_bib("%2E%2E", "`..`, escaped", False)
    yield of_bib("%2E%2E%2Fetc%2Fpasswd", "a path out of it", False)
    yield of_bib("%C3%9C7", "letters beyond ASCII", False)
    yield of_bib("%00", "a zero byte", False)
    yield of_bib("%20", "a blank alone", False)
    yield of_bib("1" * 300, "300 digits", False)
    yield of_bib("A207'%20OR%201%3D1", "SQL", False)
    yield of_bib("%25", "a percent sign", False)
    yield Case("searchByBib", "bytes that are no UTF-8", RACE + "/bibs/%FF%FE", 422)
    yield Case("", "`%4` in a path: half an escape", RACE + "/bibs/%4", 400)
    yield Case("searchByBib", "no bib", RACE + "/bibs/", 404)
    yield Case(
        "searchByBib",
        "found: the words",
        RACE + "/bibs/{bib}",
        200,
        message="Records for bib number A207",
    )
    yield Case(
        "searchByBib",
        "not found: the words",
        RACE + "/bibs/99999",
        200,
        message="No images found for bib number 99999",
        check=no_images(),
        shows="200 and empty-result pagination, no error",
    )
    yield Case(
        "searchByBib",
        "a number of another event",
        "/api/v1/ext/{south}/event/{south-race}/bibs/A207",
        200,
        key="south",
        check=no_images(),
        shows="nothing",
    )


def _days() -> Iterator[Case]:
    def wanted(world: World) -> Any:
        days: dict[str, dict[int, int]] = {}
        for seconds in world.taken.values():
            at = datetime.fromtimestamp(seconds, timezone.utc)
            hours = days.setdefault(at.date().isoformat(), {})
            hours[at.hour] = hours.get(at.hour, 0) + 1
        return {
            "days": [
                {
                    "date": day,
                    "total": sum(hours.values()),
                    "hours": [{"hour": hour, "count": hours[hour]} for hour in sorted(hours)],
                }
                for day, hours in sorted(days.items())
            ]
        }

    yield Case(
        "listTimelineDays",
        "photos of two days",
        RACE + "/timeline/days",
        200,
        message="Timeline buckets",
        check=data_is(wanted),
        shows="UTC days and hours ascending, none empty, undated photos left out",
    )
    yield Case(
        "listTimelineDays",
        "no photos",
        "/api/v1/ext/{north}/event/{empty}/timeline/days",
        200,
        message="No timeline data",
        check=data_is(lambda world: {"days": []}),
        shows="days []",
    )


def _windows() -> Iterator[Case]:
    def window(query: str, situation: str, status: int, **more: Any) -> Case:
        return Case("listTimelineImages", situation, RACE + f"/timeline/images?{query}", status, **more)

    def between(first: int, last: int) -> Check:
        return images_are(lambda world: world.gallery[first:last])

    def all_dated(world: World) -> list[str]:
        return [image for image in world.gallery if image != world.by_file[UNDATED]]

    everything = images_are(all_dated)
    yield window(
        "from=0&to=4000000000",
        "all time",
        200,
        message="Records for timeline images",
        check=everything,
        shows="by capture time; undated ones never",
    )
    yield window(
        "from={t1}&to={t3}", "from a photo's time to another's", 200, check=between(1, 3), shows="[from, to)"
    )
    yield window("from={behind-t1}&to={behind-t3}", "a millisecond later", 200, check=between(2, 4))
    yield window("from=-5&to={t1}", "negative bound", 200, check=between(0, 1))
    yield window("from=-1e300&to=1e300", "bounds far beyond the calendar", 200, check=everything)
    yield window(
        "from=1&to=2",
        "nothing in it",
        200,
        message="No images found",
        check=no_images(),
        shows="empty-result pagination",
    )
    yield window("from=2&to=2", "`to` equals `from`", 400)
    yield window("from=3&to=2", "`to` before `from`", 400)
    yield window("to=2", "no `from`", 422, message="query.from: ")
    yield window("from=2", "no `to`", 422, message="query.to: ")
    yield window("", "neither bound", 422, message="query.from: ")
    yield window("from=&to=2", "an empty bound", 422, message="query.from: ")
    yield window("from=yesterday&to=2", "a bound that is no number", 422, message="query.from: ")
    yield window("from=0x10&to=20", "a hexadecimal bound", 422)
    yield window("from=0&to=nan", "`nan`", 422, message="query.to: ")
    yield window("from=0&to=inf", "`inf`", 422, message="query.to: ")
    yield window("from=0&to=1e999", "beyond any number", 422, message="query.to: ")
    yield window("from=%200&to=2", "a blank before it", 422)


def _originals() -> Iterator[Case]:
    def asked(situation: str, status: int, body: Any, **more: Any) -> Case:
        path = RACE + "/original-photos"
        whole = body if isinstance(body, RawBody) else JsonBody(body)
        return Case("createOriginalPhotoLinks", situation, path, status, "POST", body=whole, **more)

    def links(
        wanted: Callable[[World], list[str]],
        identifier: Callable[[World], str | None],
        failed: Callable[[World], list[str]] = lambda world: [],
    ) -> Check:
        def check(world: World, reply: Reply) -> None:
            data = reply.data
            good, bad = wanted(world), failed(world)
            assert sorted(item["filename"].rpartition(".")[0] for item in data["presigned_urls"]) == sorted(
                good
            )
            assert [item["image_id"] for item in data["failed_urls"]] == bad
            assert data["total_images"] == len(good) + len(bad)
            assert (data["successful_count"], data["failed_count"]) == (len(good), len(bad))
            assert data["identifier"] == identifier(world)
            for item in data["presigned_urls"][:1]:
                with urlopen(item["url"]) as answer:
                    assert answer.read(2) == b"\xff\xd8"

        return check

    def of_bib(world: World) -> list[str]:
        return [image for image in world.gallery if image in world.of_bib]

    def nothing(words: str) -> dict[str, Any]:
        def check(world: World, reply: Reply) -> None:
            data = reply.data
            assert (data["presigned_urls"], data["failed_urls"]) == ([], [])
            assert (data["total_images"], data["successful_count"], data["failed_count"]) == (0, 0, 0)
            assert data["pagination"] == {**NO_PAGES, "page_size": 30}

        return {"message": f"No images found for {words}", "check": check, "shows": "empty arrays, counts 0"}

    yield asked(
        "by bib",
        200,
        {"method": "bib", "identifier": "{bib}"},
        check=links(of_bib, lambda world: "A207"),
        shows="links that give the originals; identifier echoed",
    )
    yield asked(
        "by bib, in lower case",
        200,
        {"method": "bib", "identifier": "a207"},
        check=links(of_bib, lambda world: "a207"),
    )
    yield asked(
        "by a bib of nobody", 200, {"method": "bib", "identifier": "99999"}, **nothing("bib identifier 99999")
    )
    yield Case(
        "createOriginalPhotoLinks",
        "by bib, with bib_search off",
        "/api/v1/ext/{north}/event/{no-bib}/original-photos",
        200,
        "POST",
        body=JsonBody({"method": "bib", "identifier": "318"}),
    )
    yield asked(
        "by selfie",
        200,
        {"method": "selfie", "identifier": "{astronaut}"},
        check=links(lambda world: world.of_astronaut, lambda world: world.names["astronaut"]),
        shows="the photos of the search",
    )
    yield asked("by selfie, in capitals", 200, {"method": "selfie", "identifier": "{ASTRONAUT}"})
    yield asked(
        "by a selfie that is unknown",
        200,
        {"method": "selfie", "identifier": NOWHERE},
        **nothing(f"selfie identifier {NOWHERE}"),
    )
    yield asked(
        "by a selfie of another event",
        200,
        {"method": "selfie", "identifier": "{south-search}"},
        **nothing("selfie"),
    )
    yield asked("by a selfie that is no UUID", 400, {"method": "selfie", "identifier": "abc"})
    yield asked(
        "by image",
        200,
        {"method": "image_id", "identifier": "{image}"},
        check=links(lambda world: [world.names["image"]], lambda world: world.names["image"]),
    )
    yield asked("by image, in capitals", 200, {"method": "image_id", "identifier": "{IMAGE}"})
    yield asked("by an image that is unknown", 400, {"method": "image_id", "identifier": NOWHERE})
    yield asked("by an image that is no UUID", 400, {"method": "image_id", "identifier": "../../etc/passwd"})
    yield asked("by an image of another event", 400, {"method": "image_id", "identifier": "{south-image}"})
    yield asked(
        "by an image of another event of ours", 400, {"method": "image_id", "identifier": "{closed-image}"}
    )
    yield asked("by a hidden image", 400, {"method": "image_id", "identifier": "{hidden-image}"})
    yield asked(
        "by images",
        200,
        {"method": "image_ids", "identifier": ["{image}", "{image2}"]},
        check=links(lambda world: [world.names["image"], world.names["image2"]], lambda world: None),
        shows="identifier null",
    )
    yield asked(
        "by images, some of them unknown",
        200,
        {"method": "image_ids", "identifier": ["{image}", NOWHERE, "abc", "{south-image}"]},
        check=links(
            lambda world: [world.names["image"]],
            lambda world: None,
            lambda world: [NOWHERE, "abc", world.names["south-image"]],
        ),
        shows="the others in failed_urls",
    )
    yield asked(
        "by images, all of them unknown", 400, {"method": "image_ids", "identifier": [NOWHERE, "abc"]}
    )
    for situation, body in [
        ("unknown method", {"method": "name", "identifier": "Ann"}),
        ("method in capitals", {"method": "BIB", "identifier": "1"}),
        ("no method", {"identifier": "1"}),
        ("no identifier", {"method": "bib"}),
        ("an empty object", {}),
        ("method is null", {"method": None, "identifier": "1"}),
        ("method is a list", {"method": ["bib"], "identifier": "1"}),
        ("identifier is null", {"method": "bib", "identifier": None}),
        ("identifier is a number", {"method": "bib", "identifier": 207}),
        ("identifier is an object", {"method": "bib", "identifier": {"a": 1}}),
        ("a list for one image", {"method": "image_id", "identifier": ["{image}"]}),
        ("a text for several images", {"method": "image_ids", "identifier": "{image}"}),
        ("no images at all", {"method": "image_ids", "identifier": []}),
        ("a number among the images", {"method": "image_ids", "identifier": ["{image}", 7]}),
        ("null among the images", {"method": "image_ids", "identifier": [None]}),
    ]:
        yield asked(situation, 422, body, message="body")
    yield from broken_json(
        "createOriginalPhotoLinks", RACE + "/original-photos", b'"method": "bib", "identifier": "1"'
    )


def broken_json(operation: str, path: str, good: bytes) -> Iterator[Case]:
    """A body that is none; `good` is the inside of one that would do."""

    def sent(situation: str, status: int, content: bytes, kind: str = "application/json") -> Case:
        return Case(operation, situation, path, status, "POST", body=RawBody(kind, content))

    whole = b"{" + good + b"}"
    yield sent("JSON with a charset", 200, whole, "application/json; charset=utf-8")
    yield sent("keys of ours and others", 200, b'{"more": 1, ' + good + b"}")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        yield sent(f"content type `{kind}`", 415, whole, kind)
    for situation, content in [
        ("no body", b""),
        ("no JSON", b"hello"),
        ("cut off", whole[:-1]),
        ("more behind it", whole + b"{}"),
        ("a list", b"[" + whole + b"]"),
        ("a number", b"7"),
        ("null", b"null"),
        ("not UTF-8", b'{"more": "\xff\xfe", ' + good + b"}"),
        ("UTF-16", whole.decode().encode("utf-16")),
        ("half of a surrogate pair", b'{"more": "\\ud800", ' + good + b"}"),
        ("a key twice", b"{" + good + b", " + good + b"}"),
        ("a key twice, deeper", b'{"more": {"a": 1, "a": 2}, ' + good + b"}"),
        ("nested 1000 deep", b'{"more": ' + b"[" * 1000 + b"]" * 1000 + b", " + good + b"}"),
        ("nested 100,000 deep", b"[" * 100_000),
        ("NaN", b'{"more": NaN, ' + good + b"}"),
        ("a number beyond any", b'{"more": 1e999, ' + good + b"}"),
        ("a comment", b"{/* hello */" + good + b"}"),
        ("a comma too many", b"{" + good + b",}"),
        ("a zero byte", whole + b"\x00"),
    ]:
        yield sent(situation, 422, content)
    yield sent("two megabytes", 413, b'{"more": "' + b"x" * 2_000_000 + b'", ' + good + b"}")
