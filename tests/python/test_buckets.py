"""Stores over real servers: keys of every kind, writing, links, who may do what. Other clients look from outside."""

from __future__ import annotations

import json
import time
import unicodedata
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from azure.storage.blob import AccountSasPermissions, ContentSettings, ResourceTypes, generate_account_sas
from tests.python import faults
from tests.python.faults import Plan, Proxy
from tests.python.servers import Bucket, Container, Place, RefusedError

import eventlens
from eventlens import Storage

KEYS = [
    "plain.jpg",
    "folder/deeper/photo.jpg",
    "two words.jpg",
    "one+one.jpg",
    "one%20two.jpg",
    "100%.jpg",
    "%",
    unicodedata.normalize("NFC", "Zielläufer é.jpg"),
    unicodedata.normalize("NFD", "Zielläufer é.jpg"),
    "läufer/\U0001f3c3.jpg",
    "写真/東京.jpg",
    "'single' & \"double\" <tags>.jpg",
    "question?x=1&y=2#part.jpg",
    "semi;colon=equals,comma:colon@at!$*()[]{}|^`~.jpg",
    "back\\slash.jpg",
    "tab\tand\nline.jpg",
    " begins and ends with a space ",
    "ends with a dot.",
    "a//empty part.jpg",
    "/leading slash.jpg",
    "a/../dots.jpg",
    "../above.jpg",
    "./here.jpg",
    "a/./b.jpg",
    "/".join(["x" * 200] * 5) + "/" + "y" * 19,  # 1,024 bytes
    "é" * 100 + "/" + "é" * 100 + "/" + "é" * 100 + "/" + "é" * 100 + "/" + "é" * 110,  # 1,024 bytes
    "z" * 1024,
]
TEXT = b"not a photo, but bytes"


def store_of(place: Place, prefix: str = "", *, endpoint: str = "") -> eventlens.Store:
    return eventlens.open_store(place.location(prefix, endpoint=endpoint), storage=place.storage)


@pytest.fixture(params=["s3", "azure"])
def place(request: pytest.FixtureRequest) -> Place:
    """A new bucket, on each kind of server."""
    fixture: Place = request.getfixturevalue({"s3": "bucket", "azure": "container"}[request.param])
    return fixture


# --- keys ---


def test_keys_of_every_kind(place):
    """Each key goes there and back as it does for the maker's own client: what that cannot do is not asked of ours."""
    store = store_of(place)
    alike: list[str] = []
    for number, key in enumerate(KEYS):
        content = b"%d of %s" % (number, place.location().encode())
        try:
            place.put(key, content)
            if place.get(key) != content:
                continue
        except (RefusedError, ValueError):
            with pytest.raises(eventlens.EventlensError):
                store.write(key, content)
            continue
        assert store.read(key) == content, key
        place.remove(key)
        assert store.write(key, content)
        assert place.get(key) == content, key
        assert store.read_range(key, 2, 3) == content[2:5]
        alike.append(key)
    there = place.keys()
    assert [stored.key for stored in store.list()] == sorted(
        (key for key in there if not key.rpartition("/")[2].startswith(".")), key=str.encode
    )
    assert len(alike) >= 20
    assert sum(key in there for key in alike) >= 17, (
        "most of them are not only taken, but kept under their names"
    )
    for key in alike:
        store.remove(key)
    assert list(store.list()) == []


def test_both_forms_of_a_letter_are_two_keys(place):
    composed, decomposed = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    store = store_of(place)
    store.write(composed, b"one")
    store.write(decomposed, b"other")
    assert [stored.key for stored in store.list()] == [decomposed, composed]
    assert (store.read(composed), store.read(decomposed)) == (b"one", b"other")


def test_keys_begin_behind_the_prefix(place):
    for key in ("race/a b/1.jpg", "race/a b/deeper/2.jpg", "race/a+b/3.jpg", "race/4.jpg", "other/5.jpg"):
        place.put(key, TEXT)
    store = store_of(place, "race/a b/")
    assert [stored.key for stored in store.list()] == ["1.jpg", "deeper/2.jpg"]
    assert [stored.key for stored in store.list("deeper/")] == ["deeper/2.jpg"]
    assert store.read("1.jpg") == TEXT
    store.write("new.jpg", b"new")
    assert place.get("race/a b/new.jpg") == b"new"


