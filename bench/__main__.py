"""Runs the benches and prints what they find; `--write` puts it into docs/measured.md and bench/baseline.json.

./run bench                     everything that does not take long
./run bench quality.bibs        one, or several
./run bench --long --write      everything, more videos and memory over hours too, written into the docs
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib
import json
import sys
import time

from bench.measured import ROOT, Measured, machine

BENCHES = [
    "quality.bibs",
    "quality.faces",
    "quality.detection",
    "quality.video",
    "speed.photo",
    "speed.search",
    "speed.video",
    "speed.memory",
    "speed.storage",
    "speed.server",
    "speed.pages",
]
LONG = {"speed.memory"}
MORE = {"quality.video", "speed.video"}  # measure more when there is time


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./run bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--long", action="store_true", help="the long ones too")
    parser.add_argument("--write", action="store_true", help="write docs/measured.md and bench/baseline.json")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHES)
    if unknown:
        parser.error(f"no bench named {', '.join(sorted(unknown))}")
    names = options.names or [name for name in BENCHES if options.long or name not in LONG]

    answers = []
    for name in names:
        print(f"» {name}", file=sys.stderr, flush=True)
        start = time.monotonic()
        more = {"long": True} if options.long and name in MORE else {}
        answer = importlib.import_module(f"bench.{name}").measure(**more)
        answers.append(answer)
        print(f"{answer.question}\n  {answer.data}")
        print("\n".join(f"  {row}" for row in answer.rows) or f"  skipped: {answer.skipped}")
        print(f"  [{time.monotonic() - start:.0f} s]\n", flush=True)

    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    for answer in answers:
        (results / f"{answer.bench}.json").write_text(json.dumps(dataclasses.asdict(answer), indent=2))
    if options.write:
        write(answers)


def write(answers: list[Measured]) -> None:
    """Puts the new answers into the baseline, beside the older ones of benches that did not run, and renders it."""
    path = ROOT / "bench" / "baseline.json"
    baseline = json.loads(path.read_text()) if path.exists() else {}
    today = datetime.date.today().isoformat()
    for answer in answers:
        if not answer.skipped:
            baseline[answer.bench] = {"date": today, "machine": machine()} | dataclasses.asdict(answer)
    path.write_text(json.dumps(baseline, indent=2, sort_keys=True) + "\n")

    lines = ["# Measured", "", "Written by `./run bench --write`; nothing here is typed by hand.", ""]
    for name in BENCHES:
        if name not in baseline:
            continue
        answer = baseline[name]
        lines += [
            f"## {name}",
            "",
            answer["question"],
            "",
            f"Data: {answer['data']}. {answer['machine']}, {answer['date']}.",
            "",
        ]
        lines += ["| what | measured | spread | target |", "|---|---|---|---|"]
        for row in answer["rows"]:
            value = f"{row['value']:.3f}" if abs(row["value"]) < 10 else f"{row['value']:,.1f}"
            lines.append(f"| {row['what']} | {value} {row['unit']} | {row['spread']} | {row['target']} |")
        lines.append("")
    (ROOT / "docs" / "measured.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
