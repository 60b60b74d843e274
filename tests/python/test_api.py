"""The Python surface: types, errors, precision, the stub."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import eventlens

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def finder():
    return eventlens.FaceFinder()


@pytest.fixture(scope="module")
def portrait(sample):
    return eventlens.decode_image(next(iter(sample.selfies.values())).read_bytes())


def test_importing_loads_no_models_and_no_table_or_terminal_libraries(tmp_path):
    code = (
        "import sys, eventlens\n"
        "heavy = {'pandas', 'rich', 'typer', 'PIL', 'openvino'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={"EVENTLENS_MODELS": str(tmp_path), "PATH": ""}
    )


def test_only_the_sample_event_needs_pillow(tmp_path):
    """A server is installed without it."""
    code = (
        "import sys\n"
        "sys.modules['PIL'] = None\n"
        "import eventlens.cli, eventlens.demo, eventlens.serve, eventlens.stopwatch\n"
        "sys.argv = ['eventlens', 'demo']\n"
        "eventlens.cli.main()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 3
    assert "pip install pillow" in run.stderr
    assert "Traceback" not in run.stderr


def test_without_models_the_error_says_what_to_do(tmp_path):
    code = (
        "import eventlens\ntry:\n    eventlens.FaceFinder()\nexcept LookupError as error:\n    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={"EVENTLENS_MODELS": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert "eventlens models fetch" in run.stdout


def test_a_face_is_described(finder, portrait):
    face = finder.find_in_selfie(portrait)[0]
    x, y, width, height = face.box
    assert width > 20
    assert height > 20
    assert face.landmarks.shape == (5, 2)
    assert face.landmarks.dtype == np.float32
    left_eye, right_eye, nose = face.landmarks[:3]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert x < left_eye[0] < x + width
    assert y < left_eye[1] < y + height
    assert 0 <= face.quality <= 1
    assert 0.5 < face.confidence <= 1
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-3)
    assert "Face" in repr(face)


def test_no_face_is_an_empty_list(finder):
    assert finder.find(np.zeros((32, 32), np.uint8)) == []
    assert finder.find(np.full((1, 1, 3), 255, np.uint8)) == []


@pytest.mark.parametrize("shape", [(0,), (4, 4, 4), (2, 2, 2, 3), (0, 4, 3), (4, 0, 3)])
def test_wrong_shape_is_a_value_error(finder, shape):
    with pytest.raises(eventlens.BadInputError) as caught:
        finder.find(np.zeros(shape, np.uint8))
    assert isinstance(caught.value, ValueError)


def test_wrong_dtype_is_refused_not_silently_converted(finder):
    with pytest.raises(TypeError):
        finder.find(np.zeros((8, 8), np.float32))


def test_a_view_that_is_not_contiguous_is_refused(finder, portrait):
    with pytest.raises(TypeError):
        finder.find(portrait[:, ::-1])


def test_many_threads_agree(finder, portrait):
    results = []

    def find():
        results.append([face.box for face in finder.find_in_selfie(portrait)])

    threads = [threading.Thread(target=find) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(result == results[0] for result in results)


def test_f32_and_bf16_give_the_same_answers(sample):
    """Boxes within two pixels, the same person by embedding, the same exact bibs."""
    stores = []
    for precision in ("f32", "bf16"):
        try:
            stores.append(eventlens.open_models(precision=precision, threads=1))
        except eventlens.UnsupportedError:
            pytest.skip("this CPU does not compute in bf16")
        assert stores[-1].precision == precision
    finders = [eventlens.FaceFinder(models=store) for store in stores]
    readers = [eventlens.BibReader(models=store) for store in stores]
    for path in sorted(sample.photos.iterdir())[::7]:
        rgb = eventlens.decode_image(path.read_bytes())
        faces = [finder.find(rgb) for finder in finders]
        assert len(faces[0]) == len(faces[1])
        for one, other in zip(*faces, strict=True):
            assert one.box == pytest.approx(other.box, abs=2 + 0.02 * one.box[2])
            assert float(one.embedding @ other.embedding) > 0.98
        bibs = [reader.read(rgb, found) for reader, found in zip(readers, faces, strict=True)]
        sure = [{bib.text for bib in read if bib.probability > 0.6} for read in bibs]
        likely = [{bib.text for bib in read if bib.probability > 0.4} for read in bibs]
        assert sure[0] <= likely[1]
        assert sure[1] <= likely[0]


def test_bibs_without_faces_given_are_found_all_the_same(sample, finder):
    photo = next(photo for photo in sample.truth if photo.bibs and not photo.hard)
    rgb = eventlens.decode_image((sample.photos / photo.name).read_bytes())
    reader = eventlens.BibReader()
    pattern = r"[A-Z]?\d{2,5}"
    given = reader.read(rgb, finder.find(rgb), pattern=pattern)
    found = reader.read(rgb, pattern=pattern)
    assert [(b.text, b.probability) for b in given] == [(b.text, b.probability) for b in found]
    assert all(0 <= bib.probability <= 1 for bib in given)


def test_decoding_errors_are_ours():
    for broken in (b"", b"\xff\xd8\xff", b"hello"):
        with pytest.raises(eventlens.EventlensError):
            eventlens.decode_image(broken)


def test_pixels_are_handed_over_not_copied(plain_jpeg):
    rgb = eventlens.decode_image(plain_jpeg)
    assert rgb.shape == (480, 640, 3)
    assert rgb.base is not None
    assert rgb.flags.c_contiguous


def test_events_and_organisations(season):
    one = season.create_event("Same name")
    other = season.create_event("Same name", org="Other club")
    assert one.id != other.id
    assert season.event("Same name", org="Other club").id == other.id
    assert [event.id for event in season.events()] == [one.id]
    with pytest.raises(ValueError, match="Same name"):
        season.create_event("Same name")
    with pytest.raises(LookupError, match="Same name"):
        season.event("Another")
    with pytest.raises(LookupError):
        season.events(org="No club")
    season.delete_event(one)
    assert season.events() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Olympus"},
        {"date": "tomorrow"},
        {"confidence_percentage": 101.0},
        {"bib_pattern": "("},
    ],
)
def test_settings_that_make_no_sense(season, wrong):
    with pytest.raises(ValueError, match=r".+"):
        season.create_event("Race", **wrong)


def test_the_stub_is_what_the_module_is(tmp_path):
    """python/eventlens/_core.pyi is generated: tests/regenerate_stub.sh writes it anew."""
    subprocess.run(
        [ROOT / "tests" / "regenerate_stub.sh", tmp_path / "_core.pyi"], check=True, capture_output=True
    )
    committed = (ROOT / "python/eventlens/_core.pyi").read_text()
    assert (tmp_path / "_core.pyi").read_text() == committed, "run tests/regenerate_stub.sh"
