"""Runs, what they propose, and what each model call was."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Double,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from pharmacy.storage.tables.columns import metadata, of_conversation, of_pharmacy, time

runs = Table(
    "runs",
    metadata,
    Column("id", Uuid, nullable=False),
    of_pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("state", Text, nullable=False),  # running | proposed | superseded | stopped | failed
    Column("request_id", Uuid),
    Column("node", Text),  # the one at work, of a run that a pharmacist waits for
    Column("steps", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("problem", Text),
    Column("cost_usd", Double),
    Column("chosen", JSONB),  # of nodes with two models: which one was drawn, and with what probability
    time("started_at", now=True),
    time("finished_at"),
    PrimaryKeyConstraint("id"),
    of_conversation(),
    Index(None, "pharmacy_id", "conversation_id", "started_at"),
    Index("ix_runs_request", "request_id", postgresql_where=text("request_id IS NOT NULL")),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Uuid, nullable=False),
    of_pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("instruction", Text, nullable=False),
    time("created_at", now=True),
    time("dropped_at"),  # when a pharmacist answered before the draft was there
    PrimaryKeyConstraint("id"),
    of_conversation(),
    Index(None, "pharmacy_id", "conversation_id"),
    Index("ix_requests_pharmacy_id_created_at", "pharmacy_id", "created_at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Uuid, nullable=False),
    of_pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("run_id", Uuid),  # none for an emergency that intake handed over
    Column("kind", Text, nullable=False),
    Column("suggestion_id", Uuid),
    Column("handover_id", Uuid),
    Column("body", JSONB, nullable=False),
    time("created_at", now=True),
    PrimaryKeyConstraint("id"),
    of_conversation(),
    Index(None, "pharmacy_id", "created_at"),
    Index("ix_outcomes_of_conversation", "pharmacy_id", "conversation_id", "version"),
    Index(None, "run_id"),
)

suggestions = Table(
    "suggestions",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("id", Uuid, nullable=False),
    of_pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),  # open | automatic | approved | edited | rejected | regenerated | superseded
    Column("requested", Boolean, nullable=False),
    Column("category", Text),
    Column("phase", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("decided_by", Text),
    Column("decision", JSONB),
    time("created_at", now=True),
    time("decided_at"),
    # Which model wrote it, kept by the database itself from what the body says.
    Column("model", Text, Computed("(body -> 'models') ->> ('generate_' || category)", persisted=True)),
    PrimaryKeyConstraint("id"),
    of_conversation(),
    Index(None, "pharmacy_id", "state", "seq"),
    Index("ix_suggestions_of_conversation", "pharmacy_id", "conversation_id", "seq"),
    Index("ix_suggestions_rejected", "pharmacy_id", "conversation_id", "version",
          postgresql_where=text("state = 'rejected'")),
    Index("ix_suggestions_decided", "pharmacy_id", "decided_at", postgresql_where=text("decided_at IS NOT NULL")),
    Index("uq_suggestions_one_open", "pharmacy_id", "conversation_id", unique=True,
          postgresql_where=text("state = 'open'")),
)  # fmt: skip

handovers = Table(
    "handovers",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("id", Uuid, nullable=False),
    of_pharmacy(),
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
    Column("alarm_level", Integer, nullable=False, server_default="0"),
    time("alarmed_at"),  # when it first called for somebody
    time("alarm_due_at"),  # when it calls again unless somebody has acknowledged it
    time("acknowledged_at"),
    Column("acknowledged_by", Text),
    time("created_at", now=True),
    time("updated_at", now=True),
    time("resolved_at"),
    PrimaryKeyConstraint("id"),
    of_conversation(),
    Index(None, "pharmacy_id", "state", "urgency", "seq"),
    Index("ix_handovers_of_conversation", "pharmacy_id", "conversation_id", "urgency", "seq"),
    Index("ix_handovers_alarm_due", "pharmacy_id", "alarm_due_at",
          postgresql_where=text("state = 'open' AND acknowledged_at IS NULL AND alarm_due_at IS NOT NULL")),
    Index("ix_handovers_resolved_at", "pharmacy_id", "resolved_at",
          postgresql_where=text("resolved_at IS NOT NULL")),
    Index("ix_handovers_resolved", "pharmacy_id", "conversation_id", "version",
          postgresql_where=text("state = 'resolved'")),
    Index("uq_handovers_one_open", "pharmacy_id", "conversation_id", unique=True,
          postgresql_where=text("state = 'open'")),
)  # fmt: skip

model_calls = Table(
    "model_calls",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    of_pharmacy(),
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
    time("started_at", nullable=False),
    Column("waited_seconds", Double, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("seq"),
    Index(None, "pharmacy_id", "run_id"),
    Index(None, "pharmacy_id", "conversation_id"),
    Index("ix_model_calls_by_time", "started_at", postgresql_using="brin"),
)
