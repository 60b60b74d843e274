"""How fast footage is indexed and clips are cut: CPU seconds of one core, from 1080p30 H.264.

The footage is the sample event's video, enlarged, with a sensor's grain so that there is as much to decode as in a
camera's files, and prolonged by seconds with nobody until people are in a third of it. Every measurement is a process
of its own, bound to one core; what is compared takes turns.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import eventlens
from bench.measured import ROOT, Measured, Row
from eventlens.sample_event import BIB_PATTERN, SampleEvent, make_sample_event

QUESTION = (
    "How many times faster than real time is 1080p30 footage indexed on one core, and what does a clip cost?"
)
KEPT = ROOT / ".setup" / "footage-speed"
GROUPS = {60: "at least 3", 30: "at least 5"}  # frames between keyframes, and what is asked for there
ROUNDS = 3
CUT = (7.3, 17.3)  # seconds; begins and ends between keyframes
HOUR = 3600.0


def measure(*, long: bool = False) -> Measured:
    """Indexing beside plain decoding, and cutting beside ffmpeg's full encode; with `long`, memory over an hour."""
    sample = make_sample_event(ROOT / ".setup" / "sample")
    share = seconds_with_somebody(sample)
    seconds = 3 * share
    rows: list[Row] = []
    for group, target in GROUPS.items():
        path = enlarged(
            sample, seconds, "1920:1080", ["-b:v", "8M", "-maxrate", "12M", "-bufsize", "16M"], group
        )
        indexed, decoded = [], []
        for _ in range(ROUNDS):
            indexed.append(seconds / one_core("index", path))
            decoded.append(seconds / cpu_of_ffmpeg(["-i", str(path), "-map", "0:v:0", "-f", "null", "-"]))
        rows += [
            Row(f"indexing, a keyframe every {group} frames", statistics.median(indexed), "× real time",
                f"{min(indexed):.1f} to {max(indexed):.1f} over {ROUNDS} runs", target),
            Row(f"decoding alone (ffmpeg), a keyframe every {group} frames", statistics.median(decoded), "× real time",
                f"{min(decoded):.1f} to {max(decoded):.1f}"),
        ]  # fmt: skip
    rows += cut_rows(
        enlarged(sample, seconds, "1920:1080", ["-b:v", "8M", "-maxrate", "12M", "-bufsize", "16M"], 60)
    )
    if long:
        rows += memory_rows(sample, seconds)
    data = (
        f"{seconds:.0f} s of the sample event's finish at 1080p30, 8 Mbit/s, somebody in {share:.0f} s of it"
    )
    return Measured("speed.video", QUESTION, data, rows)


def seconds_with_somebody(sample: SampleEvent) -> float:
    """Of the sample video: the time in which anybody is in the picture."""
    total, until = 0.0, 0.0
    for start, end in sorted(appearance.seen for appearance in sample.video.appearances):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def enlarged(sample: SampleEvent, seconds: float, size: str, rate: list[str], group: int) -> Path:
    """The sample video at another size and 30 frames a second, its last frame held until `seconds`; kept once made."""
    source = sample.videos / sample.video.name
    recipe = hashlib.sha256(source.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
    path = KEPT / f"{recipe}-{size.replace(':', 'x')}-{group}-{seconds:.0f}.mp4"
    if path.is_file():
        return path
    KEPT.mkdir(parents=True, exist_ok=True)
    filters = (
        f"fps=30,tpad=stop_mode=clone:stop_duration={seconds},scale={size},noise=alls=7:allf=t,format=yuv420p"
    )
    partial = path.with_name("partial-" + path.name)
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(source), "-vf", filters, "-af", "apad",
               "-t", str(seconds), "-c:v", "libx264", "-preset", "veryfast", *rate, "-g", str(group),
               "-keyint_min", str(group), "-sc_threshold", "0", "-bf", "2", "-c:a", "aac", str(partial)]  # fmt: skip
    subprocess.run(command, check=True)
    partial.replace(path)
    return path


