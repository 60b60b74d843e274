"""Writes azure_vectors.json: requests and links signed by azure-storage-blob, which our own signatures must equal.

    pip install azure-storage-blob==12.31.1 && python tests/data/make_azure_vectors.py

The account and its key are made up.
"""

import base64
import json
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl

from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from azure.storage.blob._shared_access_signature import BlobSharedAccessSignature

ACCOUNT = "lakesiderun"
KEY = base64.b64encode(bytes(range(64))).decode()
VERSION = "2021-12-02"
DATE = "Sun, 22 Nov 2026 09:30:00 GMT"
CONTAINER = "https://lakesiderun.blob.core.windows.net/photos"

REQUESTS = [
    ("GET", f"{CONTAINER}/day%201/IMG_0001.jpg", {}),
    ("GET", f"{CONTAINER}/film.mp4", {"x-ms-range": "bytes=1048576-2097151", "If-Match": '"0x8DCAFE"'}),
    ("GET", f"{CONTAINER}?restype=container&comp=list", {}),
    (
        "GET",
        f"{CONTAINER}?restype=container&comp=list&prefix=day%201%2F%2B%C3%BC%26%3D&marker=2%21100%21MDAw",
        {},
    ),
    ("GET", f"{CONTAINER}//100%25/a+b/%C3%BC/u%CC%88/%F0%9F%8F%83.jpg", {}),
    (
        "PUT",
        f"{CONTAINER}/thumb/1.jpg",
        {
            "Content-Length": "5",
            "Content-Type": "image/jpeg",
            "If-None-Match": "*",
            "x-ms-blob-cache-control": "private, max-age=600",
            "x-ms-blob-type": "BlockBlob",
        },
    ),
    ("PUT", f"{CONTAINER}/empty", {"Content-Length": "0", "x-ms-blob-type": "BlockBlob"}),
    ("PUT", f"{CONTAINER}/film.mp4?comp=block&blockid=AAAA%2B%2F8%3D", {"Content-Length": "8388608"}),
    ("DELETE", f"{CONTAINER}/thumb/1.jpg", {"x-ms-delete-snapshots": "include"}),
    # The emulator has the account in the path: it is named twice.
    ("GET", "http://127.0.0.1:10000/lakesiderun/photos/a.jpg", {}),
]

LINKS = [
    {"blob": "day 1/IMG_0001.jpg", "protocol": "https", "disposition": None},
    {"blob": "day 1/IMG_0001.jpg", "protocol": "https,http", "disposition": None},
    {"blob": "100%/a+b/ü.jpg", "protocol": "https", "disposition": 'attachment; filename="100% +ü.jpg"'},
    {"blob": "/lead//twice.jpg", "protocol": "https", "disposition": None},
]


def signed_request(method, url, headers):
    headers = {**headers, "x-ms-date": DATE, "x-ms-version": VERSION}
    request = HttpRequest(method, url, headers=headers)
    if "Content-Length" not in headers:
        request.headers.pop("Content-Length", None)
    # The policy asks the context which transport will send the request, and the request for its query.
    context = PipelineContext(transport=SimpleNamespace())
    query = [pair.partition("=") for pair in url.partition("?")[2].split("&") if pair]
    request.query = {name: value for name, _, value in query}
    SharedKeyCredentialPolicy(ACCOUNT, KEY).on_request(PipelineRequest(request, context))
    return {
        "method": method,
        "url": url,
        "headers": headers,
        "authorization": request.headers["Authorization"],
    }


def signed_link(blob, protocol, disposition):
    sas = BlobSharedAccessSignature(ACCOUNT, KEY)
    sas.x_ms_version = VERSION
    expiry = datetime(2026, 11, 22, 10, 30, tzinfo=timezone.utc)
    token = sas.generate_blob(
        "photos", blob, permission="r", expiry=expiry, protocol=protocol, content_disposition=disposition
    )
    return {
        "blob": blob,
        "protocol": protocol,
        "disposition": disposition or "",
        "expires": int(expiry.timestamp()),
        "query": dict(parse_qsl(token, strict_parsing=True)),
    }


def main():
    vectors = {
        "account": ACCOUNT,
        "key": KEY,
        "requests": [signed_request(*request) for request in REQUESTS],
        "links": [signed_link(**link) for link in LINKS],
    }
    text = json.dumps(vectors, indent=1, ensure_ascii=False)
    Path(__file__).with_name("azure_vectors.json").write_text(text + "\n", encoding="utf-8")


main()
