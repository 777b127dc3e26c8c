"""What reached the patients, as the stand-ins at the far end saw it: LINE, and the receiver of the `api` channel."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.line_server import LineFake
from tests.fakes.receiver import Receiver

STRICT = (400, 401, 403, 404)
"""What the stand-in for LINE answers when a push is not as LINE wants it."""

EARLIER = "earlier"
"""The request id of what was accepted before an interruption."""


@dataclass(frozen=True)
class Arrivals:
    """Each text by its retry key."""

    accepted: Counter[str]
    """How often the key was accepted; 409 accepts nothing."""

    first_tried: Mapping[str, float]
    """When the key first came, in seconds since 1970."""

    to: Mapping[str, str]
    """LINE's user that the key's text went to."""

    repeats: int
    """How many attempts accepted nothing; not those before an interruption."""

    problems: list[str]


def arrivals(receiver: Receiver, line: LineFake | None = None) -> Arrivals:
    """Return what both have seen so far."""
    # The receiver accepts a key once: it says 409 to whatever comes under it afterwards.
    accepted = Counter([*receiver.taken])
    repeats = len(receiver.tried) - sum(bool(body) for body in receiver.taken.values())
    first, to, problems = dict(receiver.first_tried), dict[str, str](), list(receiver.problems)
    if line is not None:
        pushes = {(text.retry_key, text.request_id): text.to for text in line.world.delivered}
        accepted.update(str(key) for key, _ in pushes)
        to = {str(key): user for (key, _), user in pushes.items()}
        first |= line.world.first_tried
        repeats += len(line.world.log) - sum(request_id != EARLIER for _, request_id in pushes)
        problems += [f"LINE answered {asked.status}" for asked in line.world.log if asked.status in STRICT]
    return Arrivals(accepted, first, to, repeats, problems)


def remember(kept: dict[str, Any], receiver: Receiver, line: LineFake | None) -> None:
    """Keep what an interrupted run must still know: which keys were accepted, and when each was first tried."""
    kept["accepted"] = {key: receiver.first_tried[key] for key in [*receiver.taken]}
    if line is not None:
        told = [*line.world.delivered]
        kept["pushed"] = [[text.retry_key, line.world.first_tried[str(text.retry_key)], text.to] for text in told]


def recall(kept: dict[str, Any], receiver: Receiver, line: LineFake | None) -> None:
    """Let the stand-ins know again what they had accepted, so that they answer 409 for it."""
    receiver.first_tried = dict(kept.get("accepted", {}))
    receiver.taken = {key: {} for key in receiver.first_tried}
    for key, at, to in kept.get("pushed", ()) if line is not None else ():
        line.world.deliver(to, [""], "push", key, EARLIER)
        line.world.first_tried[key] = at