def cut_rows(path: Path) -> list[Row]:
    cut, encoded = [], []
    method = ""
    start, end = CUT
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) / "clip.mp4"
            answer = json.loads(child("cut", path, out))
            cut.append(answer["cpu"])
            method = answer["method"]
            whole = ["-ss", str(start), "-i", str(path), "-t", str(end - start), "-c:v", "libx264"]
            whole += ["-preset", "veryfast", "-c:a", "aac", "-movflags", "+faststart"]
            whole.append(str(out.with_name("whole.mp4")))
            encoded.append(cpu_of_ffmpeg(whole))
    ratios = [ours / whole for ours, whole in zip(cut, encoded, strict=True)]
    return [
        Row("CPU of a 10 s exact cut with its check / a full encode by ffmpeg, veryfast", statistics.median(ratios),
            "times", f"{min(ratios):.2f} to {max(ratios):.2f} over {ROUNDS} interleaved runs; {method}",
            "at most 0.5"),
        Row("CPU of a 10 s exact cut with its check", statistics.median(cut), "s", f"{min(cut):.1f} to {max(cut):.1f}"),
        Row("CPU of a full encode of the same seconds by ffmpeg", statistics.median(encoded), "s",
            f"{min(encoded):.1f} to {max(encoded):.1f}"),
    ]  # fmt: skip


def memory_rows(sample: SampleEvent, seconds: float) -> list[Row]:
    """An hour of footage, small so that it does not take an hour: memory does not depend on what is behind."""
    once = enlarged(sample, seconds, "640:360", ["-b:v", "600k"], 60)
    with tempfile.TemporaryDirectory() as scratch:
        hour = Path(scratch) / "hour.mp4"
        command = ["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", str(int(HOUR / seconds)), "-i", str(once),
                   "-c", "copy", "-t", str(HOUR), str(hour)]  # fmt: skip
        subprocess.run(command, check=True)
        samples: list[tuple[float, float]] = json.loads(child("memory", hour))
    early = [megabytes for at, megabytes in samples if 0.1 <= at < 0.3]
    late = [megabytes for at, megabytes in samples if at >= 0.8]
    first, last = sum(early) / len(early), sum(late) / len(late)
    return [
        Row(
            "resident size over an hour of footage, largest", max(megabytes for _, megabytes in samples), "MB"
        ),
        Row("minutes 6 to 18, mean", first, "MB", f"{min(early):.0f} to {max(early):.0f} MB"),
        Row("last 12 minutes, mean", last, "MB", f"{min(late):.0f} to {max(late):.0f} MB", "as above: flat"),
        Row("growth from one to the other", last / first, "times"),
    ]


# --- in processes of their own, bound to one core ---


def child(what: str, *paths: Path) -> str:
    command = [sys.executable, "-m", "bench.speed.video", what, *map(str, paths)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=one_cpu).stdout


def one_core(what: str, path: Path) -> float:
    return float(json.loads(child(what, path))["cpu"])


def one_cpu() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def cpu_of_ffmpeg(arguments: list[str]) -> float:
    """CPU seconds of the program on one core, with one thread for each of its parts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", *arguments]
    subprocess.run(command, check=True, preexec_fn=one_cpu)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cpu_of(work: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def index(path: Path, scratch: Path) -> None:
    """Prints the CPU seconds of indexing a video, after photos have warmed everything up."""
    season = eventlens.open(scratch / "season", threads=1)
    event = season.create_event("bench", bib_pattern=BIB_PATTERN)
    sample = make_sample_event(ROOT / ".setup" / "sample")
    assert not event.index(sorted(sample.photos.iterdir())[:3], workers=1).failed

    def work() -> None:
        report = event.index([path], workers=1)
        assert not report.failed, report.failed

    print(json.dumps({"cpu": cpu_of(work)}))


def cut(path: Path, out: Path) -> None:
    """Prints the CPU seconds of a cut."""
    clips: list[eventlens.Clip] = []
    seconds = cpu_of(lambda: clips.append(eventlens.cut_clip(path, CUT, out)))
    print(json.dumps({"cpu": seconds, "method": clips[0].method}))


def memory(path: Path, scratch: Path) -> None:
    """Prints [part of the footage read, resident megabytes], twenty times a minute or so."""
    samples: list[tuple[float, float]] = []
    told = 0.0

    def note(progress: eventlens.IndexProgress) -> None:
        nonlocal told
        if time.monotonic() - told > 3:
            told = time.monotonic()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            samples.append((progress.videos.footage / HOUR, pages * os.sysconf("SC_PAGE_SIZE") / 1e6))

    season = eventlens.open(scratch / "season", threads=1)
    report = season.create_event("bench", bib_pattern=BIB_PATTERN).index([path], workers=1, progress=note)
    assert not report.failed, report.failed
    print(json.dumps(samples))


if __name__ == "__main__":
    if sys.argv[1] == "cut":
        cut(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            {"index": index, "memory": memory}[sys.argv[1]](Path(sys.argv[2]), Path(folder))
