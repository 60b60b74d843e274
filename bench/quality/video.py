"""Every second of the video: are people found in it, and are clips cut where they should be?

A truth is one person (or one bib) wholly in view in one shot, large and long enough to be asked for. A span that is
found for somebody (largest gap 0, default probability) belongs to the one truth of theirs that it overlaps longest; it
is false when it overlaps none, and then counts against precision. A truth is found when spans that belong to it
cover at least half of it, so that a span across two appearances finds one of them only. Spans on truths that are too
small or too short to be asked for count neither way. Errors of start and end are those of the first and the last span
that belong to a found truth, against the first and the last frame with the whole face (all digits) in the picture; who
slides in is partly there up to 0.35 s before.

Cut error is the larger of the first and the last frame's distance from those that the source shows at the span's start
and just before its end, counted in frames of the source by numbers burnt into the picture. A leak is a frame from
outside of the span that ffmpeg decodes from the clip when it is told to disregard edit lists. Sound is compared by
tone bursts at every whole second, with where the source has them; a whole second off would not be told from right.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import eventlens
from bench.measured import Measured, Row
from bench.quality import footage
from bench.quality.footage import ENCODINGS, NUMBERED_SIZE, Footage, Numbered, Seen

QUESTION = "Which appearances in videos are found by another photo or by the bib, how exactly, and are clips cut right?"
VIDEOS, SECONDS = 10, 40.0
MORE_VIDEOS = 30  # with --long
CUTS, MORE_CUTS = 2, 6  # of each encoding
NUMBERED_SECONDS = 24.0
DRAWS = 1000
FAR = 1_000_000  # frames: where a number that the source does not have is taken to be


@dataclass(frozen=True)
class Found:
    """Seconds of one video in which somebody was found."""

    video: str
    start: float
    end: float


@dataclass(frozen=True)
class Score:
    """What came of one search.

    Attributes:
        errors: Of start and end of each found truth, seconds, found minus true.
    """

    asked: int
    found: int
    right: int
    wrong: int
    errors: list[tuple[float, float]]


def measure(*, long: bool = False) -> Measured:
    """Appearances by selfie and by bib, then cuts."""
    if why := footage.missing():
        return Measured("quality.video", QUESTION, "footage of LFW and RBNR", skipped=why)
    videos, probes = footage.appearance_footage(MORE_VIDEOS if long else VIDEOS, SECONDS)
    with tempfile.TemporaryDirectory() as scratch:
        season = eventlens.open(Path(scratch) / "season")
        event = season.create_event("footage")
        report = event.index([video.path for video in videos])
        assert not report.failed, report.failed
        selfies, refused = search(
            videos, "faces", lambda who: event.find_clips(selfie=probes[who], max_gap=0.0)
        )
        bibs, _ = search(videos, "bibs", lambda text: event.find_clips(bib=text, max_gap=0.0))
    rows = [
        *found_rows("by selfie", selfies, "at least 0.95", "at least 0.98"),
        Row("selfies without a face that is found, counted as finding nobody", refused),
        *found_rows("by bib", bibs, "at least 0.90", "at least 0.97"),
        *error_rows("by selfie", selfies),
        *error_rows("by bib", bibs),
        *cut_rows(MORE_CUTS if long else CUTS, ENCODINGS if long else ENCODINGS[:12]),
    ]
    asked = [sum(score.asked for score in scores) for scores in (selfies, bibs)]
    data = (
        f"{len(videos)} videos of {SECONDS:.0f} s, {len({v.encoding for v in videos})} encodings; {asked[0]} "
        f"appearances of people of LFW, face {footage.SMALLEST_FACE} to {footage.LARGEST_FACE} px, and "
        f"{asked[1]} of bibs, digits {footage.SMALLEST_TEXT} to {footage.LARGEST_TEXT} px, painted ones and "
        "those of race photos"
    )
    return Measured("quality.video", QUESTION, data, rows)


def search(
    videos: Sequence[Footage], kind: str, ask: Callable[[str], Sequence[eventlens.ClipSpan]]
) -> tuple[list[Score], int]:
    """Look for everybody who is in the footage; the scores, and how many searches were refused for want of a face."""
    truths: dict[str, list[tuple[str, Seen]]] = {}
    for video in videos:
        for seen in video.faces if kind == "faces" else video.bibs:
            truths.setdefault(seen.who, []).append((video.path.name, seen))
    scores, refused = [], 0
    for who, of_them in sorted(truths.items()):
        try:
            spans = ask(who)
        except eventlens.BadInputError:
            spans, refused = [], refused + 1
        tolerated = {video.path.name for video in videos if kind == "bibs" and who in video.also}
        found = [Found(Path(span.video.key).name, span.start, span.end) for span in spans]
        scores.append(score_of(of_them, [span for span in found if span.video not in tolerated]))
    return scores, refused


def score_of(truths: Sequence[tuple[str, Seen]], found: Sequence[Found]) -> Score:
    """One person's spans against when they were in view; the module says by which rules."""
    belonging: dict[int, list[Found]] = {}
    wrong = 0
    for span in found:
        overlaps = [
            min(span.end, seen.end) - max(span.start, seen.start) if video == span.video else 0.0
            for video, seen in truths
        ]
        best = int(np.argmax(overlaps))
        if overlaps[best] > 0:
            belonging.setdefault(best, []).append(span)
        else:
            wrong += 1
    hits, right, errors = 0, 0, []
    for number, (_, seen) in enumerate(truths):
        spans = belonging.get(number, [])
        if not seen.asked:
            continue
        right += len(spans)
        covered = sum(min(span.end, seen.end) - max(span.start, seen.start) for span in spans)
        if covered >= 0.5 * seen.seconds:
            hits += 1
            first, last = min(span.start for span in spans), max(span.end for span in spans)
            errors.append((first - seen.start, last - seen.end))
    return Score(sum(seen.asked for _, seen in truths), hits, right, wrong, errors)


