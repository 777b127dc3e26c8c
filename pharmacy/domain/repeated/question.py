"""The one question of a message, folded for comparing; None where there is more, or anything of the patient."""

import re
import unicodedata
from collections.abc import Iterable

from pharmacy.domain.facts import UNKNOWN, FactSheet
from pharmacy.domain.repeated.telling import LEAST, telling
from pharmacy.domain.repeated.words import words

LONGEST = 80
"""Letters of a question that is likely to be asked again."""

_PARTS = re.compile(r"[。．!?！？\n\r]+")
_EDGES = " 　、。,.!?~〜♪…ー"
# Between figures a space parts two numbers; elsewhere it says nothing.
_SPACE = re.compile(r"(?<![0-9])\s+|\s+(?![0-9])")


def single(message: str) -> str | None:
    """Return the one question that `message` holds, folded and without its greeting; None where there is not one."""
    parts = [part.strip(_EDGES) for part in _PARTS.split(unicodedata.normalize("NFKC", message))]
    told = [part for raw in parts if (part := words("greetings").sub("", raw).strip(_EDGES))]
    if len(told) != 1 or len(told[0]) > LONGEST or not words("question").search(told[0]):
        return None
    if words("joining").search(told[0]) or words("background").search(told[0]):
        return None
    return _SPACE.sub("", told[0]).lower()


def tells_of_patient(text: str) -> bool:
    """Return whether `text` may tell anything of the person who wrote it, or lean on what was said before."""
    return bool(words("personal").search(unicodedata.normalize("NFKC", text)))


def holds_patient_facts(sheet: FactSheet, of_patient: str) -> bool:
    """Return whether anything is known of the patient in `sheet`, whose labels begin with `of_patient`."""
    return any(fact.label.startswith(f"{of_patient}.") and fact.value not in (None, UNKNOWN) for fact in sheet.facts)


def to_answer(message: str, before: Iterable[str]) -> str | None:
    """Return the folded question of `message`, where it tells something and nothing, there or `before`, the patient."""
    question = single(message)
    if question is None or len(telling(question)) < LEAST or any(tells_of_patient(text) for text in (message, *before)):
        return None
    return question
