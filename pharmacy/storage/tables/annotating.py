"""Runs that people look at again, at LangSmith or in the console, and what they said of them."""

from sqlalchemy import Column, Double, Index, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from pharmacy.storage.tables.columns import metadata, of_conversation, of_pharmacy, time

annotation_items = Table(
    "annotation_items", metadata, of_pharmacy(), Column("run_id", Uuid, nullable=False),
    Column("conversation_id", Text, nullable=False), Column("why", JSONB, nullable=False), time("put_at", now=True),
    Column("reserved_by", Text), time("reserved_until"),  # nobody else is given it before
    Column("done_by", Text), time("done_at"),
    PrimaryKeyConstraint("run_id"), of_conversation(),
    Index("ix_annotation_items_waiting", "pharmacy_id", "put_at", "run_id", postgresql_where=text("done_at IS NULL")),
    Index("ix_annotation_items_of_conversation", "pharmacy_id", "conversation_id"),
)  # fmt: skip

annotation_labels = Table(
    "annotation_labels", metadata, of_pharmacy(),
    Column("feedback_id", Uuid, nullable=False),  # by which a label is known when it is read or given again
    Column("run_id", Uuid, nullable=False), Column("conversation_id", Text, nullable=False),
    Column("node", Text, nullable=False), Column("key", Text, nullable=False),
    Column("corrected", JSONB), Column("score", Double), Column("comment", Text),
    # Whose words they are: `pseudonyms` stand in LangSmith for names, and must not be taken for what was written;
    # `own` are as they were written in the console.
    Column("words", Text, nullable=False, server_default=text("'pseudonyms'")),
    Column("reviewer", Text), time("reviewed_at", nullable=False), time("pulled_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "feedback_id"), of_conversation(),
    Index("ix_annotation_labels_of_node", "pharmacy_id", "node", "reviewed_at"),
    Index("ix_annotation_labels_of_conversation", "pharmacy_id", "conversation_id"),
)  # fmt: skip
