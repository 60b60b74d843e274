"""All photos of me: one photo of each person against all other photos, one threshold for everybody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

import eventlens
from bench.measured import SHARED, Measured, Row

LFW = SHARED / "faces" / "lfw"
PRECISION = 0.99
DRAWS = 10

Vectors = npt.NDArray[np.float32]


def measure() -> Measured:
    """Recall at a precision of 0.99 by the plain cosine of two embeddings, for each embedder."""
    question = (
        f"What part of a person's other photos is found at precision {PRECISION}, by one selfie-like photo?"
    )
    if not LFW.is_dir():
        return Measured("quality.faces", question, "LFW", skipped=f"{LFW} is not there")
    photos = sorted(LFW.glob("*/*.jpg"))
    people = np.unique([photo.parent.name for photo in photos], return_inverse=True)[1]
    rows: list[Row] = []
    for embedder, target in (("", "at least 0.88"), ("mobilefacenet", ""), ("dlib-resnet", "")):
        finder = eventlens.FaceFinder(embedder=embedder)
        found = [central_embedding(finder, photo) for photo in photos]
        nothing = np.zeros_like(next(vector for vector in found if vector is not None))
        vectors = np.stack([nothing if vector is None else vector for vector in found])
        recall, threshold = recall_at_precision(vectors, people)
        drawn = [recall_at_precision(vectors[kept], people[kept])[0] for kept in draws_of_people(people)]
        spread = f"{np.mean(drawn):.3f} ± {np.std(drawn):.3f} over {DRAWS} draws of 80 % of the people"
        rows.append(Row(f"recall, {finder.embedder}", recall, "", spread, target))
        rows.append(Row(f"cosine threshold, {finder.embedder}", threshold))
    data = f"{len(photos):,} photos of {people.max() + 1:,} people of LFW, the most central face of each"
    return Measured("quality.faces", question, data, rows)


def central_embedding(finder: eventlens.FaceFinder, photo: Path) -> Vectors | None:
    """Of the face nearest to the photo's centre, large ones preferred: the one that LFW labels."""
    image = eventlens.decode_image(photo.read_bytes())
    faces = finder.find(image)
    if not faces:
        return None
    middle_y, middle_x = image.shape[0] / 2, image.shape[1] / 2

    def distance(face: eventlens.Face) -> float:
        x, y, width, height = face.box
        return float(np.hypot(x + width / 2 - middle_x, y + height / 2 - middle_y) - height / 4)

    return min(faces, key=distance).embedding


def draws_of_people(people: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    """Photos of random 80 % of the people, the same draws at every run."""
    random = np.random.default_rng(42)
    return [np.flatnonzero((random.random(people.max() + 1) < 0.8)[people]) for _ in range(DRAWS)]


def recall_at_precision(vectors: Vectors, people: npt.NDArray[np.intp]) -> tuple[float, float]:
    """The best recall over all thresholds with at least PRECISION, over all pairs; and that threshold.

    The first photo of each person with two or more is a probe, every other photo is in the gallery. `people` is sorted.
    """
    first = np.r_[True, people[1:] != people[:-1]]
    probe = first & (np.bincount(people)[people] >= 2)
    scores = (vectors[probe] @ vectors[~probe].T).ravel()
    same = (people[probe][:, None] == people[~probe][None, :]).ravel()
    # Below the score of the 2n-th best pair, n being the true ones, precision cannot be above one half.
    best = np.argpartition(scores, -2 * same.sum())[-2 * same.sum() :]
    best = best[np.argsort(-scores[best], kind="stable")]
    right = np.cumsum(same[best])
    allowed = np.flatnonzero(right >= PRECISION * np.arange(1, best.size + 1))
    if allowed.size == 0:
        return 0.0, 1.0
    return float(right[allowed[-1]] / same.sum()), float(scores[best[allowed[-1]]])
