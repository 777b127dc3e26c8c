"""Pharmacies, and row-level rules that keep them apart."""

import sqlalchemy as sa
from alembic import op

from pharmacy.storage.walls import wall

revision = "0003"
down_revision = "0002"

TABLES = (
    "api_keys", "audit", "conversations", "handovers", "idempotency_keys", "inbox", "messages", "model_calls", "outbox",
    "outcomes", "patients", "products", "requests", "runs", "served_modes", "sign_ins", "suggestions",
)  # fmt: skip
# Who calls with a key or a cookie says by it which pharmacy is theirs: only the owner can read that across the wall.
LOOK_UPS = """
CREATE FUNCTION kakari_pharmacy_of_key(bytea) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp
    AS 'SELECT pharmacy_id FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL';
CREATE FUNCTION kakari_pharmacy_of_sign_in(bytea) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp
    AS 'SELECT pharmacy_id FROM sign_ins WHERE token_hash = $1 AND expires_at > now()';
REVOKE EXECUTE ON FUNCTION kakari_pharmacy_of_key(bytea), kakari_pharmacy_of_sign_in(bytea) FROM PUBLIC;
"""


def upgrade() -> None:
    """Make the list of pharmacies, and wall off what each of them keeps."""
    op.create_table(
        "pharmacies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pharmacies")),
    )
    op.execute("REVOKE UPDATE, DELETE ON pharmacies FROM kakari_app")
    for table in TABLES:
        op.execute(wall(table))
    op.execute(LOOK_UPS)
