"""Who looks at which conversation: one row for each open page, renewed while it is looked at."""

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

presences = Table(
    "presences", metadata, of_pharmacy(), Column("actor", Text, nullable=False),
    Column("page", Text, nullable=False),  # the browser tab's own mark: one person may have several open
    Column("conversation_id", Text, nullable=False),
    Column("state", Text, nullable=False),  # viewing | editing
    time("seen_at", now=True), PrimaryKeyConstraint("pharmacy_id", "actor", "page"), prefixes=["UNLOGGED"],
)  # fmt: skip
