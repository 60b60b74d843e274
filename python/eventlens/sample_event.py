"""A sample event with known truth: about fifty race photos and a video, made on this machine from freely
licensed portraits.

The portraits come out of registry packages (`sample_sources.json` names package, SHA-256 and licence of
each); bodies, bibs and places are rendered. Pictures are made where they are used and are not shipped. The
same versions of numpy and Pillow make the same bytes. Needs `eventlens[sample]` (numpy, Pillow) and, for the
video, the ffmpeg program.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from eventlens.packages import FetchError, PackageFile, Progress, fetch_files, sha256_of, write_atomically
from eventlens.sample_figures import (
    Array,
    Colour,
    Figure,
    Head,
    Point,
    Pose,
    cut_head,
    draw_bib,
    draw_runner,
    smooth_noise,
    turned,
)
from eventlens.sample_scenes import BIB_BAND, RUNNERS, SCENES, Scene, Stand
from eventlens.sample_video import VIDEO_NAME, SampleAppearance, SampleVideo, film

__all__ = [
    "FetchError",
    "SampleAppearance",
    "SampleEvent",
    "SamplePhoto",
    "SampleVideo",
    "default_folder",
    "make_sample_event",
]

SOURCES = Path(__file__).with_name("sample_sources.json")

EVENT_NAME = "Lakeside Half"
BIB_PATTERN = r"[A-Z]?\d{2,5}"
_START = datetime(2026, 5, 9, 7, 30)  # local time, two hours ahead of UTC
_UTC_OFFSET = "+02:00"

_Json = dict[str, Any]
Box = tuple[int, int, int, int]  # x, y, width, height in pixels of the upright photo


@dataclass(frozen=True)
class SamplePhoto:
    """What one photo of the event shows.

    Attributes:
        name: File name in the photos folder.
        persons: Who can be recognised in it; faces are at least 60 pixels high.
        bibs: The numbers on runners, wholly visible.
        face_boxes: About where each of `persons` has their face.
        bib_boxes: Where each of `bibs` is.
        hard: Blurred, dark or crumpled beyond what is fair to ask of a reader.
    """

    name: str
    persons: list[str]
    bibs: list[str]
    face_boxes: list[Box]
    bib_boxes: list[Box]
    hard: bool
    taken: str


@dataclass(frozen=True)
class SampleEvent:
    """The event's folders and its truth.

    Attributes:
        photos: Folder with the event's photos.
        videos: Folder with the event's video, which is all there is in it.
        selfies: Person to a picture of them that is not in the event.
        bibs: Person to the number they wear.
        truth: Every photo, in order of its name.
        video: What the video shows.
    """

    folder: Path
    photos: Path
    videos: Path
    selfies: dict[str, Path]
    bibs: dict[str, str]
    truth: list[SamplePhoto] = field(repr=False)
    video: SampleVideo = field(repr=False)

    def photos_of(self, person: str) -> list[str]:
        return [photo.name for photo in self.truth if person in photo.persons]

    def photos_with(self, bib: str) -> list[str]:
        return [photo.name for photo in self.truth if bib in photo.bibs]


def default_folder() -> Path:
    """Where the event lives: $EVENTLENS_SAMPLE, else eventlens/sample in the user's data folder (XDG)."""
    if chosen := os.environ.get("EVENTLENS_SAMPLE"):
        return Path(chosen)
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "eventlens" / "sample"


