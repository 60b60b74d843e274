"""The arrows drawn in cpp/CMakeLists.txt are the arrows in the code, and each library has one home."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CPP = ROOT / "cpp"
ROOM = re.compile(r"^\s*eventlens_room\((\w+)([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'#include "(?:eventlens/)?(\w+)[./]')
SYSTEM_INCLUDE = re.compile(r"#include <([^>]+)>")
EVERYONE_MAY_USE = {"base", "byte_source", "error"}

# Value types of the public API that a lower room's header holds, and the rooms that may name them without linking it.
VALUE_TYPES = {
    "gallery": {"bibs", "faces", "image", "models"},
    "catalog": {"bibs", "clips", "faces", "gallery", "image", "models", "tracks", "video"},
    "models": {"image"},
    "clips": {"video"},
    "tracks": {"video"},
}

HOMES = {
    r"opencv2/(imgcodecs|opencv)": set(),
    r"opencv2/": {"image", "bibs"},
    r"openvino/": {"models", "tools"},
    r"sqlite3\.h": {"catalog"},
    r"lib(av\w+|swscale|swresample)/": {"video"},
    r"libheif/|libexif/|jpeglib|png\.h|tiffio|webp/": {"image"},
    r"tesseract/|leptonica/": {"bibs"},
    r"nlohmann/": {"models", "storage", "wire", "server"},
    r"boost/|toml\+\+/|CLI/|spdlog/|prometheus/": {"server"},
    r"dlib/": {"tools"},
    r"curl/|pugixml": {"storage"},
    r"absl/|uuid/uuid|openssl/": {"base"},
    r"pybind11/|Python\.h": set(),
}


def sources_under(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in {".h", ".cpp"})


def permitted() -> dict[str, set[str]]:
    rooms = {}
    for name, body in ROOM.findall((CPP / "CMakeLists.txt").read_text()):
        uses = re.search(r"USES\s+([\w\s]+?)(?=\s+LIBRARIES|\s*$)", body)
        named = set(uses[1].split()) if uses else set()
        rooms[name] = EVERYONE_MAY_USE | {name} | named | VALUE_TYPES.get(name, set())
    return rooms


def files_of(room: str) -> list[Path]:
    public = CPP / "include/eventlens" / f"{room}.h"
    return [*filter(Path.exists, [public]), *sources_under(CPP / "src" / room)]


def test_every_folder_is_a_room_of_the_map():
    assert {path.name for path in (CPP / "src").iterdir()} == set(permitted())


def test_rooms_include_only_what_they_declare():
    strays = [
        f"{file.relative_to(CPP)} includes {seen}"
        for room, allowed in permitted().items()
        for file in files_of(room)
        for seen in INCLUDE.findall(file.read_text())
        if seen not in allowed and seen != file.stem
    ]
    assert not strays, "\n".join(strays)


def test_arrows_point_down():
    """A room is declared after the rooms that it uses: the map reads bottom to top, without a circle."""
    below: set[str] = set()
    for name, body in ROOM.findall((CPP / "CMakeLists.txt").read_text()):
        uses = re.search(r"USES\s+([\w\s]+?)(?=\s+LIBRARIES|\s*$)", body)
        above = set(uses[1].split()) - below if uses else set()
        assert not above, f"{name} uses {above}, which stand above it"
        below.add(name)


@pytest.mark.parametrize("pattern", HOMES)
def test_a_library_has_one_home(pattern):
    strays = [
        str(file.relative_to(CPP))
        for file in sources_under(CPP)
        if file.relative_to(CPP).parts[:2] != ("include", "eventlens")
        and file.parent.name not in HOMES[pattern]
        and any(re.match(pattern, seen) for seen in SYSTEM_INCLUDE.findall(file.read_text()))
    ]
    assert not strays, strays


def test_one_file_knows_the_http_library():
    knowing = [path.name for path in sources_under(CPP) if "#include <boost/" in path.read_text()]
    assert knowing == ["http_server.cpp"]


def test_public_headers_show_no_library():
    own = re.compile(r"^[a-z_]+$")  # the standard library's headers have no dot and no slash
    strays = [
        f"{file.name} includes <{seen}>"
        for file in sources_under(CPP / "include")
        for seen in SYSTEM_INCLUDE.findall(file.read_text())
        if not own.match(seen)
    ]
    assert not strays, strays


def code_of(file: Path) -> str:
    return re.sub(r"//[^\n]*|\"(?:[^\"\\\n]|\\.)*\"", "", file.read_text())


@pytest.mark.parametrize(
    ("what", "pattern", "except_rooms"),
    [
        ("prints", r"\bstd::(cout|cerr|clog)\b|\bf?printf\(", set()),
        ("ends the process", r"(?<!\.)\b(std::)?(exit|abort|_Exit|quick_exit|terminate)\(", set()),
        ("reads the environment", r"\bgetenv\(", set()),
        ("makes threads", r"\bstd::(thread|jthread|async)\b(?!::hardware)", {"engine", "server"}),
    ],
)
def test_the_core_keeps_quiet(what, pattern, except_rooms):
    strays = [
        f"{file.relative_to(CPP)} {what}: {found[0]}"
        for file in sources_under(CPP / "src")
        if file.parent.name not in except_rooms
        and file.name != "main.cpp"  # a program's, which talks to whoever started it
        and (found := re.search(pattern, code_of(file)))
    ]
    assert not strays, "\n".join(strays)


def test_bindings_know_only_the_public_api():
    strays = [
        f"{file.name} includes {seen}"
        for file in sources_under(ROOT / "bindings")
        for seen in re.findall(r'#include "([^"]+)"', file.read_text())
        if not seen.startswith("eventlens/") and seen != "python_types.h"
    ]
    assert not strays, strays


def test_no_weights_or_pictures_are_committed():
    heavy = {".onnx", ".dat", ".tflite", ".bin", ".xml", ".jpg", ".jpeg"}
    tracked = [
        path for folder in ("cpp", "python", "bindings", "notebooks") for path in (ROOT / folder).rglob("*")
    ]
    assert not [str(path) for path in tracked if path.suffix in heavy]
