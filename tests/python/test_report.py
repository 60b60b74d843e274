"""The report: complete in itself, safe whatever the photos are called, and true to the numbers."""

import base64
import re
from datetime import datetime
from html.parser import HTMLParser
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from eventlens.report import (
    Picture,
    PictureBox,
    ReportClip,
    ReportEvent,
    ReportMatch,
    ReportQuery,
    picture_html,
    printable,
    probability_words,
    report_html,
    write_report,
)

# The smallest of JPEGs: what matters here is that its bytes arrive.
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
EVIL = '<script>alert(1)</script>" onerror="x" & \'\n\u202egpj.\udcff.jpg'


class Page(HTMLParser):
    """Checks that tags nest, and collects tags with their attributes and the text."""

    VOID = ("meta", "img", "image", "rect", "br", "!doctype")

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self._open = [], "", []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data.replace("\N{NO-BREAK SPACE}", " ")


def match(key="a.jpg", probability=0.9, boxes=(), jpeg=JPEG):
    return ReportMatch(key, Picture(jpeg, 1200, 800, boxes), probability, ["face, similarity 0.71"])


def clip(start=5.3, end=8.2, probability=0.97, file="", mp4=b"", **details):
    poster = Picture(JPEG, 1280, 720, [PictureBox((100, 200, 60, 80))])
    why = ["bib A207 read"]
    return ReportClip("finish.mp4", poster, start, end, 44.0, probability, why, file, mp4, **details)


def test_shows_query_matches_and_counts():
    selfie = Picture(JPEG, 100, 100)
    query = ReportQuery([match("one.jpg", 0.97), match("two.jpg", 0.3)], selfie=selfie, bib="A207")
    page = Page(report_html(ReportEvent("Lakeside Half", {"photos": 4300, "faces": 71}), [query]))
    for text in (
        "Lakeside Half",
        "4,300",
        "71",
        "1 photo for this selfie and bib A207",
        "one.jpg",
        "Very likely, 97 %",
        "face, similarity 0.71",
        "Perhaps: 1 photo more",
        "two.jpg",
    ):
        assert text in page.text
    pictures = [attributes["href"] for tag, attributes in page.tags if tag == "image"]
    assert [base64.b64decode(href.partition(",")[2]) for href in pictures] == [JPEG] * 3


def test_unsure_matches_come_apart_and_open_when_there_is_nothing_else():
    def details(matches):
        page = Page(report_html(ReportEvent("e"), [ReportQuery(matches, bib="7")]))
        return [attributes for tag, attributes in page.tags if tag == "details"]

    assert details([match(probability=0.9)]) == []
    assert details([match(probability=0.9), match(probability=0.4)]) == [{"class": "unsure"}]
    assert details([match(probability=0.4)]) == [{"class": "unsure", "open": None}]
    page = Page(report_html(ReportEvent("e"), [ReportQuery([], bib="7")]))
    assert "No photo is likely" in page.text


def test_asks_nothing_of_the_network():
    html = report_html(ReportEvent("e"), [ReportQuery([match()], bib="7", clips=[clip()])])
    page = Page(html)
    links = [
        v for _, attributes in page.tags for k, v in attributes.items() if k in ("src", "href", "action")
    ]
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert not re.search(r"url\(|@import|https?://", html)
    assert any(a.get("http-equiv") == "Content-Security-Policy" for _, a in page.tags)


def test_clips_say_where_in_which_video_how_sure_and_why():
    clips = [clip(), clip(3600, 3661.5, note="encoded as H.264")]
    page = Page(report_html(ReportEvent("e"), [ReportQuery([match()], bib="A207", clips=clips)]))
    for text in (
        "1 photo and 2 clips for bib A207",
        "On video: 64 seconds",
        "0:05.3 – 0:08.2",
        "1:00:00.0 – 1:01:01.5",
        "Very likely, 97 %",
        "bib A207 read",
        "finish.mp4",
        "encoded as H.264",
    ):
        assert text in page.text
    assert (
        "1 clip for bib 7"
        in Page(report_html(ReportEvent("e"), [ReportQuery([], bib="7", clips=[clip()])])).text
    )


def test_one_clip_plays_inside_and_the_others_are_linked():
    clips = [clip(file="clips/a b#1.mp4"), clip(9, 12, file="clips/c.mp4", mp4=b"MP4 bytes")]
    html = report_html(ReportEvent("e"), [ReportQuery([], bib="7", clips=clips)])
    page = Page(html)
    (player,) = [attributes for tag, attributes in page.tags if tag == "video"]
    kind, _, data = player["src"].partition(",")
    assert kind == "data:video/mp4;base64"
    assert base64.b64decode(data) == b"MP4 bytes"
    assert {"controls", "playsinline"} <= player.keys()
    assert player["preload"] == "metadata"
    poster = base64.b64decode(player["poster"].partition(",")[2]).decode()
    drawing = Page(poster)
    assert 'x="100.0" y="200.0"' in poster
    assert base64.b64encode(JPEG).decode() in poster
    assert drawing.tags[0][0] == "svg"
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert {unquote(link) for link in links} == {"clips/a b#1.mp4", "clips/c.mp4"}
    assert not any(set(" #?:") & set(link) for link in links)
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "media-src data:;" in policy
    assert html.index("<video") < html.index("0:05.3"), "what can be played comes first"