def test_folder_markers_and_hidden_files_are_not_listed(place):
    place.put("photos/1.jpg", TEXT)
    place.put("photos/.DS_Store", TEXT)
    if isinstance(place, Bucket):
        place.put("photos/", b"")
        place.put("empty/", b"")
    assert [stored.key for stored in store_of(place).list()] == ["photos/1.jpg"]
    assert [stored.key for stored in store_of(place, "photos/").list()] == ["1.jpg"]


@pytest.mark.parametrize(
    ("kind", "count"), [("bucket", 2100), pytest.param("container", 5100, marks=pytest.mark.long)]
)
def test_listings_of_several_pages_are_in_order(request, kind, count):
    """Pages have 1,000 objects here and 5,000 there. Other clients find the same."""
    place: Place = request.getfixturevalue(kind)
    keys = [f"{number % 7}/{number:05} ä+%.jpg" for number in range(count)]
    with Proxy(place.port, place.above_keys) as proxy, ThreadPoolExecutor(8) as pool:
        store = store_of(place)
        assert all(pool.map(lambda key: store.write(key, b"x"), keys))
        listed = list(store_of(place, endpoint=proxy.endpoint).list())
        assert proxy.others()["listing"] > 1
    assert [stored.key for stored in listed] == sorted(keys) == sorted(place.keys())
    assert {stored.size for stored in listed} == {1}
    assert all(stored.etag for stored in listed)
    assert all(abs(stored.modified / 1e9 - time.time()) < 600 for stored in listed)
    assert len(list(store.list("3/"))) == sum(key.startswith("3/") for key in keys)


def test_a_listing_that_changes_between_pages(bucket):
    """What stays is listed once, whatever comes and goes."""
    store = store_of(bucket)
    stays, goes = ([f"{number:04}-{what}.jpg" for number in range(1100)] for what in ("stays", "goes"))
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda key: store.write(key, b"x"), stays + goes))

    def change(request: faults.Request) -> None:
        if request.is_listing and "continuation-token" in request.query:
            proxy.before = None
            for key in goes[400:600]:
                bucket.remove(key)
            bucket.put("0000-comes.jpg", b"x")

    with Proxy(bucket.port, before=change) as proxy:
        listed = [stored.key for stored in store_of(bucket, endpoint=proxy.endpoint).list()]
    assert proxy.before is None
    assert proxy.others()["listing"] >= 3
    assert listed == sorted(set(listed))
    assert set(stays) <= set(listed)
    assert set(goes[600:]) <= set(listed)


# --- writing and reading ---


def test_writing_only_if_there_is_none(place):
    store = store_of(place)
    assert store.write("one.jpg", b"first", only_if_absent=True)
    assert not store.write("one.jpg", b"second", only_if_absent=True)
    assert store.read("one.jpg") == b"first"
    assert store.write("one.jpg", b"third")
    assert place.get("one.jpg") == b"third"


def test_one_of_many_writers_wins(place):
    store = store_of(place)
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda i: store.write("mark", b"%d" % i, only_if_absent=True), range(24)))
    assert won.count(True) == 1
    assert store.read("mark") == b"%d" % won.index(True)


def test_what_a_write_says_of_itself_is_kept(place):
    store_of(place).write("thumb.jpg", TEXT, content_type="image/jpeg", cache_control="max-age=86400")
    if isinstance(place, Bucket):
        told = place.head("thumb.jpg")
        assert (told["ContentType"], told["CacheControl"]) == ("image/jpeg", "max-age=86400")
    elif isinstance(place, Container):
        settings: ContentSettings = (
            place.client.get_blob_client("thumb.jpg").get_blob_properties().content_settings
        )
        assert (settings.content_type, settings.cache_control) == ("image/jpeg", "max-age=86400")


def test_large_and_empty_objects(place):
    large = bytes(range(256)) * 40_000  # 10 MB
    store = store_of(place)
    store.write("large", large)
    store.write("empty", b"")
    assert place.get("large") == large
    assert store.read("large") == large
    assert store.read("empty") == place.get("empty") == b""
    assert store.read_range("large", 5_000_000, 1000) == large[5_000_000:5_001_000]
    assert store.read_range("large", len(large) - 5, 1000) == large[-5:]
    assert store.read_range("large", len(large) + 5, 1000) == b""
    assert store.retries == 0


