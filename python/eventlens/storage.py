"""Where media live: folders and buckets, and the keys to them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from os import PathLike, fspath

from eventlens import _core
from eventlens._core import Store, StoredObject

__all__ = ["Storage", "Store", "StoredObject", "open_store"]


@dataclass(frozen=True)
class Storage:
    """How buckets are reached. What is left out is looked for where other tools look too: AWS_... and AZURE_...
    variables of the environment, the profiles in ~/.aws, and what the container or the machine itself offers.

    Keys stay in memory: the workspace stores none, and neither errors nor logs show any.

    Attributes:
        access_key: Of S3-compatible storage, with its secret_key and, for temporary ones, session_token.
        azure_key: Of an Azure storage account, base64.
        azure_sas: A shared access signature, "sv=...&sig=...".
        ca_file: Certificates to trust, PEM; empty: AWS_CA_BUNDLE, else the system's.
        proxy: URL of an HTTP proxy; empty: HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
        attempts: For each request, the first included.
        connect_within: Seconds.
        stalled_after: Seconds without a byte, after which a transfer is begun again where it stopped.
        parallel_reads: Objects fetched at once.
    """

    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    azure_key: str = field(default="", repr=False)
    azure_sas: str = field(default="", repr=False)
    ca_file: str = ""
    proxy: str = field(default="", repr=False)
    attempts: int = 6
    connect_within: int = 10
    stalled_after: int = 20
    parallel_reads: int = 8


def core_options(storage: Storage | None) -> _core.StorageOptions:
    """As the core takes them, with the variables of this process as they are now."""
    options = _core.StorageOptions()
    for name, value in vars(storage or Storage()).items():
        setattr(options, name, value)
    options.environment = dict(os.environ)
    return options


def open_store(location: str | PathLike[str], *, storage: Storage | None = None) -> Store:
    """Open a folder, created if missing, or a bucket, to list, read and write objects.

    Args:
        location: A path, "s3://BUCKET/PREFIX/?endpoint=URL&region=NAME&profile=NAME" or
            "az://ACCOUNT/CONTAINER/PREFIX/"; see docs/storage.md.

    Raises:
        BadInputError: it cannot be written, or the location or the keys to it are malformed or missing.
    """
    return _core.open_store(fspath(location), core_options(storage))
