"""Calls and messages are found by time, for the figures: of calls with all that is counted, of messages their pages."""

from alembic import op

revision = "0030"
down_revision = "0029"

_COUNTED = [
    "run_id", "node", "model_asked", "prompt_fingerprint", "prompt_tokens", "cached_tokens", "completion_tokens",
    "tokens_estimated", "cost_usd",
]  # fmt: skip


def upgrade() -> None:
    """Add the indexes."""
    op.create_index(
        "ix_model_calls_of_figures", "model_calls", ["pharmacy_id", "started_at"], postgresql_include=_COUNTED
    )
    op.create_index("ix_messages_by_time", "messages", ["received_at"], postgresql_using="brin")
