"""A reply that pharmacists use again: its words, with blanks that are filled where it is used."""

import re

BLANKS = ("name",)
"""What may stand in braces: `{name}`, the patient's name."""

_BRACED = re.compile(r"\{[^{}]*\}|[{}]")


def unknown_blanks(text: str) -> list[str]:
    """Return every blank of `text` that nobody fills, and every brace that belongs to none; each once."""
    known = {f"{{{name}}}" for name in BLANKS}
    return [found for found in dict.fromkeys(_BRACED.findall(text)) if found not in known]
