"""What is shipped beside the program: its configuration, the unit, the image."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import tomllib
from tests.server.running import Server, program
from tests.server.settings_table import DOCUMENT, EXAMPLE, SETTING, flag_of, run, told_settings, with_table

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"


def example_settings() -> dict[str, tuple[bool, object]]:
    """Name to whether it is in force, and its value, for every setting in the example, commented or not."""
    settings: dict[str, tuple[bool, object]] = {}
    section = ""
    for line in EXAMPLE.read_text().splitlines():
        if head := re.fullmatch(r"\[([a-z]+)\]", line):
            section = f"{head[1]}."
        elif found := SETTING.match(line):
            settings[section + found[2]] = (not found[1], tomllib.loads(f"value = {found[3]}")["value"])
    return settings


def as_told(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value == [] else str(value)


def test_the_example_holds_every_setting_with_its_default():
    told = told_settings()
    assert len(told) > 30
    example = example_settings()
    assert {flag_of(name) for name in example} == set(told)
    commented = {flag_of(name): as_told(value) for name, (in_force, value) in example.items() if not in_force}
    assert commented == {name: told[name].default for name in commented}


def test_the_document_has_the_settings_that_the_program_has():
    document = DOCUMENT.read_text()
    assert with_table(document) == document, "run python -m tests.server.settings_table"


def test_the_document_shows_how_a_webhook_is_verified():
    shown: dict[str, object] = {}
    exec(re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1], shown)
    is_genuine = shown["is_genuine"]
    body, now = '{"type":"ping","data":"é"}'.encode(), int(time.time())

    def signature(sent: int) -> str:
        command = ["openssl", "dgst", "-sha256", "-hmac", "secret", "-r"]
        told = subprocess.run(command, input=f"{sent}.".encode() + body, capture_output=True, check=True)
        return f"t={sent},v1={told.stdout.decode().split()[0]}"

    assert is_genuine(signature(now), body, "secret")
    assert not is_genuine(signature(now), body + b" ", "secret")
    assert not is_genuine(signature(now), body, "another")
    assert not is_genuine(signature(now - 1000), body, "secret")
    assert not is_genuine("nonsense", body, "secret")


def test_the_document_shows_calls_of_the_administration_that_work(tmp_path):
    if not shutil.which("curl"):
        pytest.skip("no curl here")
    photos = tmp_path / "photos"
    photos.mkdir()
    (tmp_path / "participants.csv").write_text("bib,name\nA207,Kim\n")
    shown = DOCUMENT.read_text().replace("s3://harbour/photos/", str(photos))
    lines = re.findall(r"^curl .*\$[AE]/.*$", shown, re.MULTILINE)
    assert len(lines) >= 10
    settings = {"admin_key": "the administrator's", "log": "error"}
    with Server(tmp_path / "season", tmp_path / "log", settings) as server:
        address = f"{server.url}/api/v1/admin"
        variables = f'A={address}; E={address}/events/1; H="X-Admin-Key: the administrator\'s"'
        for line in lines:
            call = line.split("  #")[0].replace("curl ", "curl -s -w '\\n%{http_code}' ")
            script = f"{variables}; J='Content-Type: application/json'; {call}"
            told = subprocess.run(
                ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
            )
            assert told.stdout.endswith("\n200"), f"{line}\n{told.stdout}"


def test_the_example_is_accepted_as_it_is_and_with_every_setting_in_force(tmp_path):
    workspace = ("--workspace", tmp_path / "workspace")  # the example's own is another user's to write
    told = run("--config", EXAMPLE, "--check-config", *workspace)
    assert told.returncode == 0, told.stderr
    everything = tmp_path / "everything.toml"
    everything.write_text(SETTING.sub(r"\2 = \3", EXAMPLE.read_text()))
    told = run("--config", everything, "--check-config", *workspace)
    assert told.returncode == 0, told.stderr
    assert not (tmp_path / "workspace").exists()  # it is only looked at


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what settings may name: a certificate and a key that does not belong to it, a short
    secret, and a manifest of two models whose weights are not there.
    """
    made = tmp_path_factory.mktemp("files")
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    for name in ("own", "other"):
        command = [*request, "-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run(command, cwd=made, check=True, capture_output=True)
    (made / "short").write_text("secret\n")
    about = {"licence": "MIT", "provenance": "made up"}
    weights = {"path": "weights.onnx", "sha256": "0" * 64}
    models = [
        {"name": "my-faces", "role": "face_embedder", "files": [weights], "output_size": 4, **about,
         "input": {"width": 112, "height": 112}, "alignment": [[0, 0], [1, 0], [0, 1], [1, 1], [2, 2]]},
        {"name": "my-digits", "role": "text_recognizer", "files": [weights], **about},
    ]  # fmt: skip
    (made / "models").mkdir()
    (made / "models" / "manifest.json").write_text(json.dumps({"schema": 1, "models": models}))
    (made / "broken.json").write_text("{")
    return made


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("listne = 'here'", 'no setting "listne"'),
        ("threads = 'many'", "threads must be a whole number"),
        ("threads = 0", "threads must be within"),
        ("[rate]\nsearches = true", "rate.searches must be a number"),
        ("hosts = 'example.org'", "hosts must be a list"),
        ("listen = ", "line 2"),
        ("log = 'loud'", "log: must be debug, info, warning, error or off"),
        ("listen = 'nonsense'", 'listen: "nonsense" has no port; write ADDRESS:PORT'),
        ("listen = 'photos.example.org:8080'", 'listen: "photos.example.org:8080" has no IP address'),
        ("admin_listen = '127.0.0.1:'", 'admin_listen: "127.0.0.1:" has no port'),
        ("admin_listen = '127.0.0.1:8080'", 'admin_listen: "127.0.0.1:8080" is taken by listen'),
        ("public_url = 'photos.example.org'", 'public_url: "photos.example.org": write a URL'),
        ("media_base_url = 'https://'", 'media_base_url: "https://": write a URL'),
        ("hosts = ['https://example.org']", 'hosts: "https://example.org": write the name alone'),
        ("hosts = ['example.org:80']", 'hosts: "example.org:80": write the name alone'),
        ("[proxies]\ntrusted = ['not a network']", 'proxies.trusted: "not a network" is no network'),
        ("[limits]\nselfie_mb = 40", "limits.selfie_mb: 40 is more than limits.body_mb, 32"),
        ("[limits]\nbodies_mb = 20", "limits.bodies_mb: 20 is less than limits.body_mb, 32"),
        ("workspace = '{files}/short'", 'workspace: cannot be written: "{files}/short" is no folder'),
        ("workspace = '{files}/short/season'", 'workspace: cannot be written: "{files}/short" is no folder'),
        ("log_file = '{files}/models'", 'log_file: cannot be written: "{files}/models" is a folder'),
        ("log_file = '{files}/short/log'", 'log_file: cannot be written: "{files}/short" is no folder'),
        ("admin_key_file = '{files}/none'", 'admin_key_file: cannot be read: "{files}/none": No such file'),
        ("admin_key_file = '{files}/short'", "admin_key_file: the administrator's key must have 16"),
        ("[tls]\ncertificate = '{files}/own.pem'", "tls.certificate: tls.key is missing"),
        ("[tls]\nkey = '{files}/own.key'", "tls.key: tls.certificate is missing"),
        ("[tls]\ncertificate = '{files}/none'\nkey = '{files}/own.key'", "tls.certificate: cannot be read"),
        ("[tls]\nkey = '{files}/none'\ncertificate = '{files}/own.pem'", "tls.key: cannot be read"),
        ("[tls]\ncertificate = '{files}/short'\nkey = '{files}/own.key'", "cannot use the certificate"),
        ("[tls]\nkey = '{files}/other.key'\ncertificate = '{files}/own.pem'", "cannot use the private key"),
        ("[models]\nfolder = '{files}/none'", 'models.folder: "{files}/none" is no folder'),
        ("[models]\nmanifests = ['{files}/none']", 'models.manifests: cannot be read: "{files}/none"'),
        ("[models]\nmanifests = ['{files}/broken.json']", "models.manifests: manifest {files}/broken.json"),
        ("[models]\nprecision = 'f16'", "models.precision: must be auto, f32 or bf16"),
        ("[models]\nreader = 'padle'", 'models.reader: must be paddle or tesseract, not "padle"'),
        ("[models]\nembedder = 'nope'", 'models.embedder: no manifest has "nope"'),
        ("[models]\nreader = 'padle'\nfolder = '{files}/models'", "paddle, tesseract or my-digits"),
        ("[models]\nembedder = 'my-digits'\nfolder = '{files}/models'", "must be my-faces"),
    ],
)
def test_a_wrong_line_is_named(files, tmp_path, line, says):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(f"# a comment\n{line.format(files=files)}\n")
    told = run("--config", wrong, "--check-config")
    assert told.returncode == 3, told.stdout
    assert says.format(files=files) in told.stderr
    assert f"{wrong}, line {3 if '[' in line.splitlines()[0].split('=')[0] else 2}: " in told.stderr
    # TBB's hwloc speaks where there is no /sys.
    assert len([line for line in told.stderr.splitlines() if not line.startswith("[hwloc/")]) == 1
    # What is found wrong is found wrong by the start as well, in the same words.
    assert run("--config", wrong).stderr == told.stderr


