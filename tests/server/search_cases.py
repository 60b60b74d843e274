"""Cases of selfie searches and clips that need no story: contract 2.6, 2.7, 2.10, 2.11."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from tests.server.cases import FILE, NOWHERE, PLAIN, RACE, Case, Check, Form, JsonBody, RawBody, multipart
from tests.server.photo_cases import NO_PAGES, broken_json
from tests.server.running import Reply
from tests.server.world import World

FACES = RACE + "/faces"
CLIPS = RACE + "/video-clipping"
BY_SELFIE = CLIPS + "/search-by-selfie"
BY_BIB = CLIPS + "/search-by-bib"
MEGABYTE = 1024 * 1024


def search_cases() -> Iterator[Case]:
    yield from _new_searches()
    yield from _known_searches()
    yield from _starts()
    yield from _polls()
    for operation, path in (("searchByFace", FACES), ("startVideoClipping", BY_SELFIE)):
        yield from _refused_forms(operation, path)
    yield from _bib_starts()


def found(images: Callable[[World], list[str]], **data: Any) -> Check:
    """So many photos in any order (probabilities may tie), an id in lower case, and what else is in `data`."""

    def check(world: World, reply: Reply) -> None:
        told = reply.data
        assert sorted(image["image_id"] for image in told["images"]) == sorted(images(world))
        assert told["request_id"] == str(uuid.UUID(told["request_id"]))
        for name, value in data.items():
            assert told[name] == value

    return check


def of_astronaut(world: World) -> list[str]:
    return world.of_astronaut


def _new_searches() -> Iterator[Case]:
    def faces(situation: str, status: int, form: Any, query: str = "", **more: Any) -> Case:
        return Case("searchByFace", situation, FACES + query, status, "POST", body=form, **more)

    def answers(request_id: str) -> Check:
        def check(world: World, reply: Reply) -> None:
            found(of_astronaut)(world, reply)
            assert reply.data["request_id"] == world.names[request_id]

        return check

    yield faces(
        "a selfie",
        200,
        Form("astronaut"),
        message="Records for selfie search",
        check=found(of_astronaut, confidence_percentage=None),
        shows="the photos; an id of the server's; confidence_percentage null",
    )
    yield faces("a selfie under an id of the client's", 200, Form("astronaut", "{new}"), check=answers("new"))
    yield faces(
        "an id in capitals",
        200,
        Form("astronaut", "{ASTRONAUT}"),
        check=answers("astronaut"),
        shows="told in lower case",
    )
    yield faces(
        "a known id and the same selfie", 200, Form("astronaut", "{astronaut}"), check=answers("astronaut")
    )
    yield faces(
        "a known id and another person's selfie",
        200,
        Form("president", "{astronaut}"),
        check=answers("astronaut"),
        shows="the frozen answer",
    )
    yield faces("a known id alone", 200, Form(None, "{astronaut}"), check=answers("astronaut"))
    yield faces(
        "a known id and a file that is no picture",
        200,
        Form(b"hello", "{astronaut}"),
        check=answers("astronaut"),
        shows="the file is not looked at",
    )
    yield faces(
        "the second page at once", 200, Form("astronaut"), "?page=2&page_size=1", check=_second_of_one
    )
    yield faces(
        "a known id alone, in a form of plain fields",
        200,
        lambda world: RawBody(
            "Application/X-WWW-Form-URLEncoded", f"request_id={world.names['ASTRONAUT']}".encode()
        ),
        check=answers("astronaut"),
    )
    yield Case(
        "searchByFace",
        "a known id from before there were videos, and a file that is no picture",
        FACES.replace("{race}", "{late}"),
        200,
        "POST",
        body=Form(b"hello", "{before-video}"),
        check=found(lambda world: world.images["late"]),
        shows="the frozen answer",
    )
    yield Case(
        "searchByFace",
        "copies of one photo",
        FACES.replace("{race}", "{copies}"),
        200,
        "POST",
        body=Form("astronaut"),
        check=_by_id,
        shows="those that are as sure: by image_id",
    )
    yield faces("an unknown id alone", 404, Form(None, NOWHERE))
    yield faces("an id of another event alone", 404, Form(None, "{closed-search}"))
    yield faces("an id of another organisation alone", 404, Form(None, "{south-search}"))

    def no_face(world: World, reply: Reply) -> None:
        data = reply.data
        assert data["images"] == []
        assert data["pagination"] == {**NO_PAGES, "page_size": 32}
        assert data["request_id"] == world.names["new"]
        assert "face" in reply.message

    yield faces(
        "a picture without a face",
        200,
        lambda world: Form(world.faceless, "{new}"),
        check=no_face,
        shows="no images, the id, and a message that says so",
    )
    yield faces("a PNG", 200, lambda world: Form(world.png), check=found(of_astronaut))
    yield faces(
        "several faces",
        200,
        lambda world: Form(world.crowd),
        check=found(of_astronaut),
        shows="the largest face's photos",
    )
    yield faces(
        "nobody of the event",
        200,
        Form("admiral", "{new}"),
        check=found(lambda world: []),
        shows="no images; the id",
    )
    yield Case(
        "searchByFace",
        "an event with a threshold",
        "/api/v1/ext/{south}/event/{south-race}/faces",
        200,
        "POST",
        key="south",
        body=Form("president"),
        check=found(lambda world: world.images["south-race"], confidence_percentage=80),
        shows="confidence_percentage 80",
    )
    yield Case(
        "searchByFace",
        "an event without photos",
        "/api/v1/ext/{north}/event/{empty}/faces",
        200,
        "POST",
        body=Form("astronaut"),
        check=found(lambda world: []),
        shows="no images; an id",
    )


def _by_id(world: World, reply: Reply) -> None:
    images = [image["image_id"] for image in reply.data["images"]]
    assert len(images) == 6
    assert images == sorted(world.images["copies"])


def _second_of_one(world: World, reply: Reply) -> None:
    data = reply.data
    assert len(data["images"]) == 1
    told = data["pagination"]
    total = len(world.of_astronaut)
    assert (told["total"], told["currentPage"], told["totalPages"]) == (total, 2, total)


def _known_searches() -> Iterator[Case]:
    def cached(situation: str, status: int, request_id: str, query: str = "", **more: Any) -> Case:
        return Case("getFaceSearch", situation, f"{FACES}/{request_id}{query}", status, **more)

    def same(world: World, reply: Reply) -> None:
        found(of_astronaut, confidence_percentage=None)(world, reply)
        assert reply.data["request_id"] == world.names["astronaut"]

    yield cached("a known id", 200, "{astronaut}", check=same, shows="the same answer")
    yield cached("a known id in capitals", 200, "{ASTRONAUT}", check=same, shows="told in lower case")
    yield cached("another page size", 200, "{astronaut}", "?page=2&page_size=1", check=_second_of_one)
    yield cached("a search that found nobody", 200, "{nobody}", check=found(lambda world: []))
    yield cached("an unknown id", 404, NOWHERE)
    yield cached("an id of another event", 404, "{closed-search}")
    yield cached("an id of another organisation", 404, "{south-search}")
    yield cached("the id of a photo", 404, "{image}")
    for text in _BAD_IDS:
        yield cached(f"`{text}`", 400, text)


_BAD_IDS = (
    "abc",
    "..",
    "%2E%2E",
    "%2e%2e%2fetc",
    "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9ag",
    "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aaa",
    "%7B8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aa%7D",
    "8d1b6c52%2F0f0a-4c38-9f6e-2a7e51b0c9aa",
    "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aa%00",
    "%20",
    "%FF",
    "1" * 5000,
)


def _refused_forms(operation: str, path: str) -> Iterator[Case]:
    """What neither a selfie search nor a clip start takes."""

    def sent(situation: str, status: int, body: Any, **more: Any) -> Case:
        return Case(operation, situation, path, status, "POST", body=body, **more)

    def parts(*given: tuple[str, bytes]) -> RawBody:
        return RawBody(*multipart(list(given), "cut"))

    jpeg = b"\xff\xd8\xff\xe0" + b"x" * 1000
    good = multipart([(FILE, jpeg)], "cut")[1]
    yield sent("an empty file", 400, Form(b""))
    yield sent("an empty file and a known id", 400, Form(b"", "{astronaut}"))
    yield sent("a file that is no picture", 400, Form(b"hello"))
    yield sent("a JPEG that is cut off", 400, lambda world: Form(world.selfies["astronaut"][:3000]))
    yield sent("an id that is no UUID", 400, Form("astronaut", "abc"))
    yield sent("an id that is no UUID, and no file", 400, Form(None, "abc"))
    yield sent("an empty form", 400, RawBody("multipart/form-data; boundary=cut", b"--cut--\r\n"))
    yield sent("neither file nor id", 400, parts((PLAIN.format("name"), b"Ann")))
    yield sent("the selfie under another name", 400, parts((FILE.replace('"file"', '"selfie"'), jpeg)))
    yield sent("two files", 400, parts((FILE, jpeg), (FILE, jpeg)))
    yield sent("two ids", 400, parts(*[(PLAIN.format("request_id"), NOWHERE.encode())] * 2))
    yield sent("no boundary", 400, RawBody("multipart/form-data", good))
    yield sent("an empty boundary", 400, RawBody('multipart/form-data; boundary=""', good))
    yield sent(
        "a boundary that is not in the body", 400, RawBody("multipart/form-data; boundary=other", good)
    )
    yield sent(
        "a boundary of 1000 characters", 400, RawBody(f"multipart/form-data; boundary={'b' * 1000}", good)
    )
    yield sent("no body", 400, RawBody("multipart/form-data; boundary=cut", b""))
    yield sent("cut off in the file", 400, RawBody("multipart/form-data; boundary=cut", good[:-30]))
    yield sent("cut off in a part's header", 400, RawBody("multipart/form-data; boundary=cut", good[:40]))
    yield sent("cut off in the last boundary", 400, RawBody("multipart/form-data; boundary=cut", good[:-6]))
    yield sent("a part's header of 100 kB", 400, parts((FILE + "\r\nX-More: " + "x" * 100_000, jpeg)))
    yield sent(
        "a part without a header",
        400,
        RawBody("multipart/form-data; boundary=cut", b"--cut\r\n\r\nhello\r\n--cut--\r\n"),
    )
    yield sent("a part without a name", 400, parts(("Content-Disposition: form-data", jpeg)))
    yield sent("a part that is an attachment", 400, parts((FILE.replace("form-data", "attachment"), jpeg)))
    yield sent("a header line without a colon", 400, parts((FILE + "\r\nhello", jpeg)))
    yield sent("a name that is not UTF-8", 400, _renamed(parts((PLAIN.format("NAME"), b"x"))))
    yield sent("1000 parts", 400, parts(*[(PLAIN.format("x"), b"y")] * 1000))
    inner = multipart([(FILE, jpeg)], "inner")
    yield sent(
        "multipart within multipart",
        400,
        parts((f'Content-Disposition: form-data; name="file"\r\nContent-Type: {inner[0]}', inner[1])),
    )
    yield sent("JSON", 415, RawBody("application/json", b"{}"))
    yield sent("the picture alone", 415, RawBody("image/jpeg", jpeg))
    fields = "application/x-www-form-urlencoded"
    yield sent("a form of plain fields: an id that is no UUID", 400, RawBody(fields, b"request_id=abc"))
    yield sent("a form of plain fields: nothing", 400, RawBody(fields, b""))
    yield sent("a form of plain fields: a file as text", 400, RawBody(fields, b"file=hello"))
    yield sent("a form of plain fields: millions of them", 400, RawBody(fields, b"%&a&" * 2_000_000))
    yield sent("a form of plain fields: broken", 400, RawBody(fields, b"request_id=%f"))
    unknown = f"request_id={NOWHERE}".encode()
    yield sent("a form of plain fields: an unknown id", 404, RawBody(fields + "; charset=utf-8", unknown))
    yield sent("multipart/mixed", 415, RawBody("multipart/mixed; boundary=cut", good))
    yield sent("an empty content type", 415, RawBody("", good))
    yield sent("a selfie of 26 MB", 413, Form(jpeg + bytes(26 * MEGABYTE)))
    yield sent("a body of 40 MB", 413, Form(jpeg + bytes(40 * MEGABYTE)))


def _renamed(body: RawBody) -> RawBody:
    return RawBody(body.content_type, body.content.replace(b"NAME", b"\xff\xfe"))


def started(*status: str) -> Check:
    def check(world: World, reply: Reply) -> None:
        assert reply.data["status"] in status

    return check


def _starts() -> Iterator[Case]:
    def start(situation: str, status: int, form: Any, event: str = "race", **more: Any) -> Case:
        path = BY_SELFIE.replace("{race}", f"{{{event}}}")
        return Case("startVideoClipping", situation, path, status, "POST", body=form, **more)

    begun = {"message": "Video clipping search started", "check": started("processing", "completed")}
    yield start("a selfie", 200, Form("astronaut"), **begun, shows="processing, or the end of it")
    yield start("a selfie under an id of the client's", 200, Form("astronaut", "{new}"), **begun)
    yield start("an unknown id alone", 404, Form(None, NOWHERE))
    yield start("an id of another event alone", 404, Form(None, "{closed-search}"))
    yield start("an id of another organisation alone", 404, Form(None, "{south-search}"))
    yield start(
        "a selfie of somebody who is in no video",
        200,
        Form("president", "{new}"),
        check=started("no_matches"),
        shows="no_matches at once",
    )
    yield start(
        "a search whose person is in no video",
        200,
        Form(None, "{president}"),
        check=started("no_matches"),
        shows="no_matches at once",
    )
    yield start(
        "a picture without a face", 200, lambda world: Form(world.faceless), check=started("no_matches")
    )
    yield start("a search from before there were videos", 400, Form(None, "{before-video}"), "late")
    yield start(
        "a search from before there were videos, and a file that is no picture",
        400,
        Form(b"hello", "{before-video}"),
        "late",
    )
    yield start(
        "a search from before there were videos, and a picture without a face",
        400,
        lambda world: Form(world.faceless, "{before-video}"),
        "late",
        shows="another picture may still be sent",
    )
    yield start("no video could be read yet", 400, Form("astronaut"), "unread", shows="nothing is billed")
    yield start("no video could be read yet, and an unknown id", 404, Form(None, NOWHERE), "unread")
    yield start("an event without video", 404, Form("astronaut"), "photos-only")
    yield start("an event without video, and an unknown id", 404, Form(None, NOWHERE), "photos-only")
    yield Case(
        "getVideoClipping",
        "an event without video",
        CLIPS.replace("{race}", "{photos-only}") + "/" + NOWHERE,
        404,
    )


def _bib_starts() -> Iterator[Case]:
    def start(situation: str, status: int, body: Any, event: str = "race", **more: Any) -> Case:
        path = BY_BIB.replace("{race}", f"{{{event}}}")
        whole = JsonBody(body)
        return Case("startVideoClippingByBib", situation, path, status, "POST", body=whole, **more)

    yield start(
        "a number that is in the video",
        200,
        {"bib": "318"},
        message="Video clipping search started",
        check=started("processing", "completed"),
        shows="processing, or the end of it",
    )
    yield start("under an id of the client's", 200, {"bib": "318", "request_id": "{new}"})
    yield start("request_id is null", 200, {"bib": "318", "request_id": None})
    yield start("blanks around it", 200, {"bib": " 318 "}, check=started("processing", "completed"))
    yield start("a number of nobody", 200, {"bib": "99999"}, check=started("no_matches"), shows="no_matches")
    yield start("64 letters beyond ASCII", 200, {"bib": "Ü" * 64}, check=started("no_matches"))
    yield start("an id that is no UUID", 400, {"bib": "318", "request_id": "abc"})
    yield start("an event without video", 404, {"bib": "318"}, "photos-only")
    yield start("no video could be read yet", 400, {"bib": "318"}, "unread")
    for situation, body in [
        ("no bib", {}),
        ("an empty bib", {"bib": ""}),
        ("a blank bib", {"bib": " \t"}),
        ("65 digits", {"bib": "1" * 65}),
        ("bib is a number", {"bib": 318}),
        ("bib is null", {"bib": None}),
        ("bib is a list", {"bib": ["318"]}),
        ("request_id is a number", {"bib": "318", "request_id": 7}),
    ]:
        yield start(situation, 422, body, message="body")
    yield from broken_json("startVideoClippingByBib", BY_BIB, b'"bib": "99999"')


def _polls() -> Iterator[Case]:
    def poll(situation: str, status: int, request_id: str, **more: Any) -> Case:
        return Case("getVideoClipping", situation, f"{CLIPS}/{request_id}", status, **more)

    yield poll("an unknown id", 404, NOWHERE)
    yield poll("a face search without clips", 404, "{unclipped}")
    yield poll("an id of another event", 404, "{sparse-search}")
    yield poll("an id of another organisation", 404, "{south-search}")
    for text in _BAD_IDS:
        yield poll(f"`{text}`", 400, text)
    yield Case(
        "getVideoClipping",
        "an id that is no UUID, and video_selfie_search is off",
        CLIPS.replace("{race}", "{no-video-selfie}") + "/abc",
        403,
    )
