"""Builds footage whose truth is known: who is in view from when to when, and which frame is which.

People are photos of LFW, some with a painted bib under them, that enter a moving background, stay, come nearer, and
leave; the photo that is looked for is another one of the same person. Race photos of RBNR are panned with their own
bibs. Shots are joined by hard cuts and encoded as cameras and phones do, in many codecs, containers, keyframe
distances and frame rates. What was built is kept in .setup/footage until this file, or one it uses, changes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import random
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image, ImageDraw, ImageFilter

from bench.measured import ROOT, SHARED
from eventlens import sample_figures, sample_video
from eventlens.sample_event import make_sample_event
from eventlens.sample_figures import draw_bib

KEPT = ROOT / ".setup" / "footage"
VIDEOS, LFW, BIBS = SHARED / "videos", SHARED / "faces" / "lfw", SHARED / "bibs"
WIDTH, HEIGHT = 960, 540
SMALLEST_FACE, LARGEST_FACE = 40, 160  # pixels, forehead to chin
SMALLEST_TEXT, LARGEST_TEXT = 20, 60  # pixels
SHORTEST = 1.0  # seconds: whoever is in view for less is not asked for

# In a deep-funneled LFW photo, 250 x 250, faces lie in the middle and are about so large.
_LFW_FACE = (76, 66, 174, 182)
_LABEL_TO_TEXT = 0.85  # RBNR's boxes are drawn with some air around the digits

_Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Encoding:
    """How footage is written.

    Attributes:
        codec: ffmpeg's encoder and its options, but for the keyframe distance.
        suffix: Which names the container.
        rate: Frames a second, of which `keep`, when not empty, says which go into the file (a pattern that repeats):
            the file then has a variable frame rate.
        group: Frames from one keyframe to the next.
        rotation: The frames are stored turned, with a note to turn them back by so many degrees.
    """

    name: str
    codec: list[str]
    suffix: str
    rate: float
    group: int
    keep: str = ""
    rotation: int = 0

    def kept(self, frames: int) -> list[int]:
        """Which of so many frames are in the file."""
        return [i for i in range(frames) if not self.keep or self.keep[i % len(self.keep)] == "x"]


_X264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-sc_threshold", "0"]
_X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "24"]
_VP9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M"]
_AV1 = ["-c:v", "libsvtav1", "-preset", "10", "-crf", "20"]
_MPEG4 = ["-c:v", "mpeg4", "-q:v", "3"]
_MJPEG = ["-c:v", "mjpeg", "-q:v", "4"]

ENCODINGS = [
    Encoding("h264-mp4-60", _X264, ".mp4", 30, 60),
    Encoding("h264-mp4-12", _X264, ".mp4", 25, 12),
    Encoding("hevc-mp4-60", [*_X265, "-tag:v", "hvc1"], ".mp4", 30, 60),
    Encoding("vp9-webm-120", _VP9, ".webm", 25, 120),
    Encoding("h264-mov-phone", _X264, ".mov", 30, 30, keep="xxxxx.xxx.xx", rotation=90),
    Encoding("av1-mp4-90", _AV1, ".mp4", 24, 90),
    Encoding("mpeg4-avi-12", _MPEG4, ".avi", 25, 12),
    Encoding("h264-mkv-600", _X264, ".mkv", 30, 600),
    Encoding("mjpeg-avi", _MJPEG, ".avi", 25, 1),
    Encoding("h264-ts-open-50", [*_X264, "-x264-params", "open-gop=1", "-bf", "3"], ".ts", 50, 100),
    Encoding("h264-mp4-250", _X264, ".mp4", 24, 250),
    Encoding("hevc-mkv-250", _X265, ".mkv", 25, 250),
    Encoding("h264-mp4-60p", [*_X264, "-bf", "0"], ".mp4", 60, 30),
    Encoding("h264-mp4-ntsc", _X264, ".mp4", 30000 / 1001, 90),
    Encoding("h264-mp4-slow", _X264, ".mp4", 30, 48, keep="x.xx..x.x"),
    Encoding("h264-mp4-180", _X264, ".mp4", 25, 75, rotation=180),
    Encoding("h264-mkv-high10", [*_X264, "-profile:v", "high10"], ".mkv", 25, 50),
    Encoding("mpeg2-ts-15", ["-c:v", "mpeg2video", "-q:v", "4"], ".ts", 25, 15),
    Encoding("vp8-webm-100", ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "2M"],
             ".webm", 25, 100),
    Encoding("av1-mkv-240", _AV1, ".mkv", 30, 240),
]  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """Somebody, or a bib, in view: from the first frame with the whole face (all digits) in the picture to the last.

    Attributes:
        who: A person of LFW, or the text of a bib.
        start: Seconds, of the video.
        height: Pixels of the face, or of the digits, where they are smallest.
        asked: Whether finding it can be asked for: long and large enough all the time. What is not is still no mistake
            to find.
    """

    who: str
    start: float
    end: float
    height: float
    asked: bool

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Footage:
    """One video and what it shows.

    Attributes:
        faces: Of people, one after another in time.
        bibs: Of bibs.
        also: Numbers that are really somewhere in it, not known where: finding one is no mistake.
        cuts: Seconds at which another shot begins.
    """

    path: Path
    encoding: str
    seconds: float
    faces: list[Seen]
    bibs: list[Seen]
    also: list[str]
    cuts: list[float]


@dataclass(frozen=True)
class Numbered:
    """A video whose frames carry their number, and whose sound has a burst of tone at every whole second.

    Attributes:
        numbers: Of the frames in the file, in order; frame n is shown at n / rate.
        late: Seconds by which its sound is late: containers without edit lists keep what the audio encoder puts in
            front.
    """

    path: Path
    encoding: str
    rate: float
    group: int
    seconds: float
    numbers: list[int]
    late: float

    def shown_at(self, time: float) -> int:
        """The number of the frame that is shown at a time."""
        until = [number for number in self.numbers if number / self.rate <= time + 1e-6]
        return until[-1] if until else self.numbers[0]


def missing() -> str:
    """What is not there to build from; empty: everything is."""
    gone = [str(folder) for folder in (VIDEOS, LFW, BIBS) if not folder.is_dir()]
    return f"{', '.join(gone)} is not there" if gone else ""


# --- people, bibs and shots ---


@dataclass(frozen=True)
class _Sprite:
    """Something that moves through the picture, with what is to be known of it in its own pixels."""

    image: Image.Image  # colours multiplied by alpha
    faces: dict[str, _Box]
    bibs: dict[str, _Box]


@dataclass(frozen=True)
class _Path:
    """Where a sprite is: its middle, as parts of the picture, and its scale, from entering to leaving.

    It stands at `start` outside of the picture (or, cut in, already inside), takes `_SLIDE` seconds to come in, moves
    on evenly, and leaves the same way.
    """

    start: float
    end: float
    x: tuple[float, float]
    y: float
    scale: tuple[float, float]
    comes: float  # of the picture's width, from where; 0: is there at once
    goes: float
    bob: float

    def at(self, time: float) -> tuple[float, float, float] | None:
        if not self.start <= time < self.end:
            return None
        share = (time - self.start) / (self.end - self.start)
        x = self.x[0] + (self.x[1] - self.x[0]) * share
        x += self.comes * max(0.0, 1 - (time - self.start) / _SLIDE)
        x += self.goes * max(0.0, 1 - (self.end - time) / _SLIDE)
        y = self.y + self.bob * math.sin(7 * time)
        return x, y, self.scale[0] + (self.scale[1] - self.scale[0]) * share


_SLIDE = 0.35


@dataclass
class _Shot:
    seconds: float
    background: Path | Image.Image
    offset: float = 0.0  # seconds into the background
    cast: list[tuple[_Sprite, _Path]] = field(default_factory=list)
    blur: float = 0.0  # pixels: the camera is out of focus
    light: float = 1.0


class _Script:
    """Draws by lot what happens in a video: the same number, the same video."""

    def __init__(self, font: Path) -> None:
        self._font = font
        people = sorted(folder for folder in LFW.iterdir() if len(list(folder.glob("*.jpg"))) >= 2)
        random.Random(2030).shuffle(people)
        self._people = iter(people)
        labels: list[dict[str, Any]] = json.loads((BIBS / "labels.json").read_text())["photos"]
        self._taken = {bib["text"] for photo in labels for bib in photo["bibs"]}
        self._taken |= {text for photo in labels for text in photo["also_visible"]}
        fair = [photo for photo in labels if photo["bibs"] and max(map(_label_height, photo["bibs"])) >= 14]
        random.Random(2031).shuffle(fair)
        self._races = iter(fair)
        self.probes: dict[str, str] = {}

    def write(self, number: int, seconds: float) -> tuple[list[_Shot], list[str]]:
        lot = random.Random(f"footage {number}")
        shots: list[_Shot] = []
        also: list[str] = []
        kinds = ["people", "race", "empty", "people", "race"]
        while (left := seconds - sum(shot.seconds for shot in shots)) > 3:
            kind = kinds[len(shots) % len(kinds)]
            length = left if left < 8 else {"people": lot.uniform(7, 12), "race": lot.uniform(2, 6)}.get(
                kind, lot.uniform(2, 6)
            )  # fmt: skip
            length = min(round(length, 1), left)
            if kind == "race" and (photo := next(self._races, None)) is not None:
                shots.append(self._race(lot, length, photo))
                also += photo["also_visible"]
            else:
                shots.append(self._people_shot(lot, length, empty=kind == "empty"))
        return shots, also

    def _people_shot(self, lot: random.Random, length: float, *, empty: bool) -> _Shot:
        # None in which somebody of LFW could be: short_hamilton_clip.mp4 shows a president in the audience.
        names = [
            "nasa_13013.mp4",
            "one-by-one-person-detection.mp4",
            "asl_sister.mkv",
            "asl_walk.mkv",
        ]
        shot = _Shot(length, VIDEOS / lot.choice(names[:2] if empty else names), lot.uniform(0, 5))
        if empty:
            return shot
        shot.blur, shot.light = lot.choice([0.0, 0.0, 0.6, 1.0]), lot.uniform(0.75, 1.1)
        # Two of them beside each other, so that nobody hides anybody; each side is used once or twice.
        for side in (0, 1):
            time = lot.choice([0.0, lot.uniform(0.3, 1.5)])
            while length - time > 1.9 and (folder := next(self._people, None)) is not None:
                stay = min(lot.uniform(1.2 + 2 * _SLIDE, 6.0), length - time)
                stay = stay if length - time - stay > 0.3 else length - time  # or until the cut
                sprite = self._person(lot, folder)
                shot.cast.append((sprite, self._walk(lot, sprite, side, time, time + stay, length)))
                time += stay + lot.uniform(0.5, 3.0)
        return shot

    def _person(self, lot: random.Random, folder: Path) -> _Sprite:
        photos = sorted(folder.glob("*.jpg"))
        self.probes[folder.name] = str(photos[0].relative_to(LFW))
        photo = Image.open(lot.choice(photos[1:])).convert("RGB")
        with_bib = lot.random() < 0.6
        canvas = Image.new("RGBA", (250, 440 if with_bib else 250))
        bibs: dict[str, _Box] = {}
        if with_bib:
            pen = ImageDraw.Draw(canvas)
            shirt = tuple(lot.randrange(30, 220) for _ in range(3))
            pen.rounded_rectangle((18, 200, 232, 470), 36, fill=(*shirt, 255))
            text = self._number(lot)
            bib = draw_bib(
                text, "CITY RUN", (lot.randrange(160), lot.randrange(120), lot.randrange(160)), self._font
            )
            bib = bib.resize((168, 126), Image.Resampling.LANCZOS).convert("RGBA")
            canvas.alpha_composite(bib.rotate(lot.uniform(-5, 5), Image.Resampling.BICUBIC), (41, 272))
            bibs[text] = (41 + 168 * 0.1, 272 + _digits(bib)[0], 41 + 168 * 0.9, 272 + _digits(bib)[1])
        mask = Image.new("L", (250, 250))
        ImageDraw.Draw(mask).ellipse((34, 18, 216, 236), fill=255)
        photo.putalpha(mask.filter(ImageFilter.GaussianBlur(7)))
        canvas.alpha_composite(photo)
        return _Sprite(canvas.convert("RGBa"), {folder.name: _LFW_FACE}, bibs)

    def _number(self, lot: random.Random) -> str:
        while (text := str(lot.randrange(100, 20_000))) in self._taken:
            pass
        self._taken.add(text)
        return text

    def _walk(
        self, lot: random.Random, sprite: _Sprite, side: int, start: float, end: float, length: float
    ) -> _Path:
        face = math.exp(lot.uniform(math.log(SMALLEST_FACE + 2), math.log(LARGEST_FACE)))
        scale = face / (_LFW_FACE[3] - _LFW_FACE[1])
        grown = min(scale * lot.uniform(1.0, 1.5), LARGEST_FACE / (_LFW_FACE[3] - _LFW_FACE[1]))
        middle = 0.25 + 0.5 * side
        x = (middle + lot.uniform(-0.07, 0.07), middle + lot.uniform(-0.07, 0.07))
        tall = sprite.image.height * max(scale, grown) / HEIGHT
        # The head stays in the picture; a bib may hang out of it below, and is then not asked for.
        y = lot.uniform(0.5 * tall, max(0.5 * tall, 0.95 - 0.5 * tall)) if tall < 1 else 0.5 * tall
        outside = (-1 if side == 0 else 1) * (0.4 + 0.3 * sprite.image.width * grown / WIDTH)
        comes = 0.0 if start == 0 else outside
        goes = 0.0 if end >= length - 0.01 else outside
        return _Path(start, end, x, y, (scale, grown), comes, goes, lot.choice([0.0, 0.006, 0.012]))

    def _race(self, lot: random.Random, length: float, photo: dict[str, Any]) -> _Shot:
        image = Image.open(BIBS / "photos" / photo["photo"]).convert("RGB")
        largest = max(photo["bibs"], key=_label_height)
        text = min(lot.uniform(SMALLEST_TEXT + 2, LARGEST_TEXT), 1.7 * _label_height(largest))
        scale = text / _label_height(largest)
        fill = max(WIDTH / image.width, HEIGHT / image.height)
        behind = image.resize((round(image.width * fill) + 1, round(image.height * fill) + 1))
        behind = behind.crop((0, 0, WIDTH, HEIGHT)).filter(ImageFilter.GaussianBlur(22))
        sprite = _Sprite(image.convert("RGBA").convert("RGBa"), {}, {
            bib["text"]: tuple(float(edge) for edge in bib["box"]) for bib in photo["bibs"]
        })  # fmt: skip
        # The camera looks at the largest bib, and wanders.
        box = largest["box"]
        x = 0.5 - ((box[0] + box[2]) / 2 - image.width / 2) * scale / WIDTH
        y = lot.uniform(0.45, 0.7) - ((box[1] + box[3]) / 2 - image.height / 2) * scale / HEIGHT
        slides = lot.random() < 0.4 and length > 2.5
        start = lot.uniform(0.2, 0.8) if slides else 0.0
        outside = lot.choice([-1, 1]) * 1.3
        drift = lot.uniform(-0.1, 0.1)
        path = _Path(start, length, (x - drift, x + drift), y, (scale, scale * lot.uniform(1, 1.15)),
                     outside if slides else 0.0, 0.0, lot.choice([0.0, 0.004]))  # fmt: skip
        shot = _Shot(length, behind, cast=[(sprite, path)])
        shot.blur, shot.light = lot.choice([0.0, 0.0, 0.7]), lot.uniform(0.8, 1.1)
        return shot


def _label_height(bib: dict[str, Any]) -> float:
    return _LABEL_TO_TEXT * float(bib["box"][3] - bib["box"][1])


def _digits(bib: Image.Image) -> tuple[int, int]:
    """First and last row of a flat bib's digits."""
    middle = np.asarray(bib.convert("L"))[int(0.21 * bib.height) : int(0.9 * bib.height), 20:-20]
    rows = np.flatnonzero((middle < 70).any(axis=1)) + int(0.21 * bib.height)
    return int(rows[0]), int(rows[-1]) + 1


