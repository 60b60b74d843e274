"""The settings, as the program and the example tell them, and the table of them in docs/server.md.

`python -m tests.server.settings_table` writes the table anew.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.server.running import program

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "packaging" / "eventlens.toml"
DOCUMENT = ROOT / "docs" / "server.md"
SETTING = re.compile(r"^(#?)([a-z_]+) = (.*)$", re.MULTILINE)
MARKED = re.compile(r"(<!-- settings: .*? -->\n).*?(<!-- end of settings -->)", re.DOTALL)


@dataclass(frozen=True)
class Told:
    """Of one flag in `--help`."""

    meaning: str
    default: str


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program with these settings and none of this machine's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVENTLENS_")}
    command = [str(program()), *map(str, arguments)]
    return subprocess.run(
        command, env=kept | environment, capture_output=True, text=True, timeout=60, check=False
    )


def told_settings() -> dict[str, Told]:
    lines = re.findall(r"^ +--([a-z-]+) TEXT[^\S\n]*\n?\s+(\S.*)$", run("--help").stdout, re.MULTILINE)
    found = {}
    for flag, text in lines:
        meaning, default = re.fullmatch(r"(.*?)(?: \(([^()]*)\))?", text).groups()
        found[flag] = Told(meaning, default or "")
    del found["config"]
    return found


def example_names() -> list[str]:
    """Every setting in the example, in force or commented."""
    names = []
    section = ""
    for line in EXAMPLE.read_text().splitlines():
        if head := re.fullmatch(r"\[([a-z]+)\]", line):
            section = f"{head[1]}."
        elif found := SETTING.match(line):
            names.append(section + found[2])
    return names


def flag_of(name: str) -> str:
    return name.replace(".", "-").replace("_", "-")


def table() -> str:
    told = told_settings()
    rows = [(name, told[flag_of(name)]) for name in example_names()]
    lines = [
        f"| `{name}` | {f'`{about.default}`' if about.default else ''} | {about.meaning} |"
        for name, about in rows
    ]
    return "\n".join(["| setting | default | |", "|---|---|---|", *lines, ""])


def with_table(document: str) -> str:
    return MARKED.sub(lambda found: found[1] + table() + found[2], document)


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))
