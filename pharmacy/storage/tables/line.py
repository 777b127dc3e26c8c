"""What belongs to LINE: its contacts, events without a message, withdrawals, and the files that patients sent."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from pharmacy.storage.tables.columns import metadata, of_conversation, of_pharmacy, time

line_contacts = Table(
    "line_contacts", metadata, of_pharmacy(), Column("user_id", Text, nullable=False),
    # Random: whoever sees a conversation's id learns nothing that LINE knows the patient by.
    Column("conversation_id", Text, nullable=False),
    time("blocked_at"),  # when the patient left or blocked the account
    time("follow_changed_at"),  # the newest follow or unfollow that was heard of
    time("created_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "user_id"), UniqueConstraint("pharmacy_id", "conversation_id"),
)  # fmt: skip

line_events = Table(
    "line_events", metadata, of_pharmacy(), Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("state", Text, nullable=False),  # done | ignored | parked
    Column("said", Text, nullable=False),  # why it was ignored or parked
    Column("user_id", Text), Column("raw", LargeBinary), Column("redelivered", Boolean, nullable=False),
    time("sent_at"), time("received_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "event_id"),
    Index("ix_line_events_parked", "pharmacy_id", "received_at", postgresql_where=text("state = 'parked'")),
)  # fmt: skip

line_unsent = Table(
    "line_unsent", metadata, of_pharmacy(), Column("user_id", Text, nullable=False),
    Column("channel_message_id", Text, nullable=False), time("unsent_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "user_id", "channel_message_id"),
)  # fmt: skip

media = Table(
    "media", metadata, of_pharmacy(), Column("conversation_id", Text, nullable=False),
    Column("message_id", Text, nullable=False), Column("channel_message_id", Text, nullable=False),
    Column("kind", Text, nullable=False),  # image | video | audio | file
    Column("state", Text, nullable=False),  # waiting | stored | refused | withdrawn
    Column("content_type", Text), Column("size", Integer), Column("content", LargeBinary), Column("problem", Text),
    time("created_at", now=True), time("stored_at"),
    PrimaryKeyConstraint("pharmacy_id", "conversation_id", "message_id"),
    of_conversation(),
)  # fmt: skip
