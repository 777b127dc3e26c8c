"""The local models by name, each built once."""

from collections.abc import Callable, Mapping
from functools import cache

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.model import ChatModel


def local_model(name: str) -> ChatModel:
    """Return the local model `name`.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in _MAKERS:
        raise ConfigError(f"local:{name}: no such local model; expected one of {sorted(_MAKERS)}")
    return _built(name)


@cache
def _built(name: str) -> ChatModel:
    return _MAKERS[name](name)


# Each kind is imported when it is first asked for: a program that serves none of them pays for none.
def _student(name: str) -> ChatModel:
    from pharmacy.models.local.student import Student

    return Student.load(name)


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
