"""Which pharmacies there are, and who may call."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

api_keys = Table(
    "api_keys", metadata, Column("id", Uuid, nullable=False), of_pharmacy(), Column("name", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False), time("created_at", now=True), time("revoked_at"),
    # The rights of a role, or none; and those given by name.
    Column("role", Text, server_default="machine"),
    Column("rights", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    PrimaryKeyConstraint("id"), UniqueConstraint("key_hash"),
    Index("uq_api_keys_one_in_use", "pharmacy_id", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
)  # fmt: skip

accounts = Table(
    "accounts",
    metadata,
    Column("id", Uuid, nullable=False),
    of_pharmacy(),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("rights", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # given by name, beside the role's
    Column("password_hash", Text),  # none: signs in through the provider only
    Column("totp_secret", Text),
    time("totp_confirmed_at"),
    Column("totp_last_step", BigInteger),  # the newest 30 s step whose code was used: none works twice
    Column("subject", Text),  # issuer and subject at the provider, tied at the first sign-in
    Column("role_from", Text, nullable=False, server_default="account"),  # account | claim
    time("disabled_at"),
    time("created_at", now=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("pharmacy_id", "name"),
    Index("uq_accounts_subject", "pharmacy_id", "subject", unique=True, postgresql_where=text("subject IS NOT NULL")),
)

sign_ins = Table(
    "sign_ins", metadata, of_pharmacy(), Column("token_hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False), Column("actor", Text, nullable=False),
    time("expires_at", nullable=False), time("created_at", now=True),
    Column("account_id", Uuid),  # none: whoever sits at the machine itself
    Column("idle_seconds", Integer, nullable=False, server_default="900"), time("seen_at", now=True),
    PrimaryKeyConstraint("token_hash"), ForeignKeyConstraint(["account_id"], ["accounts.id"]),
    Index(None, "account_id"),
)  # fmt: skip

provider_sign_ins = Table(
    "provider_sign_ins", metadata, of_pharmacy(), Column("state_hash", LargeBinary, nullable=False),
    Column("nonce", Text, nullable=False), Column("verifier", Text, nullable=False),
    time("expires_at", nullable=False), PrimaryKeyConstraint("state_hash"),
)  # fmt: skip

# Of no pharmacy: an address attacks all of them. It holds hashes and counts only.
sign_in_attempts = Table(
    "sign_in_attempts", metadata, Column("bucket", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False), time("since", nullable=False), PrimaryKeyConstraint("bucket"),
    Index(None, "since"),
)  # fmt: skip

pharmacies = Table(
    "pharmacies", metadata, Column("id", Text, nullable=False), time("created_at", now=True),
    PrimaryKeyConstraint("id"),
)  # fmt: skip
