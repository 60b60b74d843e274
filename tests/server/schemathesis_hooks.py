"""Loaded by schemathesis (SCHEMATHESIS_HOOKS): puts what exists into valid requests.

Numbers and ids at random name nothing: nearly every valid request would end at 403. Seven of eight valid ones get an
organisation, an event, an id or a selfie that exists; invalid ones are left as they are.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.core.parameters import ParameterLocation

WORLD: dict[str, Any] = json.loads(Path(os.environ["EVENTLENS_TEST_WORLD"]).read_text())
SELFIES = [Path(path).read_bytes() for path in WORLD["selfies"]]


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.meta is None:
        return
    chance = random.Random(case.id)
    if not case.meta.is_negative_at(ParameterLocation.PATH):
        _place(case.path_parameters or {}, chance)
    if isinstance(case.body, dict) and not case.meta.is_negative_at(ParameterLocation.BODY):
        case.body = _asked(dict(case.body), chance)


def _place(path: dict[str, Any], chance: random.Random) -> None:
    """Of a case made by a link, the organisation and the event exist: nothing is changed then."""
    if "org_id" not in path:
        return
    linked = path["org_id"] == WORLD["org"] and path.get("event_id", WORLD["events"][0]) in WORLD["events"]
    if linked or chance.random() < 1 / 8:
        return
    path["org_id"] = WORLD["org"]
    if "event_id" in path:
        path["event_id"] = chance.choice(WORLD["events"])
    for name in ("request_id", "bib"):
        if name in path and chance.random() < 1 / 2:
            path[name] = chance.choice(WORLD[name])


def _asked(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    if "file" in body and chance.random() < 7 / 8:
        body["file"] = chance.choice(SELFIES)
    if "bib" in body and chance.random() < 1 / 2:
        body["bib"] = chance.choice(WORLD["bib"])
    if body.get("identifier") and chance.random() < 1 / 2:
        known = {"bib": "bib", "selfie": "request_id", "image_id": "image_id", "image_ids": "image_id"}
        identifier = chance.choice(WORLD[known[body["method"]]])
        body["identifier"] = [identifier] if body["method"] == "image_ids" else identifier
    return body
