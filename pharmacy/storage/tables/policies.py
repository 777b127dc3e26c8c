"""The policy of automatic sending and its kill switch: only ever added to, the newest row holds."""

from sqlalchemy import BigInteger, Boolean, Column, Identity, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

policies = Table(
    "policies", metadata, of_pharmacy(), Column("version", Integer, nullable=False),
    Column("body", JSONB, nullable=False), Column("set_by", Text, nullable=False),
    Column("reason", Text, nullable=False), time("at", now=True), PrimaryKeyConstraint("pharmacy_id", "version"),
)  # fmt: skip

kill_switches = Table(
    "kill_switches", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), of_pharmacy(),
    Column("is_on", Boolean, nullable=False), Column("set_by", Text, nullable=False),
    Column("reason", Text, nullable=False), time("at", now=True), PrimaryKeyConstraint("seq"),
    Index("ix_kill_switches_newest", "pharmacy_id", "seq"),
)  # fmt: skip
