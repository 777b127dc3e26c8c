"""What callers get."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pharmacy.domain.products.read import ProductBody


class Taken(BaseModel):
    """A message is stored; its outcome follows."""

    message_id: str
    conversation_id: str
    patient_id: str
    version: int
    """The conversation's version that this message made."""


class MarkOut(BaseModel):
    """One criterion's verdict."""

    mark: int
    bar: int
    reason: str


class ReasonOut(BaseModel):
    """Why a person has to look."""

    code: str
    tier: Annotated[Literal["E", "U", "H"] | None, Field(exclude_if=lambda tier: tier is None)] = None
    """Left out where there is none."""

    detail: str


class OutcomeOut(BaseModel):
    """What a message came to."""

    outcome: Literal["suggestion", "auto_sent", "handover"]
    conversation_id: str
    version: int
    category: str | None
    phase: str
    drafts: int
    """How many drafts were written."""

    cost_usd: float | None
    """null when a model's price is unknown."""

    models: dict[str, str]
    reply: str | None = None
    judgement: dict[str, MarkOut] | None = None
    reason: ReasonOut | None = None
    suggestion_id: str | None = None
    handover_id: str | None = None
    message_id: str | None = None
    reply_id: str | None = None
    """The message that an automatic reply becomes when it is sent."""


class Asked(BaseModel):
    """A request for a draft is taken."""

    conversation_id: str
    request_id: str


class Stopped(BaseModel):
    """Whether there was a run to stop."""

    stopped: bool


class MediaOut(BaseModel):
    """A message's file; once it is stored, `…/messages/{id}/media` gives it."""

    kind: Literal["image", "video", "audio", "file"]
    state: Literal["waiting", "stored", "refused", "withdrawn"]
    content_type: str | None
    size: int | None
    """Bytes."""

    problem: str | None
    """Why it was refused."""


class MessageOut(BaseModel):
    """One message of a conversation."""

    id: str
    version: int
    author: Literal["patient", "pharmacist", "machine"]
    kind: str
    text: str
    sent_by: str | None
    sent_at: str
    received_at: str
    answered: bool
    media: MediaOut | None
    """null where the message has no file."""


class DraftOut(BaseModel):
    """One draft of a run; `judgement` is null while unjudged."""

    text: str
    judgement: dict[str, MarkOut] | None
    blocked: list[str]


class StepOut(BaseModel):
    """One node's passage."""

    node: str
    seconds: float
    says: str


class CallOut(BaseModel):
    """One call of a model."""

    model_config = ConfigDict(protected_namespaces=())

    node: str
    prompt_file: str
    prompt_fingerprint: str
    model_asked: str
    model_served: str | None
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    tokens_estimated: bool
    cost_usd: float | None
    seconds: float
    waited_seconds: float
    attempt: int
    error: str | None
    started_at: str


class ReachedOut(BaseModel):
    """A value that keeps a draft from going out by itself, beside what it is held against."""

    code: str
    """The one of `held_for` that it belongs to."""

    criterion: str | None
    """Whose mark it is; null for what is no mark."""

    reached: int | None
    """null where no mark was given."""

    limit: int


class SuggestionOut(BaseModel):
    """A draft that cleared the bars, and what became of it."""

    id: str
    conversation_id: str
    run_id: str
    """The passage through the flow that wrote it; its trace has the same id."""

    version: int
    state: Literal["open", "automatic", "approved", "edited", "rejected", "regenerated", "superseded"]
    requested: bool
    category: str | None
    phase: str
    text: str
    judgement: dict[str, MarkOut]
    held_for: list[str]
    reached: list[ReachedOut]
    """The values behind `held_for`: what was reached, and the limit."""

    drafts: int
    earlier_drafts: list[DraftOut]
    trail: list[StepOut]
    models: dict[str, str]
    cost_usd: float | None
    decided_by: str | None
    decision: dict[str, Any] | None
    created_at: str
    shown_at: str | None
    """When somebody first had it on the screen; null while nobody has."""

    decided_at: str | None
    calls: list[CallOut] | None = None
    """Only where one suggestion is read."""


