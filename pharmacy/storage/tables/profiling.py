"""How much an earlier answer may cost a pharmacy, as a person chose: only ever added to, the newest row holds."""

from sqlalchemy import BigInteger, Column, Identity, Index, PrimaryKeyConstraint, Table, Text

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

reply_profiles = Table(
    "reply_profiles", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), of_pharmacy(),
    Column("profile", Text), Column("set_by", Text, nullable=False), Column("reason", Text, nullable=False),
    time("at", now=True), PrimaryKeyConstraint("seq"), Index("ix_reply_profiles_newest", "pharmacy_id", "seq"),
)  # fmt: skip
