"""What pharmacists keep beside a conversation, private notes, and the replies that they use again."""

import sqlalchemy as sa
from alembic import op

from pharmacy.storage.telling import tell
from pharmacy.storage.walls import wall

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the tables, each behind its wall; what was noted, and how a conversation moved, nobody writes anew."""
    _of_a_conversation("notes", _text("text"), _text("written_by"), _at("written_at", now=True), known_by="id")
    _of_a_conversation(
        "moves", _text("what"), _text("before", nullable=True), _text("after", nullable=True),
        _text("node", nullable=True), _text("actor", nullable=True), _at("at"),
    )  # fmt: skip
    op.create_table(
        "canned_replies", _text("pharmacy_id"), _text("name"), sa.Column("id", sa.Uuid(), nullable=False),
        _text("text"), sa.Column("version", sa.Integer(), nullable=False), _text("set_by"), _at("updated_at", now=True),
        sa.PrimaryKeyConstraint("pharmacy_id", "name", name=op.f("pk_canned_replies")),
    )  # fmt: skip
    for table in ("notes", "moves", "canned_replies"):
        op.execute(wall(table))
    for table in ("notes", "moves"):
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM kakari_app")
    op.execute(tell("notes"))


def _of_a_conversation(table: str, *columns: sa.Column[object], known_by: str | None = None) -> None:
    own = [sa.Column(known_by, sa.Uuid(), nullable=False)] if known_by else []
    op.create_table(
        table, sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False), *own,
        _text("pharmacy_id"), _text("conversation_id"), *columns,
        sa.PrimaryKeyConstraint("seq", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["pharmacy_id", "conversation_id"], ["conversations.pharmacy_id", "conversations.id"],
            name=op.f(f"fk_{table}_conversations"),
        ),
    )  # fmt: skip
    op.create_index(f"ix_{table}_of_conversation", table, ["pharmacy_id", "conversation_id", "seq"])


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _at(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=False)
