"""Check a file to train from, our own or anybody's, line by line: what is wrong, and where."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

from distillation.datasets.chat_rules import CheckedRow, RowFault, checked
from pharmacy.models.known_models import known_model

LEAST_ROWS = 10
LARGEST_FILE_BYTES = 512 * 1024 * 1024
LONGEST_LINE_BYTES = 10 * 1024 * 1024
MOST_FAULTS = 100
"""How many are told; the others are counted."""

BASE = "gpt-4o-mini-2024-07-18"
_BOM = b"\xef\xbb\xbf"
_OTHER_LINE_ENDS = ("\u2028", "\u2029", "\x85")


@dataclass(frozen=True)
class Fault:
    """What keeps a file from being trained from."""

    line: int
    """From 1; 0 is the file as a whole."""

    says: str


@dataclass
class CheckedFile:
    """What was found."""

    path: Path
    rows: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    longest_tokens: int = 0
    bytes: int = 0
    sha256: str = ""
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    """What some readers stumble over, and training does not."""

    @property
    def is_good(self) -> bool:
        """Whether a model can be trained from it."""
        return not self.fault_count

    def add(self, line: int, says: str) -> None:
        """Note a fault."""
        self.fault_count += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(line, says))

    def note(self, line: int, says: str) -> None:
        """Note what is no fault."""
        if len(self.notes) < MOST_FAULTS:
            self.notes.append(Fault(line, says))


def check_file(path: Path, models: Sequence[str] = (BASE,), least_rows: int = LEAST_ROWS) -> CheckedFile:
    """Return what there is in the file at `path`, and every fault.

    Args:
        models: each row must fit into the context of each; one that nobody knows is noted.

    Raises:
        OSError: it cannot be read.
    """
    found = CheckedFile(path)
    limit = _context(models, found)
    with path.open("rb") as file:
        for number, line in _lines(file, found):
            _check_line(found, number, line, limit)
    if len(found.forms) > 1:
        found.add(0, f"mixes answers and pairs ({dict(found.forms)}); expected one form of row")
    if found.rows < least_rows:
        found.add(0, f"has {found.rows} rows; expected at least {least_rows}")
    if found.bytes > LARGEST_FILE_BYTES:
        found.add(0, f"has {found.bytes} bytes; expected at most {LARGEST_FILE_BYTES}")
    return found


def _context(models: Sequence[str], found: CheckedFile) -> int | None:
    sizes = {name: known_model(name) for name in models}
    for name, known in sizes.items():
        if known is None:
            found.note(0, f"the context of {name!r} is not known; its rows were held against the others' only")
    return min((known.context for known in sizes.values() if known), default=None)


def _lines(file: IO[bytes], found: CheckedFile) -> Iterator[tuple[int, bytes | None]]:
    """Give each line with its number; None for one that is too long to be read."""
    digest, number = hashlib.sha256(), 0
    while piece := file.readline(LONGEST_LINE_BYTES):
        number += 1
        whole = piece
        is_long = not piece.endswith(b"\n") and len(piece) == LONGEST_LINE_BYTES
        found.bytes += len(piece)
        digest.update(piece)
        while not whole.endswith(b"\n") and (whole := file.readline(LONGEST_LINE_BYTES)):
            is_long = True
            found.bytes += len(whole)
            digest.update(whole)
        yield number, None if is_long else piece
    found.sha256 = digest.hexdigest()


def _check_line(found: CheckedFile, number: int, line: bytes | None, limit: int | None) -> None:
    try:
        row = _row(found, number, line)
    except RowFault as fault:
        found.add(number, str(fault))
        return
    found.rows += 1
    found.forms[row.form] += 1
    found.tokens += row.tokens
    found.longest_tokens = max(found.longest_tokens, row.tokens)
    if limit is not None and row.tokens > limit:
        found.add(number, f"has about {row.tokens} tokens; expected at most {limit}")


def _row(found: CheckedFile, number: int, line: bytes | None) -> CheckedRow:
    if line is None:
        raise RowFault(f"is longer than {LONGEST_LINE_BYTES} bytes; expected a row")
    if number == 1 and line.startswith(_BOM):
        raise RowFault("begins with a byte order mark; expected UTF-8 without one")
    if not line.strip():
        raise RowFault("is blank; expected a row")
    if line.endswith(b"\r\n"):
        found.note(number, "ends with CR LF; LF alone is usual")
    try:
        words = line.decode("utf-8")
        value = json.loads(words, object_pairs_hook=_object, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise RowFault(f"is no UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise RowFault("is nested too deep; expected a row") from None
    except json.JSONDecodeError as error:
        cut = "" if line.endswith(b"\n") else ", and the file ends without a line end: was it cut short?"
        raise RowFault(f"is no JSON: {error.msg} at letter {error.pos + 1}{cut}") from None
    except ValueError as error:
        raise RowFault(f"is no JSON: {error}") from None
    if any(end in words for end in _OTHER_LINE_ENDS):
        found.note(number, "holds U+2028, U+2029 or U+0085 unescaped; some readers take it for a line end")
    return checked(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0][:40]!r} stands twice in one object")
    return dict(pairs)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
