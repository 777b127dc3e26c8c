"""What callers may send, checked once on entry."""

import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from pharmacy.domain.moment import in_utc
from pharmacy.domain.products.read import ProductBody
from pharmacy.storage.storable import storable

LONGEST_TEXT = 10_000
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def _words(value: Any) -> Any:
    """Return text as the store can hold it; the raw body is kept beside it as it came."""
    return storable(value) if isinstance(value, str) else value


def _plausible(when: datetime) -> datetime:
    if not _EARLIEST <= when <= datetime.now(UTC) + timedelta(minutes=5):
        raise ValueError("expected a time between 2000-01-01 and now")
    return when


def _visible(value: str) -> str:
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in value):
        raise ValueError("expected no control characters")
    return value


def _real_day(value: str) -> str:
    date.fromisoformat(value)
    return value


ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$"
Id = Annotated[str, Field(pattern=ID_PATTERN, examples=["c-1001"])]
Text = Annotated[str, BeforeValidator(_words), Field(min_length=1, max_length=LONGEST_TEXT)]
Reply = Annotated[str, BeforeValidator(_words), Field(min_length=1, max_length=5_000, pattern=r"\S")]
Line = Annotated[str, BeforeValidator(_words), Field(min_length=1, max_length=500), AfterValidator(_visible)]
Note = Annotated[str, BeforeValidator(_words), Field(max_length=2_000)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Version = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)]
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
Day = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"), AfterValidator(_real_day)]
Several = Annotated[list[Line], Field(max_length=100)]


class Body(BaseModel):
    """A body from outside: a field that nobody knows is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")


class ConsentBody(Body):
    """What the patient agreed to; null is unknown."""

    replies: StrictBool | None = None
    training: StrictBool | None = None


class OrderBody(Body):
    """One order."""

    id: Line
    product: Line
    state: Line
    ships_on: Day | None = None
    ordered_on: Day | None = None
    """The day it was made, in Japan: what the purchase rate is counted from."""


class RatingBody(Body):
    """How content the patient said to be; a figure of the pharmacy's, which no model is told."""

    on: Day
    mark: Annotated[int, Field(ge=1, le=5, strict=True)]
    """1 is not at all, 5 fully."""


class ProfileBody(Body):
    """What is known of a patient; null is unknown, an empty list is a known nothing."""

    name: Line | None = None
    birth_year: Annotated[int, Field(ge=1900, le=2100, strict=True)] | None = None
    sex: Literal["female", "male", "other"] | None = None
    pregnancy: Literal["pregnant", "possible", "breastfeeding", "none"] | None = None
    allergies: Several | None = None
    conditions: Several | None = None
    medicines: Several | None = None
    constitution: Line | None = None
    consent: ConsentBody | None = None
    orders: Annotated[list[OrderBody], Field(max_length=100)] | None = None
    ratings: Annotated[list[RatingBody], Field(max_length=1_000)] | None = None


class PatientOfMessage(ProfileBody):
    """The patient a message comes from; what is given here is kept, what is not stays as it was."""

    id: Id | None = None
    """Without it the conversation's own id names the patient."""


class PatientIn(ProfileBody):
    """All that is known of a patient, with or without the id that its path already says."""

    id: Id | None = None


class ProductIn(ProductBody):
    """A product, with or without the id that its path already says."""

    id: Id | None = None


class Patient(ProfileBody):
    """A patient as stored."""

    id: Id


class MessageIn(Body):
    """One message of a patient."""

    conversation_id: Id
    text: Text
    message_id: Id | None = None
    """The caller's own id: the same one again is the same message."""

    sent_at: Annotated[Moment, AfterValidator(_plausible)] | None = None
    """When the patient wrote it, with its offset; now when left out."""

    patient: PatientOfMessage | None = None


class Decide(Body):
    """A decision on a draft, with the conversation's version that was read."""

    version: Version


class Answer(Decide):
    """Words that go to the patient."""

    closes: UUID | None = None
    """The open case that they answer: it is closed with them, and nothing is sent where it cannot be."""


class Approve(Answer):
    """Send a draft as it is."""

    reason: Note | None = None
    """Why it may go out all the same, where the output gate holds now what it let pass when the draft was written."""


Cause = Literal["unsafe", "wrong_fact", "phase", "incomplete", "tone", "style"]


class Edit(Answer):
    """Send another wording."""

    text: Reply
    reason: Note | None = None
    cause: Cause | None = None
    """What was wrong with the draft; what learns from the edit knows no other way."""

    category: Name | None = None
    phase: Name | None = None


class Reject(Decide):
    """Refuse a draft. `handled`: the matter is dealt with; any other reason leaves the patient to a person."""

    reason: Literal["medically_wrong", "missing_information", "tone", "handled", "other"] = "other"
    detail: Note | None = None


class Regenerate(Decide):
    """Have it written again."""

    instruction: Note = ""


class Respond(Answer):
    """The pharmacist's own reply."""

    text: Reply
    reason: Note | None = None


class Ask(Body):
    """Ask for a suggestion."""

    instruction: Note = ""


class Correct(Body):
    """Correct a conversation; a field left out stays, null clears it."""

    phase: Name | None = None
    category: Name | None = None
    snoozed_until: Moment | None = None


class Acknowledge(Body):
    """Say that you look after a case."""

    version: Version | None = None
    """The conversation's version that was read; a case with newer messages is then not acknowledged."""


class Resolve(Body):
    """Close a case."""

    resolution: Note | None = None
    version: Version | None = None
    """The conversation's version that was read; a case that holds an emergency is not closed without it."""