def test_models_that_are_yet_to_be_fetched_are_no_mistake(files, tmp_path):
    fine = tmp_path / "fine.toml"
    fine.write_text(f"workspace = '{tmp_path}/season'\n")
    assert run("--config", fine, "--check-config", EVENTLENS_MODELS=str(files / "none")).returncode == 0
    named = ("--models-embedder", "my-faces", "--models-reader", "my-digits")
    told = run("--config", fine, "--check-config", *named, EVENTLENS_MODELS=str(files / "models"))
    assert told.returncode == 0, told.stderr


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("threads = 2\nlog = 'loud'\n")
    told = run("--config", wrong, "--check-config", EVENTLENS_THREADS="none")
    assert told.returncode == 3
    assert "EVENTLENS_THREADS: threads must be a number" in told.stderr
    told = run("--config", wrong, "--check-config", "--rate-search-burst", "none", EVENTLENS_THREADS="3")
    assert told.returncode == 3
    assert "--rate-search-burst: rate.search_burst must be a number" in told.stderr
    told = run("--config", wrong, "--check-config", EVENTLENS_LOG="louder")
    assert "EVENTLENS_LOG: log: must be" in told.stderr
    told = run("--config", wrong, "--check-config", "--log", "loudest", EVENTLENS_LOG="louder")
    assert "--log: log: must be" in told.stderr
    workspace = ("--workspace", tmp_path / "season")
    assert run("--config", wrong, "--check-config", "--log", "off", *workspace).returncode == 0


