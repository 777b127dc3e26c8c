"""What calls a person who has no console open."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from pharmacy.storage.tables.columns import metadata, of_conversation, of_pharmacy, time

alarms = Table(
    "alarms",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("id", Uuid, nullable=False),  # the retry key of its post, too
    of_pharmacy(),
    Column("conversation_id", Text, nullable=False),
    Column("handover_id", Uuid),
    Column("kind", Text, nullable=False),  # case | not_sent | stepped_back
    Column("tier", Text),
    Column("category", Text, nullable=False),
    Column("level", Integer, nullable=False),  # 0 at first; from 1 on the wider circle hears of it too
    Column("state", Text, nullable=False),  # queued | told | dropped | parked
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    time("since", nullable=False),  # when what it tells of began to wait
    time("created_at", now=True),
    Column("heard", ARRAY(Text), nullable=False, server_default="{}"),  # the marks of the addresses that were told
    PrimaryKeyConstraint("id"),
    of_conversation(),
    Index(None, "pharmacy_id", "created_at"),
    Index("ix_alarms_of_handover", "handover_id", postgresql_where=text("handover_id IS NOT NULL")),
)
