"""The prompt files: find one, fill its named blanks, and compose what a model is asked."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.model import Prompt

FOLDER = Path(__file__).parent

_NAME = re.compile(r"[a-z0-9_]+(?:/[a-z0-9_]+)*")
_BLANK = re.compile(r"\{\{ ([a-z_]+) \}\}")
_STRAY = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}|\{\0|\0\}")
_FOR_PATIENTS = re.compile("<examples>.*?</examples>|「[^」]*」", re.DOTALL)
# A changing value can hold a patient's words; without angle brackets it cannot close the tag that it stands in.
_NO_TAGS = str.maketrans("<>", "＜＞")


def compose(
    prompt: str, frame: str, static: Mapping[str, str], changing: Mapping[str, str], folder: Path = FOLDER
) -> Prompt:
    """Return the prompt of one call: `prompt` filled with `static` alone, `frame` with `changing` alone.

    So no changing value, and with it no patient's word, can reach the system prompt.

    Args:
        prompt: the system prompt's file below `folder`, without its ending, such as `classify/system`.
        frame: the user prompt's file, such as `classify/user`.

    Raises:
        ConfigError: a file cannot be used, or its blanks and the values differ.
    """
    system = fill(prompt, static, folder)
    user = fill(frame, {name: value.translate(_NO_TAGS) for name, value in changing.items()}, folder)
    return Prompt(prompt, system, user, {**static, **changing}, fingerprint(prompt, frame, static, folder))


def fill(file: str, values: Mapping[str, str], folder: Path = FOLDER) -> str:
    """Return `file` with each blank replaced once by its value; what a value says is never read as a blank.

    Raises:
        ConfigError: a blank has no value, a value has no blank, or the file cannot be used.
    """
    blanks = blanks_of(file, folder)
    for name in sorted(blanks - values.keys()):
        raise ConfigError(f"{file}: the blank {name!r} has no value among {sorted(values)}")
    for name in sorted(values.keys() - blanks):
        raise ConfigError(f"{file}: the value {name!r} has no blank among {sorted(blanks)}")
    return _BLANK.sub(lambda blank: values[blank[1]], _template(file, folder))


def blanks_of(file: str, folder: Path = FOLDER) -> frozenset[str]:
    """Return the names of the blanks in `file`."""
    return frozenset(_BLANK.findall(_template(file, folder)))


def fingerprint(prompt: str, frame: str, static: Mapping[str, str], folder: Path = FOLDER) -> str:
    """Return 12 hex digits over the words of both files and the static blanks: what a student was trained on."""
    words = {"prompt": _template(prompt, folder), "frame": _template(frame, folder), "static": dict(static)}
    canonical = json.dumps(words, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:12]


def guarded_words(file: str, folder: Path = FOLDER) -> str:
    """Return the words of `file` that no patient may read: all but its examples and quotes, which are for patients."""
    return _BLANK.sub("\n", _FOR_PATIENTS.sub("\n", _template(file, folder)))


@cache
def _template(file: str, folder: Path) -> str:
    path = _path(file, folder)
    try:
        words = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {path} cannot be read: {error}") from error
    if not words.strip():
        raise ConfigError(f"{file}: {path} is empty, expected a prompt")
    if stray := _STRAY.search(_BLANK.sub("\0", words)):
        raise ConfigError(f"{file}: {stray[0]!r} opens no blank; a blank is written {{{{ name }}}}, in small letters")
    return words


def _path(file: str, folder: Path) -> Path:
    path = folder / f"{file}.md"
    # Resolved, because a link inside the folder may lead out of it.
    if not _NAME.fullmatch(file) or not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{file!r}: expected a prompt file inside {folder}, such as 'classify/system'")
    return path
