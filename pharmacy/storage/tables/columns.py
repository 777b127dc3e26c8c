"""What every table has in common: its metadata, its pharmacy, its times, its conversation."""

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, MetaData, Text, func

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                       "pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(referred_table_name)s"}
)  # fmt: skip


def of_pharmacy() -> Column[str]:
    """Return the column that the row-level rule reads; every table of people, messages or settings has it."""
    return Column("pharmacy_id", Text, nullable=False)


def time(name: str, *, nullable: bool = True, now: bool = False) -> Column[object]:
    """Return an aware time's column; with `now`, the transaction's start is its value unless another is given."""
    return Column(
        name, DateTime(timezone=True), nullable=nullable and not now, server_default=func.now() if now else None
    )


def of_conversation() -> ForeignKeyConstraint:
    """Return the rule that ties a row to a conversation of its own pharmacy."""
    return ForeignKeyConstraint(["pharmacy_id", "conversation_id"], ["conversations.pharmacy_id", "conversations.id"])
