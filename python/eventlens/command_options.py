"""What the commands of every file share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import eventlens

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="The workspace folder.", envvar="EVENTLENS_WORKSPACE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for scripts.")]


def open_existing(workspace: Path, **options: Any) -> eventlens.Workspace:
    """A workspace that must be there already: a query does not make one."""
    if not (workspace / "catalog.sqlite").exists():
        raise eventlens.NotFoundError(
            f"no workspace in {str(workspace)!r}; "
            f"`eventlens index FOLDER --event NAME --workspace {workspace}` makes one"
        )
    return eventlens.open(workspace, **options)
