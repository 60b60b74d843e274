"""CPU time of one core for a 12-megapixel photo with six faces and six bibs, from the file to rows in the catalog."""

from __future__ import annotations

import io
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import eventlens
from bench.measured import Measured, Row
from eventlens.sample_event import make_sample_event

QUESTION = "How much CPU does one 12-megapixel photo with six faces cost, decode to rows, on one core?"
WARM, PHOTOS, ROUNDS = 3, 10, 5


def six_runners(folder: Path) -> bytes:
    """4000 x 3000: six photos of the sample event, one runner each, side by side."""
    sample = make_sample_event(folder)
    alone = [photo for photo in sample.truth if len(photo.persons) == 1 and photo.bibs and not photo.hard]
    singles = alone[:: len(alone) // 6][:6]
    tile_width, tile_height = 1332, 1500
    import numpy as np

    canvas = np.zeros((2 * tile_height, 3 * tile_width + 4, 3), np.uint8)
    for i, photo in enumerate(singles):
        rgb = eventlens.decode_image((sample.photos / photo.name).read_bytes())
        # Crop to the tile's shape around the runner, then fill the tile.
        height, width = rgb.shape[:2]
        x, _y, w, _h = photo.face_boxes[0]
        crop_width = min(width, int(height * tile_width / tile_height))
        left = int(min(max(0, x + w / 2 - crop_width / 2), width - crop_width))
        crop = np.ascontiguousarray(
            rgb[: int(crop_width * tile_height / tile_width), left : left + crop_width]
        )
        top, side = (i // 3) * tile_height, (i % 3) * tile_width
        canvas[top : top + tile_height, side : side + tile_width] = eventlens.resize_image(
            crop, tile_width, tile_height
        )
    return eventlens.encode_jpeg(np.ascontiguousarray(canvas[:, :4000]), quality=92)


def sponsors() -> bytes:
    """Artwork as wide as a photo: a strip that is half transparent."""
    import numpy as np
    from PIL import Image

    pixels = np.zeros((300, 3000, 4), np.uint8)
    pixels[50:250, 100:2900] = (255, 255, 255, 128)
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    return encoded.getvalue()


def one_process(precision: str, photo: Path) -> None:
    """Prints the CPU milliseconds of a photo: run as its own process, so that rounds can be interleaved."""
    with tempfile.TemporaryDirectory() as scratch:
        season = eventlens.open(Path(scratch) / "season", precision=precision, threads=1)
        event = season.create_event("bench", bib_pattern=r"[A-Z]?\d{2,5}")
        gallery = season.create_event("with renditions", bib_pattern=r"[A-Z]?\d{2,5}")
        gallery.set_renditions(watermark=sponsors(), position="bottom", width=1.0)

        def index(event: eventlens.Event, name: str, count: int) -> float:
            folder = Path(scratch) / name
            folder.mkdir()
            for i in range(count):
                shutil.copy(photo, folder / f"{i}.jpg")
            before = resource.getrusage(resource.RUSAGE_SELF)
            report = event.index(folder, workers=1)
            after = resource.getrusage(resource.RUSAGE_SELF)
            assert report.added == count
            assert not report.failed
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            return cpu / count * 1000

        index(event, "warm", WARM)
        milliseconds = index(event, "measured", PHOTOS)
        index(gallery, "warm with renditions", 1)
        with_renditions = index(gallery, "measured with renditions", PHOTOS)
        details = next(event.photos())
        shown = next(gallery.photos()).photo
        bibs = sum(bib.probability >= 0.5 for bib in details.bibs)
        print(
            json.dumps(
                {
                    "ms": milliseconds,
                    "renditions": with_renditions - milliseconds,
                    "preview": len(shown.preview()) / 1000,
                    "thumbnail": len(shown.thumbnail()) / 1000,
                    "faces": len(details.faces),
                    "bibs": bibs,
                }
            )
        )


def measure() -> Measured:
    """Rounds of the precisions, interleaved, each in a process of its own."""
    times: dict[str, list[float]] = {}
    renditions: list[float] = []
    seen: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        photo = Path(scratch) / "six.jpg"
        photo.write_bytes(six_runners(Path(scratch) / "sample"))
        native = eventlens.open_models().precision
        for _ in range(ROUNDS):
            for precision in ("f32", "bf16") if native == "bf16" else ("f32",):
                run = subprocess.run(
                    [sys.executable, "-m", "bench.speed.photo", precision, str(photo)],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                answer = json.loads(run.stdout)
                times.setdefault(precision, []).append(answer["ms"])
                renditions.append(answer["renditions"])
                seen = answer
    targets = {"bf16": "≤ 500 ms", "f32": "≤ 800 ms"}
    rows = [
        Row(
            f"CPU of one photo, {precision}",
            statistics.median(values),
            "ms",
            f"{min(values):.0f} to {max(values):.0f} over {len(values)} runs of {PHOTOS} photos",
            targets[precision],
        )
        for precision, values in times.items()
    ]
    rows += [
        Row("faces found in it", seen["faces"]),
        Row("different bib numbers read in it, probability ≥ 0.5", seen["bibs"]),
        Row(
            "CPU that thumbnail and watermarked preview add to it",
            statistics.median(renditions),
            "ms",
            f"{min(renditions):.0f} to {max(renditions):.0f}; the photo is decoded whole for them, not halved",
        ),
        Row("size of the preview, 2048 pixels", seen["preview"], "kB"),
        Row("size of the thumbnail, 400 pixels", seen["thumbnail"], "kB"),
    ]
    return Measured(
        "speed.photo", QUESTION, "a 4000 × 3000 JPEG made of six photos of the sample event", rows
    )


if __name__ == "__main__":
    one_process(sys.argv[1], Path(sys.argv[2]))
