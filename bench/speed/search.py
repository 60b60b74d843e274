"""Exact search of a million faces, against the fastest read of the same memory in the same run."""

from __future__ import annotations

import json
import subprocess

from bench.measured import ROOT, Measured, Row

QUESTION = "How near to the memory-read limit is a search of 1,000,000 faces, one core, top 100?"
KERNELS = {"0": "fastest kernel of this CPU", "1": "scalar", "2": "AVX2", "3": "AVX-512"}  # ScanKernel
PROGRAM = ROOT / "build" / "wheel" / "bench" / "speed" / "gallery_bench"


def measure() -> Measured:
    run = subprocess.run([PROGRAM, "--benchmark_format=json"], check=True, capture_output=True, text=True)
    rows = []
    for bench in json.loads(run.stdout)["benchmarks"]:
        if bench.get("run_type") == "aggregate" or "ratio_median" not in bench:
            continue
        shape = dict(part.split(":") for part in bench["name"].split("/") if ":" in part)
        held_to_it = shape["faces"] == "1000000" and shape["kernel"] == "0"
        rows.append(
            Row(
                f"{int(shape['faces']):,} faces of {shape['dimensions']} numbers, {KERNELS[shape['kernel']]}: "
                "search / plain read",
                bench["ratio_median"],
                "times",
                f"{bench['ratio_min']:.2f} to {bench['ratio_max']:.2f}; {bench['search_ms']:.1f} ms",
                "at most 1.5" if held_to_it else "",
            )
        )
    return Measured("speed.search", QUESTION, "random unit vectors, fixed seed", rows)
