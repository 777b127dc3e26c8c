"""The pictures of an earlier run are gone when every browser test runs, and stay when one looks at a few."""

from pathlib import Path

import pytest

from tests.browser.stale import HERE, clear_stale


@pytest.fixture
def old(tmp_path: Path) -> Path:
    picture = tmp_path / "screenshots" / "page-that-is-no-more.png"
    picture.parent.mkdir()
    picture.write_bytes(b"old")
    return picture


@pytest.mark.parametrize("asked", [[HERE.parent], [HERE], [HERE.parent / "unit", HERE]], ids=["all", "browser", "two"])
def test_a_run_of_every_browser_test_takes_old_pictures_away(old: Path, asked: list[Path]) -> None:
    assert clear_stale(map(str, asked), chosen=False, is_worker=False, pictures=old.parent)
    assert not old.exists()


@pytest.mark.parametrize(
    ("asked", "chosen", "is_worker"),
    [
        pytest.param(HERE, False, True, id="one-of-many-workers"),
        pytest.param(HERE, True, False, id="some-by-name"),
        pytest.param(HERE / "test_numbers.py", False, False, id="one-file"),
        pytest.param(HERE.parent / "unit", False, False, id="no-browser-test"),
    ],
)
def test_any_other_run_leaves_them(old: Path, asked: Path, chosen: bool, is_worker: bool) -> None:
    assert not clear_stale([str(asked)], chosen=chosen, is_worker=is_worker, pictures=old.parent)
    assert old.exists()