def test_a_clip_whose_poster_is_gone_still_plays():
    gone = ReportClip("v.mp4", Picture(b"", 0, 0), 0, 0, 0, 0.9, [], "v.mp4", b"x")
    page = Page(report_html(ReportEvent("e"), [ReportQuery([], bib="7", clips=[gone])]))
    (player,) = [attributes for tag, attributes in page.tags if tag == "video"]
    assert "poster" not in player


def test_times_name_their_zone():
    berlin = datetime(2026, 5, 9, 9, 31, 5, tzinfo=ZoneInfo("Europe/Berlin"))
    shown = ReportMatch("a.jpg", Picture(JPEG, 12, 8), 0.9, [], captured=berlin, camera="N1")
    page = Page(report_html(ReportEvent("e"), [ReportQuery([shown], bib="7")]))
    assert "2026-05-09 09:31:05 CEST · N1" in page.text


def test_any_name_is_shown_and_none_is_obeyed(tmp_path):
    boxes = [PictureBox((10, 10, 50, 50), label=EVIL)]
    evil = [
        ReportClip(EVIL, Picture(JPEG, 9, 9, boxes), 0, 1, 2, 0.9, [EVIL], f"javascript:{EVIL}", mp4, EVIL)
        for mp4 in (b"", b"mp4")
    ]
    query = ReportQuery([match(EVIL, boxes=boxes)], bib=EVIL, note=EVIL, clips=evil)
    path = write_report(tmp_path / "r.html", ReportEvent(EVIL, {EVIL: 1}, EVIL), [query])
    page = Page(path.read_text(encoding="utf-8"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert not any(":" in attributes["href"] for tag, attributes in page.tags if tag == "a")
    assert "<script>alert(1)</script>" in page.text  # as text
    assert "\u202e" not in page.text
    assert "\N{SYMBOL FOR LINE FEED}" in page.text


def test_printable_makes_undecodable_bytes_visible():
    assert printable("caf\udce9.jpg") == "caf\ufffd.jpg"
    assert printable("Läufer 走者.jpg") == "Läufer 走者.jpg"


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (1.0, "almost certain, over 99 %"),
        (0.9949, "almost certain, over 99 %"),
        (0.99, "almost certain, 99 %"),
        (0.955, "very likely, 96 %"),
        (0.5, "likely, 50 %"),
        (0.31, "perhaps, 31 %"),
        (0.0, "unlikely, under 1 %"),
    ],
)
def test_probability_in_words_never_claims_certainty(probability, words):
    assert probability_words(probability) == words


def test_boxes_are_drawn_where_they_are_and_matched_ones_on_top():
    boxes = [PictureBox((600, 100, 60, 80), "1204"), PictureBox((10, 20, 30, 40), highlighted=False)]
    page = Page(picture_html(Picture(JPEG, 1200, 800, boxes), "photo"))
    drawn = [a for tag, a in page.tags if tag == "rect"]
    assert [drawn[0][side] for side in ("x", "y", "width", "height")] == ["10.0", "20.0", "30.0", "40.0"]
    assert {a["x"] for a in drawn[1:3]} == {"600.0"}
    assert "1204" in page.text


@pytest.mark.parametrize("x", [0, 500, 1900])
def test_the_crop_keeps_what_was_matched(x):
    box = PictureBox((x, 300, 100, 100))
    page = Page(picture_html(Picture(JPEG, 2000, 800, [box]), "photo", shape=1.5))
    left, top, width, height = map(float, dict(page.tags[0][1])["viewbox"].split())
    assert left <= x
    assert x + 100 <= left + width <= 2000
    assert top <= 300
    assert 400 <= top + height <= 800
    assert width / height == pytest.approx(1.5, rel=0.01)


def test_a_photo_that_is_gone_says_so():
    page = Page(picture_html(Picture(b"", 1200, 800), "photo"))
    assert "cannot be read" in page.text


def test_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "report.html"
    event = ReportEvent("e")
    assert write_report(path, event, [], made=datetime(2026, 5, 9, 12)) == path
    assert "Made 2026-05-09 12:00" in path.read_text(encoding="utf-8")
    before = path.read_bytes()

    def failing():
        yield match()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_report(path, event, [ReportQuery(failing(), bib="1")])
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
