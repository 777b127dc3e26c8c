"""The tables, as SQLAlchemy knows them; the migrations make them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                       "pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(referred_table_name)s"}
)  # fmt: skip


def _pharmacy() -> Column[str]:
    return Column("pharmacy_id", Text, nullable=False)


def _time(name: str, *, nullable: bool = True, now: bool = False) -> Column[object]:
    return Column(
        name, DateTime(timezone=True), nullable=nullable and not now, server_default=func.now() if now else None
    )


def _of_conversation() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["pharmacy_id", "conversation_id"], ["conversations.pharmacy_id", "conversations.id"])


patients = Table(
    "patients", metadata, _pharmacy(), Column("id", Text, nullable=False), Column("profile", JSONB, nullable=False),
    _time("updated_at", now=True), PrimaryKeyConstraint("pharmacy_id", "id"),
)  # fmt: skip

products = Table(
    "products", metadata, _pharmacy(), Column("id", Text, nullable=False), Column("body", JSONB, nullable=False),
    # Rises with every write: a time would be the transaction's start, which says nothing of who committed last.
    Column("revision", Integer, nullable=False, server_default="1"),
    _time("updated_at", now=True), PrimaryKeyConstraint("pharmacy_id", "id"),
)  # fmt: skip

conversations = Table(
    "conversations",
    metadata,
    _pharmacy(),
    Column("id", Text, nullable=False),
    Column("patient_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    # Rises with each run that begins; only the newest number may write its outcome.
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("phase", Text, nullable=False),
    Column("category", Text),
    Column("category_set_by", Text),
    # When a person last set them: what was drafted before that may not set them back.
    _time("phase_set_at"),
    _time("category_set_at"),
    Column("taken_over_by", Text),
    Column("claimed_by", Text),
    _time("snoozed_until"),
    _time("last_message_at", now=True),
    _time("created_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "id"),
    Index(None, "pharmacy_id", "last_message_at", "id"),
    Index("ix_conversations_of_patient", "pharmacy_id", "patient_id"),
)

inbox = Table(
    "inbox", metadata, _pharmacy(), Column("event_id", Text, nullable=False), Column("channel", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False), Column("raw_hash", Text, nullable=False),
    Column("message_id", Text, nullable=False), _time("received_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "channel", "event_id"),
)  # fmt: skip

messages = Table(
    "messages",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    _pharmacy(),
    Column("id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default="text"),
    Column("text", Text, nullable=False),
    Column("sent_by", Text),
    Column("hits", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("outcome_id", Uuid),
    Column("outbox_id", Uuid),
    _time("sent_at", nullable=False),
    _time("received_at", now=True),
    PrimaryKeyConstraint("seq"),
    UniqueConstraint("pharmacy_id", "conversation_id", "id"),
    _of_conversation(),
    Index(None, "pharmacy_id", "conversation_id", "seq"),
    Index("ix_messages_unanswered", "pharmacy_id", "conversation_id",
          postgresql_where=text("outcome_id IS NULL AND author = 'patient'")),
)  # fmt: skip

runs = Table(
    "runs",
    metadata,
    Column("id", Uuid, nullable=False),
    _pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("state", Text, nullable=False),  # running | proposed | superseded | stopped | failed
    Column("request_id", Uuid),
    Column("steps", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("problem", Text),
    Column("cost_usd", Double),
    _time("started_at", now=True),
    _time("finished_at"),
    PrimaryKeyConstraint("id"),
    _of_conversation(),
    Index(None, "pharmacy_id", "conversation_id", "started_at"),
    Index("ix_runs_request", "request_id", postgresql_where=text("request_id IS NOT NULL")),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Uuid, nullable=False),
    _pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("instruction", Text, nullable=False),
    _time("created_at", now=True),
    _time("dropped_at"),  # when a pharmacist answered before the draft was there
    PrimaryKeyConstraint("id"),
    _of_conversation(),
    Index(None, "pharmacy_id", "conversation_id"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Uuid, nullable=False),
    _pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("run_id", Uuid),  # none for an emergency that intake handed over
    Column("kind", Text, nullable=False),
    Column("suggestion_id", Uuid),
    Column("handover_id", Uuid),
    Column("body", JSONB, nullable=False),
    _time("created_at", now=True),
    PrimaryKeyConstraint("id"),
    _of_conversation(),
    Index(None, "pharmacy_id", "created_at"),
    Index("ix_outcomes_of_conversation", "pharmacy_id", "conversation_id", "version"),
    Index(None, "run_id"),
)

suggestions = Table(
    "suggestions",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("id", Uuid, nullable=False),
    _pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),  # open | approved | edited | rejected | regenerated | superseded
    Column("requested", Boolean, nullable=False),
    Column("category", Text),
    Column("phase", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("decided_by", Text),
    Column("decision", JSONB),
    _time("created_at", now=True),
    _time("decided_at"),
    PrimaryKeyConstraint("id"),
    _of_conversation(),
    Index(None, "pharmacy_id", "state", "seq"),
    Index("ix_suggestions_of_conversation", "pharmacy_id", "conversation_id", "seq"),
    Index("uq_suggestions_one_open", "pharmacy_id", "conversation_id", unique=True,
          postgresql_where=text("state = 'open'")),
)  # fmt: skip

handovers = Table(
    "handovers",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("id", Uuid, nullable=False),
    _pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),  # open | resolved
    Column("code", Text, nullable=False),
    Column("tier", Text),
    Column("urgency", Integer, nullable=False),  # 0 for E, 1 for U, 2 for H, 3 for none: the queue's order
    Column("detail", Text, nullable=False),
    Column("category", Text),
    Column("phase", Text, nullable=False),
    Column("reasons", JSONB, nullable=False),
    Column("drafts", JSONB, nullable=False),
    Column("resolved_by", Text),
    Column("resolution", Text),
    _time("created_at", now=True),
    _time("updated_at", now=True),
    _time("resolved_at"),
    PrimaryKeyConstraint("id"),
    _of_conversation(),
    Index(None, "pharmacy_id", "state", "urgency", "seq"),
    Index("ix_handovers_of_conversation", "pharmacy_id", "conversation_id", "urgency", "seq"),
    Index("uq_handovers_one_open", "pharmacy_id", "conversation_id", unique=True,
          postgresql_where=text("state = 'open'")),
)  # fmt: skip

model_calls = Table(
    "model_calls",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    _pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("node", Text, nullable=False),
    Column("prompt_file", Text, nullable=False),
    Column("prompt_fingerprint", Text, nullable=False),
    Column("blanks", JSONB, nullable=False),
    Column("model_asked", Text, nullable=False),
    Column("model_served", Text),
    Column("output", Text),
    Column("prompt_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("tokens_estimated", Boolean, nullable=False),
    Column("cost_usd", Double),
    Column("seconds", Double, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("error", Text),
    _time("started_at", nullable=False),
    PrimaryKeyConstraint("seq"),
    Index(None, "pharmacy_id", "run_id"),
    Index(None, "pharmacy_id", "conversation_id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, nullable=False),
    _pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("retry_key", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("text_hash", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("sent_by", Text, nullable=False),
    Column("category", Text),
    Column("phase", Text),
    Column("suggestion_id", Uuid),
    # Why the pharmacist sent what the output gate would have held, and the rules that held it.
    Column("reason", Text),
    Column("overridden", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("state", Text, nullable=False),  # queued | sent | parked
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    _time("created_at", now=True),
    _time("sent_at"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("retry_key"),
    _of_conversation(),
    Index(None, "pharmacy_id", "conversation_id", "created_at"),
    Index("ix_outbox_queued", "created_at", postgresql_where=text("state = 'queued'")),
)

idempotency_keys = Table(
    "idempotency_keys", metadata, _pharmacy(), Column("caller", Text, nullable=False),
    Column("key", Text, nullable=False), Column("request_hash", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False), _time("created_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "caller", "key"),
)  # fmt: skip

served_modes = Table(
    "served_modes", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), _pharmacy(),
    Column("mode", Text, nullable=False), _time("at", now=True), PrimaryKeyConstraint("seq"),
)  # fmt: skip

api_keys = Table(
    "api_keys", metadata, Column("id", Uuid, nullable=False), _pharmacy(), Column("name", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False), _time("created_at", now=True), _time("revoked_at"),
    PrimaryKeyConstraint("id"), UniqueConstraint("key_hash"),
    Index("uq_api_keys_one_in_use", "pharmacy_id", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
)  # fmt: skip

sign_ins = Table(
    "sign_ins", metadata, _pharmacy(), Column("token_hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False), Column("actor", Text, nullable=False),
    _time("expires_at", nullable=False), _time("created_at", now=True), PrimaryKeyConstraint("token_hash"),
)  # fmt: skip

audit = Table(
    "audit", metadata, Column("seq", BigInteger, nullable=False), _pharmacy(), _time("at", nullable=False),
    Column("actor", Text, nullable=False), Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False), Column("body", JSONB, nullable=False),
    Column("previous_hash", Text, nullable=False), Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("pharmacy_id", "seq"),
)  # fmt: skip
