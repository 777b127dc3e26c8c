"""What a local generator is asked for, read from its blanks, and the choice among replies that may be given."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pharmacy.domain.errors import NothingFits
from pharmacy.models.local.exchange import Exchange
from pharmacy.models.local.formulas import named
from pharmacy.models.local.library import Written
from pharmacy.models.local.offering import Case, filled, lacking
from pharmacy.models.local.sheet import Sheet

_SHORTER = ("短く", "短め", "簡潔", "手短")
_OTHER = ("別の", "ほかの", "他の", "違う", "書き直")


@dataclass(frozen=True)
class Task:
    """One reply to be written."""

    category: str
    phase: str
    sheet: Sheet
    exchange: Exchange
    used: frozenset[str]
    """Texts that may not be given again, without their spaces."""

    instruction: str

    @classmethod
    def read(cls, blanks: Mapping[str, str]) -> "Task":
        """Return the task that stands in a generator's blanks."""
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

    def chosen(self, allowed: Sequence[Written], case: Case, source: str) -> Mapping[str, object]:
        """Return a generator's answer: the first reply that was not given before, or the facts that it lacks.

        Raises:
            NothingFits: no reply is left; told of as `source`.
        """
        texts = [*_in_order(allowed, case)]
        fresh = [text for text in texts if _squeezed(text) not in self.used]
        if fresh:
            return {"missing_facts": [], "reply": self._wished(fresh)}
        missing = next((labels for reply in allowed if (labels := lacking(reply, case))), [])
        if missing and not texts:
            return {"missing_facts": missing, "reply": ""}
        raise NothingFits(f"generate: {source}: no reply left for this phase, product and patient")

    def _wished(self, texts: Sequence[str]) -> str:
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