def _film(shots: list[_Shot], rate: float, notes: _Notes) -> Iterator[Image.Image]:
    """Every frame, and into `notes` what can be seen in it."""
    number = 0
    begin = 0.0
    for shot in shots:
        end = begin + shot.seconds
        count = math.ceil(end * rate - 1e-6) - number
        backgrounds = _frames_of(shot.background, shot.offset, rate, count)
        for picture in backgrounds:
            time = number / rate - begin
            for sprite, path in shot.cast:
                if (at := path.at(time)) is None:
                    continue
                before = path.at(time - 1 / rate) or at
                notes.note(sprite, _paste(picture, sprite, at, (at[0] - before[0]) * WIDTH), number)
            yield _developed(picture, shot)
            number += 1
        notes.cut()
        begin = end


def _paste(
    picture: Image.Image, sprite: _Sprite, at: tuple[float, float, float], moved: float
) -> tuple[float, ...]:
    """Paste a sprite with its motion's blur; returns (left, top, scale)."""
    x, y, scale = at
    size = (max(1, round(sprite.image.width * scale)), max(1, round(sprite.image.height * scale)))
    left, top = round(x * WIDTH - size[0] / 2), round(y * HEIGHT - size[1] / 2)
    part = sprite.image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if abs(moved) > 2:
        part = part.filter(ImageFilter.BoxBlur((abs(moved) / 4, 0)))  # the shutter is open half of the time
    part = part.convert("RGBA")
    picture.paste(part, (left, top), part)
    return left, top, scale


