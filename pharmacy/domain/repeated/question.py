"""The one question of a message, folded for comparing; None where there is more, or anything of the patient."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pharmacy.domain.facts import UNKNOWN, FactSheet

LONGEST = 80
"""Letters of a question that is likely to be asked again."""

_PARTS = re.compile(r"[。．!?！？\n\r]+")
_EDGES = " 　、。,.!?~〜♪…ー"
# Between figures a space parts two numbers; elsewhere it says nothing.
_SPACE = re.compile(r"(?<![0-9])\s+|\s+(?![0-9])")


@cache
def words(table: str) -> re.Pattern[str]:
    """Return what finds any word of `table` in words.toml, the longest first."""
    listed: list[str] = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))[table]["words"]
    return re.compile("|".join(sorted(listed, key=len, reverse=True)))


def single(message: str) -> str | None:
    """Return the one question that `message` holds, folded and without its greeting; None where there is not one."""
    parts = [part.strip(_EDGES) for part in _PARTS.split(unicodedata.normalize("NFKC", message))]
    told = [part for raw in parts if (part := words("greetings").sub("", raw).strip(_EDGES))]
    if len(told) != 1 or len(told[0]) > LONGEST or words("joining").search(told[0]):
        return None
    return _SPACE.sub("", told[0]).lower()


def tells_of_patient(text: str) -> bool:
    """Return whether `text` may tell anything of the person who wrote it, or lean on what was said before."""
    return bool(words("personal").search(unicodedata.normalize("NFKC", text)))


def holds_patient_facts(sheet: FactSheet, of_patient: str) -> bool:
    """Return whether anything is known of the patient in `sheet`, whose labels begin with `of_patient`."""
    return any(fact.label.startswith(f"{of_patient}.") and fact.value not in (None, UNKNOWN) for fact in sheet.facts)


def to_answer(message: str, before: Iterable[str]) -> str | None:
    """Return the folded question of `message`, where neither it nor what was said `before` tells of the patient."""
    question = single(message)
    if question is None or any(tells_of_patient(text) for text in (message, *before)):
        return None
    return question
