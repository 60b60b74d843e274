"""The sample event: what its truth says is what its photos are made of."""

import json
import re

import numpy as np
import pytest
from PIL import Image, ImageOps

from eventlens import sample_event
from eventlens.sample_event import BIB_PATTERN, SOURCES, FetchError, Studio, make_sample_event
from eventlens.sample_scenes import RUNNERS, SCENES


@pytest.fixture(scope="session")
def studio(sample):
    sources = json.loads(SOURCES.read_text())["files"]
    return Studio(sources, sample_event._fetch_sources(sources, sample.folder / "sources", None))


def test_truth_names_every_photo_and_only_those(sample):
    assert [photo.name for photo in sample.truth] == sorted(path.name for path in sample.photos.iterdir())
    assert 40 <= len(sample.truth) <= 60


def test_every_person_is_in_many_photos_with_their_bib(sample):
    for person, bib in sample.bibs.items():
        assert len(sample.photos_of(person)) >= 8
        assert len(sample.photos_with(bib)) >= 8
        assert re.fullmatch(BIB_PATTERN, bib)
    assert any(len(photo.persons) >= 3 for photo in sample.truth)
    assert any(not photo.persons and photo.bibs for photo in sample.truth)
    assert sum(not photo.persons and not photo.bibs for photo in sample.truth) >= 3


def test_boxes_lie_in_the_upright_photo_and_are_fair(sample):
    for photo in sample.truth:
        with Image.open(sample.photos / photo.name) as image:
            width, height = ImageOps.exif_transpose(image).size
        for x, y, w, h in photo.face_boxes + photo.bib_boxes:
            assert 0 <= x < x + w <= width
            assert 0 <= y < y + h <= height
        assert all(h >= 60 and w >= 60 for _, _, w, h in photo.face_boxes)


def test_bibs_are_where_the_truth_says(sample):
    """A bib's box is mostly paper: brighter and greyer than the shirt around it."""
    for photo in sample.truth:
        if photo.hard:
            continue
        with Image.open(sample.photos / photo.name) as image:
            pixels = np.asarray(ImageOps.exif_transpose(image), np.float32)
        for x, y, w, h in photo.bib_boxes:
            inside = pixels[y + h // 3 : y + h * 3 // 4, x + w // 5 : x + w * 4 // 5]
            assert np.percentile(inside.min(axis=2), 80) > 0.55 * pixels.max(), photo.name


def test_cameras_times_and_orientations_are_in_the_files(sample):
    orientations, cameras = set(), set()
    for photo in sample.truth:
        with Image.open(sample.photos / photo.name) as image:
            exif = image.getexif()
            details = exif.get_ifd(0x8769)
        orientations.add(exif[0x0112])
        cameras.add(exif[0x0110])
        stamp = photo.taken[:19].replace("-", ":").replace("T", " ")
        assert (details[0x9003], details[0x9011]) == (stamp, photo.taken[19:])
    assert orientations == {1, 6, 8}
    assert len(cameras) == 2


@pytest.mark.parametrize("number", [0, 30, 33])
def test_the_same_scene_is_the_same_file(sample, studio, tmp_path, number):
    photo = studio.shoot(number, SCENES[number], tmp_path)
    assert (tmp_path / photo.name).read_bytes() == (sample.photos / photo.name).read_bytes()
    assert photo in sample.truth


def test_selfies_are_not_in_the_event(sample):
    """The one person with several free portraits has a selfie that no photo of the event was made from."""
    president = RUNNERS["president"]
    assert president.selfie not in president.portraits
    for path in sample.selfies.values():
        with Image.open(path) as image:
            assert min(image.size) >= 600


def test_second_call_is_instant_and_needs_no_sources(sample, monkeypatch):
    monkeypatch.setattr(sample_event, "_fetch_sources", lambda *_: pytest.fail("fetched again"))
    assert make_sample_event(sample.folder) == sample


def test_a_missing_photo_makes_the_event_again(sample, monkeypatch, tmp_path):
    """Its truth alone does not stand for the event."""
    (tmp_path / "truth.json").write_text((sample.folder / "truth.json").read_text())

    def offline(*_):
        raise FetchError("no network; check it")

    monkeypatch.setattr(sample_event, "_fetch_sources", offline)
    with pytest.raises(FetchError, match="no network"):
        make_sample_event(tmp_path)


def test_every_source_names_its_licence(sample):
    credits = (sample.folder / "SOURCES.txt").read_text()
    for source in json.loads(SOURCES.read_text())["files"].values():
        assert source["shows"] in credits
        assert source["licence"] in credits
        assert re.fullmatch(r"[0-9a-f]{64}", source["sha256"])
