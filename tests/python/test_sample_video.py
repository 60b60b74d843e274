"""The sample event's video: its truth against what its frames show."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

import eventlens
from eventlens import sample_video
from eventlens.packages import FetchError
from eventlens.sample_event import BIB_PATTERN, SampleEvent
from eventlens.sample_scenes import RUNNERS
from eventlens.sample_video import FRAME_RATE, HEIGHT, SHOTS, SMALLEST_FACE, WIDTH, film

EMPTY = 12.5  # seconds: nobody is in view


def frame_at(sample: SampleEvent, seconds: float) -> np.ndarray:
    """The frame shown first at a time or after it, as (height, width, 3)."""
    command = ["ffmpeg", "-v", "error", "-ss", f"{seconds - 0.01:.3f}", "-i", sample.videos / sample.video.name,
               "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]  # fmt: skip
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(HEIGHT, WIDTH, 3)


def probe(sample: SampleEvent, entries: str) -> list[str]:
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "default=nk=1:nw=1",
               sample.videos / sample.video.name]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_file_is_what_a_camera_delivers(sample):
    assert probe(sample, "stream=codec_name") == ["h264", "aac"]
    assert probe(sample, "stream=width,height,nb_frames")[:3] == [
        str(WIDTH), str(HEIGHT), str(round(sample.video.duration * FRAME_RATE))
    ]  # fmt: skip
    assert float(probe(sample, "format=duration")[0]) == pytest.approx(sample.video.duration, abs=0.1)


def test_everybody_appears_and_truth_is_in_order(sample):
    video = sample.video
    assert {appearance.person for appearance in video.appearances} == set(RUNNERS)
    shots = [0.0, *video.cuts, video.duration]
    for appearance in video.appearances:
        assert RUNNERS[appearance.person].bib == appearance.bib
        start, end = appearance.seen
        assert any(a <= start < end <= b for a, b in pairwise(shots))
        for span in (appearance.face, appearance.read):
            assert span is None or start <= span[0] < span[1] <= end
        if appearance.face_heights:
            assert min(appearance.face_heights) >= SMALLEST_FACE
    at_cut = video.cuts[0]
    assert {a.person for a in video.appearances if a.seen[1] == at_cut} & {
        a.person for a in video.appearances if a.seen[0] == at_cut
    }, "somebody should be in view before and after a cut"


def test_every_cut_is_where_the_truth_says(sample):
    for cut in sample.video.cuts:
        before, first, second = (
            frame_at(sample, cut + frames / FRAME_RATE).astype(np.float32) for frames in (-1, 0, 1)
        )
        assert np.abs(first - before).mean() > 4 * np.abs(second - first).mean()


def test_faces_and_bibs_can_be_told_in_the_middle_of_their_spans(sample):
    """And nobody is seen where the truth has nobody."""
    finder, reader = eventlens.FaceFinder(), eventlens.BibReader()
    selfies = {
        person: finder.find(eventlens.decode_image(path.read_bytes()))[0].embedding
        for person, path in sample.selfies.items()
    }
    assert finder.find(frame_at(sample, EMPTY)) == []
    for appearance in sample.video.appearances:
        if appearance.face:
            faces = finder.find(frame_at(sample, sum(appearance.face) / 2))
            likeness = {
                person: max((float(face.embedding @ embedding) for face in faces), default=0)
                for person, embedding in selfies.items()
            }
            assert likeness[appearance.person] > 0.75, (appearance, likeness)
        if appearance.read:
            picture = frame_at(sample, sum(appearance.read) / 2)
            read = {bib.text: bib.probability for bib in reader.read(picture, pattern=BIB_PATTERN)}
            assert read.get(appearance.bib, 0) > 0.5, (appearance, read)


def test_beeps_are_heard_when_the_truth_says(sample):
    command = ["ffmpeg", "-v", "error", "-i", sample.videos / sample.video.name, "-f", "s16le", "-ac", "1",
               "-ar", "48000", "-"]  # fmt: skip
    sound = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<i2") / 32768
    window = 480  # 10 ms
    tone = np.exp(-2j * np.pi * 2000 * np.arange(sound.size) / 48_000)
    blocks = (sound * tone)[: sound.size // window * window].reshape(-1, window)
    loud = np.abs(blocks.mean(axis=1)) > 0.05
    starts = np.flatnonzero(loud & ~np.r_[False, loud[:-1]]) * window / 48_000
    assert len(starts) == len(sample.video.beeps)
    np.testing.assert_allclose(starts, sample.video.beeps, atol=0.04)


class Drawn:
    """Stands in for the studio: a box with a white bib instead of a person."""

    def runner(self, person, portrait, pose, random):
        from eventlens.sample_figures import Figure

        image = Image.new("RGBA", (200, 700), (200, 40, 40, 255))
        return Figure(image, (100, 110), [(70, 20), (130, 20), (130, 115), (70, 115)],
                      [(50, 200), (150, 200), (150, 275), (50, 275)])  # fmt: skip

    def place(self, scene, size, random):
        return Image.new("RGB", size, (90, 120, 90))

    def bib(self, text):
        bib = Image.new("RGB", (640, 480), "white")
        bib.paste((0, 0, 0), (200, 150, 400, 350))
        return bib


@pytest.fixture
def short(monkeypatch):
    shot = replace(SHOTS[0], seconds=1.2, walks=[replace(SHOTS[0].walks[0], start=0.2, seconds=0.8, far=60)])
    monkeypatch.setattr(sample_video, "SHOTS", [shot])
    return Drawn()


def test_the_same_shots_are_the_same_file(short, tmp_path):
    first = film(tmp_path / "a" / "x.mp4", short.runner, short.place, short.bib)
    again = film(tmp_path / "b" / "x.mp4", short.runner, short.place, short.bib)
    assert first == again
    assert (tmp_path / "a" / "x.mp4").read_bytes() == (tmp_path / "b" / "x.mp4").read_bytes()
    assert first.appearances[0].seen[0] == 0.2


def test_without_ffmpeg_it_is_said_what_to_do(short, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="apt install ffmpeg"):
        film(tmp_path / "x.mp4", short.runner, short.place, short.bib)
    assert list(tmp_path.iterdir()) == []
