"""What is shown while something takes long: the truth, in lines or as bars."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from eventlens import progress, terminal
from eventlens.results import IndexReport


def state(total=4, done=0, videos=2, videos_done=0, part=0.0, footage=0.0, seconds=0.0):
    moving = SimpleNamespace(
        total=videos, done=videos_done, failed=0, part=part, footage=footage, seconds=seconds, appearances=0
    )
    return SimpleNamespace(listed=6, total=total, done=done, failed=1, unchanged=0, faces=0, videos=moving)


RUN = [
    state(total=-1),
    state(),
    state(done=4),
    state(done=4, part=0.5, footage=744.0, seconds=186.0),
    state(done=4, videos_done=2, part=1.0, footage=1488.0, seconds=372.0),
]


@pytest.fixture
def written(monkeypatch):
    file = io.StringIO()

    def show(*, is_terminal, states):
        console = Console(file=file, force_terminal=is_terminal, width=140, highlight=False)
        monkeypatch.setattr(progress, "err", console)
        with progress.progress_shown("indexing") as tell:
            for each in states:
                tell(each)
        return file.getvalue()

    return show


def test_without_a_terminal_a_line_says_when_something_is_finished(written):
    assert written(is_terminal=False, states=[*RUN, RUN[-1]]).splitlines() == [
        "indexing: 4 of 4 photos, 1 failed",
        "indexing: 2 of 2 videos, 0 failed · 100% · 24.8 min of footage · 4.0 min/min",
    ]


def test_without_a_terminal_a_line_comes_now_and_then(written, monkeypatch):
    monkeypatch.setattr(progress, "_BETWEEN_LINES", 0.0)
    lines = written(is_terminal=False, states=RUN).splitlines()
    assert lines[:3] == [
        "indexing: 0 of ? photos, 1 failed",
        "indexing: 0 of 4 photos, 1 failed",
        "indexing: 4 of 4 photos, 1 failed",
    ]
    assert "50% · 12.4 min of footage · 4.0 min/min · 3:06 left" in lines[-2]


def test_on_a_terminal_videos_get_a_bar_of_their_own(written):
    shown = written(is_terminal=True, states=RUN[:4])
    assert "4 of 4 photos" in shown
    assert "0 of 2 videos" in shown
    assert "50% · 12.4 min of footage · 4.0 min/min" in shown


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_run_without_photos_shows_videos_alone(written, is_terminal):
    begun = state(total=0, part=0.5, footage=744.0, seconds=186.0)
    done = state(total=0, videos_done=2, part=1.0, footage=1488.0, seconds=372.0)
    shown = written(is_terminal=is_terminal, states=[begun, done])
    assert "24.8 min of footage" in shown
    assert "photos" not in shown


def test_quiet_is_quiet(capsys):
    for quiet in (progress.progress_shown("indexing", quiet=True), progress.cutting_shown(3, quiet=True)):
        with quiet as tell:
            assert tell is None
    assert capsys.readouterr() == ("", "")


def test_a_name_is_printed_as_it_is(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "out", Console(highlight=False, width=140))
    terminal.print_table(["photo"], [["[bold]x[/bold].jpg"]])
    assert "[bold]x[/bold].jpg" in capsys.readouterr().out


def test_a_report_names_what_was_damaged_and_how_much_footage_was_read(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "out", Console(highlight=False, width=140))
    report = IndexReport(3, 0, 0, 0, [("b.mp4", "cut short")], [], 5, 2.0, 2, 744.0, 9, [("a.mp4", 12)])
    terminal.print_report(report)
    printed = capsys.readouterr().out
    assert "5 faces in photos; 2 videos, 12.4 min of footage, 9 appearances" in printed
    assert "damaged  a.mp4: 12 frames could not be decoded" in printed
    assert "failed  b.mp4: cut short" in printed
