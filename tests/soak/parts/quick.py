"""The figures that `make test` measures: its tests that hold a promise are run, and what they found is listed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tests.soak.part import Part, Run
from tests.soak.promises import Figure

CHECKOUT = Path(__file__).resolve().parents[3]


def measure(run: Run) -> Iterator[Figure]:
    """Run every test that asks for the fixture `figure`, and give what it recorded."""
    told = run.folder / "tests.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "promise",
        f"--junitxml={told}",
        f"--basetemp={run.folder / 'tmp'}",
    ]
    with (run.folder / "tests.log").open("wb") as log:
        subprocess.run(command, cwd=CHECKOUT, stdout=log, stderr=log, check=False)
    for case in ElementTree.parse(told).iter("testcase"):
        broken = [problem for kind in ("failure", "error") for problem in case.iter(kind)]
        rows = [row for row in case.iter("property") if row.get("name") == "figure"]
        for row in rows:
            yield Figure.from_json(json.loads(row.get("value", "")))
        if broken and not rows:
            raise SystemExit(f"quick: {case.get('name')} failed before it had a figure; see {run.folder / 'tests.log'}")


PART = Part("run the tests of `make test` that measure a promise", (), 4, measure)
