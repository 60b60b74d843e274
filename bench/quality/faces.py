"""All photos of me: one photo of each person against all other photos, one threshold for everybody.

The default's views, weights and thresholds were chosen on these people: what is printed here is the level that other
people are compared with. Probabilities are measured on people that their calibration did not see: it is fitted on two
thirds of the people, the way the manifest's were on all of them, and the other third becomes the event.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

import eventlens
from bench.measured import SHARED, Measured, Row
from eventlens.model_fetch import default_folder

LFW = SHARED / "faces" / "lfw"
PRECISION = 0.99
TARGET = "at least 0.88"
DRAWS = 10
SELFIE = (2048, 1536)  # pixels
CALIBRATION_PRIOR = 0.001  # the share of true pairs that the calibration is fitted as if there were
SAID = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.0)

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


def measure() -> Measured:
    """Recall at a precision of 0.99, by the plain cosine of two embeddings and by the search; and its probabilities."""
    question = (
        f"What part of a person's other photos is found at precision {PRECISION}, by one selfie-like photo?"
    )
    if not LFW.is_dir():
        return Measured("quality.faces", question, "LFW", skipped=f"{LFW} is not there")
    photos = sorted(LFW.glob("*/*.jpg"))
    people = np.unique([photo.parent.name for photo in photos], return_inverse=True)[1]

    default = eventlens.FaceFinder()
    central, first = embeddings(default, photos)
    rows = [
        cosine_row(f"{default.embedder}, the most central face", central, people, TARGET),
        cosine_row(f"{default.embedder}, the first face found", first, people, TARGET),
    ]
    for name in ("mobilefacenet", "dlib-resnet"):
        rows.append(cosine_row(name, embeddings(eventlens.FaceFinder(embedder=name), photos)[0], people))
    rows += large_selfie_rows(default, photos, people, first)
    rows += search_rows(default.embedder, photos, people, central)
    data = f"{len(photos):,} photos of {people.max() + 1:,} people of LFW"
    return Measured("quality.faces", question, data, rows)


def embeddings(finder: eventlens.FaceFinder, photos: list[Path]) -> tuple[Vectors, Vectors]:
    """Of each photo's most central face, which LFW labels, and of the first that find() gives; zeros: no face."""

    def look(photo: Path) -> tuple[Vectors, Vectors] | None:
        image = eventlens.decode_image(photo.read_bytes())
        faces = finder.find(image)
        if not faces:
            return None
        middle_y, middle_x = image.shape[0] / 2, image.shape[1] / 2

        def distance(face: eventlens.Face) -> float:
            x, y, width, height = face.box
            return float(np.hypot(x + width / 2 - middle_x, y + height / 2 - middle_y) - height / 4)

        return min(faces, key=distance).embedding, faces[0].embedding

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = list(pool.map(look, photos))
    nothing = np.zeros_like(next(seen[0] for seen in looks if seen))
    pairs = [seen or (nothing, nothing) for seen in looks]
    return np.stack([central for central, _ in pairs]), np.stack([first for _, first in pairs])


def cosine_row(what: str, vectors: Vectors, people: Places, target: str = "") -> Row:
    """Recall by plain cosine over everybody, and over random 80 % of the people, the same draws at every run."""
    recall, threshold = recall_at_precision(*compare(vectors, people))
    random = np.random.default_rng(42)
    drawn = []
    for _ in range(DRAWS):
        kept = (random.random(people.max() + 1) < 0.8)[people]
        drawn.append(recall_at_precision(*compare(vectors[kept], people[kept]))[0])
    spread = f"{np.mean(drawn):.3f} ± {np.std(drawn):.3f} over {DRAWS} draws of 80 % of the people"
    return Row(f"recall by cosine from {threshold:.3f}: {what}", recall, "", spread, target)


def large_selfie_rows(
    finder: eventlens.FaceFinder, photos: list[Path], people: Places, first: Vectors
) -> list[Row]:
    """The probes as a phone would send them, in which faces are looked for otherwise; compared with themselves."""
    threshold = recall_at_precision(*compare(first, people))[1]
    asked = np.flatnonzero(probes(people))[::2]
    others = ~probes(people)

    def look(place: int) -> Vectors:
        small = Image.open(photos[place]).convert("RGB")
        scene = Image.new("RGB", SELFIE, (90, 110, 120))
        scene.paste(small.resize((SELFIE[1], SELFIE[1]), Image.Resampling.LANCZOS), (200, 0))
        faces = finder.find_in_selfie(np.asarray(scene))
        return faces[0].embedding if faces else np.zeros_like(first[0])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        large = np.stack(list(pool.map(look, asked.tolist())))
    rows = []
    for what, vectors in (("as it is", first[asked]), (f"of {SELFIE[0]} × {SELFIE[1]} pixels", large)):
        found = vectors @ first[others].T >= threshold
        same = people[asked][:, None] == people[others][None, :]
        recall = float(found[same].mean())
        spread = f"{asked.size} selfies; {int(found[~same].sum())} false of {int(found.sum())} found"
        rows.append(Row(f"recall by cosine from {threshold:.3f}: selfie {what}", recall, "", spread))
    return rows


def compare(vectors: Vectors, people: Places) -> tuple[Numbers, Bools]:
    """The cosine of each probe with each photo of the gallery, and whether they show the same person."""
    probe = probes(people)
    cosines = (vectors[probe] @ vectors[~probe].T).ravel().astype(np.float64)
    return cosines, (people[probe][:, None] == people[~probe][None, :]).ravel()