def make_sample_event(
    folder: str | os.PathLike[str] | None = None, progress: Progress | None = None
) -> SampleEvent:
    """Make the sample event in a folder, or return at once when it is already there.

    Args:
        folder: Receives photos/, videos/, selfies/, sources/, truth.json and SOURCES.txt; None:
            `default_folder()`.
        progress: Called with a line of text before each step that takes time.

    Raises:
        FetchError: A package could not be downloaded or holds something else, or there is no ffmpeg; the
            message says what to do.
    """
    target = Path(folder) if folder is not None else default_folder()
    recipe = _recipe()
    truth = target / "truth.json"
    if (done := _already_made(truth, recipe)) is not None:
        return done
    sources: _Json = json.loads(SOURCES.read_text(encoding="utf-8"))["files"]
    studio = Studio(sources, _fetch_sources(sources, target / "sources", progress))
    if progress:
        progress(f"drawing {len(SCENES)} photos")
    photos = [studio.shoot(number, scene, target / "photos") for number, scene in enumerate(SCENES)]
    studio.take_selfies(target / "selfies")
    if progress:
        progress("filming the finish")
    video = film(target / "videos" / VIDEO_NAME, studio.draw_runner, studio.draw_place, studio.bib)
    write_atomically(target / "SOURCES.txt", _credits(sources).encode())
    content = {
        "schema": 1,
        "recipe": recipe,
        "event": {
            "name": EVENT_NAME,
            "bib_pattern": BIB_PATTERN,
            "date": _START.isoformat(),
            "utc_offset": _UTC_OFFSET,
        },
        "people": {
            name: {"bib": runner.bib, "selfie": f"selfies/{name}.jpg"} for name, runner in RUNNERS.items()
        },
        "photos": {photo.name: {k: v for k, v in vars(photo).items() if k != "name"} for photo in photos},
        "videos": {video.name: {k: v for k, v in asdict(video).items() if k != "name"}},
    }
    write_atomically(
        truth, (json.dumps(content, indent=1) + "\n").encode()
    )  # last: it says that the rest is whole
    made = _already_made(truth, recipe)
    if made is None:
        raise FetchError(
            f"the sample event in {target} changed while it was made; delete the folder and make it again."
        )
    return made


def _recipe() -> str:
    """What the pictures are made by and from: when it changes, they are made again."""
    files = [
        SOURCES,
        *(Path(__file__).with_name(f"sample_{part}.py") for part in ("event", "figures", "scenes", "video")),
    ]
    return " ".join(
        [*(sha256_of(file)[:16] for file in files), f"numpy {np.__version__} pillow {PIL.__version__}"]
    )


