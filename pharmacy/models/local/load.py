"""The local models by name, each built once: the shipped ones, and students that were trained here."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from zipfile import BadZipFile

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.model import ChatModel

_TRAINED = re.compile(r"(classify|switch_phase|judge|generate_[a-z][a-z_]*)-[0-9a-f]{12}")
"""A student that was trained here: its node, and the fingerprint of its weights."""


def local_model(name: str, students: Path | None = None) -> ChatModel:
    """Return the local model `name`.

    Args:
        students: the folder of the students that were trained here.

    Raises:
        ConfigError: there is none of that name, or its weights are not the ones that the name tells of.
    """
    if name in _MAKERS:
        return _built(name)
    if students is not None and _TRAINED.fullmatch(name):
        return _trained(name, weights_of(students, name))
    raise ConfigError(f"local:{name}: no such local model; expected one of {sorted(_MAKERS)}, or one trained here")


def weights_of(students: Path, name: str) -> Path:
    """Return where the weights of the student `name` stand: `classify-3f9c1a77b0de` below `classify`."""
    return students / name.rsplit("-", 1)[0] / f"{name}.npz"


@cache
def _built(name: str) -> ChatModel:
    return _MAKERS[name](name)


@cache
def _trained(name: str, path: Path) -> ChatModel:
    if not path.is_file():
        raise ConfigError(f"local:{name}: {path} is not there; copy it from where it was trained, or train it anew")
    node, _ = name.rsplit("-", 1)
    try:
        made, found = _READERS.get(node, _learnt_replies)(path)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ConfigError(f"local:{name}: {path} cannot be read: {type(error).__name__}; train it anew") from None
    if name != found:
        raise ConfigError(f"local:{name}: {path} holds {found!r}; expected the weights that the name tells of")
    return made


# Each kind is imported when it is first asked for: a program that serves none of them pays for none.
def _student(name: str) -> ChatModel:
    from pharmacy.models.local.student import Student

    return Student.load(name)


def _labels(path: Path) -> tuple[ChatModel, str]:
    from pharmacy.models.local.linear_weights import LinearWeights
    from pharmacy.models.local.student import Student

    weights = LinearWeights.load(path)
    return Student(weights), f"{weights.card.node}-{weights.fingerprint}"


def _learnt_replies(path: Path) -> tuple[ChatModel, str]:
    from pharmacy.models.local.reply_book import ReplyBook
    from pharmacy.models.local.reply_student import ReplyStudent

    book = ReplyBook.load(path)
    return ReplyStudent(book), f"{book.card.node}-{book.fingerprint}"


def _verdicts(path: Path) -> tuple[ChatModel, str]:
    from pharmacy.models.local.judge_student import JudgeStudent
    from pharmacy.models.local.verdict_weights import VerdictWeights

    weights = VerdictWeights.load(path)
    return JudgeStudent(weights), f"{weights.card.node}-{weights.fingerprint}"


def _generator(_: str) -> ChatModel:
    from pharmacy.models.local.generator import LocalGenerator

    return LocalGenerator()


def _judge(_: str) -> ChatModel:
    from pharmacy.models.local.judge import LocalJudge

    return LocalJudge()


_MAKERS: Mapping[str, Callable[[str], ChatModel]] = {
    "classify": _student,
    "switch_phase": _student,
    "generate": _generator,
    "judge": _judge,
}

_READERS: Mapping[str, Callable[[Path], tuple[ChatModel, str]]] = {
    "classify": _labels,
    "switch_phase": _labels,
    "judge": _verdicts,
}
"""By node; all others are generators."""
