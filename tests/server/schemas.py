"""What openapi.json says of each answer, to hold every answer of the tests against."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from tests.server.running import Reply

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "cpp" / "src" / "server" / "openapi.json").read_text()
)
_FORMATS = jsonschema.FormatChecker(["uuid", "date"])


@cache
def _operations() -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
    }


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(schema, format_checker=_FORMATS)


def documented(operation: str) -> set[int]:
    """The statuses that the document names for an operation."""
    return {int(status) for status in _operations()[operation]["responses"]}


def hold_to_schema(operation: str, reply: Reply) -> None:
    """Fails when an answer is not what the document says; "": a path that is in none."""
    if reply.status != 200:
        name = "ErrorResponse"
    else:
        content = _operations()[operation]["responses"]["200"]["content"]
        media = reply.headers.get_content_type()
        assert media in content, f"{media} is not documented"
        if media != "application/json":
            return
        reference = content[media]["schema"].get("$ref")
        if reference is None:
            return
        name = reference.rpartition("/")[2]
    assert reply.headers.get_content_type() == "application/json", reply.body[:200]
    problems = [f"{error.json_path}: {error.message}" for error in _validator(name).iter_errors(reply.json)]
    assert not problems, problems
