"""Logs as events with fields, read through redaction; never a patient's words."""

import logging
import sys
import threading
from types import TracebackType

import structlog

from pharmacy.redaction.plain import PLAIN
from pharmacy.redaction.redact import WITHHELD

# One line per job's start and end says nothing that our own events do not; what a failed trace was, traces count.
QUIET = ("procrastinate", "httpx2", "httpx", "httpcore", "httpcore2", "openai", "alembic", "urllib3")
SILENT = ("langsmith",)
OURS = frozenset({"timestamp", "level"})
"""Fields that the log itself makes."""


def keep_logs_off_stdout(level: str) -> None:
    """Send the log lines of a command to stderr, unless somebody has set logs up: its stdout is its answer."""
    if not structlog.is_configured():
        structlog.configure(
            # Whatever stderr is at the moment: a command that is run inside another program has its own.
            logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
            wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        )


def set_up_logs(level: str, *, as_json: bool) -> None:
    """Send every log line of this process to stderr, as one readable line or one JSON object."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    shown: structlog.typing.Processor
    shown = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.processors.LogfmtRenderer()
    last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redacted, shown]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    _log_what_nobody_caught()


def redacted(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Return the line with every field read through redaction; on any error, nothing of what it said."""
    try:
        return {name: value if name in OURS else _shown(value) for name, value in event.items()}
    except Exception:  # noqa: BLE001 (a line that cannot be read is still a line)
        return {"event": WITHHELD, **{name: event[name] for name in OURS & event.keys()}}


def _shown(value: object) -> object:
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 10**9):
        return value
    return PLAIN.text(value if isinstance(value, str) else str(value))


def _log_what_nobody_caught() -> None:
    """Have the trace of a dying process or thread written as a log line: Python's own would show values as they are."""

    def of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            logging.getLogger("process").critical("died", exc_info=(kind, error, trace))

    def of_thread(given: threading.ExceptHookArgs) -> None:
        if given.exc_value is not None and not issubclass(given.exc_type, SystemExit):
            told = (given.exc_type, given.exc_value, given.exc_traceback)
            logging.getLogger("thread").critical("died", exc_info=told)

    sys.excepthook = of_process
    threading.excepthook = of_thread