def test_systemd_finds_the_unit_right_and_well_shut(tmp_path):
    if not (systemd := shutil.which("systemd-analyze")):
        pytest.skip("no systemd-analyze here")
    unit = tmp_path / "eventlens.service"
    # What it starts is not installed here; everything else is looked at as it stands.
    unit.write_text(
        (PACKAGING / "eventlens.service")
        .read_text()
        .replace("/opt/eventlens/bin/eventlens-server", "/bin/true")
    )
    verified = subprocess.run([systemd, "verify", unit], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr
    assert verified.stderr == ""
    command = [systemd, "security", "--offline=true", "--threshold=25", unit]
    rated = subprocess.run(command, capture_output=True, text=True, check=False)
    assert rated.returncode == 0, rated.stdout[-2000:]


def test_the_unit_leaves_the_program_time_and_files_enough():
    unit = (PACKAGING / "eventlens.service").read_text()
    example = {name: value for name, (_, value) in example_settings().items()}
    stops = int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[1])
    files = int(re.search(r"^LimitNOFILE=(\d+)$", unit, re.MULTILINE)[1])
    grace = int(re.search(r"stop_grace_period: (\d+)s", (PACKAGING / "compose.yaml").read_text())[1])
    assert min(stops, grace) >= example["drain_seconds"] + 10
    assert files >= example["limits.connections"] + 1000


def test_runtime_packages_names_what_the_program_needs():
    if not shutil.which("dpkg-query"):
        pytest.skip("no dpkg here")
    script = PACKAGING / "runtime-packages.sh"
    found = subprocess.run(
        [script, program().parent], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"libc6", "libsqlite3-0", "libssl3", "libcurl4"} <= set(found)
    for package in found:
        known = subprocess.run(["dpkg-query", "-W", package], capture_output=True, check=False)
        assert known.returncode == 0, package


@pytest.mark.long
def test_the_image_is_built_and_answers(tmp_path):
    """Where a container engine runs: builds the image, starts it, waits until the engine finds it healthy."""
    engine = next((name for name in ("docker", "podman") if works(name)), None)
    if engine is None:
        pytest.skip("no container engine runs here (docker info and podman info fail)")
    name = f"eventlens-test-{os.getpid()}"
    subprocess.run(
        [engine, "build", "-t", name, "-f", PACKAGING / "Dockerfile", ROOT], check=True, timeout=3600
    )
    try:
        subprocess.run(
            [engine, "run", "-d", "--name", name, "--read-only", "--tmpfs", "/tmp", name], check=True
        )
        inside = [engine, "exec", name]
        user = subprocess.run([*inside, "id", "-u"], capture_output=True, text=True, check=True)
        assert user.stdout.strip() == "10001"
        health = [
            "python3",
            "-c",
            "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz')",
        ]
        for _ in range(60):
            answer = subprocess.run([*inside, *health], capture_output=True, check=False)
            if answer.returncode == 0:
                break
            subprocess.run(["sleep", "1"], check=True)
        assert answer.returncode == 0, answer.stderr
        key = subprocess.run(
            [*inside, "eventlens", "key", "create", "--org", "1"], capture_output=True, text=True, check=True
        )
        assert len(key.stdout.strip()) > 20
        subprocess.run([engine, "stop", "-t", "40", name], check=True)
    finally:
        subprocess.run([engine, "rm", "-f", name], check=False)
        subprocess.run([engine, "rmi", "-f", name], check=False)


def works(engine: str) -> bool:
    if not shutil.which(engine):
        return False
    return subprocess.run([engine, "info"], capture_output=True, check=False).returncode == 0


def test_compose_is_read_by_compose():
    if not shutil.which("docker"):
        pytest.skip("no docker here")
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose here")
    secrets = {"S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b", "EVENTLENS_ADMIN_KEY": "c"}
    command = ["docker", "compose", "-f", PACKAGING / "compose.yaml", "config", "--quiet"]
    told = subprocess.run(command, env=os.environ | secrets, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    without = subprocess.run(command, capture_output=True, text=True, check=False)
    assert without.returncode != 0
    assert "a long random text" in without.stderr or "any name" in without.stderr
