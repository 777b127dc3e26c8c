"""Make one attempt over HTTP, and tell what certainly arrived, what certainly did not, and what may have."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from pharmacy.channels.delivery import Attempt, Delivery
from pharmacy.channels.signed_post import TOOK_NOTHING, Answer, Poster
from pharmacy.domain.unsent_for import UnsentFor


@dataclass(frozen=True)
class Call:
    """What is posted, and the moment of `time.monotonic()` past which it is not."""

    url: str
    body: bytes
    headers: dict[str, str]
    good_until: float


async def attempt(poster: Poster, call: Call, where: str, read_answer: Callable[[Answer], Attempt]) -> Attempt:
    """Return how one call ended; `where` names its receiver for a person."""
    # A process may have stood still since the text was let go, while somebody pulled the kill switch; and a slow
    # connection may not carry it past that moment either.
    left = call.good_until - time.monotonic()
    if left <= 0:
        return Attempt(
            Delivery.NOT_TRIED, "the worker stood still before sending; looked at anew", 0.0, UnsentFor.STOOD_STILL
        )
    try:
        answer = await poster.post(call.url, call.body, call.headers, connect_seconds=left)
    except TOOK_NOTHING as error:
        return Attempt(Delivery.NOT_TRIED, f"{type(error).__name__} at {where}", code=UnsentFor.NO_CONNECTION)
    except (httpx2.HTTPError, TimeoutError) as error:
        return Attempt(Delivery.AGAIN, f"{type(error).__name__} at {where}", code=UnsentFor.NO_ANSWER)
    return read_answer(answer)


def read(answer: Answer, said: str) -> Attempt:
    """Return the end that an answer's status means, to any receiver."""
    if answer.taken:
        return Attempt(Delivery.SENT, said)
    if answer.status == 429:
        return Attempt(Delivery.NOT_TRIED, said, answer.wait_seconds, UnsentFor.ASKED_TO_WAIT)
    if answer.may_change:
        return Attempt(Delivery.AGAIN, said, answer.wait_seconds, UnsentFor.RECEIVER_FAILED)
    return Attempt(Delivery.REFUSED, said, code=UnsentFor.RECEIVER_REFUSED)
