"""The written replies: read from one file per category, checked once at start."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pharmacy.domain.errors import ConfigError
from pharmacy.models.local.wording import folded

FOLDER = Path(__file__).with_name("replies")
_COMPARED = ("intents", "about", "with_", "never", "after")
PHASES = ("intake", "proposal", "purchase", "taking")


class Reply(BaseModel):
    """One written reply."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    """The words, with blanks such as `{{ product.timing }}`."""

    phases: tuple[str, ...] = ()
    """Phases it may be given in; empty: those of its topic."""

    product: str = ""
    """`none`: only while no product is meant; `covering`: a product whose labelled use covers the complaint."""

    needs: tuple[str, ...] = ()
    """Facts that must be known: `product.timing`, `patient.medicines`, `order.ships_on`."""

    asks: tuple[str, ...] = ()
    """Facts it asks the patient for; it fits only while one of them is unknown."""

    advice: bool = False
    """Whether it tells how to take something: held back from patients with something in their record."""


class Topic(BaseModel):
    """One thing a patient may want, with the replies to it in the order they are offered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    intents: tuple[str, ...] = Field(min_length=10)
    """How patients say it."""

    about: tuple[str, ...] = ()
    """Words of which the message must hold one."""

    with_: tuple[str, ...] = Field((), alias="with")
    """Words of which it must hold one besides."""

    never: tuple[str, ...] = ()
    """Words of which the message must hold none."""

    wants: tuple[str, ...] = ()
    """Signs that the message must show: `improved`, `unchanged`, `asking`."""

    general: bool = False
    """Whether it gives way to any other topic whose rules hold."""

    after: tuple[str, ...] = ()
    """Words of which the pharmacy's last reply must hold one: the message answers it."""

    allows: tuple[str, ...] = ()
    """Guards that this topic is itself about."""

    longest: int = 90
    """Characters, greetings aside, beyond which a message says more than this topic answers."""

    phases: tuple[str, ...] = PHASES
    name: str = ""
    """What a complaint is called in a reply; only complaints have one."""

    covers: tuple[str, ...] = ()
    """Words of a labelled use that stand for the complaint."""

    recalls: bool = False
    """Whether the complaint is looked for in earlier messages."""

    joins: bool = False
    """Whether this topic answers a message with more than one complaint."""

    advice: bool = False
    """`advice` for all its replies."""

    also: str = ""
    """Name of the shared replies that come after its own."""

    replies: tuple[Reply, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    category: str
    shared: dict[str, tuple[Reply, ...]] = {}
    topics: tuple[Topic, ...]


@dataclass(frozen=True)
class Written:
    """A reply as it is offered: its own conditions joined with its topic's."""

    id: str
    text: str
    phases: tuple[str, ...]
    product: str
    needs: tuple[str, ...]
    asks: tuple[str, ...]
    advice: bool


@dataclass(frozen=True)
class Entry:
    """A topic with everything that may be said to it."""

    category: str
    topic: Topic
    replies: tuple[Written, ...]


@cache
def library(folder: Path = FOLDER) -> Mapping[str, tuple[Entry, ...]]:
    """Return the entries of each category.

    Raises:
        ConfigError: a file is missing or not of the form expected.
    """
    try:
        files = [_File.model_validate(tomllib.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("*.toml"))]
        entries = {file.category: tuple(_entry(file, topic) for topic in file.topics) for file in files}
    except (OSError, tomllib.TOMLDecodeError, ValidationError, KeyError) as error:
        raise ConfigError(f"{folder.name}: {error}; expected topics with intents and replies") from error
    if not entries:
        raise ConfigError(f"{folder}: no written replies; expected one .toml file per category")
    return entries


def _entry(file: _File, topic: Topic) -> Entry:
    replies = (*topic.replies, *(file.shared[topic.also] if topic.also else ()))
    written = tuple(_written(topic, reply, place) for place, reply in enumerate(replies, start=1))
    return Entry(file.category, topic.model_copy(update={field: _folded(topic, field) for field in _COMPARED}), written)


def _folded(topic: Topic, field: str) -> tuple[str, ...]:
    return tuple(map(folded, getattr(topic, field)))


def _written(topic: Topic, reply: Reply, place: int) -> Written:
    return Written(
        id=f"{topic.id}.{place}",
        text=reply.text,
        phases=reply.phases or topic.phases,
        product=reply.product,
        needs=reply.needs,
        asks=reply.asks,
        advice=(reply.advice or topic.advice) and reply.product != "none",
    )
