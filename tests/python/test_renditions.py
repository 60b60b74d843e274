"""Thumbnails and previews, as an organiser has them made: from Python and the command line, in a folder or a bucket."""

from __future__ import annotations

import io
import json
import shutil
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas
from PIL import Image, ImageCms
from tests.python.servers import Bucket, Container
from tests.python.test_cli import run
from tests.server.running import Server

import eventlens
from eventlens.sample_event import BIB_PATTERN, SampleEvent


def picture(encoded: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(encoded))
    image.load()
    return image


def artwork(path: Path, size: tuple[int, int] = (400, 100)) -> Path:
    """A PNG with alpha: a magenta frame around nothing."""
    image = Image.new("RGBA", size, (255, 0, 255, 255))
    image.paste((0, 0, 0, 0), (20, 20, size[0] - 20, size[1] - 20))
    image.save(path)
    return path


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jpg"))


def of_ours(key: str) -> bool:
    return "/imgs/" in key


def photos_of(event: eventlens.Event) -> list[eventlens.Photo]:
    return sorted((details.photo for details in event.photos()), key=lambda photo: photo.key)


def magenta(image: Image.Image) -> np.ndarray:
    red, green, blue = np.moveaxis(np.asarray(image.convert("RGB"), dtype=int), 2, 0)
    return (red - green > 100) & (blue - green > 100)


def test_indexing_makes_them(season: eventlens.Workspace, few: Path, tmp_path: Path) -> None:
    originals = {path.name: path.read_bytes() for path in few.iterdir()}
    event = season.create_event("Race")
    assert event.renditions is None
    event.set_renditions(watermark=artwork(tmp_path / "frame.png"), opacity=1.0, width=0.5, position="top")
    settings = event.renditions
    assert settings is not None
    assert (settings.location, settings.preview_side, settings.position) == ("", 2048, "top")
    assert settings.watermark == (tmp_path / "frame.png").read_bytes()
    (tmp_path / "frame.png").unlink()  # the workspace has it

    report = event.index(few)
    assert (report.added, report.renditions, report.renditions_failed) == (4, 4, [])
    assert report.renditions_outdated == 0
    own = season.folder / "renditions"
    assert len(files_in(own)) == 8
    for photo in photos_of(event):
        preview, thumbnail = picture(photo.preview()), picture(photo.thumbnail())
        scale = min(1, 2048 / max(photo.width, photo.height))
        assert preview.size == (round(photo.width * scale), round(photo.height * scale))
        assert max(thumbnail.size) == 400
        assert abs(thumbnail.width / thumbnail.height - photo.width / photo.height) < 0.01
        for made in (preview, thumbnail):
            assert made.format == "JPEG"
            assert not made.getexif()
        assert magenta(preview).mean() > 0.005
        assert magenta(thumbnail).mean() < 0.001
        assert Path(unquote(urlsplit(photo.thumbnail_url()).path)).read_bytes() == photo.thumbnail()
        assert photo.preview_url().endswith(f"/imgs/{event.id}/large/{photo.uuid}.jpg")
        with pytest.raises(eventlens.UnsupportedError):
            photo.original_url()
    assert {path.name: path.read_bytes() for path in few.iterdir()} == originals

    gone = photos_of(event)[0]
    (few / gone.key).unlink()
    assert event.index(few).removed == 1
    assert len(files_in(own)) == 6
    with pytest.raises(eventlens.NotFoundError):
        gone.thumbnail()
    season.delete_event(event)
    assert files_in(own) == []


