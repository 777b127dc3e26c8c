"""The memory of one run: which of its questions may be answered from it, and what it has heard."""

import functools
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from pharmacy.domain.catalogue import PATIENT
from pharmacy.domain.conversation import Kind
from pharmacy.domain.errors import FlowError
from pharmacy.domain.facts import FactSheet
from pharmacy.domain.flow import Flow
from pharmacy.domain.model import Prompt
from pharmacy.domain.outcome import Outcome
from pharmacy.domain.repeated.asked import Asked, Scope
from pharmacy.domain.repeated.bars import bar_of
from pharmacy.domain.repeated.caching import Caching, Recall
from pharmacy.domain.repeated.question import holds_patient_facts, to_answer
from pharmacy.domain.repeated.telling import may_be_one
from pharmacy.models.embedding import Embedder
from pharmacy.models.remembered import Recalled
from pharmacy.models.run_models import RunModels
from pharmacy.redaction.redact import Redactor
from pharmacy.storage import reply_cache, vectors
from pharmacy.storage.begun import Begun
from pharmacy.storage.database import Database, Transaction
from pharmacy.storage.refusals import StoreBusy
from pharmacy.storage.reply_cache import Entry, Heard

APART = timedelta(hours=24)
"""A question that comes sooner after something else may lean on it, even where no word says so."""

_REDACTOR = Redactor()

log = logging.getLogger(__name__)


@dataclass
class Remembering:
    """Beside one run, from its begin to its end."""

    database: Database
    begun: Begun
    flow: Flow
    embedder: Callable[[], Embedder]
    _memory: "_Memory | None" = None

    def open(self, models: RunModels, caching: Caching, policy_version: int) -> None:
        """Let `models` answer from memory, where the run may be answered so at all."""
        nodes = frozenset(c.node for c in self.flow.machine_categories if c.cacheable and caching.covers(c.name))
        if nodes and (question := _question_of(self.begun)) is not None:
            self._memory = _Memory(
                self.database,
                self.begun,
                nodes,
                question,
                policy_version,
                self.embedder() if caching.recall is Recall.NEAR else None,
            )
            models.remember(self._memory)

    async def keep(self, tx: Transaction, proposal: Outcome | None) -> None:
        """Keep what was asked on the way to `proposal`; the caller holds the conversation."""
        if self._memory is None or proposal is None or not proposal.drafts:
            return
        heard = self._memory.heard.get((proposal.category or "", proposal.phase or ""))
        if heard is not None:
            # The judge may have turned down what was recalled: then the reply was written anew.
            recalled = heard.entry is not None and proposal.drafts[-1].text == heard.entry.reply.strip()
            await reply_cache.keep(tx, self.begun, heard if recalled else replace(heard, entry=None))


@dataclass
class _Memory:
    database: Database
    begun: Begun
    nodes: frozenset[str]
    question: str
    policy_version: int
    near: Embedder | None
    """Makes vectors of questions; None where only the same words count."""

    heard: dict[tuple[str, str], Heard] = field(default_factory=dict)
    """Category and phase to what was asked there: a draft may begin for more than one."""

    async def recall(self, node: str, model: str, prompt: Prompt) -> Recalled | None:
        """Return the approved reply to the same question under the same prompt, model, policy and facts, or None."""
        asked = self._asked(node, model, prompt)
        if asked is None:
            return None
        try:
            heard = await self._look(asked)
        except StoreBusy:
            log.warning("cache_not_asked conversation=%s", self.begun.conversation_id)
            return None
        self.heard[asked.scope.category, asked.scope.phase] = heard
        if heard.entry is None:
            return None
        output = json.dumps({"missing_facts": [], "reply": heard.entry.reply}, ensure_ascii=False)
        return Recalled(output, "exact" if heard.entry.question == asked.question else "near")

    def _asked(self, node: str, model: str, prompt: Prompt) -> Asked | None:
        blanks = prompt.blanks
        if holds_patient_facts(FactSheet.read(blanks["facts"]), PATIENT):
            return None
        scope = Scope(
            node, model, prompt.fingerprint, blanks["category"], blanks["phase"], blanks["facts"], self.policy_version
        )
        return Asked(scope, self.question)

    async def _look(self, asked: Asked) -> Heard:
        async with self.database.begin(self.begun.pharmacy_id) as tx:
            entry = await reply_cache.exact(tx, self.begun.pharmacy_id, asked)
            compares = self.near is not None and await vectors.compares(tx)
        if entry is not None or self.near is None or not compares:
            return Heard(asked, entry)
        try:
            embedding = await self.near.embed(asked.question)
        except FlowError as error:
            log.warning("cache_not_compared conversation=%s problem=%s", self.begun.conversation_id, error)
            return Heard(asked, entry)
        entry = await self._likest(asked, self.near.name, embedding)
        return Heard(asked, entry, self.near.name, embedding)

    async def _likest(self, asked: Asked, embedder: str, embedding: tuple[float, ...]) -> Entry | None:
        """Return the likest entry above the bar in which everything that tells is the same, letter by letter."""
        bar = bar_of(embedder)
        if bar is None:
            return None
        async with self.database.begin(self.begun.pharmacy_id) as tx:
            found = await reply_cache.near(tx, self.begun.pharmacy_id, asked, embedder, embedding)
        return next((e for e in found if e.likeness >= bar and may_be_one(e.question, asked.question)), None)


def _question_of(begun: Begun) -> str | None:
    """Return the question that a run answers, folded; None where it must be answered anew.

    That is where somebody asked for the draft, a gate has found anything, something was said just before, or the
    message is not one plain question without a word about the patient, in it or before it.
    """
    transcript = begun.transcript
    if begun.asked or begun.earlier or begun.hits or begun.unread or transcript.unanswered != 1:
        return None
    *before, last = transcript.turns
    if before and last.sent_at - before[-1].sent_at < APART:
        return None
    if last.kind is not Kind.TEXT or last is not transcript.to_answer[0] or begun.patient.consent.training is False:
        return None
    question = to_answer(last.text, (turn.text for turn in before))
    return None if question is None or _REDACTOR.find(last.text) else question


@functools.cache
def embedder() -> Embedder:
    """Return what makes vectors of questions in this process."""
    # A program that compares none need not import it.
    from pharmacy.models.local.embedder import NgramEmbedder

    return NgramEmbedder()
