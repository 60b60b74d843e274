"""The whole path of a video on the sample event, whose film has known truth: index, find the seconds, cut the clips."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import eventlens
from eventlens.sample_event import SampleEvent
from eventlens.sample_video import SampleAppearance

MAX_GAP = 0.5  # seconds
SLACK = 0.3  # seconds a found span may reach beyond the truth: a look is taken every quarter of a second


def appearances_of(sample: SampleEvent, person: str) -> list[SampleAppearance]:
    return [appearance for appearance in sample.video.appearances if appearance.person == person]


def lies_in(span: eventlens.ClipSpan, seen: list[tuple[float, float]]) -> bool:
    """Whether the person is in view all the time, be it in two shots that follow each other."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(seen):
        if joined and start - joined[-1][1] < MAX_GAP:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return any(start - SLACK <= span.start and span.end <= end + SLACK for start, end in joined)


def overlaps(span: eventlens.ClipSpan, seen: tuple[float, float]) -> bool:
    return span.start < seen[1] and span.end > seen[0]


def digest(event: eventlens.Event) -> list[object]:
    """What is known of the people in an event's videos, without generated ids."""
    return [
        (
            video.key,
            video.finished,
            video.indexed_until,
            a.start,
            a.end,
            a.sightings,
            a.face_time,
            len(a.path),
            str(a.bib_reads),
        )
        for video in event.videos()
        for a in event._engine.appearances(video.id)
    ]


@pytest.fixture
def film(sample: SampleEvent, tmp_path: Path) -> Path:
    """A folder with the sample event's video, to be changed at will."""
    folder = tmp_path / "film"
    shutil.copytree(sample.videos, folder)
    return folder


def test_a_selfie_finds_the_seconds(indexed, sample):
    found = missed = strangers = 0
    for person, selfie in sample.selfies.items():
        truth = appearances_of(sample, person)
        spans = indexed.find_clips(selfie=selfie, max_gap=MAX_GAP)
        strangers += sum(not lies_in(span, [appearance.seen for appearance in truth]) for span in spans)
        for appearance in truth:
            if appearance.face is None or appearance.face[1] - appearance.face[0] < 1:
                continue
            hit = any(overlaps(span, appearance.face) for span in spans)
            found, missed = found + hit, missed + (not hit)
    assert found > 0
    assert missed == 0
    assert strangers == 0


def test_a_bib_finds_the_seconds(indexed, sample):
    found = missed = 0
    for person, bib in sample.bibs.items():
        truth = appearances_of(sample, person)
        spans = indexed.find_clips(bib=bib, max_gap=MAX_GAP)
        assert all(lies_in(span, [appearance.seen for appearance in truth]) for span in spans)
        for appearance in truth:
            if appearance.read is None or appearance.read[1] - appearance.read[0] < 1:
                continue
            hit = any(overlaps(span, appearance.read) for span in spans)
            found, missed = found + hit, missed + (not hit)
    assert found > 0
    assert missed <= found // 10


def test_one_search_answers_for_photos_and_videos(indexed, sample):
    selfie = next(iter(sample.selfies.values()))
    search = indexed.find_selfie(selfie)
    assert search.appearances
    frozen = indexed.find_clips(request_id=search.request_id)
    assert [(s.video.key, s.start, s.end) for s in frozen] == [
        (s.video.key, s.start, s.end) for s in indexed.find_clips(request_id=search.request_id)
    ]
    padded = indexed.find_clips(request_id=search.request_id, padding_start=1, padding_end=1)
    assert sum(s.end - s.start for s in padded) > sum(s.end - s.start for s in frozen)
    assert not indexed.find_clips(request_id=search.request_id, min_segment=1000)
    short = indexed.find_clips(request_id=search.request_id, max_clip_duration=0.5)
    assert all(s.end - s.start <= 0.5 + 1e-6 for s in short)
    assert len(short) > len(frozen)