def test_they_look_as_pillow_would_make_them(season: eventlens.Workspace, tmp_path: Path) -> None:
    """A turned photo in a profile of its own, against another implementation of every step."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(3)
    upright = Image.fromarray(rng.integers(0, 256, (30, 24, 3), dtype=np.uint8)).resize(
        (2400, 3000), Image.Resampling.BICUBIC
    )
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(
        folder / "turned.jpg", quality=95, exif=exif, icc_profile=profile
    )
    event = season.create_event("Race")
    event.set_renditions()
    event.index(folder)
    photo = photos_of(event)[0]
    for made, side in ((photo.preview(), 2048), (photo.thumbnail(), 400)):
        image = picture(made)
        assert image.info["icc_profile"] == profile
        expected = upright.resize((round(2400 * side / 3000), side), Image.Resampling.BOX)
        assert image.size == expected.size
        difference = np.abs(np.asarray(image, dtype=int) - np.asarray(expected, dtype=int))
        assert difference.mean() < 3


def test_what_is_found_is_the_same_with_and_without(
    season: eventlens.Workspace, few: Path, tmp_path: Path
) -> None:
    """A photo of 4000 x 3000 is decoded halved to be recognised, but whole for a preview of 2048."""
    small = eventlens.decode_image(sorted(few.iterdir())[0].read_bytes())
    height, width = small.shape[:2]
    cut = np.ascontiguousarray(
        small[: width * 3 // 4] if height * 4 > width * 3 else small[:, : height * 4 // 3]
    )
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "large.jpg").write_bytes(eventlens.encode_jpeg(eventlens.resize_image(cut, 4000, 3000)))
    found = []
    for name in ("with", "without"):
        event = season.create_event(name, bib_pattern=r"[A-Z]?\d{2,5}")
        if name == "with":
            event.set_renditions()
        event.index(folder)
        found.append(next(event.photos()))
    one, other = found
    assert one.photo.thumbnail()
    assert one.faces
    assert len(one.faces) == len(other.faces)
    for face, same in zip(one.faces, other.faces, strict=True):
        assert np.abs(np.subtract(face.box, same.box)).max() < 40  # of 4000 pixels
    assert [bib.text for bib in one.bibs if bib.probability >= 0.5] == [
        bib.text for bib in other.bibs if bib.probability >= 0.5
    ]


def test_only_what_changed_is_made_again(season: eventlens.Workspace, few: Path, tmp_path: Path) -> None:
    event = season.create_event("Race")
    event.index(few)
    with pytest.raises(eventlens.BadInputError, match="no renditions"):
        event.make_renditions()
    event.set_renditions(tmp_path / "public")
    assert event.index(few).renditions_outdated == 4
    told: list[eventlens.RenditionProgress] = []
    report = event.make_renditions(progress=told.append)
    assert (report.made, report.unchanged, report.failed) == (4, 0, [])
    assert report.bytes == sum(path.stat().st_size for path in (tmp_path / "public").rglob("*.jpg"))
    assert (told[-1].total, told[-1].done) == (4, 4)
    assert str(report).startswith("renditions of 4 photos made")
    assert event.make_renditions().unchanged == 4
    assert event.make_renditions(force=True).made == 4

    event.set_renditions(tmp_path / "public", quality=60)
    smaller = event.make_renditions()
    assert smaller.made == 4
    assert smaller.bytes < report.bytes
    event.set_renditions()
    event.make_renditions()
    assert files_in(tmp_path / "public") == []
    assert len(files_in(season.folder / "renditions")) == 8
    assert event.remove_renditions() == []
    assert files_in(season.folder / "renditions") == []
    assert event.renditions is None


def test_ctrl_c_and_progress_that_throws(season: eventlens.Workspace, few: Path) -> None:
    event = season.create_event("Race")
    event.index(few)
    event.set_renditions()

    def stop(_state: eventlens.RenditionProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        event.make_renditions(progress=stop)
    report = event.make_renditions()
    assert report.made + report.unchanged == 4


def test_malformed_settings_say_what_is_wrong(season: eventlens.Workspace, tmp_path: Path) -> None:
    event = season.create_event("Race")
    jpeg = tmp_path / "art.jpg"
    Image.new("RGB", (20, 20)).save(jpeg)
    frame = artwork(tmp_path / "frame.png")
    for error, match, arguments in [
        (eventlens.UnsupportedError, "not a PNG", {"watermark": jpeg}),
        (eventlens.NotFoundError, "no watermark at", {"watermark": tmp_path / "none.png"}),
        (eventlens.BadInputError, "no place is called", {"position": "middle"}),
        (eventlens.BadInputError, "opacity", {"watermark": frame, "opacity": 1.5}),
        (eventlens.BadInputError, "width", {"watermark": frame, "width": 0}),
        (eventlens.BadInputError, "quality", {"quality": 0}),
        (eventlens.BadInputError, "16..8192", {"preview_side": 10_000}),
        (eventlens.BadInputError, "thumbnails", {"preview_side": 300}),
        (eventlens.BadInputError, "ftp", {"location": "ftp://somewhere/"}),
    ]:
        with pytest.raises(error, match=match):
            event.set_renditions(**arguments)
    assert event.renditions is None


def test_in_a_bucket(few: Path, bucket: Bucket, tmp_path: Path) -> None:
    """Photos in one folder of a private bucket, renditions in another; links work without credentials."""
    for path in few.iterdir():
        bucket.put(f"photos/day 1/{path.name}", path.read_bytes())
    season = eventlens.open(tmp_path / "season", storage=bucket.storage)
    event = season.create_event("Race")
    event.set_renditions(bucket.location("photos/public/"))  # even inside of the source
    report = event.index(bucket.location("photos/"))
    assert (report.added, report.renditions, report.renditions_failed) == (4, 4, [])
    for photo in photos_of(event):
        key = f"photos/public/imgs/{event.id}/large/{photo.uuid}.jpg"
        assert bucket.get(key) == photo.preview()
        head = bucket.head(key)
        assert head["ContentType"] == "image/jpeg"
        for url, expected in (
            (photo.preview_url(seconds=60), photo.preview()),
            (photo.thumbnail_url(), photo.thumbnail()),
            (photo.original_url(), photo.original()),
        ):
            with urllib.request.urlopen(url) as answer:
                assert answer.read() == expected
            assert bucket.storage.secret_key not in url
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(photo.preview_url().partition("?")[0])
    again = event.index(bucket.location("photos/"))
    assert (again.added, again.unchanged) == (0, 4)

    gone = photos_of(event)[0]
    bucket.remove(f"photos/{gone.key}")
    assert event.index(bucket.location("photos/")).removed == 1
    assert len(list(filter(of_ours, bucket.keys()))) == 6

    # A workspace opened anew knows where they are, but no keys.
    with pytest.raises(eventlens.EventlensError):
        eventlens.open(season.folder).event("Race").photos().__next__().photo.preview()
    assert bucket.storage.secret_key.encode() not in (season.folder / "catalog.sqlite").read_bytes()
    event.remove_renditions()
    assert not any(map(of_ours, bucket.keys()))


def test_a_server_that_has_but_a_signature(
    sample: SampleEvent, container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a shared access signature no links can be signed: the server gives what lies there itself."""
    signature = generate_account_sas(
        container.server.account,
        container.server.key,
        ResourceTypes(container=True, object=True),
        AccountSasPermissions(read=True, list=True, write=True, create=True, delete=True),
        datetime.now(timezone.utc) + timedelta(minutes=30),
    )
    connection = f"BlobEndpoint={container.endpoint};SharedAccessSignature={signature}"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection)
    original = (sample.photos / "lakeside_001.jpg").read_bytes()
    container.put("media/one.jpg", original)
    clip = tmp_path / "finish.mp4"
    eventlens.cut_clip(sample.videos / sample.video.name, (4.0, 9.0), clip)
    container.put("media/finish.mp4", clip.read_bytes())
    place = f"az://{container.server.account}/{container.name}"
    season = eventlens.open(tmp_path / "season")
    event = season.create_event("Race", bib_pattern=BIB_PATTERN)
    event.set_renditions(f"{place}/public/")
    assert event.index(f"{place}/media/").failed == []
    (photo,) = photos_of(event)

    def fetched(url: str) -> bytes:
        with urllib.request.urlopen(url) as answer:
            content: bytes = answer.read()
        return content

    with (
        Server(season.folder, tmp_path / "log") as server,
        eventlens.Client(server.url, season.create_key(1).key, 1) as client,
    ):
        (image,) = client.each_image(event.id)
        assert fetched(image.thumbnail_url) == photo.thumbnail()
        assert fetched(image.img_url) == photo.preview()
        (link,) = client.originals(event.id, image_id=photo.uuid).presigned_urls
        assert fetched(link.url) == original
        some = urllib.request.Request(link.url, headers={"Range": "bytes=100-299"})
        with urllib.request.urlopen(some) as answer:
            assert (answer.status, answer.read()) == (206, original[100:300])
            assert answer.headers["Content-Type"] == "image/jpeg"
        request_id = client.start_clips(event.id, bib="318").request_id
        (made,) = client.wait_for_clips(event.id, request_id).videos
        assert fetched(made.video_url)[4:8] == b"ftyp"
    assert sum(1 for key in container.keys() if key.startswith("public/")) == 3  # noqa: SIM118


