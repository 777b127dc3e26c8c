"""The open event streams of this process: each hears of its own pharmacy only, and leaves little unread."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from pharmacy.storage import erasure, policy
from pharmacy.storage.notices import Notices, Subscription
from pharmacy.storage.telling import PRESENCE

MOST_OPEN = 200
"""Streams of one process; each is a connection that stays open."""

EVENTS: Mapping[str, str] = {
    "conversation": "conversation",
    erasure.CHANNEL: "conversation",
    "patient": "patient",
    "product": "product",
    PRESENCE: "presence",
    policy.CHANNEL: "policy",
}
"""The channel on which something is told, and the event that a stream makes of it."""


class TooManyStreams(Exception):
    """This process has no room for another stream."""


class Streams:
    """Who listens, pharmacy by pharmacy."""

    def __init__(self, notices: Notices, most: int = MOST_OPEN) -> None:
        self.most = most
        self._open: defaultdict[str, set[Subscription]] = defaultdict(set)
        for channel, event in EVENTS.items():
            notices.on(channel, partial(self._tell, event))

    def __len__(self) -> int:
        """Return how many are open."""
        return sum(map(len, self._open.values()))

    @contextmanager
    def listen(self, pharmacy_id: str) -> Iterator[Subscription]:
        """Give what is told of that pharmacy from now on: `event/id`, or `event/` where there is only one such thing.

        Raises:
            TooManyStreams: as many as may be are open.
        """
        if len(self) >= self.most:
            raise TooManyStreams
        news = Subscription(None)
        self._open[pharmacy_id].add(news)
        try:
            yield news
        finally:
            self._open[pharmacy_id].discard(news)
            if not self._open[pharmacy_id]:
                del self._open[pharmacy_id]

    def _tell(self, event: str, payload: str | None) -> None:
        if payload is None:
            for news in [each for of_one in self._open.values() for each in of_one]:
                news.wake(None)
            return
        pharmacy_id, _, which = payload.partition("/")
        for news in self._open.get(pharmacy_id, ()):
            news.wake(f"{event}/{which}")
