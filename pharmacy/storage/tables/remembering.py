"""Questions that may be asked again, each with the run that answered it, and whether a pharmacy answers from memory."""

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    Double,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pharmacy.storage.tables.columns import metadata, of_conversation, of_pharmacy, time

reply_caching = Table(
    "reply_caching", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), of_pharmacy(),
    Column("setting", JSONB, nullable=False), Column("set_by", Text, nullable=False),
    Column("reason", Text, nullable=False), time("at", now=True), PrimaryKeyConstraint("seq"),
    Index("ix_reply_caching_newest", "pharmacy_id", "seq"),
)  # fmt: skip

# The reply itself stands in the run's suggestion, with what a pharmacist decided on it: nothing is kept twice.
reply_cache = Table(
    "reply_cache", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), of_pharmacy(),
    Column("conversation_id", Text, nullable=False), Column("run_id", Uuid, nullable=False),
    Column("scope", Text, nullable=False), Column("key", Text, nullable=False), Column("node", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("hit_of", BigInteger),  # the entry that the reply was taken from; none where it was written anew
    Column("likeness", Double),  # how like that entry's question is, up to 1
    Column("embedder", Text), Column("embedding", ARRAY(REAL)), time("created_at", now=True),
    PrimaryKeyConstraint("seq"), UniqueConstraint("run_id"), of_conversation(),
    Index("ix_reply_cache_key", "pharmacy_id", "key"), Index("ix_reply_cache_scope", "pharmacy_id", "scope"),
    Index("ix_reply_cache_hit_of", "hit_of", postgresql_where="hit_of IS NOT NULL"),
    Index("ix_reply_cache_of_conversation", "pharmacy_id", "conversation_id"),
)  # fmt: skip
