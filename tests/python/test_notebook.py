"""What a notebook shows: a thumbnail per match, and never a failure because one photo is gone."""

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone

import numpy as np

from eventlens import _core
from eventlens.notebook import SHOWN, matches_html, report_match, selfie_picture

DAY = datetime(2026, 5, 9, 7, 30, tzinfo=timezone.utc)


@dataclass
class FakePhoto:
    """A photo in memory, or one that its source no longer has."""

    key: str = "a.jpg"
    gone: bool = False
    width: int = 1200
    height: int = 800
    captured: datetime = DAY
    camera: str = "Northlight N1"

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
    assert [(box.box, box.label) for box in made.picture.boxes] == [((300, 200, 80, 100), "A207")]


def test_selfie_picture_keeps_the_face_in_the_selfies_own_pixels():
    picture = selfie_picture(np.zeros((1600, 1200, 3), np.uint8), (100, 200, 300, 400))
    assert _core.decode_image(picture.jpeg).shape == (560, 420, 3)
    assert (picture.width, picture.height) == (1200, 1600)
    assert picture.boxes[0].box == (100, 200, 300, 400)
