"""A user's own manifest: dlib's network declared a second time, under another name, as docs/your-own-model.md says."""

import json

import numpy as np
import pytest

import eventlens
from eventlens.model_fetch import default_folder


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A manifest of the user's own, in a folder of its own, with the network's files beside it."""
    folder = tmp_path_factory.mktemp("mine")
    fetched = json.loads((default_folder() / "manifest.json").read_text())
    entry = next(model for model in fetched["models"] if model["name"] == "dlib-resnet")
    for file in entry["files"]:
        (folder / file["path"]).write_bytes((default_folder() / file["path"]).read_bytes())
    del entry["source"]
    entry |= {"name": "mine", "provenance": "a copy of dlib-resnet"}
    manifest = {"schema": 1, "defaults": {"face_embedder": "mine"}, "models": [entry]}
    (folder / "mine.json").write_text(json.dumps(manifest))
    return folder / "mine.json"


def test_gives_the_same_embeddings_as_ours(mine, sample):
    rgb = eventlens.decode_image(next(iter(sample.selfies.values())).read_bytes())
    models = eventlens.open_models([mine])
    ours = eventlens.FaceFinder(models=models, embedder="dlib-resnet").find_in_selfie(rgb)[0]
    own = eventlens.FaceFinder(models=models).find_in_selfie(rgb)[0]
    assert own.embedding.shape == (128,)
    np.testing.assert_array_equal(own.embedding, ours.embedding)


def test_indexes_and_finds(mine, sample, tmp_path):
    person, selfie = next(iter(sample.selfies.items()))
    names = [photo.name for photo in sample.truth if person in photo.persons and not photo.hard][:2]
    paths = [sample.photos / name for name in names]
    event = eventlens.open(tmp_path / "season").create_event("Race")
    event.index(paths)  # with the default embedding first
    again = eventlens.open(tmp_path / "season", manifests=[mine]).event("Race")
    assert again.find_selfie(selfie, min_probability=0).matches == [], (
        "two models never meet in one comparison"
    )
    assert again.index(paths).updated == len(paths), "embedded anew for the other model"
    assert {match.photo.key for match in again.find_selfie(selfie, min_probability=0).matches}
    assert event.find_selfie(selfie, min_probability=0).matches, (
        "the default model's embeddings are still there"
    )


def test_a_damaged_network_is_refused_with_the_remedy(mine, tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for file in mine.parent.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    network = next(folder.glob("*.bin"))
    network.write_bytes(network.read_bytes()[:-1] + b"x")
    models = eventlens.open_models([folder / "mine.json"])
    with pytest.raises(eventlens.BadInputError, match="SHA-256"):
        eventlens.FaceFinder(models=models)
    network.unlink()
    with pytest.raises(eventlens.NotFoundError, match="missing"):
        eventlens.FaceFinder(models=models)


def test_a_misspelt_field_is_named(mine, tmp_path):
    manifest = json.loads(mine.read_text())
    manifest["models"][0]["treshold"] = 0.5
    (tmp_path / "mine.json").write_text(json.dumps(manifest))
    with pytest.raises(eventlens.BadInputError, match="treshold"):
        eventlens.open_models([tmp_path / "mine.json"])