def _already_made(truth: Path, recipe: str) -> SampleEvent | None:
    try:
        content = json.loads(truth.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if content.get("recipe") != recipe:
        return None
    folder = truth.parent
    photos = [
        SamplePhoto(
            name,
            photo["persons"],
            photo["bibs"],
            [_box(box) for box in photo["face_boxes"]],
            [_box(box) for box in photo["bib_boxes"]],
            photo["hard"],
            photo["taken"],
        )
        for name, photo in sorted(content["photos"].items())
    ]
    selfies = {name: folder / person["selfie"] for name, person in content["people"].items()}
    bibs = {name: person["bib"] for name, person in content["people"].items()}
    ((video_name, film_truth),) = content["videos"].items()
    video = _video(video_name, film_truth)
    media = [folder / "photos" / photo.name for photo in photos] + [folder / "videos" / video.name]
    if not all(path.is_file() for path in [*selfies.values(), *media]):
        return None
    return SampleEvent(folder, folder / "photos", folder / "videos", selfies, bibs, photos, video)


def _video(name: str, truth: _Json) -> SampleVideo:
    def span(values: list[float] | None) -> tuple[float, float] | None:
        return (values[0], values[1]) if values else None

    appearances = [
        SampleAppearance(
            one["person"],
            one["bib"],
            (one["seen"][0], one["seen"][1]),
            span(one["face"]),
            span(one["face_heights"]),
            span(one["read"]),
        )
        for one in truth["appearances"]
    ]
    return SampleVideo(
        name, truth["duration"], truth["frame_rate"], truth["cuts"], truth["beeps"], appearances
    )


def _box(values: list[int]) -> Box:
    x, y, width, height = values
    return x, y, width, height


def _fetch_sources(sources: _Json, folder: Path, progress: Progress | None) -> dict[str, Path]:
    """The source files by key, in a folder that keeps them: what is there is not fetched again."""
    files = {key: folder / (key + Path(source["path"]).suffix) for key, source in sources.items()}
    wanted = {
        PackageFile(*(source[name] for name in ("registry", "package", "version", "path", "sha256"))): files[
            key
        ]
        for key, source in sources.items()
        if not (files[key].is_file() and sha256_of(files[key]) == source["sha256"])
    }
    for file, data in fetch_files(wanted, progress):
        write_atomically(wanted[file], data)
    return files


def _credits(sources: _Json) -> str:
    lines = [
        "The photos, the video and the selfies of this folder were composed on this machine from the "
        "following files.",
        "The runners' bodies, their numbers, the places and the race are made up; no person shown took "
        "part in it,",
        "and none of them, nor any office or agency, endorses anything.",
        "",
    ]
    for source in sources.values():
        lines.append(
            f"- {source['shows']}: {source['path']} in {source['package']} {source['version']} (PyPI)"
        )
        lines.append(f"  {source['licence']}")
    return "\n".join(lines) + "\n"


_LONG, _SHORT = 1600, 1067  # pixels of a photo
_MARGIN = 1.14  # drawn larger than the photo, so that a tilted camera still sees to its corners


class Studio:
    """Everything that is prepared once: heads, bibs, textures, type."""

    def __init__(self, sources: _Json, files: dict[str, Path]) -> None:
        self._portraits = {
            key: Image.open(files[key]).convert("RGB") for key in sources if "head" in sources[key]
        }
        self._outlines = {key: sources[key]["head"] for key in self._portraits}
        self._heads: dict[str, Head] = {}
        for key, portrait in self._portraits.items():
            head = sources[key]["head"]
            outline = [(float(x), float(y)) for x, y in head["outline"]]
            chin = (float(head["chin"][0]), float(head["chin"][1]))
            self._heads[key] = cut_head(
                portrait, outline, chin, float(head["crown"]), float(sources[key]["gain"])
            )
        self._font = files["font"]
        self._bibs = {
            runner.bib: draw_bib(runner.bib, EVENT_NAME.upper(), BIB_BAND, self._font)
            for runner in RUNNERS.values()
        }
        self._ground = {
            key: np.asarray(Image.open(files[key]).convert("L"), np.float32) for key in ("gravel", "grass")
        }

    def shoot(self, number: int, scene: Scene, folder: Path) -> SamplePhoto:
        random = np.random.default_rng([2026, number])
        size = (_SHORT, _LONG) if scene.portrait_format else (_LONG, _SHORT)
        whole = (round(size[0] * _MARGIN), round(size[1] * _MARGIN))
        photo = self.draw_place(scene, whole, random)
        faces: list[list[Point]] = []
        bibs: list[list[Point]] = []
        for stand in scene.runners:
            figure, shift = self._draw(stand, scene, size, whole, random)
            photo.paste(figure.image, shift, figure.image)
            faces.append([(x + shift[0], y + shift[1]) for x, y in figure.face])
            bibs.append([(x + shift[0], y + shift[1]) for x, y in figure.bib])
        centre = (whole[0] / 2, whole[1] / 2)
        photo = photo.rotate(-scene.tilt, Image.Resampling.BICUBIC)
        corner = ((whole[0] - size[0]) // 2, (whole[1] - size[1]) // 2)
        photo = photo.crop((*corner, corner[0] + size[0], corner[1] + size[1]))
        photo = _developed(photo, scene, random)

        def seen(points: list[Point]) -> Box:
            upright = [turned(point, centre, scene.tilt) for point in points]
            xs, ys = [x - corner[0] for x, _ in upright], [y - corner[1] for _, y in upright]
            return round(min(xs)), round(min(ys)), round(max(xs) - min(xs)), round(max(ys) - min(ys))

        def inside(box: Box) -> bool:
            return box[0] >= 0 and box[1] >= 0 and box[0] + box[2] <= size[0] and box[1] + box[3] <= size[1]

        shown = [(stand.person, seen(face)) for stand, face in zip(scene.runners, faces, strict=True)]
        shown = [(person, box) for person, box in shown if inside(box)]
        worn = [
            (RUNNERS[stand.person].bib, seen(bib)) for stand, bib in zip(scene.runners, bibs, strict=True)
        ]
        worn = [(bib, box) for bib, box in worn if inside(box)]
        taken = _START + timedelta(minutes=7 * number, seconds=13 * number % 60)
        name = f"{EVENT_NAME.split()[0].lower()}_{number + 1:03d}.jpg"
        _save(photo, folder / name, scene, taken, number)
        return SamplePhoto(
            name,
            [p for p, _ in shown],
            [b for b, _ in worn],
            [b for _, b in shown],
            [b for _, b in worn],
            scene.hard,
            taken.isoformat() + _UTC_OFFSET,
        )

    def take_selfies(self, folder: Path) -> None:
        """Take each person's own picture, cropped from a portrait as phones crop.

        Another photo than any in the event, or, where only one is free, another crop of it in other light.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for number, (person, runner) in enumerate(RUNNERS.items()):
            portrait, head = self._portraits[runner.selfie], self._outlines[runner.selfie]
            height = head["chin"][1] - head["crown"]
            x, y = head["chin"][0], head["chin"][1] - 0.45 * height
            half = min(0.95 * height, x, portrait.width - x, y / 1.1, (portrait.height - y) / 1.1) - 4
            turn = 2.0 * (-1) ** number
            selfie = portrait.rotate(turn, Image.Resampling.BICUBIC, center=(x, y))
            inner = half / (
                1 + 2 * abs(np.tan(np.deg2rad(turn)))
            )  # what the turned portrait covers for certain
            box = (round(x - inner), round(y - 1.1 * inner), round(x + inner), round(y + 1.1 * inner))
            selfie = selfie.crop(box).resize((760, 836), Image.Resampling.LANCZOS)
            scene = Scene(
                "", gain=[1.0, 1.2, 0.88, 1.08][number % 4], warmth=[0.0, 0.3, 0.4, -0.3][number % 4]
            )
            selfie = _developed(selfie, scene, np.random.default_rng([7, number]))
            selfie.save(folder / f"{person}.jpg", quality=85)

    def bib(self, text: str) -> Image.Image:
        """A runner's bib, flat."""
        return self._bibs[text]

    def draw_runner(self, person: str, portrait: int, pose: Pose, random: np.random.Generator) -> Figure:
        """Somebody in their clothes, with their bib, and with the head of one of their portraits."""
        runner = RUNNERS[person]
        head = self._heads[runner.portraits[portrait % len(runner.portraits)]]
        return draw_runner(head, runner.outfit, pose, self._bibs[runner.bib], random)

    def _draw(
        self,
        stand: Stand,
        scene: Scene,
        size: tuple[int, int],
        whole: tuple[int, int],
        random: np.random.Generator,
    ) -> tuple[Figure, tuple[int, int]]:
        height = stand.head * _SHORT
        chin = ((whole[0] - size[0]) / 2 + stand.x * size[0], (whole[1] - size[1]) / 2 + stand.y * size[1])
        pose = Pose(
            height,
            length=(whole[1] - chin[1]) / height * 1.2,
            mirror=stand.mirror,
            roll=stand.roll,
            light=scene.light,
            bib_turn=stand.turn,
            bib_tilt=stand.tilt,
            bib_fold=stand.fold,
        )
        figure = self.draw_runner(stand.person, stand.portrait, pose, random)
        return figure, (round(chin[0] - figure.chin[0]), round(chin[1] - figure.chin[1]))

    def draw_place(self, scene: Scene, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
        """The place, out of focus; drawn at half size, because focus hides the difference."""
        width, height = size[0] // 2, size[1] // 2
        horizon = 0.42 if not scene.portrait_format else 0.36
        rows = (np.arange(height, dtype=np.float32) / height)[:, None, None]
        sky = np.array([[128, 168, 212]], np.float32) + rows / horizon * 66  # paler towards the horizon
        clouds = smooth_noise(random, width, height, 7)[..., None].clip(0, None) * 46
        image = np.broadcast_to(np.clip(sky, 0, 245), (height, width, 3)) + clouds
        image = self._trees(image, scene, horizon, random)
        image = self._floor(image, scene, horizon)
        picture = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
        _dress(picture, scene, horizon, self._font, random)
        near = picture.filter(ImageFilter.GaussianBlur(1.2))
        far = picture.filter(ImageFilter.GaussianBlur(5.5))
        sharp = np.clip((np.arange(height) / height - horizon - 0.1) / 0.4, 0, 1)
        mask = Image.fromarray((255 * np.broadcast_to(sharp[:, None], (height, width))).astype(np.uint8))
        return Image.composite(near, far, mask).resize(size, Image.Resampling.BICUBIC)

    def _trees(self, image: Array, scene: Scene, horizon: float, random: np.random.Generator) -> Array:
        height, width = image.shape[:2]
        rows = (np.arange(height, dtype=np.float32) / height)[:, None]
        depth = {"road": 0.16, "park": 0.34, "finish": 0.2, "lake": 0.07}[scene.place]
        for layer in range(3):
            crowns = (
                smooth_noise(random, width, 8, 9 + 6 * layer)[0] + 0.5 * smooth_noise(random, width, 8, 34)[0]
            )
            edge = horizon - depth * (1.0 - 0.25 * layer) * (1 + 0.3 * crowns[None, :])
            leaves = (
                0.8
                + 0.35 * smooth_noise(random, width, height, 40)
                + 0.15 * smooth_noise(random, width, height, 130)
            )
            green = np.array([58, 84, 50], np.float32) * (1.25 - 0.22 * layer)
            cover = np.clip((rows - edge) * 90, 0, 1)[..., None]
            image = image * (1 - cover) + green * leaves[..., None] * cover
        return image

    def _floor(self, image: Array, scene: Scene, horizon: float) -> Array:
        height, width = image.shape[:2]
        y = np.arange(height, dtype=np.float32)[:, None] / height - horizon
        below = y > 0.004
        distance = 0.09 / np.clip(y, 0.004, None)
        across = (np.arange(width, dtype=np.float32)[None, :] / width - 0.5) * distance * 2.4
        floor = self._textured("grass", across, distance, (88, 122, 56))
        if scene.place == "lake":
            water = (
                np.array([96, 128, 150], np.float32)
                * (0.9 + 0.12 * np.sin(distance * 60 + 3 * across))[..., None]
            )
            floor = np.where((y < 0.1)[..., None], water, floor)
        road = self._textured("gravel", across * 1.6, distance * 1.6, (128, 126, 124))
        edge = np.clip((0.46 - np.abs(across + (0.12 if scene.place == "lake" else 0))) * 60, 0, 1)[..., None]
        floor = floor * (1 - edge) + road * edge
        line = np.clip((0.012 - np.abs(np.abs(across) - 0.43)) * 300, 0, 1)[..., None]
        floor = floor * (1 - 0.75 * line) + 228 * 0.75 * line
        return np.asarray(np.where(below[..., None], floor, image), np.float32)

    def _textured(self, name: str, across: Array, distance: Array, colour: Colour) -> Array:
        texture = self._ground[name]
        rows = (distance * 1500).astype(np.intp) % texture.shape[0]
        columns = (across * 1500).astype(np.intp) % texture.shape[1]
        grain = texture[np.broadcast_to(rows, columns.shape), columns] / float(texture.mean())
        contrast = 0.5 / (1 + 0.6 * distance)  # far away, grains melt together
        shade: Array = (1 + contrast * (grain - 1))[..., None] * np.asarray(colour, np.float32)
        return shade


def _dress(
    picture: Image.Image, scene: Scene, horizon: float, font: Path, random: np.random.Generator
) -> None:
    """Spectators, barriers and the finish arch, in letters only: nothing here is a number."""
    pen = ImageDraw.Draw(picture)
    width, height = picture.size
    base = horizon * height
    if scene.place in {"finish", "road"}:
        for _ in range(46 if scene.place == "finish" else 16):
            side = 1 if random.random() < 0.5 else -1
            x = width * (0.5 + side * float(random.uniform(0.16, 0.52)))
            tall = height * float(random.uniform(0.06, 0.09))
            cloth = tuple(int(c) for c in random.integers(50, 220, 3))
            pen.rounded_rectangle(
                (x - tall * 0.2, base - tall * 0.62, x + tall * 0.2, base + tall * 0.5), 5, fill=cloth
            )
            skin = (int(random.integers(120, 225)), 150, 120)
            pen.ellipse((x - tall * 0.11, base - tall * 0.92, x + tall * 0.11, base - tall * 0.62), fill=skin)
        panel = (28, 92, 146) if scene.place == "finish" else (200, 78, 52)
        for side in (-1, 1):
            inner, outer = width * (0.5 + side * 0.17), width * (0.5 + side * 0.62)
            pen.polygon(
                [
                    (inner, base + height * 0.005),
                    (outer, base + height * 0.05),
                    (outer, base + height * 0.17),
                    (inner, base + height * 0.05),
                ],
                fill=panel,
            )
    if scene.place == "finish":
        top, foot = base - height * 0.3, base + height * 0.05
        for side in (-1, 1):
            x = width * (0.5 + side * 0.27)
            pen.rectangle((x - width * 0.016, top, x + width * 0.016, foot), fill=(26, 84, 140))
        pen.rectangle((width * 0.2, top - height * 0.02, width * 0.8, top + height * 0.1), fill=(26, 84, 140))
        title = ImageFont.truetype(str(font), int(height * 0.065))
        pen.text(
            (width / 2, top + height * 0.04), "LAKESIDE HALF", font=title, fill=(250, 250, 250), anchor="mm"
        )
    if scene.place == "park":
        for _ in range(70):  # sun through leaves, far out of focus
            x, y = width * random.random(), base * float(random.uniform(0.05, 0.85))
            size = float(random.uniform(2, 7))
            pen.ellipse((x - size, y - size, x + size, y + size), fill=(206, 220, 150))


def _developed(photo: Image.Image, scene: Scene, random: np.random.Generator) -> Image.Image:
    """What lens, shutter and sensor do: missed focus, shake, exposure, white balance, vignette, grain."""
    if scene.soft:
        photo = photo.filter(ImageFilter.GaussianBlur(scene.soft))
    pixels: Array = np.asarray(photo, np.float32)
    if scene.shake > 1:
        pixels = np.mean(
            [np.roll(pixels, step - scene.shake // 2, axis=1) for step in range(scene.shake)], axis=0
        )
    colour = np.array([1 + 0.09 * scene.warmth, 1.0, 1 - 0.12 * scene.warmth], np.float32)
    pixels = pixels * colour * scene.gain
    height, width = pixels.shape[:2]
    y, x = (
        np.linspace(-1, 1, height, dtype=np.float32)[:, None],
        np.linspace(-1, 1, width, dtype=np.float32)[None, :],
    )
    pixels = pixels * (1 - 0.16 * (x * x + y * y) / 2)[..., None]
    pixels = (
        255 * (1 - np.exp(-1.9 * np.clip(pixels, 0, None) / 255)) / (1 - np.exp(-1.9)) * 0.3 + 0.7 * pixels
    )
    pixels = pixels + random.normal(0, 2.6, (height, width, 1)) + random.normal(0, 1.2, (height, width, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


_CAMERAS = [("Northlight", "N1 Mark II"), ("Northlight", "N3")]  # made up; each photographer has one
_UNTURN = {1: None, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def _save(photo: Image.Image, path: Path, scene: Scene, taken: datetime, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = _CAMERAS[number % 2]  # make, model
    exif[0x0112] = scene.orientation
    stamp = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif[0x0132] = stamp
    details = exif.get_ifd(0x8769)
    details[0x9003] = stamp  # DateTimeOriginal
    details[0x9011] = _UTC_OFFSET  # OffsetTimeOriginal
    details[0x9291] = f"{137 * number % 1000:03d}"  # SubSecTimeOriginal
    unturn = _UNTURN[scene.orientation]
    stored = photo.transpose(unturn) if unturn is not None else photo
    stored.save(path, quality=scene.quality, exif=exif)
