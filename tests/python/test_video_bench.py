"""The rules by which bench/quality/video.py counts, and what its footage is built with."""

from __future__ import annotations

from bench.quality.footage import Encoding, Numbered, Seen
from bench.quality.video import Found, precision, recall, score_of


def seen(start: float, end: float, *, asked: bool = True) -> tuple[str, Seen]:
    return "a.mp4", Seen("x", start, end, 50, asked)


def test_spans_in_pieces_find_an_appearance_once():
    score = score_of([seen(10, 14)], [Found("a.mp4", 10.2, 11), Found("a.mp4", 11.5, 14.1)])
    assert (score.asked, score.found, score.right, score.wrong) == (1, 1, 2, 0)
    ((start, end),) = score.errors
    assert abs(start - 0.2) < 1e-9
    assert abs(end - 0.1) < 1e-9


def test_one_span_over_two_appearances_finds_the_one_it_overlaps_longest():
    score = score_of([seen(10, 14), seen(15, 18)], [Found("a.mp4", 10, 18)])
    assert (score.found, score.right, score.wrong) == (1, 1, 0)
    assert score.errors == [(0, 4)]


def test_a_span_elsewhere_is_false_and_one_of_less_than_half_finds_nothing():
    score = score_of(
        [seen(10, 14)], [Found("a.mp4", 10, 11.5), Found("a.mp4", 20, 22), Found("b.mp4", 10, 14)]
    )
    assert (score.found, score.right, score.wrong) == (0, 1, 2)
    assert precision([score]) == 1 / 3
    assert recall([score]) == 0


def test_appearances_too_short_to_be_asked_for_count_neither_way():
    score = score_of([seen(10, 10.5, asked=False)], [Found("a.mp4", 10, 10.5)])
    assert (score.asked, score.found, score.right, score.wrong) == (0, 0, 0, 0)


def test_a_frame_is_shown_until_the_next_one_that_the_file_has(tmp_path):
    kept = Encoding("vfr", [], ".mp4", 10, 5, keep="x.xx").kept(8)
    assert kept == [0, 2, 3, 4, 6, 7]
    video = Numbered(tmp_path, "vfr", 10, 5, 0.8, kept, 0.0)
    assert [video.shown_at(time) for time in (0.0, 0.19, 0.2, 0.55, 0.7)] == [0, 0, 2, 4, 7]
