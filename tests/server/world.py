"""Three organisations with events in every state that the contract speaks of, and the names that cases use for them.

A case says "/api/v1/ext/{north}/event/{race}/images"; `World.names` says which numbers and ids those are.
"""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass, field
from datetime import timezone
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import eventlens
from eventlens.sample_event import BIB_PATTERN, SampleEvent

ZONE = "Europe/Berlin"
# Everybody but the admiral, two together, and nobody.
PHOTOS = ("001", "002", "008", "015", "016", "032", "040")
NEXT_DAY = "next-day.jpg"  # the astronaut, a day after all others
UNDATED = "undated.jpg"  # the astronaut; no capture time
HIDDEN = "lakeside_016.jpg"
BROKEN = "broken.jpg"
FEATURES = (
    "enabled",
    "bib_search",
    "selfie_search",
    "name_search",
    "video_search",
    "video_selfie_search",
    "timeline_search",
)


@dataclass
class World:
    """What there is. `names` are for requests; the rest is for making them and for looking behind the server.

    Attributes:
        keys: "north", "south", "east", "west" and keys that are no good: "north-inactive", "north-deleted".
        events: Name to event, of all organisations.
        selfies: Person to JPEG. The admiral is in no photo of the race, the president in no video.
        faceless: A JPEG that shows nobody.
        png: The astronaut's selfie as PNG.
        crowd: The astronaut, large, and somebody else, small.
        gallery: Image ids of the race, in the order of the contract.
        taken: Image id to capture time, Unix seconds, of the race's photos that have one.
        by_file: File name to image id, of the race.
        images: Event name to image ids.
        of_bib: Image ids of the race's photos of the bib "A207".
        of_astronaut: Image ids of what the search "astronaut" found.
        first_size: Width and height of the race's first photo, upright.
        closed_original: The one photo of the event "closed", byte by byte.
    """

    workspace: eventlens.Workspace
    names: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    events: dict[str, eventlens.Event] = field(default_factory=dict)
    selfies: dict[str, bytes] = field(default_factory=dict)
    faceless: bytes = b""
    png: bytes = b""
    crowd: bytes = b""
    gallery: list[str] = field(default_factory=list)
    taken: dict[str, float] = field(default_factory=dict)
    by_file: dict[str, str] = field(default_factory=dict)
    images: dict[str, list[str]] = field(default_factory=dict)
    of_bib: set[str] = field(default_factory=set)
    of_astronaut: list[str] = field(default_factory=list)
    first_size: tuple[int, int] = (0, 0)
    closed_original: bytes = b""

    def number(self, name: str) -> int:
        return int(self.names[name])

    def searched(self, name: str, event: str, person: str) -> eventlens.Search:
        """Makes a search and names its id, in capitals too."""
        search = self.events[event].find_selfie(self.selfies[person])
        self.names[name] = search.request_id
        self.names[name.upper()] = search.request_id.upper()
        return search


def make_world(folder: Path, sample: SampleEvent) -> World:
    """Makes a workspace in `folder`/season, and the media it stands on beside it. Takes about half a minute."""
    media = folder / "media"
    _race_photos(media / "race", sample)
    _one_photo(media / "one", sample, "001")
    _one_photo(media / "two", sample, "008")
    for name in ("footage", "doomed", "half", "unread", "copies"):
        (media / name).mkdir()
    finish = media / "footage" / "finish.mp4"
    eventlens.cut_clip(sample.videos / sample.video.name, (4.0, 9.0), finish)
    for copy in ("doomed/finish.mp4", "half/finish.mp4", "half/gone.mp4"):
        shutil.copy(finish, media / copy)
    (media / "unread" / "broken.mp4").write_bytes(b"no video")
    for number in range(6):
        shutil.copy(sample.photos / "lakeside_001.jpg", media / "copies" / f"{number}.jpg")

    world = World(eventlens.open(folder / "season"))
    world.selfies = {person: path.read_bytes() for person, path in sample.selfies.items()}
    world.faceless = _faceless()
    world.png, world.crowd = _astronauts(world.selfies)
    world.closed_original = (media / "one" / "lakeside_001.jpg").read_bytes()
    _make_north(world, media)
    _make_others(world, media)
    for name, event in world.events.items():
        world.names[name] = str(event.id)
        world.images[name] = [details.photo.uuid for details in event.photos()]
    _look_at_race(world, media)
    world.names |= {
        "bib": "A207",
        "south-image": world.images["south-race"][0],
        "east-image": world.images["east-race"][0],
        "closed-image": world.images["closed"][0],
        "clipped": world.names["astronaut"],
    }
    _make_keys(world)
    (media / "doomed" / "finish.mp4").unlink()
    (media / "half" / "gone.mp4").unlink()
    return world


