"""The five steps that every way of writing them takes: the same prompts, schemas and messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from graph.assemble import Assembled, assemble, files_from
from graph.state import Request
from nodes.classify import classification_schema
from nodes.generate import WrittenReply
from nodes.judge import bars, quoted, verdict_schema
from nodes.screen import Standing
from nodes.switch_phase import allowed_phases, phase_schema
from pharmacy.domain.catalogue import Catalogue, facts_for
from pharmacy.domain.conversation import Author, Transcript, Turn
from pharmacy.domain.facts import Consent, Patient
from pharmacy.domain.model import Prompt
from pharmacy.domain.products.read import product_from, shipped
from pharmacy.settings import Settings

CATEGORY, NODE, DRAFTS = "product_usage", "generate_product_usage", 3
SHELF = Catalogue(tuple(product_from(product_id, body) for product_id, body in shipped().items()))
PATIENT = Patient("p-1", consent=Consent(replies=True))


def text_of(number: int) -> str:
    """Return the words of message `number`."""
    return f"葛根湯は食前と食後のどちらに飲めばいいですか #{number}#"


def built(url: str) -> Assembled:
    """Return the shipped flow, whose models are at `url`."""
    settings = Settings()
    return assemble(files_from(settings), "openai", {"OPENAI_API_KEY": "sk-bench", "OPENAI_BASE_URL": url})


def request(number: int, phase: str) -> Request:
    """Return what the flow is asked of message `number`."""
    now = datetime.now(UTC)
    turn = Turn(Author.PATIENT, text_of(number), now)
    return Request(Transcript((turn,)), Standing(now, PATIENT, first_contact=True), phase)


@dataclass(frozen=True)
class Steps:
    """What is asked at each step of message `number`."""

    assembled: Assembled

    # Schemas are made once, as a careful program does.
    @cached_property
    def _classification(self) -> type[BaseModel]:
        return classification_schema(self.assembled.flow)

    @cached_property
    def _phase(self) -> type[BaseModel]:
        return phase_schema(self.assembled.flow, self.assembled.flow.first_phase)

    @cached_property
    def _verdict(self) -> type[BaseModel]:
        return verdict_schema(self.assembled.flow)

    @property
    def words(self) -> Mapping[str, Callable[[Mapping[str, str]], Prompt]]:
        """Return what fills each node's prompt."""
        return self.assembled.replies.parts.words

    def classify(self, number: int) -> tuple[Prompt, type[BaseModel]]:
        """Return the prompt that names the category."""
        return self.words["classify"]({"conversation": self._said(number)}), self._classification

    def switch_phase(self, number: int) -> tuple[Prompt, type[BaseModel]]:
        """Return the prompt that names the phase."""
        flow = self.assembled.flow
        phase = flow.first_phase
        blanks = {"phase": phase, "allowed": allowed_phases(flow, phase), "conversation": self._said(number)}
        return self.words["switch_phase"](blanks), self._phase

    def generate(self, number: int, previous: str, reasons: str) -> tuple[Prompt, type[BaseModel]]:
        """Return the prompt that writes a draft."""
        flow = self.assembled.flow
        facts = facts_for(flow.categories[CATEGORY].facts, PATIENT, SHELF.about([text_of(number)], PATIENT))
        blanks = {"category": CATEGORY, "phase": flow.first_phase, "facts": facts.rendered(),
                  "conversation": self._said(number), "previous_drafts": previous, "reasons": reasons,
                  "instruction": ""}  # fmt: skip
        return self.words[NODE](blanks), WrittenReply

    def judge(self, number: int, draft: str) -> tuple[Prompt, type[BaseModel]]:
        """Return the prompt that marks a draft."""
        flow = self.assembled.flow
        facts = facts_for(flow.categories[CATEGORY].facts, PATIENT, SHELF.about([text_of(number)], PATIENT))
        blanks = {"category": CATEGORY, "phase": flow.first_phase, "facts": facts.rendered(),
                  "conversation": self._said(number), "draft": quoted(draft), "criteria": bars(flow)}  # fmt: skip
        return self.words["judge"](blanks), self._verdict

    def clears(self, verdict: Mapping[str, Any]) -> bool:
        """Return whether every mark clears its bar."""
        return all(verdict[name]["mark"] >= c.bar for name, c in self.assembled.flow.criteria.items())

    def _said(self, number: int) -> str:
        return request(number, self.assembled.flow.first_phase).transcript.rendered()
