"""The figures that `make test` measures: its tests that hold a promise are run, and what they found is listed."""

from collections.abc import Iterator

from tests.soak.part import Part, Run
from tests.soak.promises import Figure
from tests.soak.tested import figures_of_tests


def measure(run: Run) -> Iterator[Figure]:
    """Run every test that asks for the fixture `figure`, and give what it recorded; of canaries, every one."""
    yield from figures_of_tests(run, "-m", "promise", CANARIES="200")


PART = Part("run the tests of `make test` that measure a promise", (), 4, measure)
