"""How right are bib numbers, and do their probabilities keep their word?

The evidence model in cpp/src/bibs/interpret.cpp was fitted on these photos and on copies of them with blur, darkness,
JPEG artefacts, half the size, or bars painted over bibs (weight one half): logistic regression with unit ridge on
standardised features, the coefficient for missing digits set to -1. In five folds that share no number, precision was
0.94 to 0.96, recall 0.89 to 0.90 and F1 0.92 to 0.93: what is printed here is measured on the photos of the fit.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from typing import Any

import eventlens
from bench.measured import SHARED, Measured, Row

DATA = SHARED / "bibs"
EXACT = 0.5  # Bib.probability from which on a text counts as exact
BOUNDS = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)

Photo = dict[str, Any]


def measure() -> Measured:
    """Photo-level exact reads: the set of texts at 0.5 or more of each photo against its labels."""
    question = "How many of the bib numbers in race photos are read exactly, and how many reads are right?"
    labels = DATA / "labels.json"
    if not labels.is_file():
        return Measured("quality.bibs", question, "RBNR", skipped=f"{labels} is not there")
    photos: list[Photo] = json.loads(labels.read_text())["photos"]
    finder, reader = eventlens.FaceFinder(), eventlens.BibReader()
    bibs = []
    for photo in photos:
        image = eventlens.decode_image((DATA / "photos" / photo["photo"]).read_bytes())
        bibs.append(reader.read(image, finder.find(image)))
    found = [{bib.text for bib in of_photo if bib.probability >= EXACT} for of_photo in bibs]

    precision, recall, f1 = score(photos, found)
    low, high = spread(photos, found)
    rows = [
        Row("F1", f1, "", f"{low:.3f} to {high:.3f}, 5 to 95 % over photos", "at least 0.90"),
        Row("precision, also_visible counted right", precision, "", "", "at least 0.88"),
        Row("recall of labelled bibs", recall),
    ]
    sayings = [
        (bib.probability, bib.text in real_in(photo))
        for photo, of_photo in zip(photos, bibs, strict=True)
        for bib in of_photo
    ]
    for above, below in itertools.pairwise(BOUNDS):
        inside = [saying for saying in sayings if above <= saying[0] < below]
        if inside:
            said = sum(probability for probability, _ in inside) / len(inside)
            right = sum(was_right for _, was_right in inside)
            what = f"right when said {above:.2f} to {below:.2f}"
            rows.append(
                Row(what, right / len(inside), "", f"{right} of {len(inside)}, said {said:.2f} on average")
            )
    return Measured("quality.bibs", question, f"{len(photos)} race photos of RBNR", rows)


def labelled_in(photo: Photo) -> set[str]:
    """The texts that the labels ask for."""
    return {bib["text"] for bib in photo["bibs"]}


def real_in(photo: Photo) -> set[str]:
    """The same, and the real numbers that the labels lack: they are right when read, and never asked for."""
    return labelled_in(photo) | set(photo["also_visible"])


def score(photos: Sequence[Photo], found: Sequence[set[str]]) -> tuple[float, float, float]:
    """Precision (real of all found), recall (labelled ones found of all labelled) and their harmonic mean."""
    pairs = list(zip(photos, found, strict=True))
    precision = sum(len(texts & real_in(photo)) for photo, texts in pairs) / max(1, sum(map(len, found)))
    labelled = max(1, sum(len(labelled_in(photo)) for photo in photos))
    recall = sum(len(texts & labelled_in(photo)) for photo, texts in pairs) / labelled
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def spread(photos: Sequence[Photo], found: Sequence[set[str]], rounds: int = 1000) -> tuple[float, float]:
    """The 5th and 95th percentile of F1 over photos drawn with replacement."""
    draw = random.Random(1)
    values = []
    for _ in range(rounds):
        drawn = draw.choices(range(len(photos)), k=len(photos))
        values.append(score([photos[i] for i in drawn], [found[i] for i in drawn])[2])
    values.sort()
    return values[rounds // 20], values[-rounds // 20]
