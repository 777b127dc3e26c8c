"""What is only ever added to."""

from sqlalchemy import BigInteger, Column, Identity, PrimaryKeyConstraint, Table, Text
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
    PrimaryKeyConstraint("pharmacy_id", "seq"),
)  # fmt: skip
