"""Ten minutes of schemathesis against the served documentation: as `make test` does for one minute."""

from collections.abc import Iterator

from tests.soak.part import Part, Run
from tests.soak.promises import Figure
from tests.soak.tested import figures_of_tests

SECONDS = 600
STARTING_SECONDS = 300
TEST = "tests/api/test_schema.py"


def measure(run: Run) -> Iterator[Figure]:
    """Run the test for longer: fuzzing and the stateful phase repeat with other draws until the time is spent."""
    seconds = run.scaled(SECONDS, 20)
    limit = f"--timeout={seconds + STARTING_SECONDS}"
    draws = {"KAKARI_TEST_SCHEMA_SECONDS": str(seconds), "KAKARI_TEST_SCHEMA_SEED": str(run.seed)}
    yield from figures_of_tests(run, TEST, limit, **draws)


PART = Part("ask everything that the documentation offers, and more, for ten minutes", ("P20",), 12, measure)
