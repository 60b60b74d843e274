"""Memory over a long index run: 5,000 photos of mixed sizes, two workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import eventlens
from bench.measured import Measured, Row
from eventlens.sample_event import make_sample_event

QUESTION = "Is memory flat over 5,000 photos of mixed sizes, with two workers?"
PHOTOS = 5_000
LONG_SIDES = [800, 1200, 1600, 2400, 3000, 4000, 5000]


def resident_megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def make_photos(folder: Path, count: int) -> None:
    """Each photo of the sample event at one of seven sizes; files are linked until there are enough."""
    sample = make_sample_event(folder.parent / "sample")
    folder.mkdir()
    originals = []
    for i, path in enumerate(sorted(sample.photos.iterdir())):
        rgb = eventlens.decode_image(path.read_bytes())
        long_side = LONG_SIDES[i % len(LONG_SIDES)]
        scale = long_side / max(rgb.shape[:2])
        resized = eventlens.resize_image(rgb, round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
        originals.append(folder / f"{i:05}.jpg")
        originals[-1].write_bytes(eventlens.encode_jpeg(resized, quality=88))
    for i in range(len(originals), count):
        os.link(originals[i * 7 % len(originals)], folder / f"{i:05}.jpg")


def one_process(folder: Path) -> None:
    """Prints [photos done, resident megabytes] at every hundredth photo."""
    samples: list[tuple[int, float]] = []

    def note(progress: eventlens.IndexProgress) -> None:
        if progress.done // 100 > (samples[-1][0] // 100 if samples else 0):
            samples.append((progress.done, resident_megabytes()))
            print(f"{progress.done} photos, {samples[-1][1]:.0f} MB", file=sys.stderr, flush=True)

    season = eventlens.open(folder.parent / "season", threads=2)
    report = season.create_event("bench").index(folder, workers=2, progress=note)
    assert not report.failed
    print(json.dumps(samples))


def measure() -> Measured:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        make_photos(folder, PHOTOS)
        run = subprocess.run(
            [sys.executable, "-m", "bench.speed.memory", str(folder)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    samples: list[tuple[int, float]] = json.loads(run.stdout)
    early = [megabytes for done, megabytes in samples if 500 <= done < 1500]
    late = [megabytes for done, megabytes in samples if done >= PHOTOS - 1000]
    spread = "{:.0f} to {:.0f} MB"
    return Measured(
        "speed.memory",
        QUESTION,
        f"{PHOTOS:,} JPEGs of the sample event, long sides {LONG_SIDES[0]} to {LONG_SIDES[-1]}",
        [
            Row("largest resident size", max(m for _, m in samples), "MB", "", "below 2,000 MB"),
            Row(
                "photos 500 to 1,500, mean",
                sum(early) / len(early),
                "MB",
                spread.format(min(early), max(early)),
            ),
            Row(
                "last 1,000 photos, mean",
                sum(late) / len(late),
                "MB",
                spread.format(min(late), max(late)),
                "as above: flat",
            ),
            Row(
                "growth from photo 1,000 to the end",
                (sum(late) / len(late)) / (sum(early) / len(early)),
                "times",
            ),
        ],
    )


if __name__ == "__main__":
    one_process(Path(sys.argv[1]))