def test_what_to_look_for_must_be_clear(indexed, sample):
    selfie = next(iter(sample.selfies.values()))
    with pytest.raises(eventlens.BadInputError, match="one of"):
        indexed.find_clips()
    with pytest.raises(eventlens.BadInputError, match="one of"):
        indexed.find_clips(selfie=selfie, bib="12")
    with pytest.raises(eventlens.NotFoundError):
        indexed.find_clips(request_id="00000000-0000-4000-8000-000000000000")


def test_clips_show_what_was_asked_for(indexed, sample, tmp_path):
    bib = next(iter(sample.bibs.values()))
    spans = indexed.find_clips(bib=bib)
    assert spans
    parts: list[float] = []
    clips = indexed.cut_clips(spans, tmp_path / "clips", progress=parts.append)
    frame = 1 / sample.video.frame_rate
    for span, clip in zip(spans, clips, strict=True):
        assert abs(clip.start - span.start) <= frame + 1e-6
        assert abs(clip.end - span.end) <= frame + 1e-6
        assert clip.audio
        assert clip.codec == "h264"
        info = eventlens._core.video_info(clip.path)
        assert abs(info.duration - (clip.end - clip.start)) <= frame + 1e-6
        assert clip.thumbnail is not None
        assert eventlens.decode_image(clip.thumbnail.read_bytes()).shape[1] == 640
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(1)
    assert {path.suffix for path in (tmp_path / "clips").iterdir()} == {".mp4", ".jpg"}


def test_a_clip_that_fails_does_not_take_the_others_with_it(season, film, sample, tmp_path):
    event = season.create_event("Film")
    shutil.copy(film / sample.video.name, film / "second.mp4")
    event.index(film)
    spans = event.find_clips(bib=next(iter(sample.bibs.values())))
    assert {span.video.key for span in spans} == {sample.video.name, "second.mp4"}
    (film / "second.mp4").unlink()
    with pytest.raises(eventlens.CutError) as error:
        event.cut_clips(spans, tmp_path / "clips")
    assert {span.video.key for span, _ in error.value.failed} == {"second.mp4"}
    assert len(error.value.clips) == sum(span.video.key == sample.video.name for span in spans)
    assert all(clip.path.exists() for clip in error.value.clips)


def test_only_what_changed_is_read_again(season, film, sample):
    event = season.create_event("Film")
    first = event.index(film)
    assert (first.added, first.videos, first.failed) == (1, 1, [])
    assert first.footage == pytest.approx(sample.video.duration, abs=0.1)
    assert event.counts.videos.processed == 1
    again = event.index(film)
    assert (again.unchanged, again.videos) == (1, 0)
    (film / sample.video.name).unlink()
    assert event.index(film).removed == 1
    assert event.videos() == []
    assert not event.find_clips(bib=next(iter(sample.bibs.values())))


def test_a_search_from_before_the_videos_is_completed(season, film, sample, few):
    event = season.create_event("Film")
    event.index(few)
    selfie = next(iter(sample.selfies.values()))
    search = event.find_selfie(selfie)
    assert search.appearances is None
    assert event.find_clips(selfie=selfie) == []
    event.index(film)
    with pytest.raises(eventlens.BadInputError, match="before the event had videos"):
        event.find_clips(request_id=search.request_id)
    assert event.find_clips(selfie=selfie, request_id=search.request_id)
    assert event.find_clips(request_id=search.request_id)
    assert event.search(search.request_id).matches == search.matches


