"""What a notebook shows: a picture for each match and clip, and never a failure because an original is gone."""

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone

import numpy as np

from eventlens import _core
from eventlens.notebook import SHOWN, clips_html, matches_html, report_clip, report_match, selfie_picture
from eventlens.results import Appearance
from eventlens.videos import ClipSpan, Video

DAY = datetime(2026, 5, 9, 7, 30, tzinfo=timezone.utc)


@dataclass
class FakeEvent:
    time_zone: str = "Europe/Berlin"


@dataclass
class FakePhoto:
    """A photo in memory, or one that its source no longer has."""

    key: str = "a.jpg"
    gone: bool = False
    width: int = 1200
    height: int = 800
    captured: datetime = DAY
    camera: str = "Northlight N1"
    event: FakeEvent = field(default_factory=FakeEvent)

    def image(self, long_side=0):
        if self.gone:
            raise _core.NotFoundError(f"{self.key} is gone")
        return np.full((long_side * 2 // 3, long_side, 3), 128, np.uint8)


@dataclass
class FakeMatch:
    photo: FakePhoto = field(default_factory=FakePhoto)
    probability: float = 0.93
    box: tuple = (300, 200, 80, 100)
    bib: str = "A207"
    why: str = "bib A207 read"


class FakeVideo(Video):
    def frame(self, time, long_side=0):
        if time < 0:
            raise _core.NotFoundError("gone")
        return np.full((long_side * 9 // 16, long_side, 3), 128, np.uint8)


def span(key="finish.mp4", poster_time=6.0):
    video = FakeVideo(1, "uuid", key, 44.0, 1280, 720, 25.0, "h264", 44.0, True, 0, False, "", FakeEvent())
    seen = [
        Appearance(video, 5.0, 6.0, 0.8, "face", 0.71, "", 5.5, (1, 2, 3, 4)),
        Appearance(video, 5.5, 8.2, 0.93, "bib", 0.0, "A207", poster_time, (300, 200, 80, 100)),
    ]
    return ClipSpan(video, 5.0, 8.2, 0.93, seen, poster_time)


def jpegs(html):
    return [base64.b64decode(data) for data in re.findall(r"data:image/jpeg;base64,([^\"]+)", html)]


def test_each_match_has_its_picture_probability_and_reason():
    html = matches_html([FakeMatch(), FakeMatch(FakePhoto("b.jpg"))])
    assert [_core.decode_image(jpeg).shape for jpeg in jpegs(html)] == [(373, 560, 3)] * 2
    for text in ("very likely, 93 %", "bib A207 read", "a.jpg", "b.jpg", 'x="300.0" y="200.0"'):
        assert text in html


def test_a_photo_that_is_gone_does_not_hide_the_others():
    html = matches_html([FakeMatch(FakePhoto("gone.jpg", gone=True)), FakeMatch()])
    assert "cannot be read" in html
    assert "gone.jpg" in html
    assert len(jpegs(html)) == 1


def test_long_lists_are_cut_and_counted():
    assert f"and {1000:,} more" in matches_html([FakeMatch()] * (SHOWN + 1000))
    assert "more" not in matches_html([FakeMatch()] * SHOWN)
    assert "No matches" in matches_html([])


def test_report_match_says_what_the_match_says():
    made = report_match(FakeMatch())
    assert (made.key, made.probability, made.why) == ("a.jpg", 0.93, ["bib A207 read"])
    assert (made.captured, made.camera) == (DAY, "Northlight N1")
    assert f"{made.captured:%H:%M %Z}" == "09:30 CEST", "by the event's clocks"
    assert [(box.box, box.label) for box in made.picture.boxes] == [((300, 200, 80, 100), "A207")]


def test_each_clip_has_its_poster_times_probability_and_surest_reason():
    html = clips_html([span(), span("b.mp4")])
    assert [_core.decode_image(jpeg).shape for jpeg in jpegs(html)] == [(450, 800, 3)] * 2
    for text in ("0:05.0 – 0:08.2", "very likely, 93 %", "bib A207 read", "finish.mp4", "b.mp4", 'x="300.0"'):
        assert text in html


def test_a_video_that_is_gone_does_not_hide_the_other_clips():
    html = clips_html([span(poster_time=-1.0), span()])
    assert "cannot be read" in html
    assert len(jpegs(html)) == 1
    assert f"and {5} more" in clips_html([span()] * (SHOWN + 5))
    assert "No clips" in clips_html([])


def test_report_clip_says_what_the_span_says():
    made = report_clip(span(), file="clips/a.mp4", mp4=b"x", note="n")
    assert (made.key, made.start, made.end, made.duration) == ("finish.mp4", 5.0, 8.2, 44.0)
    assert made.why == ["bib A207 read", "face, similarity 0.71"], "surest first"
    assert (made.file, made.mp4, made.note, made.probability) == ("clips/a.mp4", b"x", "n", 0.93)
    assert [(box.box, box.label) for box in made.poster.boxes] == [((300, 200, 80, 100), "A207")]


def test_selfie_picture_keeps_the_face_in_the_selfies_own_pixels():
    picture = selfie_picture(np.zeros((1600, 1200, 3), np.uint8), (100, 200, 300, 400))
    assert _core.decode_image(picture.jpeg).shape == (560, 420, 3)
    assert (picture.width, picture.height) == (1200, 1600)
    assert picture.boxes[0].box == (100, 200, 300, 400)
