"""What a bench answers, and where its data lie."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Row:
    """One measured figure.

    Attributes:
        what: The figure in words.
        value: As measured.
        spread: Over repetitions, folds or bootstrap draws, in words; empty for a plain count.
        target: What it is held to, in words; empty for context.
    """

    what: str
    value: float
    unit: str = ""
    spread: str = ""
    target: str = ""

    def __str__(self) -> str:
        number = f"{self.value:.3f}" if abs(self.value) < 10 else f"{self.value:,.1f}"
        text = f"{self.what}: {number} {self.unit}".rstrip()
        if self.spread:
            text += f" ({self.spread})"
        if self.target:
            text += f" — target {self.target}"
        return text


@dataclass(frozen=True)
class Measured:
    """The answer of one bench: `measure()` of each module returns one.

    Attributes:
        bench: The module's name, such as "quality.faces".
        question: What is asked, in a sentence.
        data: On which data, with their size.
        skipped: Why nothing was measured; empty: it was.
    """

    bench: str
    question: str
    data: str
    rows: list[Row] = field(default_factory=list)
    skipped: str = ""


def machine() -> str:
    """The CPU in words."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return f"{platform.machine()}, {os.cpu_count()} cores"