def test_a_broken_video_is_reported_and_the_others_go_on(season, film, sample, plain_jpeg):
    (film / "empty.mp4").write_bytes(b"")
    (film / "photo.mp4").write_bytes(plain_jpeg)
    whole = (film / sample.video.name).read_bytes()
    (film / "no-index.mp4").write_bytes(whole[len(whole) // 2 :])
    event = season.create_event("Film")
    report = event.index(film)
    assert {key for key, _ in report.failed} == {"empty.mp4", "photo.mp4", "no-index.mp4"}
    assert all(reason for _, reason in report.failed)
    assert event.counts.videos.processed == 1
    assert event.counts.videos.failed == 3
    assert event.index(film).unchanged == 4


def test_what_can_be_read_of_a_damaged_video_is_kept(season, film, sample):
    path = film / sample.video.name
    whole = bytearray(path.read_bytes())
    (film / "cut-short.mp4").write_bytes(whole[: len(whole) // 2])  # its index comes first
    for i in range(len(whole) // 3, len(whole) // 3 + 4000):
        whole[i] = (whole[i] * 7 + 13) % 256
    path.write_bytes(whole)
    event = season.create_event("Film")
    report = event.index(film)
    ((key, reason),) = report.failed
    assert key == "cut-short.mp4"
    assert "breaks off" in reason
    ((damaged, frames),) = report.damaged
    assert damaged == sample.video.name
    assert 0 < frames < 200
    assert event.counts.videos.processed == 2
    first = next(a for a in sample.video.appearances if a.read)
    spans = event.find_clips(bib=first.bib)
    assert {span.video.key for span in spans} == {"cut-short.mp4", sample.video.name}


def test_who_never_leaves_is_one_appearance(season, sample, tmp_path):
    still = sample.photos / next(photo.name for photo in sample.truth if photo.persons and not photo.hard)
    person = next(photo.persons[0] for photo in sample.truth if photo.name == still.name)
    path = tmp_path / "long.mp4"
    command = ["ffmpeg", "-v", "error", "-loop", "1", "-i", str(still), "-t", "150", "-r", "5", "-g", "10"]
    command += ["-vf", "scale=640:-2,format=yuv420p", "-c:v", "libx264", "-preset", "ultrafast", str(path)]
    subprocess.run(command, check=True)
    event = season.create_event("Film")
    event.index([path], fps=1)
    pieces = event._engine.appearances(event.videos()[0].id)
    assert max(piece.end - piece.start for piece in pieces) <= 62  # what was read is committed every minute
    (span,) = event.find_clips(selfie=sample.selfies[person], max_gap=0)
    assert (span.start, span.end) == pytest.approx((0, 150), abs=1)


def test_hidden_videos_are_not_found(season, film, sample):
    event = season.create_event("Film")
    event.index(film)
    bib = next(iter(sample.bibs.values()))
    search = event.find_selfie(next(iter(sample.selfies.values())))
    assert event.find_clips(bib=bib)
    event._engine.set_videos_hidden(event.id, [video.id for video in event.videos()], True)
    assert not event.find_clips(bib=bib)
    assert not event.find_clips(request_id=search.request_id)


INDEX = """
import sys, eventlens
event = eventlens.open(sys.argv[1]).event("Film")
event.index(sys.argv[2])
"""


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.long)])
def test_kill_9_goes_on_inside_the_video(tmp_path, film, indexed, kills):
    folder = tmp_path / "season"
    event = eventlens.open(folder).create_event(
        "Film", bib_pattern=r"[A-Z]?\d{2,5}", time_zone="Europe/Berlin"
    )
    reached = 0.0
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, "-c", INDEX, str(folder), str(film)])
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            videos = event.videos()
            if videos and videos[0].indexed_until > reached:
                break
            time.sleep(0.02)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        videos = event.videos()
        assert videos
        assert videos[0].indexed_until >= reached  # what was committed is not read again
        reached = videos[0].indexed_until
        if videos[0].finished:
            break
    event.index(film)
    assert digest(event) == digest(indexed)


def test_ctrl_c_ends_between_two_frames(season, film):
    event = season.create_event("Film")

    def stop(progress):
        if progress.videos.footage > 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        event.index(film, progress=stop)
    assert event.counts.videos.in_progress == 1
    assert event.index(film).failed == []
    assert event.counts.videos.processed == 1


def test_progress_of_videos_tells_the_truth(season, film, sample):
    event = season.create_event("Film")
    states = []
    event.index(
        film,
        progress=lambda state: states.append((state.videos.done, state.videos.part, state.videos.footage)),
    )
    assert states == sorted(states)
    assert states[-1][0] == 1
    assert states[-1][1] == 1
    assert states[-1][2] == pytest.approx(sample.video.duration, abs=0.1)
