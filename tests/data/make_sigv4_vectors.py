"""Writes sigv4_vectors.json: requests and links signed by botocore, which our own signatures must equal.

    pip install botocore==1.44.5 && python tests/data/make_sigv4_vectors.py

The keys are made up.
"""

import json
from datetime import datetime, timezone
from pathlib import Path
from unittest import mock
from urllib.parse import quote

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
KEYS = {"access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJH+token=="
PATH_STYLE = "http://127.0.0.1:7070/photos/"
VIRTUAL = "https://photos.s3.eu-central-1.amazonaws.com/"

OBJECT_KEYS = [
    "IMG_0001.jpg",
    "day 1/two  spaces.jpg",
    "a+b%20c%.jpg",
    "z\u00fcrich/\u00e9.jpg",  # composed
    "zu\u0308rich/e\u0301.jpg",  # decomposed
    "\U0001f3c3.jpg",
    "/leading/slash.jpg",
    "a/../b/./c//d.jpg",
    "folder/",
    "!*'()&=;:@$,?#[]<>|\\^`{}\"~-_.",
    "\x01\x7f.jpg",
    "k" * 1020 + ".jpg",
]

QUERIES = [
    "list-type=2&prefix=day%201%2F&encoding-type=url&max-keys=1000",
    "list-type=2&continuation-token=1%2Fa%2Bb%3D%3D&start-after=%C3%BC",
    "versioning",
    "b=2&a-=3&a=1&a.b=4&a%20=5",
]


def encode(key: str) -> str:
    return quote(key, safe="/-._~")


def signed(signer: auth.SigV4Auth, request: AWSRequest) -> AWSRequest:
    with mock.patch.object(auth, "get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        signer.add_auth(request)
    return request


def header_vector(method: str, url: str, headers: dict[str, str], *, body: str = "", token: str = "") -> dict:
    request = AWSRequest(method=method, url=url, headers=headers, data=body.encode())
    request.context["client_config"] = Config(s3={"payload_signing_enabled": url.startswith("http:")})
    credentials = Credentials(**KEYS, token=token or None)
    signed(auth.S3SigV4Auth(credentials, "s3", "eu-central-1"), request)
    return {
        "method": method,
        "url": url,
        "headers": headers,
        "body": body,
        "token": token,
        "content_sha256": request.headers["X-Amz-Content-SHA256"],
        "authorization": request.headers["Authorization"],
    }


def link_vector(url: str, *, seconds: int, token: str = "") -> dict:
    request = AWSRequest(method="GET", url=url)
    credentials = Credentials(**KEYS, token=token or None)
    signed(auth.S3SigV4QueryAuth(credentials, "s3", "eu-central-1", expires=seconds), request)
    return {
        "url": url,
        "token": token,
        "seconds": seconds,
        "signature": request.url.rpartition("X-Amz-Signature=")[2],
    }


def main() -> None:
    requests = [
        header_vector("GET", base + encode(key), {}) for key in OBJECT_KEYS for base in (PATH_STYLE, VIRTUAL)
    ]
    requests += [
        header_vector("GET", base + "?" + query, {}) for query in QUERIES for base in (PATH_STYLE, VIRTUAL)
    ]
    requests += [
        header_vector(
            "GET", VIRTUAL + "film.mp4", {"Range": "bytes=0-2097151", "If-Match": '"0123"'}, token=TOKEN
        ),
        header_vector("GET", "https://photos.s3.amazonaws.com/", {"x-amz-request-payer": "requester"}),
        header_vector("DELETE", PATH_STYLE + "thumb/1.jpg", {}),
        header_vector("HEAD", PATH_STYLE + "thumb/1.jpg", {}, token=TOKEN),
        header_vector(
            "PUT",
            PATH_STYLE + "thumb/1.jpg",
            {"Content-Type": "image/jpeg", "If-None-Match": "*", "Cache-Control": " public,   max-age=60 "},
            body="five!",
        ),
        header_vector(
            "PUT", VIRTUAL + "thumb/1.jpg", {"Content-Type": "image/jpeg"}, body="five!", token=TOKEN
        ),
    ]
    links = [link_vector(VIRTUAL + encode(key), seconds=3600) for key in OBJECT_KEYS]
    name = quote("attachment; filename*=UTF-8''z%C3%BCrich%201.jpg", safe="-._~")
    links += [
        link_vector(
            f"{VIRTUAL}IMG_0001.jpg?response-content-disposition={name}", seconds=604800, token=TOKEN
        ),
        link_vector(PATH_STYLE + "IMG_0001.jpg", seconds=1, token=TOKEN),
    ]
    vectors = {
        "keys": KEYS,
        "now": int(NOW.timestamp()),
        "region": "eu-central-1",
        "requests": requests,
        "links": links,
        "paths": {key: encode(key) for key in OBJECT_KEYS},
    }
    target = Path(__file__).with_name("sigv4_vectors.json")
    target.write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
