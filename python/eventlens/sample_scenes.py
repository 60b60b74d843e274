"""Who runs in the sample event, and every photo that is taken of them: the event's script, as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from eventlens.sample_figures import Colour, Outfit


@dataclass(frozen=True)
class Runner:
    """A person: their number, clothes, and the portraits (keys of sample_sources.json) that show them."""

    bib: str
    outfit: Outfit
    portraits: list[str]  # those used in the event
    selfie: str


RUNNERS = {
    "astronaut": Runner(
        "318", Outfit((226, 98, 38), (250, 236, 214), (44, 44, 58), False), ["astronaut"], "astronaut"
    ),
    "president": Runner(
        "1204",
        Outfit((38, 92, 168), (236, 238, 240), (28, 30, 40), True),
        ["president-2012", "president-2010"],
        "president-2009",
    ),
    "vice-president": Runner(
        "A207",
        Outfit((222, 222, 214), (36, 120, 84), (24, 60, 48), True),
        ["vice-president-2010"],
        "vice-president-2010",
    ),
    "admiral": Runner(
        "1906", Outfit((128, 48, 92), (240, 214, 226), (34, 34, 60), True), ["admiral"], "admiral"
    ),
}
BIB_BAND: Colour = (24, 84, 140)


@dataclass(frozen=True)
class Stand:
    """One runner in one scene: where the chin is (0 to 1 of the photo), how large the head (of the photo's
    height).
    """

    person: str
    x: float
    y: float
    head: float
    portrait: int = 0
    mirror: bool = False
    roll: float = 0.0
    turn: float = 0.0
    tilt: float = 0.0
    fold: float = 0.2


@dataclass(frozen=True)
class Scene:
    place: str  # "road", "park", "finish" or "lake"
    runners: list[Stand] = field(default_factory=list)
    portrait_format: bool = False
    tilt: float = 0.0  # of the camera, degrees
    gain: float = 1.0
    warmth: float = 0.0  # -1 (blue) to 1 (golden)
    shake: int = 0  # pixels of motion blur
    soft: float = 0.0  # pixels of missed focus
    quality: int = 88
    light: float = -0.5
    orientation: int = 1  # EXIF: how the camera was held
    hard: bool = False


def _solo_scenes() -> list[Scene]:
    """Each runner alone: crop, light, size, tilt, blur and compression differ from photo to photo."""
    variations: list[tuple[Stand, Scene]] = [
        (Stand("", 0.46, 0.36, 0.22, fold=0.1), Scene("road", tilt=-1.5, light=-0.6, quality=92)),
        (
            Stand("", 0.55, 0.26, 0.155, mirror=True, roll=5, turn=16, tilt=4),
            Scene("park", tilt=3, warmth=0.4, light=0.6, quality=84),
        ),
        (
            Stand("", 0.5, 0.22, 0.14, portrait=1, roll=-4, turn=-14, tilt=-5, fold=0.5),
            Scene("lake", portrait_format=True, gain=0.82, light=-0.3, quality=80),
        ),
        (
            Stand("", 0.4, 0.42, 0.27, roll=3, tilt=2, fold=0.3),
            Scene("finish", tilt=-3.5, gain=1.12, warmth=0.2, shake=3, quality=90),
        ),
        (
            Stand("", 0.6, 0.27, 0.125, portrait=1, mirror=True, roll=-6, turn=20, fold=0.4),
            Scene("road", tilt=2, gain=0.66, warmth=-0.4, light=0.7, quality=74),
        ),
        (
            Stand("", 0.5, 0.3, 0.17, roll=7, turn=-22, tilt=7, fold=0.7),
            Scene("park", portrait_format=True, tilt=-2, gain=1.2, soft=0.8, quality=66),
        ),
        (
            Stand("", 0.33, 0.24, 0.115, mirror=True, roll=-3, tilt=-6, fold=0.2),
            Scene("lake", tilt=4, warmth=0.7, light=0.5, shake=2, quality=58),
        ),
    ]
    scenes = []
    for index, person in enumerate(RUNNERS):
        for number, (stand, scene) in enumerate(variations):
            flip = (index + number) % 2 == 1
            placed = replace(stand, person=person, x=1 - stand.x if flip else stand.x)
            scenes.append(replace(scene, runners=[placed], tilt=scene.tilt * (-1 if flip else 1)))
    return scenes


def _group_scenes() -> list[Scene]:
    return [
        Scene(
            "road",
            [Stand("admiral", 0.68, 0.3, 0.125), Stand("president", 0.33, 0.33, 0.165, roll=3)],
            quality=90,
        ),
        Scene(
            "finish",
            [
                Stand("astronaut", 0.25, 0.3, 0.14, roll=-4, turn=10),
                Stand("vice-president", 0.52, 0.28, 0.15, mirror=True, tilt=3),
                Stand("admiral", 0.79, 0.33, 0.145, turn=-12),
            ],
            tilt=1.5,
            warmth=0.3,
            quality=86,
        ),
        Scene(
            "park",
            [
                Stand("president", 0.2, 0.27, 0.12, portrait=1),
                Stand("astronaut", 0.42, 0.31, 0.125, roll=4),
                Stand("vice-president", 0.63, 0.28, 0.12, roll=-3, fold=0.5),
                Stand("admiral", 0.85, 0.33, 0.125, mirror=True),
            ],
            light=0.5,
            quality=90,
        ),
        Scene(
            "lake",
            [
                Stand("astronaut", 0.66, 0.28, 0.13, mirror=True, tilt=-4),
                Stand("president", 0.36, 0.33, 0.18, mirror=True),
            ],
            tilt=-2.5,
            gain=0.85,
            quality=78,
        ),
        Scene(
            "finish",
            [
                Stand("vice-president", 0.35, 0.34, 0.19, roll=-4, turn=12),
                Stand("president", 0.7, 0.32, 0.18, portrait=1, tilt=4, fold=0.4),
            ],
            gain=1.1,
            shake=2,
        ),
        Scene(
            "road",
            [Stand("admiral", 0.3, 0.22, 0.12, roll=4), Stand("astronaut", 0.7, 0.24, 0.125, fold=0.4)],
            portrait_format=True,
            warmth=-0.3,
            quality=82,
            orientation=6,
        ),
    ]


def _other_scenes() -> list[Scene]:
    """Heads out of the frame, nobody at all, and two photos that nobody should be blamed for failing on."""
    return [
        Scene("road", [Stand("president", 0.45, -0.09, 0.2, tilt=3)], quality=88),
        Scene("park", [Stand("astronaut", 0.55, -0.08, 0.19, turn=12, fold=0.4)], gain=0.9, quality=84),
        Scene("finish", [Stand("vice-president", 0.5, -0.09, 0.21, tilt=-4)], tilt=2, quality=86),
        Scene(
            "road",
            [Stand("admiral", 0.5, 0.3, 0.15, fold=1.0, tilt=9)],
            shake=13,
            gain=0.7,
            quality=60,
            hard=True,
        ),
        Scene(
            "lake",
            [Stand("vice-president", 0.45, 0.3, 0.13, turn=30, fold=1.0)],
            gain=0.3,
            soft=3,
            quality=50,
            hard=True,
        ),
        Scene("park", tilt=1.0),
        Scene("lake", warmth=0.6),
        Scene("finish", gain=0.9, portrait_format=True),
        Scene("road", warmth=-0.2, orientation=8),
    ]


SCENES = [*_solo_scenes(), *_group_scenes(), *_other_scenes()]
