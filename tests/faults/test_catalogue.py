"""The catalogue names every fault and every bad input, and only tests and long runs that exist."""

import re
from pathlib import Path

from tests.soak.parts import parts

TESTS = Path(__file__).parents[1]
CATALOGUE = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
FAULTS = {"A": 10, "B": 9, "C": 7, "D": 10, "E": 16, "F": 8, "G": 9}
INPUTS = {"X": 15, "W": 16, "R": 15, "K": 12, "J": 13, "U": 9}


def test_every_fault_and_every_bad_input_has_its_row() -> None:
    rows = re.findall(r"^\| ([A-Z]\d+) \|", CATALOGUE, flags=re.MULTILINE)

    assert rows == [f"{kind}{n}" for kind, count in (FAULTS | INPUTS).items() for n in range(1, count + 1)]


def test_every_test_that_the_catalogue_names_exists() -> None:
    named = re.findall(r"([a-z_/]+/test_\w+\.py)(?:::(\w+))?", CATALOGUE)
    missing = [
        (file, test)
        for file, test in named
        if not (TESTS / file).exists() or (test and f"def test_{test}(" not in (TESTS / file).read_text("utf-8"))
    ]

    assert len(named) > 100
    assert missing == []


def test_every_long_run_that_the_catalogue_names_exists() -> None:
    assert set(re.findall(r"soak ([a-z_]+)", CATALOGUE)) <= {*parts(), "NAME"}