def _make_north(world: World, media: Path) -> None:
    def event(name: str, *sources: str, **settings: Any) -> eventlens.Event:
        return _make_event(world, media, name, None, *sources, **settings)

    race = event("race", "race", "footage", date="2026-05-09T07:30:00")
    race.hide([details.photo for details in race.photos() if details.photo.key == HIDDEN])
    everything = dict.fromkeys(FEATURES, False)
    event("closed", "one", features=everything, originals=True)
    event("photos-only", "one", features={"video_search": True, "video_selfie_search": True})
    event("no-video", features={"video_search": False, "video_selfie_search": True})
    event("no-video-selfie", features={"video_search": True, "video_selfie_search": False})
    event("no-bib", features={"video_search": True, "video_selfie_search": True, "bib_search": False})
    event("empty", status="draft")
    event("sparse", "footage", clips={"min_segment": 1000.0})
    event("doomed", "doomed")
    event("half", "half")
    event("unread", "one", "unread", features={"video_search": True, "video_selfie_search": True})
    event("copies", "copies")
    late = event("late", "one")
    world.searched("before-video", "late", "astronaut")
    assert not late.index(media / "footage").failed
    world.of_astronaut = [
        match.photo.uuid for match in world.searched("astronaut", "race", "astronaut").matches
    ]
    assert len(world.of_astronaut) >= 3
    assert not world.searched("nobody", "race", "admiral").matches
    world.searched("unclipped", "race", "astronaut")
    assert world.searched("president", "race", "president").matches
    world.searched("closed-search", "closed", "astronaut")
    for name in ("sparse", "doomed", "half"):
        assert world.searched(f"{name}-search", name, "astronaut").appearances


def _make_others(world: World, media: Path) -> None:
    _make_event(world, media, "south-race", "south", "two", "footage", confidence_percentage=80.0)
    _make_event(world, media, "east-race", "east", "one", "footage")
    assert world.searched("south-search", "south-race", "president").matches
    assert world.searched("east-search", "east-race", "astronaut").matches


def _look_at_race(world: World, media: Path) -> None:
    race = world.events["race"]
    photos = [
        details.photo for details in race.photos() if not details.photo.hidden and not details.photo.failure
    ]
    world.by_file = {photo.key: photo.uuid for photo in photos}
    world.taken = {
        photo.uuid: photo.captured.astimezone(timezone.utc).timestamp() for photo in photos if photo.captured
    }
    # The order of the contract: by capture time, those without one last, then by id.
    world.gallery = sorted(world.by_file.values(), key=lambda image: (world.taken.get(image, 1e12), image))
    world.of_bib = {match.photo.uuid for match in race.find_bib("A207") if match.kind == "bib"}
    assert world.of_bib
    height, width = eventlens.decode_image((media / "race" / "lakeside_001.jpg").read_bytes()).shape[:2]
    world.first_size = (width, height)
    (hidden,) = (details.photo.uuid for details in race.photos() if details.photo.hidden)
    world.names |= {
        "image": world.gallery[0],
        "IMAGE": world.gallery[0].upper(),
        "image2": world.gallery[1],
        "hidden-image": hidden,
        "t1": f"{world.taken[world.gallery[1]]:.3f}",
        "t3": f"{world.taken[world.gallery[3]]:.3f}",
        "behind-t1": f"{world.taken[world.gallery[1]] + 0.001:.3f}",
        "behind-t3": f"{world.taken[world.gallery[3]] + 0.001:.3f}",
    }


