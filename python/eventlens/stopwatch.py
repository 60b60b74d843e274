"""How long each step of recognising a photo takes on one core of this machine."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from eventlens import _core
from eventlens.models import BibReader, FaceFinder, open_models

_PHOTOS = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif"}
_T = TypeVar("_T")


def measure_folder(folder: Path | None, photos: int) -> list[dict[str, Any]]:
    """CPU milliseconds of each step over the photos of a folder (the sample event's when None), one core.

    Returns:
        A row for each step: step, min, median, max, and how many photos were measured.

    Raises:
        NotFoundError: there is no photo in the folder.
    """
    if folder is None:
        try:
            from eventlens.sample_event import make_sample_event
        except ModuleNotFoundError as error:
            raise _core.UnsupportedError(
                f"the sample event is drawn with {error.name}, which is not installed: pip install pillow, or "
                "name a folder of photos"
            ) from None
        with tempfile.TemporaryDirectory() as scratch:
            return _measure(make_sample_event(scratch).photos, photos)
    return _measure(folder, photos)


def _measure(folder: Path, photos: int) -> list[dict[str, Any]]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PHOTOS)[:photos]
    if not paths:
        raise _core.NotFoundError(f"no photos in {str(folder)!r}")
    models = open_models(threads=1)
    finder, reader = FaceFinder(models=models), BibReader(models=models)
    times: dict[str, list[float]] = {}

    def timed(step: str, work: Callable[[], _T], *, count: bool) -> _T:
        start = time.process_time()
        result = work()
        if count:
            times.setdefault(step, []).append((time.process_time() - start) * 1000)
        return result

    for count in (False, True):  # the first round compiles the networks for the sizes at hand
        for path in paths:
            encoded = path.read_bytes()
            decode = partial(_core.decode_image, encoded, enough_long_side=2000)
            rgb = timed("decode", decode, count=count)
            faces = timed("faces", partial(finder.find, rgb), count=count)
            timed("bibs", partial(reader.read_text, rgb, faces), count=count)
    times["photo"] = [sum(steps) for steps in zip(*times.values(), strict=True)]
    return [
        {
            "step": f"{step} ({models.precision})",
            "min": min(values),
            "median": statistics.median(values),
            "max": max(values),
            "photos": len(values),
        }
        for step, values in times.items()
    ]
