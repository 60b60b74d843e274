"""Each endpoint, each status, each state of the contract, over HTTP. docs/contract-table.md lists these cases."""

from __future__ import annotations

import uuid

import pytest
from tests.server import contract_table  # which fills STORIES, too
from tests.server.cases import STORIES, Case, shared_cases
from tests.server.photo_cases import photo_cases
from tests.server.running import Reply, Server
from tests.server.schemas import documented, hold_to_schema
from tests.server.search_cases import search_cases
from tests.server.world import World

CASES: list[Case] = [*shared_cases(), *photo_cases(), *search_cases()]


def send(server: Server, world: World, case: Case) -> tuple[Reply, dict[str, str]]:
    """The answer to a case, and the names that its request was made with."""
    names = world.names | {"new": str(uuid.uuid4())}
    headers = dict(case.headers)
    if case.key is not None:
        headers["X-API-Key"] = world.keys.get(case.key, case.key)
    content = None
    if case.body is not None:
        body = case.body(world) if callable(case.body) else case.body
        kind, content = body.encoded(world, names)
        if kind:
            headers["Content-Type"] = kind
    return server.ask(case.method, case.path.format_map(names), headers, content), names


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(server: Server, world: World, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    reply, names = send(server, world, case)
    assert reply.status == case.status, reply.body[:500]
    if case.method != "HEAD":
        hold_to_schema(case.operation, reply)
    if case.operation and case.status != 405:
        assert case.status in documented(case.operation)
    if case.message:
        assert reply.message.startswith(case.message), reply.message
    if case.check is not None:
        monkeypatch.setattr(world, "names", names)
        case.check(world, reply)


def test_the_page_of_cases_is_up_to_date() -> None:
    """Else: `python -m tests.server.contract_table`."""
    assert contract_table.PAGE.read_text(encoding="utf-8") == contract_table.table()


def test_no_two_cases_have_one_name() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))


def test_every_documented_status_has_a_case() -> None:
    """But those that no single request brings about: they are looked at in tests of their own."""
    tested: dict[str, set[int]] = {}
    for case in CASES:
        tested.setdefault(case.operation, set()).add(case.status)
    for row in STORIES:
        tested.setdefault(row.operation, set()).add(row.status)
    for operation, statuses in tested.items():
        if operation:
            # 429 and 500 come about the same way everywhere; one endpoint stands for all.
            missing = documented(operation) - statuses - {429, 500}
            assert not missing, operation
