"""Draw the runners of the sample event: a portrait's head on a rendered body that wears a painted bib.

Lengths are in units of about a head, measured from the chin: x to the right, y down. A figure is drawn as
layers, back to front; limbs are capsules and the torso is a column, both lit by their analytic normals; cloth
and bib share one field of folds, so that the number bends with the shirt it is pinned to. Needs numpy and
Pillow (`eventlens[sample]`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Array = npt.NDArray[np.floating[Any]]
Colour = tuple[float, float, float]  # red, green, blue, each 0 to 255
Point = tuple[float, float]
Joint = tuple[float, float, float]  # x, y and the radius there

_LEFT, _ABOVE, _WIDTH = 1.9, 1.5, 3.8  # units from the canvas's edges to the chin; its whole width
_FULL_LENGTH = 7.0  # units from the chin to below the soles
_UNIT = 0.88  # heads: portraits show hair and hats, so that a head measured in them is longer than a skull


@dataclass(frozen=True)
class Head:
    """A head cut out of a portrait: pixels with alpha, the chin's place in them, and the crown's row."""

    image: Image.Image
    chin: Point
    crown: float
    skin: Colour


@dataclass(frozen=True)
class Outfit:
    shirt: Colour
    trim: Colour
    shorts: Colour
    sleeves: bool


@dataclass(frozen=True)
class Pose:
    """How one figure stands in one photo.

    Attributes:
        head_height: Crown to chin, pixels.
        length: Units drawn below the chin; 7 is the whole body.
        roll: Of the head, degrees, clockwise.
        light: Where the light comes from, -1 (left) to 1 (right).
        bib_turn: How far the torso is turned, degrees: one end of the bib moves away.
        bib_tilt: How crooked the bib hangs, degrees.
        bib_fold: 0 (flat) to 1 (a sharp crease across the lower third).
        step: Where in a stride the figure is: 1, the left side carries and the right swings back, to -1, the
            other way round; None: one of the two, by chance.
    """

    head_height: float
    length: float = _FULL_LENGTH
    mirror: bool = False
    roll: float = 0.0
    light: float = -0.5
    bib_turn: float = 0.0
    bib_tilt: float = 0.0
    bib_fold: float = 0.2
    step: float | None = None


@dataclass(frozen=True)
class Figure:
    """A drawn runner: pixels with alpha, and where things are in them.

    Attributes:
        chin: The point to place the figure by.
        face: Corners around the face, forehead to chin.
        bib: Corners of the bib: top left, top right, bottom right, bottom left.
    """

    image: Image.Image
    chin: Point
    face: list[Point]
    bib: list[Point] = field(default_factory=list)


def cut_head(portrait: Image.Image, outline: list[Point], chin: Point, crown: float, gain: float) -> Head:
    """Cut a head along its outline, softly; `gain` brightens portraits that were taken against the light."""
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    left, top = max(0, int(min(xs)) - 8), max(0, int(min(ys)) - 8)
    box = (left, top, min(portrait.width, int(max(xs)) + 8), min(portrait.height, int(max(ys)) + 8))
    pixels: Array = np.asarray(portrait.convert("RGB").crop(box), np.float32)
    pixels = 255 * (pixels / 255) ** (1 / gain)
    inside = Image.new("L", (box[2] - box[0], box[3] - box[1]))
    ImageDraw.Draw(inside).polygon([(x - left, y - top) for x, y in outline], fill=255)
    softness = (chin[1] - crown) / 160
    if softness > 1.5:
        inside = inside.filter(ImageFilter.MinFilter(3))  # the edge row is half background in large portraits
    inside = inside.filter(ImageFilter.GaussianBlur(softness))
    image = Image.fromarray((0.95 * pixels).astype(np.uint8))  # no studio light on the road
    image.putalpha(inside)
    height, middle = chin[1] - crown, chin[0] - left
    cheeks = pixels[
        int(chin[1] - top - 0.6 * height) : int(chin[1] - top - 0.12 * height),
        int(middle - 0.16 * height) : int(middle + 0.16 * height),
    ]
    skin = np.percentile(cheeks.reshape(-1, 3), 78, axis=0)
    # A face's colour cast is stronger than its owner's arms' would be in daylight: move a third of the way
    # to a neutral.
    neutral = np.array([1.17, 0.97, 0.84]) * skin.mean()
    red, green, blue = (0.67 * skin + 0.33 * neutral).clip(0, 250)
    return Head(image, (chin[0] - left, chin[1] - top), crown - top, (float(red), float(green), float(blue)))


def draw_bib(text: str, event: str, colour: Colour, font: Path) -> Image.Image:
    """A flat bib, 4:3: event name on a coloured band, the number, four pins."""
    width, height = 640, 480
    bib = Image.new("RGB", (width, height), (248, 247, 243))
    pen = ImageDraw.Draw(bib)
    band = (int(colour[0]), int(colour[1]), int(colour[2]))
    pen.rectangle((0, 0, width, 92), fill=band)
    pen.rectangle((0, height - 40, width, height), fill=band)
    pen.text(
        (width / 2, 47), event, font=ImageFont.truetype(str(font), 46), fill=(255, 255, 255), anchor="mm"
    )
    size = 300
    while pen.textlength(text, font=ImageFont.truetype(str(font), size)) > width * 0.86:
        size -= 6
    number = ImageFont.truetype(str(font), size)
    pen.text((width / 2, 92 + (height - 132) / 2), text, font=number, fill=(22, 22, 26), anchor="mm")
    for x in (22, width - 22):
        for y in (20, height - 20):
            pen.ellipse((x - 9, y - 9, x + 9, y + 9), fill=(120, 120, 124))
    return bib


def draw_runner(
    head: Head, outfit: Outfit, pose: Pose, bib: Image.Image | None, random: np.random.Generator
) -> Figure:
    """Draw one runner, seen from the front, running."""
    unit = _UNIT * pose.head_height
    paper = _Paper(unit, min(pose.length, _FULL_LENGTH), pose.light)
    skin = head.skin
    chance = 1.0 if random.random() < 0.5 else -1.0
    step = chance if pose.step is None else pose.step
    swing = float(random.uniform(-0.08, 0.08))
    # Of each side how far it is swung back, 0 to 1; that side is drawn first, being farther away.
    sides = sorted(((side, 0.5 * (1 + side * step)) for side in (-1.0, 1.0)), key=lambda drawn: -drawn[1])

    # Legs: one carries, the other swings back and is foreshortened.
    if pose.length > 2.6:
        shoe: Colour = (232, 96, 48)
        for side, back in sides:
            tone = _dark(skin, 1 - 0.25 * back)
            thigh = [(0.34, 2.75, 0.37 - 0.01 * back), *_between(_CARRYING, _SWUNG_BACK, back)]
            shoes = _between(_SHOE_DOWN, _SHOE_UP, back)
            layers = [(thigh, tone), (shoes, _dark(shoe, 1 - 0.45 * back))]
            for joints, colour in layers if back < 0.5 else reversed(layers):
                paper.limb(_on(side, joints), colour)
        for side, back in sides:
            short = [(0.27, 2.6, 0.40), (0.35 + 0.03 * back, 3.9 - 0.2 * back, 0.42 - 0.01 * back)]
            paper.limb(_on(side, short), _dark(outfit.shorts, 1 - 0.15 * back), flat_end=True)

    folds = _Folds(random)
    paper.torso(skin, outfit, folds)
    corners: list[Point] = []
    if bib is not None:
        corners = paper.bib(bib, pose, folds)

    # Arms: the one on the side that swings back comes forward, bent, its fist in front of the chest's side;
    # of the other, the forearm is half hidden by its foreshortening.
    for side, forward in sorted(sides):
        tone = _dark(skin, 0.86 + 0.14 * forward)
        shoulder, elbow = (0.78 * side, 0.55), (side * (0.99 + swing), 1.58)
        middle = (0.5 * (shoulder[0] + elbow[0]) + 0.03 * side, 0.5 * (shoulder[1] + elbow[1]))
        upper = [(*shoulder, 0.215), (*middle, 0.175), (*elbow, 0.13)]
        bent = [(*elbow, 0.13), (0.6 * elbow[0] + 0.4 * 0.76 * side, 1.36, 0.145), (0.76 * side, 0.98, 0.09)]
        hand = side * (1.0 + swing)
        straight = [
            (*elbow, 0.125), (0.5 * (elbow[0] + hand) + 0.03 * side, 1.82, 0.125), (hand, 2.12, 0.085)
        ]  # fmt: skip
        fore = _between(straight, bent, forward)
        fist = _between(
            [(hand, 2.12, 0.095), (hand - 0.02 * side, 2.25, 0.115)],
            [(0.76 * side, 0.98, 0.1), (0.73 * side, 0.84, 0.125)],
            forward,
        )
        if forward < 0.5:
            paper.limb(fore, _dark(tone, 0.85 + 0.15 * forward))
            paper.limb(fist, _dark(tone, 0.78 + 0.22 * forward))
        paper.shadow(upper)
        paper.limb(upper, tone)
        if outfit.sleeves:
            end = (0.35 * shoulder[0] + 0.65 * middle[0] + 0.04 * side, 0.92)
            colour = _dark(outfit.shirt, 0.88 + 0.12 * forward)
            paper.limb([(0.74 * side, 0.55, 0.25), (*end, 0.25)], colour, flat_end=True)
        if forward >= 0.5:
            paper.shadow(fore)
            paper.limb(fore, tone)
            paper.limb(fist, tone)

    image = paper.finished()
    face = _put_head(image, head, pose, paper.place(0, 0))
    return Figure(image, paper.place(0, 0), face, corners)


def _put_head(figure: Image.Image, head: Head, pose: Pose, chin: Point) -> list[Point]:
    scale = pose.head_height / (head.chin[1] - head.crown)
    size = (max(1, round(head.image.width * scale)), max(1, round(head.image.height * scale)))
    image = head.image.resize(size, Image.Resampling.LANCZOS)
    at = (head.chin[0] * scale, head.chin[1] * scale)
    if pose.mirror:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        at = (image.width - at[0], at[1])
    layer = Image.new("RGBA", figure.size)
    sunk = 0.05 * pose.head_height  # the jaw overlaps the neck
    layer.paste(image, (round(chin[0] - at[0]), round(chin[1] + sunk - at[1])))
    layer = layer.rotate(-pose.roll, Image.Resampling.BICUBIC, center=chin)
    figure.alpha_composite(layer)
    unit = pose.head_height
    box = [(-0.34, -0.78), (0.34, -0.78), (0.34, 0.06), (-0.34, 0.06)]
    return [turned((chin[0] + x * unit, chin[1] + y * unit), chin, pose.roll) for x, y in box]


def turned(point: Point, centre: Point, degrees: float) -> Point:
    """The point, turned clockwise (as seen, y down) about the centre."""
    angle = np.deg2rad(degrees)
    x, y = point[0] - centre[0], point[1] - centre[1]
    return (
        float(centre[0] + x * np.cos(angle) - y * np.sin(angle)),
        float(centre[1] + x * np.sin(angle) + y * np.cos(angle)),
    )


def smooth_noise(random: np.random.Generator, width: int, height: int, cells: int) -> Array:
    """Smooth noise, -1 to 1, with about `cells` bumps along the longer side."""
    across = max(2, round(cells * width / max(width, height))) + 1
    down = max(2, round(cells * height / max(width, height))) + 1
    grid = Image.fromarray(random.uniform(-1, 1, (down, across)).astype(np.float32))
    return np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC), np.float32)


# Joints of a right leg below the hip, mirrored for the left one: standing on it, and lifted behind.
_CARRYING: list[Joint] = [(0.36, 4.3, 0.21), (0.38, 4.75, 0.22), (0.36, 5.3, 0.20), (0.33, 6.25, 0.11)]
_SWUNG_BACK: list[Joint] = [(0.44, 4.15, 0.24), (0.435, 4.35, 0.22), (0.43, 4.6, 0.197), (0.42, 4.9, 0.17)]
_SHOE_DOWN: list[Joint] = [(0.33, 6.3, 0.13), (0.34, 6.42, 0.17), (0.37, 6.58, 0.22)]
_SHOE_UP: list[Joint] = [(0.40, 5.0, 0.15), (0.405, 5.11, 0.17), (0.41, 5.22, 0.19)]


def _between(first: list[Joint], second: list[Joint], share: float) -> list[Joint]:
    """Joints on the way from the first limb to the second."""
    mixed = np.asarray(first) * (1 - share) + np.asarray(second) * share
    return [(float(x), float(y), float(radius)) for x, y, radius in mixed]


def _on(side: float, joints: list[Joint]) -> list[Joint]:
    return [(side * x, y, radius) for x, y, radius in joints]


def _dark(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


class _Folds:
    """The height of the cloth above the body, as a sum of bent waves; heads in, heads out."""

    def __init__(self, random: np.random.Generator) -> None:
        self._waves = [
            (
                float(random.uniform(0.006, 0.016)),
                float(random.uniform(2.0, 7.0)) * float(random.choice([-1.0, 1.0])),
                float(random.uniform(2.0, 6.0)),
                float(random.uniform(0, 6.28)),
                float(random.uniform(0.5, 1.6)),
            )
            for _ in range(6)
        ]

    def height(self, x: Array, y: Array) -> Array:
        total = np.zeros(np.broadcast(x, y).shape, np.float32)
        for amplitude, along_x, along_y, phase, bend in self._waves:
            total += amplitude * np.sin(
                along_x * x + along_y * y + phase + bend * np.sin(1.7 * x - 1.3 * y + phase)
            )
        return total


class _Paper:
    """The canvas of one figure, in heads."""

    def __init__(self, unit: float, length: float, light: float) -> None:
        self._unit = unit
        self._size = (round(_WIDTH * unit), round((_ABOVE + length) * unit))  # width, height
        columns = (np.arange(self._size[0], dtype=np.float32) + 0.5) / unit - _LEFT
        rows = (np.arange(self._size[1], dtype=np.float32) + 0.5) / unit - _ABOVE
        self._x, self._y = columns[None, :], rows[:, None]
        self._rgb = np.zeros((self._size[1], self._size[0], 3), np.float32)
        self._alpha = np.zeros((self._size[1], self._size[0]), np.float32)
        direction = np.array([light, -0.55, 0.8], np.float32)
        self._light = direction / np.linalg.norm(direction)

    def place(self, x: float, y: float) -> Point:
        return ((x + _LEFT) * self._unit, (y + _ABOVE) * self._unit)

    def finished(self) -> Image.Image:
        pixels = np.dstack([np.clip(self._rgb, 0, 255), 255 * self._alpha])
        return Image.fromarray(pixels.astype(np.uint8), "RGBA")

    def limb(self, joints: list[Joint], colour: Colour, flat_end: bool = False) -> None:
        """A chain of capsules through the joints, lit as round; a flat end is a hem."""
        window = self._window(joints)
        x, y = self._x[:, window[1]], self._y[window[0]]
        cover, shade = self._capsules(joints, x, y)
        if flat_end:
            (x0, y0, _), (x1, y1, _) = joints[-2:]
            length = float(np.hypot(x1 - x0, y1 - y0))
            cover = cover * self._edge(((x1 - x) * (x1 - x0) + (y1 - y) * (y1 - y0)) / length)
        self._lay(window, np.asarray(colour, np.float32) * shade[..., None], cover)

    def shadow(self, joints: list[Joint]) -> None:
        """The soft shadow that a limb throws on what is already drawn."""
        moved = [(x - 0.12 * self._light[0] - np.sign(x) * 0.05, y + 0.08, r) for x, y, r in joints]
        window = self._window(moved, margin=0.3)
        cover, _ = self._capsules(moved, self._x[:, window[1]], self._y[window[0]])
        soft = _blurred(cover, 0.09 * self._unit)
        self._rgb[window] *= (1 - 0.42 * soft)[..., None]

    def torso(self, skin: Colour, outfit: Outfit, folds: _Folds) -> None:
        x, y = self._x, self._y
        heights = [-0.3, 0.0, 0.1, 0.18, 0.26, 0.34, 0.44, 0.6, 1.0, 1.5, 2.0, 2.4, 2.8, 3.0]
        widths = [0.26, 0.27, 0.29, 0.37, 0.52, 0.68, 0.80, 0.84, 0.78, 0.70, 0.65, 0.67, 0.72, 0.72]
        half = np.interp(y, heights, widths, left=0.0).astype(np.float32)
        across = np.clip(x / half.clip(0.01), -1, 1)
        inside = self._edge(half - np.abs(x)) * self._edge(y + 0.3) * self._edge(2.9 + 0.07 * across**2 - y)
        slope = np.sign(across) * np.abs(across) ** 1.6 * 0.92
        relief = folds.height(x, y)
        tilt_y, tilt_x = np.gradient(relief, 1 / self._unit)
        chest = 0.16 * np.cos(np.clip((y - 0.75) * 2.2, -1.57, 1.57))  # the chest catches more light
        under_chin = 1 - 0.34 * np.exp(-np.clip(y + 0.02 - 0.1 * across**2, 0, None) * 5.5)
        bare = self._lit(slope, np.zeros_like(slope) - 0.1) * under_chin
        self._lay(_ALL, np.asarray(skin, np.float32) * bare[..., None], inside * self._edge(1.2 - y))

        neck = ((x / 0.37) ** 2 + ((y - 0.08) / 0.36) ** 2).astype(np.float32)
        cloth = inside * np.clip((neck - 1) * 0.17 * self._unit, 0, 1)
        if not outfit.sleeves:
            armhole = (((np.abs(x) - 0.9) / 0.34) ** 2 + ((y - 0.55) / 0.5) ** 2).astype(np.float32)
            cloth = cloth * np.clip((armhole - 1) * 0.2 * self._unit, 0, 1)
        shade = self._lit(slope - 2.2 * tilt_x, -0.1 - 2.2 * tilt_y) + chest
        colour = np.broadcast_to(np.asarray(outfit.shirt, np.float32), (*shade.shape, 3)).copy()
        panel = np.clip((np.abs(across) - 0.78) * 12, 0, 1)[..., None]
        colour = colour * (1 - panel) + np.asarray(outfit.trim, np.float32) * panel
        piping = np.clip(1 - np.abs(np.sqrt(neck) - 1.1) * 18, 0, 1)[..., None]
        colour = colour * (1 - piping) + np.asarray(outfit.trim, np.float32) * piping
        self._lay(_ALL, colour * shade[..., None], cloth)

    def bib(self, flat: Image.Image, pose: Pose, folds: _Folds) -> list[Point]:
        """Wrap a flat bib around the torso; returns its corners in pixels."""
        width, height, middle = 1.08, 0.81, 1.36
        window = self._window([(0, middle, 0.85)])
        x, y = self._x[:, window[1]], self._y[window[0]]
        angle = np.deg2rad(pose.bib_tilt)
        along = x * np.cos(angle) + (y - middle) * np.sin(angle)
        down = -x * np.sin(angle) + (y - middle) * np.cos(angle)
        # Round the body: equal steps on the bib are ever shorter steps in the photo towards the torso's side.
        radius, turn = 0.8, np.deg2rad(pose.bib_turn)
        around = (
            np.arcsin(np.clip(along / radius, -0.999, 0.999)) * radius + np.tan(turn) * along * along * 0.6
        )
        relief = folds.height(x, y)
        tilt_y, tilt_x = np.gradient(relief, 1 / self._unit)
        crease = 0.16  # heads below the bib's middle
        below = np.clip(down - crease, 0, None) * pose.bib_fold
        u = (around / np.cos(turn) + 1.2 * relief) / width + 0.5
        v = (down + 1.2 * relief + 0.45 * below) / height + 0.5
        texture = np.asarray(self._shrunk(flat, width), np.float32)
        cover = self._edge(np.minimum(u, 1 - u) * width) * self._edge(np.minimum(v, 1 - v) * height)
        slope = np.clip(along / radius, -1, 1)
        shade = self._lit(0.8 * slope - 1.1 * tilt_x + np.sin(turn) * 0.4, -0.1 - 1.1 * tilt_y)
        shade = shade * (1 - 0.32 * pose.bib_fold * np.clip((down - crease) * 12, 0, 1))
        soft = _blurred(cover, 0.04 * self._unit)
        self._rgb[window] *= (1 - 0.35 * soft)[..., None]  # the bib stands off the shirt a little
        self._lay(window, _sampled(texture, u, v) * shade[..., None], cover)
        return [self._bib_corner(sx * width / 2, sy * height / 2, middle, pose) for sx, sy in _CORNERS]

    def _bib_corner(self, around: float, down: float, middle: float, pose: Pose) -> Point:
        turn, angle = np.deg2rad(pose.bib_turn), np.deg2rad(pose.bib_tilt)
        along = float(np.sin(np.clip(around * np.cos(turn) / 0.8, -1.5, 1.5)) * 0.8)
        fold = 1 / (1 + 0.45 * pose.bib_fold) if down > 0 else 1.0
        down *= fold
        return self.place(
            along * float(np.cos(angle)) - down * float(np.sin(angle)),
            middle + along * float(np.sin(angle)) + down * float(np.cos(angle)),
        )

    def _shrunk(self, flat: Image.Image, width: float) -> Image.Image:
        pixels = min(flat.width, max(64, round(1.6 * width * self._unit)))  # near its final size: no aliasing
        return flat.resize((pixels, round(pixels * flat.height / flat.width)), Image.Resampling.LANCZOS)

    def _capsules(self, joints: list[Joint], x: Array, y: Array) -> tuple[Array, Array]:
        shape = np.broadcast(x, y).shape
        cover, nearest, shade = (
            np.zeros(shape, np.float32),
            np.full(shape, -9, np.float32),
            np.zeros(shape, np.float32),
        )
        for (x0, y0, r0), (x1, y1, r1) in pairwise(joints):
            length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-6)
            along = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
            radius = r0 + (r1 - r0) * along
            off_x, off_y = x - (x0 + along * (x1 - x0)), y - (y0 + along * (y1 - y0))
            distance = np.sqrt(off_x**2 + off_y**2)
            near = radius - distance
            closer = near > nearest
            lit = self._lit(0.95 * off_x / radius, 0.95 * off_y / radius)
            shade = np.where(closer, lit, shade)
            nearest = np.where(closer, near, nearest)
            cover = np.maximum(cover, self._edge(near))
        return cover, shade

    def _lit(self, normal_x: Array, normal_y: Array | np.floating[Any]) -> Array:
        """Brightness of a surface, about 1 where it faces the camera."""
        flat = np.sqrt(np.clip(normal_x**2 + normal_y**2, 0, 0.96))
        normal_z = np.sqrt(1 - flat**2)
        towards = normal_x * self._light[0] + normal_y * self._light[1] + normal_z * self._light[2]
        return np.asarray(0.38 + 0.78 * np.clip(towards, 0, None), np.float32)

    def _edge(self, inside: Array) -> Array:
        """Coverage of a pixel that lies `inside` heads within an edge."""
        return np.asarray(np.clip(inside * self._unit + 0.5, 0, 1), np.float32)

    def _window(self, joints: list[Joint], margin: float = 0.06) -> tuple[slice, slice]:
        reach = [(x - r - margin, x + r + margin, y - r - margin, y + r + margin) for x, y, r in joints]
        x0, y0 = self.place(min(r[0] for r in reach), min(r[2] for r in reach))
        x1, y1 = self.place(max(r[1] for r in reach), max(r[3] for r in reach))
        width, height = self._size
        rows = slice(min(max(0, int(y0)), height - 1), min(max(1, int(y1) + 1), height))
        return rows, slice(min(max(0, int(x0)), width - 1), min(max(1, int(x1) + 1), width))

    def _lay(self, window: tuple[slice, slice], rgb: Array, cover: Array) -> None:
        cover = np.broadcast_to(cover, self._alpha[window].shape)
        below = self._alpha[window] * (1 - cover)
        total = np.clip(cover + below, 1e-6, None)
        self._rgb[window] = (rgb * cover[..., None] + self._rgb[window] * below[..., None]) / total[..., None]
        self._alpha[window] = cover + below


_CORNERS = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
_ALL = (slice(None), slice(None))


def _blurred(values: Array, pixels: float) -> Array:
    image = Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(pixels)), np.float32) / 255


def _sampled(texture: Array, u: Array, v: Array) -> Array:
    """The texture at (u, v), each 0 to 1, interpolated between its pixels; clamped outside."""
    height, width = texture.shape[:2]
    x, y = np.clip(u * width - 0.5, 0, width - 1.001), np.clip(v * height - 0.5, 0, height - 1.001)
    x0, y0 = x.astype(np.intp), y.astype(np.intp)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    top = texture[y0, x0] * (1 - fx) + texture[y0, x0 + 1] * fx
    bottom = texture[y0 + 1, x0] * (1 - fx) + texture[y0 + 1, x0 + 1] * fx
    return np.asarray(top * (1 - fy) + bottom * fy, np.float32)
