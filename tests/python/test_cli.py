"""The command line as a script uses it."""

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments, code=0, cwd=None):
    done = subprocess.run(
        [sys.executable, "-m", "eventlens.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


@pytest.fixture(scope="module")
def workspace(sample, finish, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "season"
    arguments = [
        "index",
        sample.photos,
        "--event",
        "Race",
        "--workspace",
        folder,
        "--bib-pattern",
        r"[A-Z]?\d{2,5}",
    ]
    report = json.loads(run(*arguments, "--json").stdout)
    assert report["added"] == len(sample.truth)
    assert report["failed"] == []
    done = run("index", finish, "-e", "Race", "-w", folder)
    assert "1 added; 1 video, 0.1 min of footage" in done.stdout
    assert "indexing Race: 1 of 1 videos, 0 failed · 100%" in done.stderr
    return folder


def test_help_teaches():
    text = run("--help").stdout
    for command in ("index", "find", "clip", "status", "export", "models", "bench", "demo"):
        assert command in text
    assert "--selfie" in run("find", "--help").stdout


def test_find_by_bib_and_by_selfie(workspace, sample):
    bib = next(iter(sample.bibs.values()))
    found = json.loads(run("find", "--bib", bib, "-e", "Race", "-w", workspace, "--json").stdout)
    assert {m["kind"] for m in found["matches"]} >= {"bib"}
    person, selfie = next(iter(sample.selfies.items()))
    found = json.loads(run("find", "--selfie", selfie, "-e", "Race", "-w", workspace, "--json").stdout)
    assert found["request_id"]
    truth = {photo.name for photo in sample.truth if person in photo.persons}
    assert {m["key"] for m in found["matches"]} <= truth
    assert "sure" in run("find", "--bib", bib, "-e", "Race", "-w", workspace).stdout


def test_status_counts_videos_and_their_footage(workspace):
    (row,) = json.loads(run("status", "-w", workspace, "--json").stdout)["events"]
    assert (row["videos"]["total"], row["videos"]["processed"], row["videos"]["in_progress"]) == (1, 1, 0)
    assert row["videos"]["footage"] == pytest.approx(5, abs=0.1)
    assert row["total"] == row["processed"] > 1, "videos are counted apart from photos"
    assert re.search(r"footage\n.*0\.1 min", run("status", "-w", workspace).stdout)


def test_find_says_in_which_seconds_and_how_to_cut_them(workspace, sample, tmp_path):
    person, selfie = next(iter(sample.selfies.items()))
    asked = ["find", "--selfie", selfie, "-e", "Race", "-w", workspace]
    found = json.loads(run(*asked, "--json").stdout)
    start, end = sample.video.appearances_of(person)[0].seen
    assert found["seen"]
    for span in found["seen"]:
        assert span["key"] == "finish.mp4"
        assert start - 4 - 0.3 <= span["start"] < span["end"] <= min(end - 4, 5) + 0.3
        assert span["appearances"][0]["kind"] == "face"
    printed = run(*asked).stdout
    assert "in 1 video, " in printed
    command = shlex.split(printed.partition("cut them: ")[2])
    assert command[0] == "eventlens"
    run(*command[1:], cwd=tmp_path)
    assert list((tmp_path / "clips").glob("finish_*.mp4"))


def test_clips_by_bib(workspace, sample, tmp_path):
    bib = next(iter(sample.bibs.values()))
    asked = ["clip", "--bib", bib, "-e", "Race", "-w", workspace, "--padding-start", "0.5"]
    table = run(*asked, "--dry-run").stdout
    assert re.search(rf"finish\.mp4 +0:0\d\.\d +0:0\d\.\d +>?\d+% +bib {bib} read", table)
    planned = json.loads(run(*asked, "--dry-run", "--out", tmp_path / "clips", "--json").stdout)
    assert planned["spans"]
    assert planned["clips"] == []
    assert not (tmp_path / "clips").exists()

    cut = json.loads(run(*asked, "--out", tmp_path / "clips", "--no-thumbnails", "--json").stdout)
    assert cut["spans"] == planned["spans"]
    assert cut["failed"] == []
    for span, made in zip(cut["spans"], cut["clips"], strict=True):
        assert made["start"] == pytest.approx(span["start"], abs=0.05)
        assert made["end"] == pytest.approx(span["end"], abs=0.05)
        assert (made["codec"], made["audio"], made["thumbnail"]) == ("h264", True, None)
    assert {path.name for path in (tmp_path / "clips").iterdir()} == {
        Path(made["path"]).name for made in cut["clips"]
    }
    written = run(*asked, "--out", tmp_path / "clips", "--mode", "copy").stdout
    assert f"clips written to {tmp_path / 'clips'}" in written
    assert "copied" in written


def test_clips_that_fail_are_exit_code_4_and_the_others_are_cut(finish, sample, tmp_path):
    shutil.copytree(finish, tmp_path / "films")
    shutil.copy(finish / "finish.mp4", tmp_path / "films" / "gone.mp4")
    run("index", tmp_path / "films", "-e", "Race", "-w", tmp_path / "season")
    (tmp_path / "films" / "gone.mp4").unlink()
    bib = next(iter(sample.bibs.values()))
    asked = ["clip", "--bib", bib, "-e", "Race", "-w", tmp_path / "season", "--out", tmp_path / "clips"]
    printed = run(*asked, code=4).stdout
    assert "1 of 2 clips written" in printed
    assert re.search(r"failed  gone\.mp4 at 0:0", printed)
    answer = json.loads(run(*asked, "--json", code=4).stdout)
    assert [span["key"] for span in answer["failed"]] == ["gone.mp4"]
    assert [made["path"] for made in answer["clips"]] == [
        str(path) for path in (tmp_path / "clips").glob("*.mp4")
    ]


def test_copy_and_report(workspace, sample, tmp_path):
    selfie = next(iter(sample.selfies.values()))
    page = tmp_path / "out.html"
    run(
        "find",
        "--selfie",
        selfie,
        "-e",
        "Race",
        "-w",
        workspace,
        "--html",
        page,
        "--copy-to",
        tmp_path / "mine",
    )
    assert "finish.mp4" in page.read_text(), "with the seconds of video"
    copies = list((tmp_path / "mine").iterdir())
    assert copies
    assert all(copy.read_bytes() == (sample.photos / copy.name).read_bytes() for copy in copies)


def test_nothing_found_is_exit_code_1(workspace):
    assert "nothing found" in run("find", "--bib", "99999", "-e", "Race", "-w", workspace, code=1).stdout
    asked = ["clip", "--bib", "99999", "-e", "Race", "-w", workspace]
    assert "nothing found" in run(*asked, "--dry-run", code=1).stdout
    assert json.loads(run(*asked, "--dry-run", "--json", code=1).stdout)["spans"] == []


def test_wrong_usage_is_exit_code_2(workspace):
    run("find", "-e", "Race", "-w", workspace, code=2)
    run("index", code=2)
    run("clip", "--bib", "1", "-e", "Race", "-w", workspace, code=2)
    run("clip", "--bib", "1", "--request-id", "x", "--dry-run", "-e", "Race", "-w", workspace, code=2)
    run("clip", "--bib", "1", "--max-gap", "-1", "--dry-run", "-e", "Race", "-w", workspace, code=2)


def test_errors_are_one_line_and_exit_code_3(workspace, tmp_path, plain_jpeg):
    missing = run("find", "--bib", "1", "-e", "Nobody's", "-w", workspace, code=3)
    assert "Nobody's" in missing.stderr
    assert "Traceback" not in missing.stderr
    unknown = ["--request-id", "00000000-0000-4000-8000-000000000000"]
    assert run("clip", *unknown, "--dry-run", "-e", "Race", "-w", workspace, code=3).stderr.count("\n") == 1
    assert "eventlens index" in run("status", "-w", tmp_path / "none", code=3).stderr
    assert not (tmp_path / "none").exists(), "a question does not make a workspace"
    (tmp_path / "noise.jpg").write_bytes(plain_jpeg)
    assert (
        "no face"
        in run("find", "--selfie", tmp_path / "noise.jpg", "-e", "Race", "-w", workspace, code=3).stderr
    )


def test_failed_photos_are_exit_code_4(tmp_path):
    (tmp_path / "broken.jpg").write_text("no photo")
    done = run("index", tmp_path, "-e", "Race", "-w", tmp_path / "season", code=4)
    assert "broken.jpg" in done.stdout
    rows = json.loads(run("status", "-w", tmp_path / "season", "--json").stdout)["events"]
    assert rows[0]["failed"] == 1
    assert rows[0]["failures"][0]["key"] == "broken.jpg"


def test_export(workspace, sample, tmp_path):
    run("export", "-e", "Race", "-w", workspace, "--csv", tmp_path / "bibs.csv")
    with Path(tmp_path / "bibs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["key"] for row in rows} == {photo.name for photo in sample.truth}
    assert set(sample.bibs.values()) <= {row["bib"] for row in rows}


def test_models(tmp_path):
    listed = json.loads(run("models", "list", "--json").stdout)["models"]
    assert all(model["state"] == "present" for model in listed)
    assert all(model["licence"] and model["provenance"] for model in listed)
    assert "SHA" not in run("models", "licences").stderr
    run("models", "verify")