def probes(people: Places) -> Bools:
    """The first photo of each person with two or more; every other photo is the gallery. `people` is sorted."""
    first = np.r_[True, people[1:] != people[:-1]]
    selected: Bools = first & (np.bincount(people)[people] >= 2)
    return selected


def recall_at_precision(scores: Numbers, same: Bools, there: int = 0) -> tuple[float, float]:
    """The best recall over all thresholds with at least PRECISION, and that threshold.

    Args:
        there: How many are to be found, if not all of them were scored; 0: those that are `same`.
    """
    # Below the score of the 2n-th best pair, n being the true ones, precision cannot be above one half.
    some = min(2 * int(same.sum()), scores.size)
    best = np.argpartition(scores, -some)[-some:]
    best = best[np.argsort(-scores[best], kind="stable")]
    right = np.cumsum(same[best])
    allowed = np.flatnonzero(right >= PRECISION * np.arange(1, best.size + 1))
    if allowed.size == 0:
        return 0.0, 1.0
    return float(right[allowed[-1]] / (there or same.sum())), float(scores[best[allowed[-1]]])


def calibrate(scores: Numbers, same: Bools) -> tuple[float, float]:
    """Slope and offset of the log likelihood ratio: logistic regression, pairs weighted to CALIBRATION_PRIOR."""
    log_odds = np.log(CALIBRATION_PRIOR / (1 - CALIBRATION_PRIOR))
    weight = np.where(same, CALIBRATION_PRIOR / same.sum(), (1 - CALIBRATION_PRIOR) / (~same).sum())
    middle, width = scores[same].mean(), scores[same].std()
    x = (scores - middle) / width
    slope, offset = 1.0, 0.0
    for _ in range(100):  # Newton's method; a step is never longer than 1, because the first would overshoot
        said = 1 / (1 + np.exp(-(slope * x + offset + log_odds)))
        error = weight * (said - same)
        curvature = weight * said * (1 - said)
        gradient = np.array([error @ x, error.sum()])
        mixed = curvature @ x
        step = np.linalg.solve(np.array([[curvature @ x**2, mixed], [mixed, curvature.sum()]]), gradient)
        step /= max(1.0, float(np.abs(step).max()))
        slope, offset = slope - step[0], offset - step[1]
        if np.abs(step).max() < 1e-6:
            return float(slope / width), float(offset - slope * middle / width)
    raise ArithmeticError("the calibration did not converge")


def search_rows(embedder: str, photos: list[Path], people: Places, vectors: Vectors) -> list[Row]:
    """A selfie search in an event of a third of the people, by a calibration fitted on the others."""
    inside = (np.random.default_rng(7).random(people.max() + 1) < 1 / 3)[people]
    slope, offset = calibrate(*compare(vectors[~inside], people[~inside]))
    chosen = np.flatnonzero(inside)
    probe = probes(people[chosen])
    asked = [photos[i] for i in chosen[probe]]
    indexed = [photos[i] for i in chosen[~probe]]
    there = int(np.isin(people[chosen[~probe]], people[chosen[probe]]).sum())

    with tempfile.TemporaryDirectory() as folder:
        manifest = calibrated_manifest(Path(folder), embedder, slope, offset)
        event = eventlens.open(Path(folder) / "workspace", manifests=[manifest]).create_event("LFW")
        event.index(indexed)
        alone, same_alone = search_all(event, asked, query_expansion=False)
        helped, same_helped = search_all(event, asked, query_expansion=True)
    size = f"{len(asked)} searches in {len(indexed):,} photos"
    rows = [
        Row("recall by search, the selfie alone", recall_at_precision(alone, same_alone, there)[0], "", size),
        Row("recall by search, sure matches helping", recall_at_precision(helped, same_helped, there)[0]),
        Row("slope of the calibration", slope, "", "fitted on the people outside of the event"),
        Row("offset of the calibration", offset),
    ]
    for above, below in itertools.pairwise(SAID):
        within = (helped >= above) & (helped < below if below < 1 else helped <= 1)
        if within.any():
            right, all_of_them = int(same_helped[within].sum()), int(within.sum())
            spread = f"{right} of {all_of_them}, said {helped[within].mean():.3f} on average"
            rows.append(Row(f"right when said {above:.2f} to {below:.2f}", right / all_of_them, "", spread))
    return rows


def calibrated_manifest(folder: Path, embedder: str, slope: float, offset: float) -> Path:
    """A manifest that declares the embedder, which is made of parts, once more, with a calibration of its own."""
    fetched = json.loads((default_folder() / "manifest.json").read_text())
    entry = next(model for model in fetched["models"] if model["name"] == embedder)
    entry |= {"name": "recalibrated", "calibration": {"slope": slope, "offset": offset}}
    path = folder / "recalibrated.json"
    path.write_text(
        json.dumps({"schema": 1, "defaults": {"face_embedder": "recalibrated"}, "models": [entry]})
    )
    return path


def search_all(
    event: eventlens.Event, selfies: list[Path], *, query_expansion: bool
) -> tuple[Numbers, Bools]:
    """The probabilities of all matches of all searches, and whether each shows the one who asked."""

    def search(selfie: Path) -> list[tuple[float, bool]]:
        found = event.find_selfie(selfie, min_probability=SAID[0], query_expansion=query_expansion)
        name = selfie.parent.name
        return [(match.probability, Path(match.photo.key).parent.name == name) for match in found.matches]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        said = list(itertools.chain.from_iterable(pool.map(search, selfies)))
    return np.array([probability for probability, _ in said]), np.array([right for _, right in said], bool)
