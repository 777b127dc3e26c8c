"""Who serves each node, as a person or a rule decided: only ever added to, the newest row of a node holds."""

from sqlalchemy import BigInteger, Column, Double, Identity, Index, PrimaryKeyConstraint, Table, Text

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

servings = Table(
    "servings", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), of_pharmacy(),
    Column("node", Text, nullable=False), Column("by", Text, nullable=False),
    Column("canary_share", Double, nullable=False), Column("shadow_share", Double, nullable=False),
    Column("student", Text), Column("set_by", Text, nullable=False), Column("reason", Text, nullable=False),
    time("at", now=True), PrimaryKeyConstraint("seq"), Index("ix_servings_newest", "pharmacy_id", "node", "seq"),
)  # fmt: skip
