"""LINE's contacts, events and media; the order of a conversation's messages; what was withdrawn."""

import sqlalchemy as sa
from alembic import op

from pharmacy.storage.walls import wall

revision = "0005"
down_revision = "0004"

# The inbox takes no update: only this function blanks one event, of the caller's own pharmacy, and nothing but that.
REDACT = """
CREATE FUNCTION kakari_redact_event(text, text) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp
    AS $$ UPDATE inbox SET raw = '', raw_hash = '' WHERE channel = $1 AND event_id = $2
          AND pharmacy_id = current_setting('kakari.pharmacy_id', true) $$;
REVOKE EXECUTE ON FUNCTION kakari_redact_event(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kakari_redact_event(text, text) TO kakari_app;
"""


def upgrade() -> None:
    """Make the tables, each behind its wall, and the columns that messages need."""
    _widen_messages()
    op.add_column("conversations", sa.Column("withdrawn_version", sa.Integer(), server_default="0", nullable=False))
    _contacts()
    _events()
    _media()
    for table in ("line_contacts", "line_events", "line_unsent", "media"):
        op.execute(wall(table))
    op.execute(REDACT)


def _widen_messages() -> None:
    op.add_column("messages", sa.Column("channel_message_id", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("redelivered", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("messages", _time("order_at", now=True))
    op.create_index("ix_messages_in_order", "messages", ["pharmacy_id", "conversation_id", "order_at", "id"])
    op.create_index(
        "ix_messages_of_channel", "messages", ["pharmacy_id", "conversation_id", "channel_message_id"],
        postgresql_where=sa.text("channel_message_id IS NOT NULL"),
    )  # fmt: skip


def _contacts() -> None:
    op.create_table(
        "line_contacts", _text("pharmacy_id"), _text("user_id"), _text("conversation_id"), _time("blocked_at"),
        _time("follow_changed_at"), _time("created_at", now=True),
        sa.PrimaryKeyConstraint("pharmacy_id", "user_id", name="pk_line_contacts"),
        sa.UniqueConstraint("pharmacy_id", "conversation_id", name="uq_line_contacts_pharmacy_id_conversation_id"),
    )  # fmt: skip
    op.create_table(
        "line_unsent", _text("pharmacy_id"), _text("user_id"), _text("channel_message_id"),
        _time("unsent_at", now=True),
        sa.PrimaryKeyConstraint("pharmacy_id", "user_id", "channel_message_id", name="pk_line_unsent"),
    )  # fmt: skip


def _events() -> None:
    op.create_table(
        "line_events", _text("pharmacy_id"), _text("event_id"), _text("type"), _text("state"), _text("said"),
        sa.Column("user_id", sa.Text()), sa.Column("raw", sa.LargeBinary()),
        sa.Column("redelivered", sa.Boolean(), nullable=False), _time("sent_at"), _time("received_at", now=True),
        sa.PrimaryKeyConstraint("pharmacy_id", "event_id", name="pk_line_events"),
    )  # fmt: skip
    op.create_index(
        "ix_line_events_parked", "line_events", ["pharmacy_id", "received_at"],
        postgresql_where=sa.text("state = 'parked'"),
    )  # fmt: skip


def _media() -> None:
    op.create_table(
        "media", _text("pharmacy_id"), _text("conversation_id"), _text("message_id"), _text("channel_message_id"),
        _text("kind"), _text("state"), sa.Column("content_type", sa.Text()), sa.Column("size", sa.Integer()),
        sa.Column("content", sa.LargeBinary()), sa.Column("problem", sa.Text()), _time("created_at", now=True),
        _time("stored_at"),
        sa.PrimaryKeyConstraint("pharmacy_id", "conversation_id", "message_id", name="pk_media"),
        sa.ForeignKeyConstraint(
            ["pharmacy_id", "conversation_id"], ["conversations.pharmacy_id", "conversations.id"],
            name="fk_media_conversations",
        ),
    )  # fmt: skip


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _time(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)
