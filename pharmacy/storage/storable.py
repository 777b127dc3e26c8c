"""Make words from outside storable: PostgreSQL takes every character but NUL, and no half of a surrogate pair."""

from typing import Any

REPLACEMENT = "\ufffd"


def storable(value: Any) -> Any:
    """Return `value`, JSON of any depth, with what the database would refuse replaced by U+FFFD."""
    if isinstance(value, str):
        return _whole(value) if _odd(value) else value
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable(each) for each in value]
    return value


def _whole(text: str) -> str:
    # In UTF-16 the halves that belong together join, and only what is left alone is replaced.
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", REPLACEMENT)


def _odd(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return "\0" in text
