"""What is only ever added to."""

from sqlalchemy import BigInteger, Column, Identity, Index, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

served_modes = Table(
    "served_modes", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), of_pharmacy(),
    Column("mode", Text, nullable=False), time("at", now=True), PrimaryKeyConstraint("seq"),
)  # fmt: skip

audit = Table(
    "audit", metadata, Column("seq", BigInteger, nullable=False), of_pharmacy(), time("at", nullable=False),
    Column("actor", Text, nullable=False), Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False), Column("body", JSONB, nullable=False),
    Column("previous_hash", Text, nullable=False), Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("pharmacy_id", "seq"), Index(None, "pharmacy_id", "subject"),
)  # fmt: skip

# What the database itself notes of each audit row as it is written; the program may read it and nothing else.
audit_heads = Table(
    "audit_heads", metadata, of_pharmacy(), Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False), PrimaryKeyConstraint("pharmacy_id", "seq"),
)  # fmt: skip

# Each time this database's rows were found to come from a backup; the first row says where it began.
restores = Table(
    "restores", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("identity", Text, nullable=False), Column("found_by", Text, nullable=False), time("at", now=True),
    PrimaryKeyConstraint("seq"),
)  # fmt: skip
