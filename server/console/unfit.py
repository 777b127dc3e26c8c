"""What of an address or a form does not fit, in the reader's words: the name, the value, what was expected."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fastapi import Request

from pharmacy.domain.flow import Flow
from server.console.languages import Language
from server.console.view import choices
from server.errors import shown

_SECRET = frozenset({"token", "code", "state", "password"})
_CODES: Mapping[str, str] = MappingProxyType({
    "int_parsing": "whole", "int_type": "whole", "int_from_float": "whole", "int_parsing_size": "whole",
    "greater_than_equal": "at_least", "less_than_equal": "at_most", "string_too_long": "longest",
    "string_too_short": "shortest", "literal_error": "one_of", "enum": "one_of", "uuid_parsing": "id",
    "missing": "missing", "unknown": "unknown", "extra_forbidden": "unknown", "cursor": "cursor", "date": "date",
    "period": "period",
})  # fmt: skip
EXPECTED = (*dict.fromkeys(_CODES.values()),)


@dataclass(frozen=True)
class Unfit:
    """One value that does not fit."""

    name: str
    value: str
    expected: str


def unfit(request: Request, language: Language, entries: Sequence[Any]) -> list[Unfit]:
    """Return each entry of a refusal in words; what no words are known for is told as it was refused."""
    found = []
    for entry in entries:
        name = str(entry["loc"][-1])
        value = request.query_params.get(name, "") if entry["loc"][0] == "query" else entry.get("input") or ""
        known = "" if name in _SECRET or not isinstance(value, str | int) else str(shown(value))
        code = _CODES.get(entry["type"])
        told = language.coded("expected", code, _values(entry.get("ctx") or {})) if code else entry["msg"]
        found.append(Unfit(str(shown(name)), known, told))
    return found


def left_out(given: Mapping[str, str], flow: Flow, language: Language) -> list[Unfit]:
    """Return what of the desk's address nobody knows, and the view therefore leaves out.

    Args:
        given: the address as it was asked for.
    """
    odd = [
        (name, given[name], among) for name, among in choices(flow).items() if given.get(name, "") not in ("", *among)
    ]
    return [
        Unfit(name, str(shown(value)), language.coded("expected", "one_of", {"expected": ", ".join(among)}))
        for name, value, among in odd
    ]


def _values(found: Mapping[str, Any]) -> Mapping[str, Any]:
    # What is one of several comes as words: 'own' or 'pharmacy'.
    named = re.findall("'([^']+)'", str(found.get("expected", "")))
    return {**found, "expected": ", ".join(named)} if named else found
