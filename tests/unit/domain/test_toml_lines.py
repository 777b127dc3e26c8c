"""The reader of TOML files finds the line of what it complains about, and shows no secret."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.toml_file import TomlFile

TEXT = """top = 1

[first]
one = 1
api_key = "x"

[first.inner]  # a comment
two = [
  1,
]

["second table"]
three = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> TomlFile:
    """Return the file of the text above."""
    path = tmp_path / "some.toml"
    path.write_text(TEXT, encoding="utf-8")
    return TomlFile.read(path)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("top",), 1),
        (("first",), 3),
        (("first", "one"), 4),
        (("first", "one", "deeper"), 4),
        (("first", "absent"), 3),
        (("first", "inner"), 7),
        (("first", "inner", "two"), 8),
        (("first", "inner", "two", "0"), 8),
        (("second table", "three"), 13),
        (("absent",), 1),
        ((), 1),
    ],
)
def test_the_line_is_that_of_the_deepest_step_the_file_spells_out(
    file: TomlFile, place: tuple[str, ...], line: int
) -> None:
    assert file.line_of(place) == line


class Shape(BaseModel):
    """What the first table should be."""

    one: int
    api_key: int


def test_a_secret_is_neither_shown_nor_kept_in_the_cause(file: TomlFile) -> None:
    with pytest.raises(ConfigError, match=r"some\.toml:5: \[first\.api_key\] \(value not shown\)") as raised:
        file.table(("first",), Shape)

    assert raised.value.__cause__ is None


def test_a_missing_table_is_said(file: TomlFile) -> None:
    with pytest.raises(ConfigError, match=r"\[first\.outer\] is missing"):
        file.table(("first", "outer"), Shape)
