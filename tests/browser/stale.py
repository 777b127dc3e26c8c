"""The pictures of earlier runs: a run of every browser test takes them away first."""

import shutil
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "build" / "screenshots"
"""Kept for people to look at; git ignores the folder."""


def clear_stale(asked: Iterable[str], *, chosen: bool, is_worker: bool, pictures: Path = PICTURES) -> bool:
    """Take the pictures away, and say so; a run of only some browser tests, and one of many workers, leaves them.

    Args:
        asked: what pytest was told to run.
        chosen: whether some of that was picked, by a name or a mark.
    """
    whole = any(HERE.is_relative_to(Path(each).resolve()) for each in asked)
    if is_worker or chosen or not whole:
        return False
    shutil.rmtree(pictures, ignore_errors=True)
    return True
