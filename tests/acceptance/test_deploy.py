"""The files that run Kakari elsewhere: image, compose file, units, alert rules. No container engine runs the first two
here, so they are read as an engine would read them, and the program is started from what the image would hold."""

import fnmatch
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
import yaml

from pharmacy.settings import variables
from server.watching import beat_file

CHECKOUT = Path(__file__).parents[2]
DEPLOY = CHECKOUT / "deploy"
UNITS = ("kakari.service", "kakari-worker@.service")
COMPOSE = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]


def _instructions() -> list[tuple[str, str]]:
    text = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [(line.split()[0], " ".join(line.split()[1:])) for line in lines.splitlines() if line.strip()]


def _last_stage() -> list[tuple[str, str]]:
    steps = _instructions()
    return steps[max(place for place, (name, _) in enumerate(steps) if name == "FROM") :]


def _in_context() -> list[str]:
    """Return the files that the build is sent: the last pattern of .dockerignore that fits decides."""
    patterns = [
        line for line in (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]  # fmt: skip
    tops = [place for place in CHECKOUT.iterdir() if place.name not in (".git", ".venv", ".venv-lora")]
    files = [file for top in tops for file in (top.rglob("*") if top.is_dir() else [top]) if file.is_file()]
    return [name for file in files if _is_sent(name := str(file.relative_to(CHECKOUT)), patterns)]


def _is_sent(file: str, patterns: list[str]) -> bool:
    sent = True
    for pattern in patterns:
        bare = pattern.removeprefix("!")
        parents = [file, *(str(parent) for parent in Path(file).parents)]
        if any(fnmatch.fnmatch(place, bare) or fnmatch.fnmatch(place, bare.removeprefix("**/")) for place in parents):
            sent = pattern.startswith("!")
    return sent


def test_the_image_is_built_from_a_tagged_base_in_two_stages_from_locked_packages() -> None:
    steps = _instructions()

    assert steps[0][0] == "ARG"
    assert re.fullmatch(r"BASE=python:3\.11-slim-\w+", steps[0][1])
    assert [name for name, _ in steps].count("FROM") == 2
    installs = [words for name, words in steps if name == "RUN" and "pip install" in words]
    assert len(installs) == 1
    assert {"--require-hashes", "--only-binary"} <= set(installs[0].split())
    assert not re.search(r"https?://", (CHECKOUT / "Dockerfile").read_text(encoding="utf-8"))


def test_the_image_runs_as_nobody_in_particular_and_says_whether_it_is_well() -> None:
    last = dict(_last_stage())

    assert last["USER"] == "10001:10001"
    assert "CMD" in last["HEALTHCHECK"]
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert last["ENTRYPOINT"] == '["kakari"]'
    names = [word.partition("=")[0] for word in last["ENV"].split()]
    known = {*variables(), "PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    assert set(names) <= known


def test_the_build_is_sent_what_the_program_runs_from_and_nothing_else() -> None:
    sent = _in_context()

    rooms = {Path(file).parts[0] for file in sent}
    assert rooms == {"requirements", "cli", "server", "distillation", "evaluation", "graph", "nodes", "prompts",
                     "pharmacy", "mermaid", "deploy"}  # fmt: skip
    assert not [file for file in sent if Path(file).name.startswith(".env") or "tests" in Path(file).parts]


def test_the_program_runs_from_what_the_image_holds(tmp_path: Path) -> None:
    for file in _in_context():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / file, tmp_path / file)
    # Without the environment's own .pth files, or a missing file would be found in the checkout.
    start = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {sysconfig.get_path('purelib')!r}]; "
    run = "import server.app, server.worker.run, cli.serve; server.app.create_app(); from cli.main import main; main()"

    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + run, "graph"],
        cwd=tmp_path, env={"PATH": "/usr/bin"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == (CHECKOUT / "mermaid" / "reply.mmd").read_text(encoding="utf-8").strip()


def test_every_secret_of_the_compose_file_is_required_by_name() -> None:
    given = {name: value for of in SERVICES.values() for name, value in of["environment"].items()}

    secrets = {name for name in given if re.search(r"PASSWORD|SECRET|KEY|TOKEN|DATABASE_URL", name)}
    assert secrets >= {"DATABASE_URL", "POSTGRES_PASSWORD", "OPENAI_API_KEY", "LINE_CHANNEL_SECRET",
                       "LINE_CHANNEL_ACCESS_TOKEN"}  # fmt: skip
    assert [name for name in secrets if not re.search(r"\$\{[A-Z_]+:\?", given[name])] == []


def test_every_setting_reaches_the_containers_and_an_alarm_without_an_address_starts_nothing() -> None:
    for name in ("app", "worker"):
        service = SERVICES[name]
        assert [file["path"] for file in service["env_file"]] == ["${KAKARI_ENV_FILE:-kakari.env}"]
        for alarm in ("KAKARI_ALARM_URL", "KAKARI_ALARM_SECRET"):
            assert service["environment"][alarm].startswith(f"${{{alarm}:?")
    assert "kakari.env" in (CHECKOUT / "docs" / "runbook.md").read_text(encoding="utf-8")


def test_the_compose_file_says_only_what_kakari_understands() -> None:
    for name in ("app", "worker"):
        assert set(SERVICES[name]["environment"]) <= set(variables())
        assert SERVICES[name]["depends_on"] == {"db": {"condition": "service_healthy"}}
        assert SERVICES[name]["read_only"]
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in SERVICES[name]["security_opt"]


def test_every_service_of_the_compose_file_is_looked_after_and_keeps_its_state() -> None:
    assert set(SERVICES) == {"db", "app", "worker"}
    for service in SERVICES.values():
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"
        assert [mount.partition(":")[0] in COMPOSE["volumes"] for mount in service["volumes"]] == [True]
        assert ":" in service["image"]
    assert "ports" not in SERVICES["db"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["app"]["ports"])


def test_one_living_worker_hides_no_dead_one_that_shares_its_volume(tmp_path: Path) -> None:
    is_beating = runpy.run_path(str(DEPLOY / "alive.py"))["is_beating"]
    (tmp_path / "worker-living-1.beat").touch()
    dead = tmp_path / "worker-dead-1.beat"
    dead.touch()
    os.utime(dead, (time.time() - 60, time.time() - 60))

    assert [is_beating(tmp_path, host) for host in ("living", "dead", "liv", "never-begun")] == [
        True,
        False,
        False,
        False,
    ]


def test_the_beat_of_a_worker_is_the_one_that_is_looked_for(tmp_path: Path) -> None:
    is_beating = runpy.run_path(str(DEPLOY / "alive.py"))["is_beating"]

    beat_file(tmp_path).touch()

    assert is_beating(tmp_path, socket.gethostname())


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_closed_to_everything_it_does_not_need(unit: str) -> None:
    text = (DEPLOY / unit).read_text(encoding="utf-8")
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))

    assert said["User"] == "kakari"
    assert said["KillMode"] == "mixed"
    assert int(said["TimeoutStopSec"]) > 10
    for name in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces"):
        assert said[name] == "yes"
    assert (said["ProtectSystem"], said["CapabilityBoundingSet"]) == ("strict", "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong_in_a_unit_and_little_that_is_open(unit: str, tmp_path: Path) -> None:
    # The program is not installed under /opt here; everything else is read as it stands.
    text = re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", (DEPLOY / unit).read_text(encoding="utf-8"), flags=re.M)
    file = tmp_path / unit
    file.write_text(text, encoding="utf-8")

    read = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True, check=False
    )
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (read.returncode, read.stderr) == (0, "")
    assert exposed.returncode == 0, exposed.stdout[-200:]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian's prometheus) is not installed here")
def test_prometheus_takes_the_rules() -> None:
    ran = subprocess.run(["promtool", "check", "config", "prometheus.yml"], cwd=DEPLOY, capture_output=True, text=True,
                         check=False)  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
