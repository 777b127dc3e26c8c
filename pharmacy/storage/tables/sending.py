"""What goes out."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from pharmacy.storage.tables.columns import metadata, of_conversation, of_pharmacy, time

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, nullable=False),
    of_pharmacy(),
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
    Column("state", Text, nullable=False),  # queued | sent | parked | cancelled
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("problem", Text),  # for engineers; a person is told by the code
    Column("problem_code", Text),
    Column("in_doubt", Boolean, nullable=False, server_default=text("false")),  # it may have arrived all the same
    time("created_at", now=True),
    time("sent_at"),
    Column("kind", Text, nullable=False, server_default="reply"),  # reply | fixed
    # Nobody pressed a button for it: the policy of this version let it go.
    Column("automatic", Boolean, nullable=False, server_default=text("false")),
    Column("policy_version", BigInteger),
    Column("handover_id", Uuid),  # the case that a fixed text was sent for
    Column("fixed_text", Text),
    time("not_before"),  # while a person may still cancel it, or a channel has asked for patience
    PrimaryKeyConstraint("id"),
    UniqueConstraint("retry_key"),
    of_conversation(),
    Index(None, "pharmacy_id", "conversation_id", "created_at"),
    Index("uq_outbox_fixed_text", "handover_id", "fixed_text", unique=True,
          postgresql_where=text("handover_id IS NOT NULL")),
    Index("ix_outbox_queued", "created_at", postgresql_where=text("state = 'queued'")),
    Index("ix_outbox_automatic", "pharmacy_id", "created_at", postgresql_where=text("automatic")),
)  # fmt: skip
