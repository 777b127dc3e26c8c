"""The end of a process that has closed everything: at once."""

import logging
import os
import sys
from typing import NoReturn


def end_now() -> NoReturn:
    """End the process without taking the interpreter apart.

    That frees some hundred MB piece by piece: a second of processor time, and on a busy machine more than is left of
    the ten that a SIGTERM gives. Only to be called when all connections and files are closed.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
