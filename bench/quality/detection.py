"""Faces in crowds: how many of the clear ones are found, and how much is taken for a face that is none."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

import eventlens
from bench.measured import SHARED, Measured, Row

CROWDS = SHARED / "faces" / "crowds"
SIZES = ((12, 20), (20, 30), (30, 60), (60, 10_000))  # pixels of height
SAME = 0.4  # intersection over union of a found and a labelled box
TINY = 12  # pixels; smaller faces are often not labelled, and finding them is no mistake

Boxes = npt.NDArray[np.float64]


def measure() -> Measured:
    """Recall by size of faces labelled clear, not occluded and valid; boxes found without a label per photo."""
    question = "What part of the clear faces in crowds is found, at how many false ones per photo?"
    labels = CROWDS / "labels.json"
    if not labels.is_file():
        return Measured("quality.detection", question, "WIDER FACE", skipped=f"{labels} is not there")
    finder = eventlens.FaceFinder()
    found = np.zeros(len(SIZES))
    there = np.zeros(len(SIZES))
    false = 0
    photos = json.loads(labels.read_text())["photos"]
    for photo in photos:
        image = eventlens.decode_image((CROWDS / "photos" / photo["photo"]).read_bytes())
        boxes = np.array([face.box for face in finder.find(image)], float).reshape(-1, 4)
        labelled = np.array([face["box"] for face in photo["faces"]], float).reshape(-1, 4)
        hit, stray = match(labelled, boxes)
        for face, is_hit in zip(photo["faces"], hit, strict=True):
            clear = face["blur"] == 0 and face["occlusion"] == 0 and face["invalid"] == 0
            for i, (low, high) in enumerate(SIZES):
                if clear and low <= face["box"][3] < high:
                    there[i] += 1
                    found[i] += is_hit
        ignored = labelled[[face["invalid"] == 1 or max(face["box"][2:]) < TINY for face in photo["faces"]]]
        false += count_false(boxes[stray], ignored)
    rows = []
    for (low, high), n, all_of_them in zip(SIZES, found, there, strict=True):
        what = (
            f"recall of clear faces {low}-{high} px high"
            if high < 10_000
            else f"recall of clear faces from {low} px"
        )
        rows.append(
            Row(
                what,
                n / all_of_them,
                "",
                f"{n:.0f} of {all_of_them:.0f}",
                "at least 0.95" if low == 30 else "",
            )
        )
    rows.append(Row("false faces per photo", false / len(photos), "", f"{false} in all", "at most 0.2"))
    return Measured("quality.detection", question, f"{len(photos)} crowds of WIDER FACE validation", rows)


def match(labelled: Boxes, found: Boxes) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Pairs boxes one to one, most overlapping first: which labels were hit, and which found boxes are left over."""
    hit = np.zeros(len(labelled), bool)
    stray = np.ones(len(found), bool)
    overlaps = overlap(labelled, found)
    for flat in np.argsort(-overlaps, axis=None):
        label, box = divmod(int(flat), len(found))
        if overlaps[label, box] < SAME:
            break
        if not hit[label] and stray[box]:
            hit[label], stray[box] = True, False
    return hit, stray


def count_false(stray: Boxes, ignored: Boxes) -> int:
    """Left-over boxes that are neither tiny nor on a face that its label says to ignore."""
    if len(stray) == 0:
        return 0
    on_ignored = overlap(ignored, stray).max(axis=0, initial=0) > SAME / 2
    return int(np.sum((stray[:, 2:].max(axis=1) >= TINY) & ~on_ignored))


def overlap(a: Boxes, b: Boxes) -> npt.NDArray[np.float64]:
    """Intersection over union of each of `a` with each of `b`; boxes are x, y, width, height."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    together: npt.NDArray[np.float64] = (
        np.prod(a[:, None, 2:], axis=2) + np.prod(b[None, :, 2:], axis=2) - common
    )
    return common / together
