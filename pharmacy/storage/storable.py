"""Make a model's words storable: PostgreSQL takes every character but NUL, and no half of a surrogate pair."""

from typing import Any

REPLACEMENT = "\ufffd"


def storable(value: Any) -> Any:
    """Return `value`, JSON of any depth, with what the database would refuse replaced by U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", REPLACEMENT) if _odd(value) else value
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable(each) for each in value]
    return value


def _odd(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return "\0" in text