def _developed(picture: Image.Image, shot: _Shot) -> Image.Image:
    if shot.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(shot.blur))
    if abs(shot.light - 1) > 0.02:
        picture = picture.point([min(255, round(level * shot.light)) for level in range(256)] * 3)
    return picture


def _frames_of(source: Path | Image.Image, offset: float, rate: float, count: int) -> Iterator[Image.Image]:
    if isinstance(source, Image.Image):
        for _ in range(count):
            yield source.copy()
        return
    command = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-stream_loop", "-1", "-ss", str(offset),
               "-i", str(source), "-vf",
               f"fps={rate},scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=increase,crop={WIDTH}:{HEIGHT}",
               "-frames:v", str(count), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdout is not None
        for _ in range(count):
            raw = ffmpeg.stdout.read(WIDTH * HEIGHT * 3)
            yield Image.frombytes("RGB", (WIDTH, HEIGHT), raw)


class _Notes:
    """Collects in which frames whom and which bibs can be seen, and makes spans of them."""

    def __init__(self, encoding: Encoding, frames: int) -> None:
        self._rate = encoding.rate
        self._kept = encoding.kept(frames)
        self._frames = frames
        self._open: dict[tuple[str, str], list[tuple[int, float]]] = {}
        self.faces: list[Seen] = []
        self.bibs: list[Seen] = []

    def note(self, sprite: _Sprite, placed: tuple[float, ...], number: int) -> None:
        left, top, scale = placed
        for kind, marks in (("face", sprite.faces), ("bib", sprite.bibs)):
            for who, box in marks.items():
                edges = [
                    left + box[0] * scale,
                    top + box[1] * scale,
                    left + box[2] * scale,
                    top + box[3] * scale,
                ]
                # A label's box has air around the digits, a painted bib's has not.
                height = (edges[3] - edges[1]) * (1 if sprite.faces else _LABEL_TO_TEXT)
                inside = edges[0] >= 0 and edges[1] >= 0 and edges[2] <= WIDTH and edges[3] <= HEIGHT
                if inside:
                    self._open.setdefault((kind, who), []).append((number, height))

    def cut(self) -> None:
        """Another shot begins: who is seen in it appears anew."""
        for (kind, who), looks in self._open.items():
            numbers = {number for number, _ in looks}
            shown = [number for number in self._kept if number in numbers]
            if not shown:
                continue
            following = [number for number in self._kept if number > shown[-1]]
            after = following[0] if following else self._frames
            start, end = shown[0] / self._rate, after / self._rate
            height = min(height for _, height in looks)
            least = SMALLEST_FACE if kind == "face" else SMALLEST_TEXT
            asked = end - start >= SHORTEST and height >= least
            seen = Seen(who, round(start, 4), round(end, 4), round(height, 1), asked)
            (self.faces if kind == "face" else self.bibs).append(seen)
        self._open = {}


