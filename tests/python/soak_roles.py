"""What the processes of the soak test do: `python soak_roles.py ROLE WORKSPACE ARGUMENT...`.

Each works in the event "Race" until its standard input ends, and then writes what it knows as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import eventlens


def until_told() -> Iterator[None]:
    """Once for each round of work."""
    while not select.select([sys.stdin], [], [], 0)[0]:
        yield


def index(event: eventlens.Event, folder: str, spare: str) -> int:
    """Photos come from and go to a spare folder, a few at a time; says how many runs there were."""
    chance = random.Random(folder)
    runs = 0
    for _ in until_told():
        for path in [*Path(folder).iterdir(), *Path(spare).iterdir()]:
            if chance.random() < 0.2:
                path.rename(Path(spare if path.parent == Path(folder) else folder) / path.name)
        assert not event.index(folder, workers=1).failed
        runs += 1
    event.index(folder)
    return runs


def hide(event: eventlens.Event, folder: str) -> list[str]:
    """Hides and shows photos of a folder that does not change; says which are hidden."""
    chance = random.Random(folder)
    names = {path.name for path in Path(folder).iterdir()}
    photos = [details.photo for details in event.photos() if details.photo.key in names]
    hidden: set[str] = set()
    for _ in until_told():
        photo = chance.choice(photos)
        if photo.key in hidden:
            assert event.show([photo]) == 1
            hidden.remove(photo.key)
        else:
            assert event.hide([photo]) == 1
            hidden.add(photo.key)
        time.sleep(0.05)
    return sorted(hidden)


def search(event: eventlens.Event, bib: str, *selfies: str) -> dict[str, object]:
    """Searches all the time; says how much memory it held after each round, and what it finds in the end."""
    held = []
    for _ in until_told():
        answers(event, bib, selfies)
        held.append(resident_bytes())
    return {"held": held, "answers": answers(event, bib, selfies)}


def answers(event: eventlens.Event, bib: str, selfies: tuple[str, ...]) -> list[dict[str, float]]:
    """The photos found by the bib and by each selfie, and how probable each is."""
    found = [event.find_bib(bib), *(event.find_selfie(selfie).matches for selfie in selfies)]
    return [{match.photo.uuid: match.probability for match in matches} for matches in found]


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    role, workspace, *arguments = sys.argv[1:]
    roles = {"index": index, "hide": hide, "search": search}
    print(json.dumps(roles[role](eventlens.open(workspace, threads=1).event("Race"), *arguments)))
