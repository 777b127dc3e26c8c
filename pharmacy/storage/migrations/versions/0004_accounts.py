"""Accounts, rights and sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from pharmacy.storage.walls import wall

revision = "0004"
down_revision = "0003"

_AWARE = sa.DateTime(timezone=True)
_NOW = sa.text("now()")
_NONE_GIVEN = sa.text("'[]'::jsonb")


def upgrade() -> None:
    """Make the tables, each behind its wall; a key that is there keeps the rights it had."""
    _accounts()
    _sessions()
    op.add_column("api_keys", sa.Column("role", sa.Text(), server_default="machine"))
    op.add_column("api_keys", sa.Column("rights", postgresql.JSONB(), server_default=_NONE_GIVEN, nullable=False))
    for table in ("accounts", "provider_sign_ins"):
        op.execute(wall(table))


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("rights", postgresql.JSONB(), server_default=_NONE_GIVEN, nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("totp_secret", sa.Text()),
        sa.Column("totp_confirmed_at", _AWARE),
        sa.Column("totp_last_step", sa.BigInteger()),
        sa.Column("subject", sa.Text()),
        sa.Column("role_from", sa.Text(), server_default="account", nullable=False),
        sa.Column("disabled_at", _AWARE),
        sa.Column("created_at", _AWARE, server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("pharmacy_id", "name", name=op.f("uq_accounts_pharmacy_id_name")),
    )
    op.create_index(
        "uq_accounts_subject", "accounts", ["pharmacy_id", "subject"], unique=True,
        postgresql_where=sa.text("subject IS NOT NULL"),
    )  # fmt: skip


def _sessions() -> None:
    op.add_column("sign_ins", sa.Column("account_id", sa.Uuid()))
    op.add_column("sign_ins", sa.Column("idle_seconds", sa.Integer(), server_default="900", nullable=False))
    op.add_column("sign_ins", sa.Column("seen_at", _AWARE, server_default=_NOW, nullable=False))
    op.create_foreign_key(op.f("fk_sign_ins_accounts"), "sign_ins", "accounts", ["account_id"], ["id"])
    op.create_index(op.f("ix_sign_ins_account_id"), "sign_ins", ["account_id"])
    op.create_table(
        "provider_sign_ins",
        sa.Column("pharmacy_id", sa.Text(), nullable=False),
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("expires_at", _AWARE, nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_provider_sign_ins")),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("bucket", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("since", _AWARE, nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index(op.f("ix_sign_in_attempts_since"), "sign_in_attempts", ["since"])
