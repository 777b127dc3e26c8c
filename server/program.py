"""The assembled program: everything that is opened once and shared by routes and worker."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from graph.assemble import Assembled, assemble_from
from graph.edges import declared
from pharmacy.channels.alarms import AlarmChannel
from pharmacy.channels.api import ApiChannel
from pharmacy.channels.delivery import Channel
from pharmacy.channels.line.accounts import LineAccount, line_accounts
from pharmacy.channels.line.push import LinePush
from pharmacy.domain.annotation import AnnotationRule, read_annotation_rule
from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.products.read import shipped
from pharmacy.observing.tracing import Tracing
from pharmacy.redaction.redact import Redactor
from pharmacy.settings import Settings
from pharmacy.storage import audit, erasure, modes, people, pharmacies, retention
from pharmacy.storage.cases import Bell
from pharmacy.storage.database import Database, open_database
from pharmacy.storage.jobs import Jobs
from pharmacy.storage.model_queue import ModelQueue
from pharmacy.storage.notices import Notices
from server.calling import NOBODY, alarm_channel, fixed_texts
from server.doorway import Doorway
from server.line_sending import LineChannel
from server.measuring import Measurings
from server.rounds import Rounds
from server.streams import Streams

log = logging.getLogger(__name__)


@dataclass
class Shelf:
    """The pharmacy's products, read again when one has changed."""

    state: object = None
    catalogue: Catalogue = field(default_factory=lambda: Catalogue(()))


@dataclass
class Program:
    """What routes and worker share. Made by `open_program`."""

    settings: Settings
    assembled: Assembled
    database: Database
    jobs: Jobs
    notices: Notices
    streams: Streams
    channels: Mapping[str, Channel]
    """A conversation's channel to its way out."""

    line_accounts: tuple[LineAccount, ...]
    bell: Bell
    """What a case sets off."""

    alarms: AlarmChannel
    tracing: Tracing
    retention_rules: tuple[retention.Rule, ...]
    """How long rows are kept."""

    annotation: AnnotationRule
    """Which runs people look at again in LangSmith."""

    doorway: Doorway = field(default_factory=Doorway)
    """Who goes first in this process: messages that come in, then runs."""

    rounds: Rounds = field(default_factory=Rounds)
    """How messages are taken together."""

    measurings: Measurings = field(default_factory=Measurings)
    """Students that people let be measured from a page."""

    shelves: dict[str, Shelf] = field(default_factory=dict)
    worker_runs: bool = False
    """True while this process works on jobs."""

    stops: bool = False
    """True from the signal on: nothing new is begun, and nobody waits any longer for what is not there yet."""

    async def catalogue(self, pharmacy_id: str) -> Catalogue:
        """Return the pharmacy's products as they are now."""
        shelf = self.shelves.setdefault(pharmacy_id, Shelf())
        async with self.database.begin(pharmacy_id) as tx:
            state = await people.shelf_state(tx, pharmacy_id)
            if state != shelf.state:
                self.shelves[pharmacy_id] = shelf = Shelf(state, await people.catalogue(tx, pharmacy_id))
        return shelf.catalogue


@asynccontextmanager
async def open_program(settings: Settings, assembled: Assembled | None = None) -> AsyncIterator[Program]:
    """Open database, jobs, notices and the flow; close them at the end.

    Args:
        assembled: the flow and its models; those of the settings' files when left out.

    Raises:
        ConfigError: something is not as it must be; nothing has been started.
    """
    accounts = line_accounts(settings)
    texts, rules = fixed_texts(settings), retention.load(settings.retention_file)
    annotation = read_annotation_rule(settings.annotation_file)
    assembled = assembled or assemble_from(settings)
    if assembled.gates_closed_by:
        log.error("gates_closed every message is held: %s", assembled.gates_closed_by)
    for warning in assembled.registry.warnings:
        log.warning("models %s", warning)
    async with AsyncExitStack() as stack:
        database = await open_database(settings)
        stack.push_async_callback(database.close)
        for pharmacy_id in dict.fromkeys((settings.pharmacy_id, *(account.pharmacy_id for account in accounts))):
            await _prepare(database, assembled, settings, pharmacy_id)
        assembled.registry.queue = ModelQueue(database)
        jobs = await stack.enter_async_context(Jobs(database.app_url))
        notices = await stack.enter_async_context(Notices(database.app_url))
        channels = _channels(settings, accounts)
        for channel in channels.values():
            stack.push_async_callback(channel.close)
        stack.push_async_callback(assembled.registry.aclose)
        alarms = alarm_channel(settings)
        stack.push_async_callback(alarms.close)
        if alarms.reaches_nobody:
            log.warning("alarms %s", NOBODY)
        bell = Bell(jobs, texts)
        tracing = _tracing(settings, assembled, notices)
        stack.callback(tracing.close)
        measurings = Measurings()
        stack.push_async_callback(measurings.close)
        yield Program(
            settings, assembled, database, jobs, notices, Streams(notices), channels, accounts, bell, alarms, tracing,
            rules, annotation, Doorway(partial(jobs.claims.rate.lately, "reply")), measurings=measurings,
        )  # fmt: skip


def _tracing(settings: Settings, assembled: Assembled, notices: Notices) -> Tracing:
    tracing = Tracing(settings, Redactor(), declared(assembled.flow))
    # A trace that still waits when its patient is erased must not leave.
    notices.on(erasure.CHANNEL, tracing.forget)
    return tracing


def _channels(settings: Settings, accounts: tuple[LineAccount, ...]) -> dict[str, Channel]:
    secret = settings.delivery_secret.get_secret_value() if settings.delivery_secret else ""
    return {
        "api": ApiChannel(settings.delivery_url, secret),
        "line": LineChannel(accounts, LinePush(settings.line_api_base)),
    }


async def _prepare(database: Database, assembled: Assembled, settings: Settings, pharmacy_id: str) -> None:
    async with database.begin(pharmacy_id) as tx:
        await pharmacies.add(tx, pharmacy_id)
        by_auto = settings.models == "auto"
        await modes.note_mode(tx, pharmacy_id, assembled.registry.mode, by_auto=by_auto)
        if (await people.shelf_state(tx, pharmacy_id))[0] == 0:
            for product_id, body in shipped().items():
                await people.put_product(tx, pharmacy_id, product_id, body)
            await audit.append(
                tx, pharmacy_id, "program", "products_shipped", pharmacy_id, {"products": len(shipped())}
            )