# --- files ---


def appearance_footage(count: int, seconds: float) -> tuple[list[Footage], dict[str, Path]]:
    """So many videos of so many seconds, and for each person in them the photo to look for them with.

    The first ones are the same however many there are.
    """
    font = next((make_sample_event(ROOT / ".setup" / "sample").folder / "sources").glob("font.*"))
    folder = _kept(f"appearances {seconds}")
    script = _Script(font)
    built = []
    plans = []
    for number in range(count):
        encoding = ENCODINGS[number % len(ENCODINGS)]
        plans.append((number, encoding, *script.write(number, seconds)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        built = list(pool.map(lambda plan: _build(folder, seconds, *plan), plans))
    return built, {who: LFW / photo for who, photo in script.probes.items()}


def _build(
    folder: Path, seconds: float, number: int, encoding: Encoding, shots: list[_Shot], also: list[str]
) -> Footage:
    path = folder / f"{number:03}-{encoding.name}{encoding.suffix}"
    truth = path.with_suffix(".json")
    if not truth.is_file():
        frames = math.ceil(seconds * encoding.rate - 1e-6)
        notes = _Notes(encoding, frames)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            sound = Path(scratch) / "sound.wav"
            _record(sound, seconds)
            partial = Path(scratch) / path.name
            _encode(_film(shots, encoding.rate, notes), (WIDTH, HEIGHT), encoding, sound, partial)
            partial.replace(path)
        cuts = [round(float(at), 4) for at in np.cumsum([shot.seconds for shot in shots])[:-1]]
        content = {"faces": notes.faces, "bibs": notes.bibs, "also": also, "cuts": cuts}
        truth.write_text(json.dumps(content, default=dataclasses.asdict, indent=1))
    content = json.loads(truth.read_text())
    faces, bibs = ([Seen(**seen) for seen in content[kind]] for kind in ("faces", "bibs"))
    return Footage(path, encoding.name, seconds, faces, bibs, content["also"], content["cuts"])


# The number stands in the picture's lower left corner: so many bits, of so many pixels each, in Gray's code, so that a
# block that an encoder did not care to change makes an error of one frame.
_BITS, _BLOCK = 12, 16
NUMBERED_SIZE = (640, 360)


def numbered_footage(encodings: list[Encoding], seconds: float) -> list[Numbered]:
    """One video for each encoding: real footage whose frames carry their number."""
    folder = _kept(f"numbered {seconds}")

    def build(encoding: Encoding) -> Numbered:
        path = folder / f"{encoding.name}{encoding.suffix}"
        frames = round(seconds * encoding.rate)
        if not path.is_file():
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                sound = Path(scratch) / "sound.wav"
                _record(sound, seconds)
                partial = Path(scratch) / path.name
                _encode(_numbered_frames(frames, encoding.rate), NUMBERED_SIZE, encoding, sound, partial)
                partial.replace(path)
        late = burst_offset(path, 0.0)
        if late is None:
            raise RuntimeError(f"{path} has no sound")
        return Numbered(
            path, encoding.name, encoding.rate, encoding.group, seconds, encoding.kept(frames), late
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(build, encodings))


def _numbered_frames(count: int, rate: float) -> Iterator[Image.Image]:
    height = NUMBERED_SIZE[1]
    for number, frame in enumerate(_frames_of(VIDEOS / "nasa_13013.mp4", 0.0, rate, count)):
        picture = frame.resize(NUMBERED_SIZE, Image.Resampling.BILINEAR)
        pen = ImageDraw.Draw(picture)
        pen.rectangle((0, height - 2 * _BLOCK, (_BITS + 1) * _BLOCK, height), fill=(0, 0, 0))
        for bit in range(_BITS):
            level = 235 if (number ^ number >> 1) >> bit & 1 else 20
            left = bit * _BLOCK
            pen.rectangle((left, height - _BLOCK, left + _BLOCK - 1, height - 1), fill=(level,) * 3)
        yield picture


def read_numbers(path: Path, size: tuple[int, int], *, hidden: bool = False) -> list[int]:
    """The numbers of all frames of a file, as ffmpeg shows them upright; `hidden`: edit lists are not obeyed."""
    height = size[1]
    command = ["ffmpeg", "-nostdin", "-v", "error", *(["-ignore_editlist", "1"] if hidden else []), "-i", str(path),
               "-map", "0:v:0", "-vsync", "passthrough", "-vf",
               f"crop={_BITS * _BLOCK}:{_BLOCK}:0:{height - _BLOCK},format=gray", "-f", "rawvideo", "-"]  # fmt: skip
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    strips = np.frombuffer(raw, np.uint8).reshape(-1, _BLOCK, _BITS, _BLOCK)
    bits = strips[:, 4:-4, :, 4:-4].mean(axis=(1, 3)) > 128
    plain = np.logical_xor.accumulate(bits[:, ::-1], axis=1)[:, ::-1]
    numbers: list[int] = (plain @ (1 << np.arange(_BITS))).tolist()
    return numbers


def burst_offset(path: Path, start: float) -> float | None:
    """By how many seconds the sound of a clip is late: bursts are to be heard where `start` says.

    The median over all bursts; None: there are none, or no sound.
    """
    rate = 48_000
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:a:0", "-ac", "1", "-ar", str(rate),
               "-af", "aresample=async=1:first_pts=0", "-f", "f32le", "-"]  # fmt: skip
    done = subprocess.run(command, check=False, capture_output=True)
    sound = np.frombuffer(done.stdout, np.float32)
    window = rate // 500
    if sound.size < window:
        return None
    tone = np.exp(-2j * np.pi * _TONE * np.arange(sound.size) / rate)
    level = np.abs((sound * tone)[: sound.size // window * window].reshape(-1, window).mean(axis=1))
    loud = level > 0.5 * level.max()
    begins = np.flatnonzero(loud[1:] & ~loud[:-1]) + 1
    begins = [int(b) for b in begins if b > 5 and not loud[max(0, b - 50) : b].any()]
    late = [(start + b * window / rate + 0.5) % 1.0 - 0.5 for b in begins]
    return float(np.median(late)) if late and level.max() > 0.02 else None


_TONE = 1500.0  # hertz


def _record(path: Path, seconds: float) -> None:
    """A murmur, and at every whole second a tone of 60 ms."""
    rate = 48_000
    noise = np.random.default_rng(2032).normal(0, 0.01, round(seconds * rate))
    time = np.arange(noise.size) / rate
    sound = noise + np.where(time % 1.0 < 0.06, 0.4 * np.sin(2 * np.pi * _TONE * time), 0.0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def _encode(
    frames: Iterator[Image.Image], size: tuple[int, int], encoding: Encoding, sound: Path, path: Path
) -> None:
    pixels = (
        "yuv420p10le"
        if "high10" in encoding.codec
        else "yuvj420p"
        if "mjpeg" in encoding.codec
        else "yuv420p"
    )
    filters = {0: [], 90: ["transpose=clock"], 180: ["hflip", "vflip"]}[encoding.rotation]
    if encoding.keep:
        pattern = "+".join(
            f"eq(mod(n,{len(encoding.keep)}),{i})" for i, c in enumerate(encoding.keep) if c == "x"
        )
        filters = [f"select='{pattern}'", *filters]
    filters = [*filters, f"format={pixels}"]
    audio = {".webm": "libopus", ".ts": "aac", ".avi": "mp3", ".mkv": "aac"}.get(encoding.suffix, "aac")
    group = ["-g", str(encoding.group), "-keyint_min", str(encoding.group)]
    if "libx265" in encoding.codec:
        group = [
            "-x265-params",
            f"log-level=error:keyint={encoding.group}:min-keyint={encoding.group}:scenecut=0",
        ]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}",
               "-r", str(encoding.rate), "-i", "-", "-i", str(sound), "-vf", ",".join(filters), "-vsync",
               "vfr" if encoding.keep else "passthrough", *encoding.codec, *group, "-threads", "2",
               "-c:a", audio, "-b:a", "96k", *(["-t", str(_length(sound))]), str(path)]  # fmt: skip
    sample_video.feed_ffmpeg(command, frames, encoding.name)
    if encoding.rotation:
        noted = path.with_name("noted" + path.suffix)
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0", "-c", "copy",
                   "-metadata:s:v:0", f"rotate={encoding.rotation}", str(noted)]  # fmt: skip
        subprocess.run(command, check=True)
        noted.replace(path)


def _length(sound: Path) -> float:
    with wave.open(str(sound)) as file:
        return file.getnframes() / file.getframerate()


def _kept(what: str) -> Path:
    """The folder for what this version of the builder builds; those of other versions go."""
    recipe = hashlib.sha256(PIL.__version__.encode() + np.__version__.encode())
    for file in (Path(__file__), Path(sample_figures.__file__)):
        recipe.update(file.read_bytes())
    version = recipe.hexdigest()[:16]
    KEPT.mkdir(parents=True, exist_ok=True)
    for old in KEPT.iterdir():
        if old.name != version:
            shutil.rmtree(old)
    folder = KEPT / version / what.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