def _race_photos(folder: Path, sample: SampleEvent) -> None:
    folder.mkdir(parents=True)
    for number in PHOTOS:
        shutil.copy(sample.photos / f"lakeside_{number}.jpg", folder)
    with Image.open(sample.photos / "lakeside_003.jpg") as picture:
        exif = picture.getexif()
        stamp = "2026:05:10 12:00:00"
        exif[0x0132] = stamp
        exif.get_ifd(0x8769)[0x9003] = stamp  # DateTimeOriginal; its offset stays
        picture.save(folder / NEXT_DAY, quality=90, exif=exif)
    with Image.open(sample.photos / "lakeside_005.jpg") as picture:
        exif = picture.getexif()
        kept = Image.Exif()
        kept[0x0112] = exif.get(0x0112, 1)  # how it is turned, and nothing else
        picture.save(folder / UNDATED, quality=90, exif=kept)
    (folder / BROKEN).write_bytes((folder / UNDATED).read_bytes()[:2000])


def _one_photo(folder: Path, sample: SampleEvent, number: str) -> None:
    folder.mkdir()
    shutil.copy(sample.photos / f"lakeside_{number}.jpg", folder)


def _faceless() -> bytes:
    noise = np.random.default_rng(7).integers(90, 140, (48, 64, 3), dtype=np.uint8)
    return eventlens.encode_jpeg(eventlens.resize_image(noise, 640, 480))


def _astronauts(selfies: dict[str, bytes]) -> tuple[bytes, bytes]:
    with Image.open(io.BytesIO(selfies["astronaut"])) as astronaut:
        png = io.BytesIO()
        astronaut.save(png, "PNG")
        with Image.open(io.BytesIO(selfies["president"])) as other:
            small = other.resize((astronaut.width // 3, astronaut.width * other.height // other.width // 3))
        crowd = Image.new("RGB", (astronaut.width + small.width, astronaut.height), (128, 128, 128))
        crowd.paste(astronaut, (0, 0))
        crowd.paste(small, (astronaut.width, 0))
        jpeg = io.BytesIO()
        crowd.save(jpeg, "JPEG", quality=92)
    return png.getvalue(), jpeg.getvalue()


def _make_event(
    world: World,
    media: Path,
    name: str,
    org: str | None,
    *sources: str,
    features: dict[str, bool] | None = None,
    clips: dict[str, float] | None = None,
    originals: bool = False,
    status: str = "active",
    **settings: Any,
) -> eventlens.Event:
    """Makes an event of an organisation (None: the first, "north") and indexes its sources."""
    event = world.workspace.create_event(name, org=org, bib_pattern=BIB_PATTERN, time_zone=ZONE, **settings)
    for source in sources:
        failed = [key for key, _ in event.index(media / source).failed]
        assert failed == {"race": [BROKEN], "unread": ["broken.mp4"]}.get(source, [])
    chosen = event._settings
    for feature, on in (features or {}).items():
        setattr(chosen.features, feature, on)
    for option, value in (clips or {}).items():
        setattr(chosen.clips, option, value)
    chosen.originals = originals
    chosen.status = status
    event._engine.update_event(event.id, chosen)
    world.events[name] = event
    return event


def _make_keys(world: World) -> None:
    engine = world.workspace._engine
    engine.create_organisation("west")
    first, *others = engine.organisations()
    for name, organisation in [("north", first), *((other.name, other) for other in others)]:
        world.names[name] = str(organisation.id)
        world.keys[name] = engine.create_key(organisation.id, "tests", "").key
    inactive = engine.create_key(first.id, "inactive", "")
    engine.set_key_active(inactive.id, False)
    deleted = engine.create_key(first.id, "deleted", "")
    engine.remove_key(deleted.id)
    world.keys |= {"north-inactive": inactive.key, "north-deleted": deleted.key}
