"""The local generator: the written reply that fits best, with facts filled in, or none."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pharmacy.domain.errors import NothingFits
from pharmacy.domain.model import Answer, Prompt
from pharmacy.models.local.exchange import Exchange
from pharmacy.models.local.formulas import named, without_names
from pharmacy.models.local.guards import guarded
from pharmacy.models.local.library import Entry, Topic, Written, library
from pharmacy.models.local.matching import Matcher, Said
from pharmacy.models.local.offering import Case, filled, fits, lacking
from pharmacy.models.local.sheet import Sheet

_SHORTER = ("短く", "短め", "簡潔", "手短")
_OTHER = ("別の", "ほかの", "他の", "違う", "書き直")


class LocalGenerator:
    """A `ChatModel` that answers from the library and reads only the prompt's blanks."""

    def __init__(self, replies: Mapping[str, Sequence[Entry]] | None = None) -> None:
        self._matcher = Matcher(replies or library())
        # Names and rules are read now: a broken file stops the start, and no message waits for them.
        named("")
        guarded("")

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return the best written reply that was not given before, or the facts that it lacks.

        Raises:
            NothingFits: no written reply is sure enough to be right.
        """
        task = _Task.read(prompt.blanks)
        entry = self._entry(task)
        case = self._case(task, entry.topic)
        allowed = [reply for reply in entry.replies if fits(reply, case)]
        texts = {text for reply in allowed if not lacking(reply, case) and (text := filled(reply, case))}
        fresh = [text for text in _in_order(allowed, case) if _squeezed(text) not in task.used]
        if fresh:
            return schema.model_validate({"missing_facts": [], "reply": task.wished(fresh)})
        missing = next((labels for reply in allowed if (labels := lacking(reply, case))), [])
        if missing and not texts:
            return schema.model_validate({"missing_facts": missing, "reply": ""})
        raise NothingFits(f"generate: {entry.topic.id}: no reply left for this phase, product and patient")

    def _entry(self, task: "_Task") -> Entry:
        if not task.exchange.text.strip():
            raise NothingFits("generate: no words to answer")
        said = Said(without_names(task.exchange.text, task.sheet.formulas), task.exchange.last_reply)
        match = self._matcher.match(said, task.category)
        if not match.entries:
            raise NothingFits(f"generate: {match.why}")
        return match.entries[0]

    def _case(self, task: "_Task", topic: Topic) -> Case:
        product = task.product_meant()
        if topic.name and named(task.exchange.text, task.sheet.formulas):
            raise NothingFits(f"generate: {topic.id}: a product is named beside the complaint")
        complaint = topic if topic.name else self._recalled(task, topic)
        return Case(task.phase, task.sheet, product, complaint.name, complaint.covers)

    def _recalled(self, task: "_Task", topic: Topic) -> Topic:
        """Return the complaint that the patient told of last, or `topic` itself."""
        if topic.recalls:
            for text in task.exchange.told:
                found = self._matcher.match(Said(without_names(text, task.sheet.formulas)), task.category).entries
                if found and found[0].topic.name:
                    return found[0].topic
        return topic


@dataclass(frozen=True)
class _Task:
    category: str
    phase: str
    sheet: Sheet
    exchange: Exchange
    used: frozenset[str]
    """Texts that may not be given again, without their spaces."""

    instruction: str

    @classmethod
    def read(cls, blanks: Mapping[str, str]) -> "_Task":
        exchange = Exchange.read(blanks["conversation"])
        earlier: list[str] = json.loads(blanks.get("previous_drafts") or "[]")
        used = frozenset(_squeezed(text) for text in (*exchange.replies, *earlier))
        sheet = Sheet.read(blanks["facts"])
        return cls(blanks["category"], blanks["phase"], sheet, exchange, used, blanks.get("instruction", "").strip())

    def product_meant(self) -> str | None:
        """Return the product that the patient means, or None when none is named.

        Raises:
            NothingFits: several are named, or one that no facts are given of.
        """
        for text in (self.exchange.text, *self.exchange.turns):
            if found := named(text, self.sheet.formulas):
                if len(found) > 1 or found[0] not in self.sheet.formulas:
                    raise NothingFits(f"generate: {found} named; facts are given of {self.sheet.formulas}")
                return found[0]
        ordered = {order["product"] for order in self.sheet.orders}
        return next(iter(ordered)) if len(ordered) == 1 and ordered <= set(self.sheet.formulas) else None

    def wished(self, texts: Sequence[str]) -> str:
        """Return the text that a pharmacist's wish asks for, the first one without a wish.

        Raises:
            NothingFits: the wish is more than a choice among written replies can meet.
        """
        if not self.instruction or any(word in self.instruction for word in _OTHER):
            return texts[0]
        if any(word in self.instruction for word in _SHORTER):
            return min(texts, key=len)
        raise NothingFits("generate: written replies cannot follow a wish of this kind")


def _in_order(replies: Sequence[Written], case: Case) -> Iterator[str]:
    for reply in replies:
        if not lacking(reply, case) and (text := filled(reply, case)):
            yield text


def _squeezed(text: str) -> str:
    return "".join(text.split())