def test_command_line(few: Path, tmp_path: Path) -> None:
    season = tmp_path / "season"
    where = ("--event", "Race", "--workspace", season)
    report = json.loads(run("index", few, *where, "--json").stdout)
    assert (report["renditions"], report["renditions_failed"], report["renditions_outdated"]) == (0, [], 0)
    hint = run("index", few, *where, "--renditions").stdout.splitlines()[-1]  # unchanged: not read again
    assert hint.startswith(
        "4 photos without current renditions; make them: eventlens renditions --event Race"
    )

    art = artwork(tmp_path / "art.png")
    done = run("renditions", *where, "--watermark", art, "--position", "top-left", "--opacity", "1")
    assert "renditions of 4 photos made" in done.stdout
    assert "4 unchanged" in run("renditions", *where).stdout
    changed = json.loads(run("renditions", *where, "--width", "0.2", "--json").stdout)
    assert (changed["made"], changed["failed"]) == (4, [])
    event = eventlens.open(season).event("Race")
    settings = event.renditions
    assert settings is not None  # what was set before is kept
    assert (settings.position, settings.width, settings.watermark) == ("top-left", 0.2, art.read_bytes())
    preview = picture(photos_of(event)[0].preview())
    seen = np.argwhere(magenta(preview))
    assert seen.min() < preview.width * 0.05
    assert abs(np.ptp(seen[:, 1]) / preview.width - 0.2) < 0.01

    public = tmp_path / "public"
    run("renditions", *where, "--to", public, "--no-watermark")
    assert len(files_in(public)) == 8
    assert files_in(season / "renditions") == []
    assert json.loads(run("renditions", *where, "--force", "--json").stdout)["made"] == 4

    key = photos_of(event)[0].key
    (few / key).write_bytes(b"no photo")
    failed = json.loads(run("renditions", *where, "--force", "--json", code=4).stdout)
    assert [failure["key"] for failure in failed["failed"]] == [key]
    shutil.rmtree(few)
    assert "there are" in run("renditions", "--event", "Other", "-w", season, code=3).stderr
    assert "removed" in run("renditions", *where, "--off").stdout
    assert files_in(public) == []
