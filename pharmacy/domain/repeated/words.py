"""The words that decide whether a question may be answered from memory, as words.toml lists them."""

import re
import tomllib
from functools import cache
from pathlib import Path


@cache
def words(table: str) -> re.Pattern[str]:
    """Return what finds any word of `table` in words.toml, the longest first."""
    listed: list[str] = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))[table]["words"]
    return re.compile("|".join(sorted(listed, key=len, reverse=True)))
