"""Schemathesis makes up requests from openapi.json, good and bad, and looks at every answer: all checks, stateful."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.server.running import Server
from tests.server.world import World

MINUTE = 60
# The contract refuses some well-formed requests with 400: an image that is unknown, a window that ends before it
# begins, a file that is no picture. Everything else is schemathesis's own standard.
CONFIGURATION = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404"]
"""


def run(server: Server, world: World, folder: Path, seconds: int) -> None:
    selfies = []
    for name, content in {**world.selfies, "nobody": world.faceless}.items():
        selfies.append(str(folder / f"{name}.jpg"))
        Path(selfies[-1]).write_bytes(content)
    known = {
        "org": world.number("north"),
        "events": [world.number(name) for name in ("race", "half", "doomed", "sparse", "late", "closed")],
        "request_id": [world.names[name] for name in ("astronaut", "president", "nobody", "half-search")],
        "image_id": [world.names["image"], world.names["image2"], world.names["south-image"]],
        "bib": ["318", "A207", "1906", "99999"],
        "selfies": selfies,
    }
    (folder / "world.json").write_text(json.dumps(known))
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    command = [str(Path(sys.executable).with_name("schemathesis"))]
    command += ["--config-file", str(folder / "schemathesis.toml"), "run", f"{server.url}/openapi.json"]
    command += ["--checks", "all", "--max-time", str(seconds), "--no-color", "--warnings", "off"]
    command += ["-H", f"X-API-Key: {world.keys['north']}", "--output-sanitize", "false"]
    command += ["--generation-database", "none", "--request-timeout", "60", "--continue-on-failure"]
    command += ["--report", "json", "--report-json-path", str(folder / "report.json")]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.server.schemathesis_hooks",
        "EVENTLENS_TEST_WORLD": str(folder / "world.json"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]),
    }
    told = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=seconds + 10 * MINUTE
    )
    print(told.stdout[-3000:])
    assert told.returncode == 0, told.stdout + told.stderr


def test_five_minutes(server: Server, world: World, tmp_path: Path) -> None:
    run(server, world, tmp_path, 5 * MINUTE)


@pytest.mark.long
def test_thirty_minutes(server: Server, world: World, tmp_path: Path) -> None:
    run(server, world, tmp_path, 30 * MINUTE)
