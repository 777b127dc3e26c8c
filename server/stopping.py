"""SIGTERM in good order: take nothing new, finish or give back what is in hand, and clean up to the end."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn


class StoppingServer(uvicorn.Server):
    """uvicorn's server, that on a signal lets the process live until all of it has ended well.

    uvicorn's own raises the signal once more when HTTP has ended, and so kills the worker beside it in mid-work.
    """

    def __init__(self, config: uvicorn.Config, stop_work: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop_work = stop_work

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen for signals from here on; a second SIGTERM changes nothing."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop, name)
        yield

    def _stop(self, name: int) -> None:
        self.handle_exit(name, None)
        # At the same time as HTTP and not after it: both need seconds, and the whole may take ten.
        self._stop_work()
