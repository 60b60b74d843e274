"""The command line as a script uses it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "eventlens.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


@pytest.fixture(scope="module")
def workspace(sample, tmp_path_factory):
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
    return folder


def test_help_teaches():
    text = run("--help").stdout
    for command in ("index", "find", "status", "export", "models", "bench", "demo"):
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
    assert "<html" in page.read_text()
    copies = list((tmp_path / "mine").iterdir())
    assert copies
    assert all(copy.read_bytes() == (sample.photos / copy.name).read_bytes() for copy in copies)


def test_nothing_found_is_exit_code_1(workspace):
    assert "nothing found" in run("find", "--bib", "99999", "-e", "Race", "-w", workspace, code=1).stdout


def test_wrong_usage_is_exit_code_2(workspace):
    run("find", "-e", "Race", "-w", workspace, code=2)
    run("index", code=2)


def test_errors_are_one_line_and_exit_code_3(workspace, tmp_path, plain_jpeg):
    missing = run("find", "--bib", "1", "-e", "Nobody's", "-w", workspace, code=3)
    assert "Nobody's" in missing.stderr
    assert "Traceback" not in missing.stderr
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
