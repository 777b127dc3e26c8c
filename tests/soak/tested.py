"""Figures that tests measure: they are run by pytest, and what they recorded is read from its report."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tests.soak.part import Run
from tests.soak.promises import Figure

CHECKOUT = Path(__file__).resolve().parents[2]


def figures_of_tests(run: Run, *arguments: str, **variables: str) -> Iterator[Figure]:
    """Run the tests that `arguments` choose, and give what the fixture `figure` recorded.

    Args:
        variables: of the environment, beside those that are set.
    """
    told, tests_log = run.folder / "tests.xml", run.folder / "tests.log"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-o",
        "junit_family=xunit1",
        f"--junitxml={told}",
        f"--basetemp={run.folder / 'tmp'}",
        *arguments,
    ]
    with tests_log.open("wb") as log:
        subprocess.run(command, cwd=CHECKOUT, stdout=log, stderr=log, env=os.environ | variables, check=False)
    for case in ElementTree.parse(told).iter("testcase"):
        broken = [problem for kind in ("failure", "error") for problem in case.iter(kind)]
        rows = [row for row in case.iter("property") if row.get("name") == "figure"]
        for row in rows:
            yield Figure.from_json(json.loads(row.get("value", "")))
        if broken and not rows:
            raise SystemExit(f"{case.get('name')} failed before it had a figure; see {tests_log}")
