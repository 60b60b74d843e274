"""Writes docs/contract-table.md from the cases that the tests run: `python -m tests.server.contract_table`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.server import test_service, test_stories
from tests.server.cases import ENDPOINTS, STORIES, Case, Row, shared_cases
from tests.server.photo_cases import photo_cases
from tests.server.schemas import DOCUMENT
from tests.server.search_cases import search_cases

PAGE = Path(__file__).parents[2] / "docs" / "contract-table.md"
STORY_MODULES = (test_stories, test_service)  # imported: they fill STORIES

HEAD = """# The contract, case by case

Every row is a test that the server passes over HTTP (`pytest tests/server`); this page is made from the same list, by
`python -m tests.server.contract_table`. Answers are also held against `openapi.json`: every field, no other. {north},
{race} and so on are organisations and events of the tests' workspace (`tests/server/world.py`).

"""


def table() -> str:
    """The whole page."""
    shared, own = list(shared_cases()), [*photo_cases(), *search_cases()]
    lines = [f"{len(shared) + len(own) + len(STORIES)} cases.\n", *_matrix(shared)]
    for operation, title in _titles():
        rows: list[Case | Row] = [case for case in own if case.operation == operation]
        rows += [row for row in STORIES if row.operation == operation]
        if rows:
            lines += [f"\n## {title}\n", "| situation | request | status | looked at |", "|---|---|---|---|"]
            lines += map(_row, rows)
    return HEAD + "\n".join(lines) + "\n"


def _titles() -> Iterator[tuple[str, str]]:
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            short = path.replace("/api/v1/ext/{org_id}", "").replace("/event/{event_id}", "…")
            yield operation["operationId"], f"{operation['operationId']}: `{method.upper()} {short}`"
    yield "", "Paths that are none"


def _matrix(cases: Iterable[Case]) -> Iterator[str]:
    """What all endpoints share: situations down, endpoints across."""
    statuses: dict[str, dict[str, int]] = {}
    for case in cases:
        statuses.setdefault(case.situation, {})[case.operation] = case.status
    names = [endpoint.operation for endpoint in ENDPOINTS]
    yield "## What all endpoints share\n"
    yield f"| situation | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for situation, by_name in statuses.items():
        yield f"| {_text(situation)} | {' | '.join(str(by_name.get(name, '')) for name in names)} |"


def _row(row: Case | Row) -> str:
    request = shown = ""
    if isinstance(row, Case):
        short = row.path.replace("/api/v1/ext/{north}/event/{race}", "…").replace("/api/v1/ext/{north}", "…")
        request = f"`{row.method} {re.sub(r'(.)' + chr(92) + '1{30,}', chr(92) + '1…', short)}`"
        shown = row.shows or (f"“{row.message} …”" if row.message else "")
    else:
        request, shown = "several", ""
    return f"| {_text(row.situation)} | {_text(request)} | {row.status} | {_text(shown)} |"


def _text(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(table(), encoding="utf-8")