def test_what_is_not_there(place):
    store = store_of(place)
    store.remove("nothing.jpg")
    with pytest.raises(eventlens.NotFoundError, match=r"nothing\.jpg"):
        store.read("nothing.jpg")
    with pytest.raises(eventlens.NotFoundError):
        store.read_range("nothing.jpg", 0, 10)
    assert list(store.list()) == []
    missing = place.location().replace(f"{place.name}/", "no-such-bucket/")
    with pytest.raises(eventlens.NotFoundError, match="no-such-bucket"):
        list(eventlens.open_store(missing, storage=place.storage).list())


# --- links ---


def fetched(url: str) -> tuple[bytes, dict[str, str]]:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return reply.read(), {name.lower(): value for name, value in reply.headers.items()}


@pytest.mark.parametrize("key", ["plain.jpg", "läufer/a b+c%20d&e=f?.jpg"])
def test_links_need_no_credentials(place, key):
    store = store_of(place, "photos/")
    store.write(key, TEXT, content_type="image/jpeg")
    content, headers = fetched(store.presign(key, 60))
    assert (content, headers["content-type"]) == (TEXT, "image/jpeg")
    _, headers = fetched(store.presign(key, 60, download_name="Läufer 12.jpg"))
    assert "attachment" in headers["content-disposition"]
    assert "12.jpg" in headers["content-disposition"]


def test_links_are_for_one_object_and_end(place):
    store = store_of(place)
    for key in ("mine.jpg", "yours.jpg"):
        store.write(key, TEXT)
    link = store.presign("mine.jpg", 3)
    assert place.storage.secret_key not in link or not place.storage.secret_key
    assert fetched(link)[0] == TEXT
    with pytest.raises(urllib.error.HTTPError) as other:
        fetched(link.replace("mine.jpg", "yours.jpg"))
    assert other.value.code == 403
    other.value.close()
    time.sleep(4)
    with pytest.raises(urllib.error.HTTPError) as late:
        fetched(link)
    assert late.value.code == 403
    late.value.close()
    with pytest.raises(eventlens.BadInputError):
        store.presign("mine.jpg", 8 * 86400)


# --- who may ---


def test_strangers_are_refused_and_secrets_kept(place):
    """The wrong key, and none: the error says so and shows no secret."""
    place.put("one.jpg", TEXT)
    wrong = Storage(
        access_key=place.storage.access_key,
        secret_key="wrong" * 8,
        azure_key="d3Jvbmc=" if place.storage.azure_key else "",
    )
    location = place.location()
    attempts = [(location, wrong), (f"{location}&anonymous=1", Storage())]
    secrets = {
        value for value in (*vars(place.storage).values(), *vars(wrong).values()) if isinstance(value, str)
    }
    secrets -= {"", place.storage.access_key}
    for at, storage in attempts:
        store = eventlens.open_store(at, storage=storage)
        for attempt in (
            lambda store=store: list(store.list()),
            lambda store=store: store.read("one.jpg"),
            lambda store=store: store.write("two.jpg", TEXT),
        ):
            with pytest.raises(eventlens.EventlensError) as caught:
                attempt()
            assert isinstance(caught.value, eventlens.BadInputError | eventlens.NotFoundError)
            text = f"{caught.value!s}{caught.value!r}"
            assert not [secret for secret in secrets if secret in text]
            assert "ignature=" not in text
            assert "sig=" not in text
        assert store.retries == 0, "asking again does not help"
    assert place.keys() == ["one.jpg"]