class HandoverOut(BaseModel):
    """A case that waits for a person."""

    id: str
    conversation_id: str
    version: int
    state: Literal["open", "resolved"]
    reason: ReasonOut
    reasons: list[dict[str, Any]]
    category: str | None
    phase: str
    drafts: list[DraftOut]
    acknowledged_by: str | None
    acknowledged_at: str | None
    alarm_level: int
    """How often it has called again because nobody had acknowledged it."""

    resolved_by: str | None
    resolution: str | None
    created_at: str
    updated_at: str
    resolved_at: str | None


class ConversationRow(BaseModel):
    """A conversation in a list."""

    id: str
    patient_id: str
    channel: str
    version: int
    phase: str
    category: str | None
    taken_over_by: str | None
    claimed_by: str | None
    snoozed_until: str | None
    last_message_at: str
    created_at: str
    suggestion_id: str | None
    handover_id: str | None
    tier: str | None


class ConversationOut(ConversationRow):
    """A conversation with its last messages and open items."""

    messages: list[MessageOut]
    suggestion: SuggestionOut | None
    handover: HandoverOut | None
    run: dict[str, Any] | None
    """The run in work, or null."""

    unsent: list[dict[str, Any]]
    """Texts that are on their way or could not be sent."""


class LastMessageOut(BaseModel):
    """The newest message of a conversation, as much of it as a list shows."""

    author: Literal["patient", "pharmacist", "machine"]
    kind: str
    text: str
    """Its first 120 characters."""

    sent_at: str


class AutomaticOut(BaseModel):
    """What became of a text that was to go out by itself."""

    state: Literal["held", "sending", "sent", "parked", "cancelled"]
    """`held`: it waits, and a person may still take it back."""

    goes_at: str | None
    """When a held one goes; null where it goes at once."""

    sent_at: str | None
    problem: str | None
    """Why it was cancelled or parked, or what the last attempt met with, for an engineer."""

    problem_code: str | None
    """The same as one word."""

    may_have_arrived: bool
    """Whether an attempt was made whose end nobody knows."""


class DeskRow(ConversationRow):
    """A conversation in a list, with what makes a pharmacist open it."""

    tab: Literal["person", "check", "automatic", "done"]
    """What it asks of a person; the first of these where it asks several things."""

    patient_name: str | None
    """null while unknown."""

    last_message: LastMessageOut | None
    unanswered: int
    """How many of the patient's messages have no answer that was sent, and were not settled without one."""

    waiting_since: str | None
    """When the oldest of these was received; null where nothing waits on the pharmacy."""

    reason_code: str | None
    """Why the open case is there; null without one."""

    acknowledged: bool | None
    """Whether somebody looks after the open case; null without one."""

    automatic: AutomaticOut | None
    """The newest automatic text; null without one, and once a newer message of the patient's waits."""


class TabCounts(BaseModel):
    """How many conversations stand in each tab; snoozed ones are not counted."""

    person: int
    check: int
    automatic: int
    done: int


class DeskOut(BaseModel):
    """How much there is to do."""

    tabs: TabCounts
    snoozed: int
    """Conversations that sleep, of all tabs."""

    emergencies: int
    """Open cases of tier E."""


class ConversationPage(BaseModel):
    """A page of conversations."""

    items: list[DeskRow]
    next: str | None


class MessagePage(BaseModel):
    """A page of messages."""

    items: list[MessageOut]
    next: str | None


class SuggestionPage(BaseModel):
    """A page of suggestions."""

    items: list[SuggestionOut]
    next: str | None


class HandoverPage(BaseModel):
    """A page of handovers."""

    items: list[HandoverOut]
    next: str | None


class Problem(BaseModel):
    """What went wrong, in words."""

    detail: str


class Conflicting(Problem):
    """What the decision missed."""

    version: int | None = None
    newer_messages: list[MessageOut] = []
    state: str | None = None


class Invalid(BaseModel):
    """What does not fit: the place, the value, what was expected."""

    model_config = ConfigDict(json_schema_extra={"description": "One entry per field that does not fit."})

    detail: list[dict[str, Any]]


class UnsentOut(BaseModel):
    """A text is on its way to the patient."""

    conversation_id: str
    outbox_id: str
    state: Literal["queued", "sent", "parked", "cancelled"]


class ProductOut(ProductBody):
    """A product as stored."""

    id: str
