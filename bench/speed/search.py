"""Exact search of a million faces, against the fastest read of the same memory in the same run."""

from __future__ import annotations

import json
import subprocess

from bench.measured import ROOT, Measured, Row

QUESTION = "How near to the memory-read limit is a search of 1,000,000 faces, one core, top 100?"
PROGRAM = ROOT / "build" / "wheel" / "bench" / "speed" / "gallery_bench"


def measure() -> Measured:
    run = subprocess.run([PROGRAM, "--benchmark_format=json"], check=True, capture_output=True, text=True)
    rows = []
    for bench in json.loads(run.stdout)["benchmarks"]:
        if bench.get("run_type") == "aggregate" or "ratio_median" not in bench:
            continue
        rows.append(
            Row(
                f"{bench['name']}: search / plain read",
                bench["ratio_median"],
                "times",
                f"{bench['ratio_min']:.2f} to {bench['ratio_max']:.2f}",
                "≤ 1.5",
            )
        )
    return Measured("speed.search", QUESTION, "random unit vectors, fixed seed", rows)