def recall(scores: Sequence[Score]) -> float:
    """Of the appearances that are asked for, how many were found."""
    return sum(score.found for score in scores) / max(1, sum(score.asked for score in scores))


def precision(scores: Sequence[Score]) -> float:
    """Of the spans that count, how many show whom they should."""
    right = sum(score.right for score in scores)
    return right / max(1, right + sum(score.wrong for score in scores))


def spread(scores: Sequence[Score], figure: Callable[[Sequence[Score]], float]) -> str:
    """The 5th and 95th percentile of a figure over searches drawn with replacement."""
    draw = random.Random(1)
    values = sorted(figure(draw.choices(scores, k=len(scores))) for _ in range(DRAWS))
    return f"{values[DRAWS // 20]:.3f} to {values[-DRAWS // 20]:.3f}, 5 to 95 % over searches"


def found_rows(how: str, scores: Sequence[Score], least_recall: str, least_precision: str) -> list[Row]:
    asked, hits = sum(score.asked for score in scores), sum(score.found for score in scores)
    right, wrong = sum(score.right for score in scores), sum(score.wrong for score in scores)
    return [
        Row(
            f"recall {how}", recall(scores), "", f"{hits} of {asked}; {spread(scores, recall)}", least_recall
        ),
        Row(
            f"precision {how}",
            precision(scores),
            "",
            f"{wrong} of {right + wrong} spans false; {spread(scores, precision)}",
            least_precision,
        ),
    ]


def error_rows(how: str, scores: Sequence[Score]) -> list[Row]:
    errors = np.array([error for score in scores for error in score.errors]).reshape(-1, 2)
    if not errors.size:
        return []
    rows = []
    for side, name in enumerate(("start", "end")):
        size = np.abs(errors[:, side])
        sign = f"signed median {np.median(errors[:, side]):+.2f} s"
        rows += [
            Row(f"{name} found {how}, median error", float(np.median(size)), "s", sign, "at most 0.3 s"),
            Row(f"{name} found {how}, 95 % within", float(np.quantile(size, 0.95)), "s", "", "at most 1 s"),
        ]
    return rows


@dataclass(frozen=True)
class Cut:
    """How one cut came out; `late` is the sound's, None where there is none to compare."""

    encoding: str
    method: str
    error: int
    leaked: int
    late: float | None


def cut_rows(cuts: int, encodings: Sequence[footage.Encoding]) -> list[Row]:
    """Spans of 2 to 6 s, of each encoding at random places, on no keyframe but by chance."""
    done: list[Cut] = []
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for source in footage.numbered_footage(list(encodings), NUMBERED_SECONDS):
            lot = random.Random(source.encoding)
            for number in range(cuts):
                length = lot.uniform(2, 6)
                start = lot.uniform(0.1, source.seconds - length - 0.2)
                out = Path(scratch) / f"{source.encoding}-{number}.mp4"
                try:
                    done.append(cut_once(source, start, start + length, out))
                except eventlens.EventlensError:
                    failed += 1
    errors = np.array([cut.error for cut in done])
    late = np.abs([cut.late for cut in done if cut.late is not None]) * 1000
    leaks = sum(cut.leaked for cut in done)
    worst = max(done, key=lambda cut: cut.error)
    leaky = sorted({cut.encoding for cut in done if cut.leaked})
    methods = ", ".join(
        f"{sum(cut.method == method for cut in done)} {method}" for method in ("smart", "encoded")
    )
    heard = (
        f"median {np.median(late):.1f}, largest {late.max():.1f}, of {late.size} clips"
        if late.size
        else "none"
    )
    return [
        Row("clips cut exactly", len(done), "", f"of {len(encodings)} encodings; {methods}"),
        Row("clips that could not be cut", failed, "", "", "0"),
        Row(
            "cut error, 95 % within",
            float(np.quantile(errors, 0.95)),
            "frames",
            f"largest {worst.error}, of {worst.encoding}",
            "at most 1 frame",
        ),
        Row("frames outside of the span decodable from the clips", leaks, "", ", ".join(leaky), "0"),
        Row(
            "sound's offset, 95 % within",
            float(np.quantile(late, 0.95)) if late.size else np.inf,
            "ms",
            heard,
            "at most 40 ms",
        ),
    ]


def cut_once(source: Numbered, start: float, end: float, out: Path) -> Cut:
    """Cut a span and read back which frames it shows and which it hides."""
    clip = eventlens.cut_clip(source.path, (start, end), out)
    shown = footage.read_numbers(out, NUMBERED_SIZE)
    hidden = footage.read_numbers(out, NUMBERED_SIZE, hidden=True)
    first, last = source.shown_at(start), source.shown_at(end - 1e-4)
    place = {number: at for at, number in enumerate(source.numbers)}
    error = max(abs(place.get(shown[0], FAR) - place[first]), abs(place.get(shown[-1], FAR) - place[last]))
    # One frame to either side is the cut's error, not a leak.
    low, high = place[first] - 1, place[last] + 1
    leaked = sum(not low <= place.get(number, FAR) <= high for number in hidden)
    late = footage.burst_offset(out, clip.start)
    return Cut(source.encoding, clip.method, error, leaked, None if late is None else late - source.late)
