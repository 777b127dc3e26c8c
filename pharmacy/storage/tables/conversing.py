"""People, products, conversations and their messages."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from pharmacy.storage.tables.columns import metadata, of_conversation, of_pharmacy, time

patients = Table(
    "patients", metadata, of_pharmacy(), Column("id", Text, nullable=False), Column("profile", JSONB, nullable=False),
    time("updated_at", now=True),
    # What a search reads, kept by the database itself; likewise `folded` of a message.
    Column("folded_name", Text, Computed("lower(normalize(profile ->> 'name', NFKC))", persisted=True)),
    PrimaryKeyConstraint("pharmacy_id", "id"),
)  # fmt: skip

products = Table(
    "products", metadata, of_pharmacy(), Column("id", Text, nullable=False), Column("body", JSONB, nullable=False),
    # Rises with every write: a time would be the transaction's start, which says nothing of who committed last.
    Column("revision", Integer, nullable=False, server_default="1"),
    time("updated_at", now=True), PrimaryKeyConstraint("pharmacy_id", "id"),
)  # fmt: skip

conversations = Table(
    "conversations",
    metadata,
    of_pharmacy(),
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
    time("phase_set_at"),
    time("category_set_at"),
    # The version that the newest withdrawal of a message made: a run older than that may keep none of its words.
    Column("withdrawn_version", Integer, nullable=False, server_default="0"),
    Column("taken_over_by", Text),
    Column("claimed_by", Text),
    time("snoozed_until"),
    time("last_message_at", now=True),
    time("created_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "id"),
    Index(None, "pharmacy_id", "last_message_at", "id"),
    Index("ix_conversations_of_patient", "pharmacy_id", "patient_id"),
)

inbox = Table(
    "inbox", metadata, of_pharmacy(), Column("event_id", Text, nullable=False), Column("channel", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False), Column("raw_hash", Text, nullable=False),
    Column("message_id", Text, nullable=False), time("received_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "channel", "event_id"),
)  # fmt: skip

messages = Table(
    "messages",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    of_pharmacy(),
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
    Column("channel_message_id", Text),  # what the channel calls the message
    Column("redelivered", Boolean, nullable=False, server_default="false"),
    time("sent_at", nullable=False),
    time("received_at", now=True),
    time("order_at", now=True),  # its place in the conversation
    Column("folded", Text, Computed("lower(normalize(text, NFKC))", persisted=True)),  # the text, for searching
    PrimaryKeyConstraint("seq"),
    UniqueConstraint("pharmacy_id", "conversation_id", "id"),
    of_conversation(),
    Index(None, "pharmacy_id", "conversation_id", "seq"),
    Index("ix_messages_by_time", "received_at", postgresql_using="brin"),
    Index("ix_messages_of_patient", "pharmacy_id", "conversation_id", "version",
          postgresql_where=text("author = 'patient'")),
    Index("ix_messages_of_ours", "pharmacy_id", "conversation_id", "version",
          postgresql_where=text("author <> 'patient' AND kind <> 'fixed'")),
    Index("ix_messages_in_order", "pharmacy_id", "conversation_id", "order_at", "id"),
    Index("ix_messages_of_channel", "pharmacy_id", "conversation_id", "channel_message_id",
          postgresql_where=text("channel_message_id IS NOT NULL")),
    Index("ix_messages_unanswered", "pharmacy_id", "conversation_id",
          postgresql_where=text("outcome_id IS NULL AND author = 'patient'")),
)  # fmt: skip

idempotency_keys = Table(
    "idempotency_keys", metadata, of_pharmacy(), Column("caller", Text, nullable=False),
    Column("key", Text, nullable=False), Column("request_hash", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False), time("created_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "caller", "key"),
)  # fmt: skip
