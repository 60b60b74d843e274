"""`eventlens demo` on a user's own folder: what it prints is what its report shows, and its clips are there."""

import re
import shutil
from pathlib import Path

import pytest

import eventlens
from eventlens import demo, terminal
from eventlens.demo import run_demo


@pytest.fixture(autouse=True)
def _to_captured_output(monkeypatch):
    for module in (demo, terminal):
        monkeypatch.setattr(module, "out", terminal.Console(highlight=False, width=140))


def test_photos_and_videos_end_in_a_report_that_plays(sample, few, finish, tmp_path, capsys):
    shutil.copy(finish / "finish.mp4", few)
    person, selfie = next(iter(sample.selfies.items()))
    asked = {"selfie": selfie, "bib": sample.bibs[person], "folder": tmp_path / "demo"}
    report = run_demo(few, **asked)
    printed = capsys.readouterr().out
    for text in ("5 added", "1 video, 0.1 min of footage", f"by selfie: {selfie}", f"by bib: {asked['bib']}"):
        assert text in printed
    html = report.read_text(encoding="utf-8")
    assert html.count("<video ") == 1
    assert "data:video/mp4;base64," in html
    links = {*re.findall(r'href="(clips/[^"]+)"', html)}
    cut = {path.relative_to(report.parent).as_posix() for path in (tmp_path / "demo/clips").rglob("*.mp4")}
    assert links == cut
    assert {link.split("/")[1] for link in links} == {selfie.stem, f"bib-{asked['bib']}"}

    run_demo(few, **asked)
    again = capsys.readouterr().out
    assert "0 added, 5 unchanged" in again
    assert {path.name for path in (tmp_path / "demo/clips").rglob("*.mp4")} == {
        link.split("/")[2] for link in links
    }


def test_videos_alone_are_enough_to_find_somebody(sample, finish, tmp_path, capsys):
    report = run_demo(finish, selfie=None, bib=None, folder=tmp_path / "demo")
    printed = capsys.readouterr().out
    assert "the largest face there is" in printed
    bib = re.search(r"by bib: (\w+)", printed)
    assert bib
    assert bib[1] in sample.bibs.values()
    assert "<video " in report.read_text(encoding="utf-8")


def test_nothing_that_can_be_read_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(eventlens.NotFoundError, match="no photo or video"):
        run_demo(tmp_path / "empty", selfie=None, bib=None, folder=tmp_path / "demo")


def test_the_whole_job_from_a_bucket(sample, few, finish, tmp_path, capsys, s3_server, monkeypatch):
    """A second run finds the server where it was, and everything in the bucket and in the index."""
    shutil.copy(finish / "finish.mp4", few)
    person, selfie = next(iter(sample.selfies.items()))
    monkeypatch.chdir(tmp_path)  # the command's own default is a relative folder
    asked = {"selfie": selfie, "bib": sample.bibs[person], "folder": Path("demo"), "s3": True}
    report = run_demo(few, **asked)
    printed = capsys.readouterr().out
    for text in ("5 files of", "s3://race/few/", "5 added", "1 video, 0.1 min of footage"):
        assert text in printed
    assert "<video " in report.read_text(encoding="utf-8")
    shutil.copy(few / "finish.mp4", few / "again.mp4")
    run_demo(few, **asked)
    again = capsys.readouterr().out
    assert "1 file of" in again
    assert "1 added, 5 unchanged" in again
