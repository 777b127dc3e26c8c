"""Which pharmacies there are, and who may call."""

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, UniqueConstraint, Uuid, text

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

api_keys = Table(
    "api_keys", metadata, Column("id", Uuid, nullable=False), of_pharmacy(), Column("name", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False), time("created_at", now=True), time("revoked_at"),
    PrimaryKeyConstraint("id"), UniqueConstraint("key_hash"),
    Index("uq_api_keys_one_in_use", "pharmacy_id", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
)  # fmt: skip

sign_ins = Table(
    "sign_ins", metadata, of_pharmacy(), Column("token_hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False), Column("actor", Text, nullable=False),
    time("expires_at", nullable=False), time("created_at", now=True), PrimaryKeyConstraint("token_hash"),
)  # fmt: skip

pharmacies = Table(
    "pharmacies", metadata, Column("id", Text, nullable=False), time("created_at", now=True),
    PrimaryKeyConstraint("id"),
)  # fmt: skip