def test_missing_credentials_say_where_they_may_be(monkeypatch, bucket, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(eventlens.BadInputError, match="AWS_ACCESS_KEY_ID"):
        list(eventlens.open_store(bucket.location()).list())


def test_public_buckets_need_no_keys(bucket):
    bucket.put("one.jpg", TEXT)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{bucket.name}", f"arn:aws:s3:::{bucket.name}/*"],
            }
        ],
    }
    bucket.client.put_bucket_policy(Bucket=bucket.name, Policy=json.dumps(policy))
    store = eventlens.open_store(f"{bucket.location()}&anonymous=1")
    assert [stored.key for stored in store.list()] == ["one.jpg"]
    assert store.read("one.jpg") == TEXT
    with pytest.raises(eventlens.BadInputError):
        store.write("two.jpg", TEXT)
    with pytest.raises(eventlens.UnsupportedError):
        store.presign("one.jpg")


def test_public_containers_need_no_keys(container):
    container.put("one.jpg", TEXT)
    container.client.set_container_access_policy({}, public_access="container")
    store = eventlens.open_store(f"{container.location()}&anonymous=1")
    assert [stored.key for stored in store.list()] == ["one.jpg"]
    assert store.read("one.jpg") == TEXT


def test_keys_of_the_environment(bucket, monkeypatch):
    for name, value in bucket.server.environment.items():
        monkeypatch.setenv(name, value)
    store = eventlens.open_store(bucket.location())
    store.write("one.jpg", TEXT)
    assert bucket.get("one.jpg") == TEXT


def test_profiles(bucket, monkeypatch, tmp_path):
    """~/.aws as people have it; the endpoint and the region from there too."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n\n# the timekeepers' own\n"
        f"[lakeside]\naws_access_key_id={bucket.server.access_key}\n"
        f"aws_secret_access_key = {bucket.server.secret_key}\n"
    )
    (tmp_path / ".aws/config").write_text(
        f"[default]\nregion = eu-central-1\n\n[profile lakeside]\nregion = {bucket.server.region}\n"
        f"endpoint_url = {bucket.endpoint}\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    location = f"s3://{bucket.name}/photos/"
    eventlens.open_store(f"{location}?profile=lakeside").write("one.jpg", TEXT)
    assert bucket.get("photos/one.jpg") == TEXT
    monkeypatch.setenv("AWS_PROFILE", "lakeside")
    assert eventlens.open_store(location).read("one.jpg") == TEXT
    with pytest.raises(eventlens.EventlensError, match="seaside"):
        list(eventlens.open_store(f"{location}?profile=seaside").list())


def test_shared_access_signatures(container):
    container.put("one.jpg", TEXT)
    until = datetime.now(timezone.utc) + timedelta(minutes=10)
    sas = generate_account_sas(
        container.server.account,
        container.server.key,
        ResourceTypes(container=True, object=True),
        AccountSasPermissions(read=True, list=True),
        until,
    )
    store = eventlens.open_store(container.location(), storage=Storage(azure_sas=sas))
    assert [stored.key for stored in store.list()] == ["one.jpg"]
    assert store.read("one.jpg") == TEXT
    with pytest.raises(eventlens.BadInputError) as refused:
        store.write("two.jpg", TEXT)
    assert sas.rpartition("sig=")[2][:20] not in str(refused.value)


def test_connection_strings(container, monkeypatch):
    container.put("one.jpg", TEXT)
    text = f"DefaultEndpointsProtocol=http;AccountName={container.server.account};AccountKey={container.server.key};"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", f"{text}BlobEndpoint={container.endpoint};")
    store = eventlens.open_store(f"az://{container.server.account}/{container.name}/")
    assert store.read("one.jpg") == TEXT


# --- when things go wrong ---


@pytest.fixture
def impatient(place: Place) -> Storage:
    return Storage(**(vars(place.storage) | {"stalled_after": 1}))


@pytest.mark.parametrize("fault", faults.PASSING, ids=lambda fault: fault.__name__)
def test_a_fault_is_got_over(place, impatient, fault):
    objects = {f"{number}.jpg": bytes([number]) * 300_000 for number in range(4)}
    for key, content in objects.items():
        place.put(key, content)
    with Proxy(place.port, place.above_keys) as proxy:
        store = eventlens.open_store(place.location(endpoint=proxy.endpoint), storage=impatient)
        proxy.plan = Plan([fault], times=1, where=lambda request: request.is_listing)
        assert [stored.key for stored in store.list()] == list(objects)
        proxy.plan = Plan(
            [fault], times=2, where=lambda request: request.method == "GET" and bool(request.key)
        )
        assert {key: store.read(key) for key in objects} == objects
        proxy.plan = Plan([fault], times=1, where=lambda request: request.method == "PUT")
        assert store.write("new.jpg", TEXT)
        spoiled = proxy.faults()[fault.__name__]
    assert spoiled == 4
    assert place.get("new.jpg") == TEXT
    harmless = {faults.late, faults.drip}
    if fault is faults.half_a_listing:
        assert store.retries == 1
    else:
        assert (store.retries == 0) == (fault in harmless)


@pytest.mark.parametrize(
    "fault",
    [faults.reset_in_the_body, faults.closed_in_the_body, faults.stall],
    ids=lambda fault: fault.__name__,
)
def test_a_cut_transfer_goes_on_where_it_stopped(place, impatient, fault):
    content = bytes(range(256)) * 20_000  # 5 MB
    place.put("large.jpg", content)
    with Proxy(place.port, place.above_keys, Plan([fault], times=1)) as proxy:
        store = eventlens.open_store(place.location(endpoint=proxy.endpoint), storage=impatient)
        assert store.read("large.jpg") == content
        asked = [exchange.request.asked for exchange in proxy.exchanges if exchange.request.key]
    assert store.retries == 1
    assert len(asked) == 2
    assert asked[1].startswith("bytes=")
    assert int(asked[1].removeprefix("bytes=").split("-")[0]) > 1_000_000


def test_a_server_that_only_fails_is_given_up(place, impatient):
    place.put("one.jpg", TEXT)
    storage = Storage(**(vars(impatient) | {"attempts": 3}))
    with Proxy(place.port, place.above_keys, Plan([faults.slow_down])) as proxy:
        store = eventlens.open_store(place.location(endpoint=proxy.endpoint), storage=storage)
        with pytest.raises(eventlens.OverloadedError, match=r"one\.jpg"):
            store.read("one.jpg")
        assert len(proxy.exchanges) == 3
    with pytest.raises(eventlens.OverloadedError):
        store.read("one.jpg")  # nobody listens any more


def test_an_object_that_changes_while_it_is_read(place, impatient):
    """The second half is not put behind the first half of something else."""
    place.put("one.jpg", b"a" * 400_000)

    def replace(request: faults.Request) -> None:
        if request.asked and not request.asked.startswith("bytes=0-"):
            proxy.before = None
            place.put("one.jpg", b"b" * 400_000)

    with Proxy(
        place.port, place.above_keys, Plan([faults.reset_in_the_body], times=1), before=replace
    ) as proxy:
        store = eventlens.open_store(place.location(endpoint=proxy.endpoint), storage=impatient)
        assert store.read("one.jpg") == b"b" * 400_000
    assert proxy.before is None


def test_a_redirect_is_followed_with_a_signature_of_its_own(bucket):
    bucket.put("one.jpg", TEXT)
    with Proxy(bucket.port) as proxy:
        proxy.plan = Plan([faults.redirect_to(bucket.endpoint)], times=1)
        assert store_of(bucket, endpoint=proxy.endpoint).read("one.jpg") == TEXT
        assert proxy.faults()["redirect"] == 1


def test_credentials_that_end_midway_are_read_again(bucket, monkeypatch, tmp_path):
    """A profile that somebody renews: the next request is signed with what it holds then."""
    file = tmp_path / "credentials"
    first = (bucket.server.access_key, bucket.server.secret_key)

    def write_profile(access: str, secret: str) -> None:
        file.write_text(f"[default]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n")

    write_profile(*first)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    bucket.put("one.jpg", TEXT)
    with Proxy(bucket.port) as proxy:
        store = eventlens.open_store(bucket.location(endpoint=proxy.endpoint))
        assert store.read("one.jpg") == TEXT
        proxy.plan = Plan([faults.expired_token], where=lambda request: first[0].encode() in request.head)
        with pytest.raises(eventlens.OverloadedError, match=r"expired"):
            store.read("one.jpg")
        write_profile(*bucket.other_keys())
        assert store.read("one.jpg") == TEXT
        assert proxy.faults()["expired_token"] == 2
        assert store.read("one.jpg") == TEXT
        assert proxy.faults()["expired_token"] == 2, "the new ones are kept"


def test_explicit_credentials_that_end_are_said(bucket):
    bucket.put("one.jpg", TEXT)
    with Proxy(bucket.port, plan=Plan([faults.expired_token])) as proxy:
        store = store_of(bucket, endpoint=proxy.endpoint)
        with pytest.raises(eventlens.OverloadedError, match=r"expired"):
            store.read("one.jpg")
