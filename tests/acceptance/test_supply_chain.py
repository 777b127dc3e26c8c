"""What the program is made of: locked with hashes, from no named host, and nothing that runs code when installed."""

import json
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
LOCKS = sorted((CHECKOUT / "requirements").glob("*.txt"))
ROOMS = ("cli", "server", "distillation", "evaluation", "graph", "nodes", "prompts", "pharmacy")
MAY_RUN_AT_START = frozenset({"setuptools"})
"""Whose `.pth` file may hold code; setuptools keeps the old `distutils` out with it."""


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_its_hashes_and_no_host_is_named(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")

    entries = [line for line in text.splitlines() if line.strip()]
    assert entries
    assert [line for line in entries if not re.match(r"\S+==\S+.* --hash=sha256:[0-9a-f]{64}", line)] == []
    assert "://" not in text


def test_the_bill_of_materials_names_every_package_of_the_program(tmp_path: Path, figure: Callable[..., None]) -> None:
    bill, lock = tmp_path / "sbom.json", CHECKOUT / "requirements" / "app.txt"
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(lock), "-o", str(bill)]

    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, timeout=120)

    named = {(of["name"], of["version"]) for of in json.loads(bill.read_text(encoding="utf-8"))["components"]}
    locked = re.findall(r"^(\S+?)(?:\[.*\])?==([^\s;]+)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    left_out = {*locked} - named
    figure("P18", "packages of the lock that the bill of materials (SBOM) leaves out",
           measured=f"{len(left_out)} of {len(locked)}", asked="0", holds=len(locked) > 0 and not left_out)  # fmt: skip


def test_no_file_runs_code_at_every_start_unless_its_package_may(figure: Callable[..., None]) -> None:
    installed = Path(sysconfig.get_path("purelib"))
    owners = {str(file.name): of.name for of in distributions(path=[str(installed)]) for file in of.files or ()
              if file.name.endswith(".pth")}  # fmt: skip

    unexpected = [
        file.name for file in installed.glob("*.pth") if not _harmless(file) and owners.get(file.name) not in
        MAY_RUN_AT_START
    ]  # fmt: skip

    figure("P18", "files that run code at every start, of packages that may not", measured=str(len(unexpected)),
           asked="0", holds=not unexpected)  # fmt: skip


def _harmless(file: Path) -> bool:
    """Return whether a `.pth` file only names folders of this checkout."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return all(Path(line).resolve().is_relative_to(CHECKOUT) and not line.startswith("import") for line in lines)


def test_a_file_that_runs_code_is_not_taken_for_harmless(tmp_path: Path) -> None:
    file = tmp_path / "x.pth"
    file.write_text("import os; os.getcwd()\n", encoding="utf-8")

    assert not _harmless(file)


def test_no_code_of_ours_is_dangerous_by_common_rules(figure: Callable[..., None]) -> None:
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "-lll", "--format", "csv", *ROOMS]

    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)

    found = len(ran.stdout.strip().splitlines()[1:])
    figure("P18", "findings of high severity in the program's own code", measured=str(found), asked="0",
           holds=ran.returncode == 0 and found == 0)  # fmt: skip
