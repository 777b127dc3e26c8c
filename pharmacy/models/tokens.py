"""Estimate tokens without any vocabulary: for budgets and calls without usage, never for bills."""

import re

WIDE_CHARS_PER_TOKEN = 1.4
OTHER_CHARS_PER_TOKEN = 4.0
TOKENS_PER_MESSAGE = 4
_WIDE = re.compile("[⺀-\U0010ffff]+")


def estimate_tokens(text: str) -> int:
    """Return about how many tokens `text` is: Japanese 1.4 characters each, other scripts 4."""
    wide = sum(map(len, _WIDE.findall(text)))
    return round(wide / WIDE_CHARS_PER_TOKEN + (len(text) - wide) / OTHER_CHARS_PER_TOKEN)
