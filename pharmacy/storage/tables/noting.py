"""What pharmacists keep beside a conversation, the replies they use again, and how a conversation has moved."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid

from pharmacy.storage.tables.columns import metadata, of_conversation, of_pharmacy, time

notes = Table(
    "notes", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("id", Uuid, nullable=False), of_pharmacy(), Column("conversation_id", Text, nullable=False),
    Column("text", Text, nullable=False), Column("written_by", Text, nullable=False), time("written_at", now=True),
    PrimaryKeyConstraint("seq"), of_conversation(),
    Index("ix_notes_of_conversation", "pharmacy_id", "conversation_id", "seq"),
)  # fmt: skip

canned_replies = Table(
    "canned_replies", metadata, of_pharmacy(), Column("name", Text, nullable=False),
    # What the audit trail calls it: a name is somebody's words.
    Column("id", Uuid, nullable=False), Column("text", Text, nullable=False),
    Column("version", Integer, nullable=False), Column("set_by", Text, nullable=False), time("updated_at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "name"),
)  # fmt: skip

moves = Table(
    "moves", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), of_pharmacy(),
    Column("conversation_id", Text, nullable=False), Column("what", Text, nullable=False),  # phase | category
    Column("before", Text), Column("after", Text),
    # One of the two: the node that said so, or the person.
    Column("node", Text), Column("actor", Text), time("at", nullable=False),
    PrimaryKeyConstraint("seq"), of_conversation(),
    Index("ix_moves_of_conversation", "pharmacy_id", "conversation_id", "seq"),
)  # fmt: skip
