"""Schemathesis makes up requests from openapi.json, good and bad, and looks at every answer: all checks, stateful."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.server.running import Server
from tests.server.schemas import DOCUMENT
from tests.server.world import World

import eventlens

MINUTE = 60
ADMIN = "the administrator's own key"
# The contract refuses some well-formed requests with 400: an image that is unknown, a window that ends before it
# begins, a file that is no picture. Everything else is schemathesis's own standard.
CONFIGURATION = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404"]
"""


def known(world: World, folder: Path) -> dict[str, Any]:
    """What exists, for requests to name."""
    selfies = []
    for name, content in {**world.selfies, "nobody": world.faceless}.items():
        selfies.append(str(folder / f"{name}.jpg"))
        Path(selfies[-1]).write_bytes(content)
    # Every event there is: another number would be a mistake of the request, and must not be answered.
    return {
        "org": [world.number("north")],
        "events": [world.number(name) for name in world.events],
        "request_id": [world.names[name] for name in ("astronaut", "president", "nobody", "half-search")],
        "image_id": [world.names["image"], world.names["image2"], world.names["south-image"]],
        "bib": ["318", "A207", "1906", "99999"],
        "selfies": selfies,
    }


def as_it_is() -> dict[str, Any]:
    """The document, with links whose bodies are sent as they are: a selfie would be put beside the request_id."""
    document = copy.deepcopy(DOCUMENT)
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        for link in operation["responses"]["200"].get("links", {}).values():
            if "requestBody" in link:
                link["x-schemathesis"] = {"merge_body": False}
    return document


def narrowed(what: dict[str, Any]) -> dict[str, Any]:
    """The same with organisations and events that exist: of numbers at random nearly every one is a 403."""
    document = as_it_is()
    parameters = document["components"]["parameters"]
    schemas = document["components"]["schemas"]

    def or_known(schema: dict[str, Any], *names: str) -> dict[str, Any]:
        return {
            "anyOf": [{"type": "string", "enum": [text for name in names for text in what[name]]}, schema]
        }

    parameters["OrgId"]["schema"] = {"type": "integer", "enum": what["org"]}
    parameters["EventId"]["schema"] = {"type": "integer", "enum": what["events"]}
    for name, known_as in (("RequestId", "request_id"), ("Bib", "bib")):
        parameters[name]["schema"] = or_known(parameters[name]["schema"], known_as)
    by_bib = schemas["VideoClippingByBibRequest"]["properties"]
    by_bib["bib"] = or_known(by_bib["bib"], "bib")
    one, several = (each["properties"] for each in schemas["DownloadOriginalPhotosRequest"]["oneOf"])
    one["identifier"] = or_known(one["identifier"], "bib", "request_id", "image_id")
    several["identifier"]["items"] = or_known(several["identifier"]["items"], "image_id")
    return document


def run(
    server: Server, document: dict[str, Any], header: str, selfies: list[str], folder: Path, seconds: int
) -> int:
    """Fails for any failure of any check. Returns how many requests were made up."""
    folder.mkdir()
    (folder / "world.json").write_text(json.dumps({"selfies": selfies}))
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    command = [str(Path(sys.executable).with_name("schemathesis"))]
    command += ["--config-file", str(folder / "schemathesis.toml")]
    command += ["run", str(folder / "openapi.json"), "--url", server.url, "-H", header]
    command += ["--checks", "all", "--max-time", str(seconds), "--no-color", "--warnings", "off"]
    command += ["--generation-database", "none", "--request-timeout", "60", "--continue-on-failure"]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.server.schemathesis_hooks",
        "EVENTLENS_TEST_WORLD": str(folder / "world.json"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]),
    }
    told = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=seconds + 10 * MINUTE
    )
    assert told.returncode == 0, told.stdout + told.stderr
    print(told.stdout[told.stdout.find("SUMMARY") :])
    made = re.search(r"(\d+) generated", told.stdout)
    assert made is not None, told.stdout
    return int(made[1])


def search(server: Server, world: World, folder: Path, seconds: int) -> int:
    """Of the document as it is, then of what exists. Returns how many requests were made up."""
    what = known(world, folder)
    header = f"X-API-Key: {world.keys['north']}"
    first = seconds // 10
    made = run(server, as_it_is(), header, what["selfies"], folder / "as-it-is", first)
    return made + run(server, narrowed(what), header, what["selfies"], folder / "narrowed", seconds - first)


def administer(folder: Path, seconds: int) -> int:
    """Of the administration, over a workspace that may be wrecked."""
    document = json.loads(
        (Path(__file__).parents[2] / "cpp" / "src" / "server" / "admin_openapi.json").read_text()
    )
    season = eventlens.open(folder / "season")
    season.create_event("first")
    with Server(season.folder, folder / "log", {"admin_key": ADMIN}) as server:
        assert server.ask("GET", "/admin_openapi.json").json == document
        return run(server, document, f"X-Admin-Key: {ADMIN}", [], folder / "administration", seconds)


def test_five_minutes(server: Server, world: World, tmp_path: Path) -> None:
    assert search(server, world, tmp_path, 5 * MINUTE) > 2000


def test_the_administration(tmp_path: Path) -> None:
    assert administer(tmp_path, MINUTE) > 1000


@pytest.mark.long
def test_thirty_minutes(server: Server, world: World, tmp_path: Path) -> None:
    search(server, world, tmp_path, 30 * MINUTE)


@pytest.mark.long
def test_the_administration_for_longer(tmp_path: Path) -> None:
    administer(tmp_path, 5 * MINUTE)
