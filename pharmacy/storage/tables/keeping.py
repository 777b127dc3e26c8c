"""What is left of what was erased."""

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, Table

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

# The SHA-256 of each erased event's id, so that a channel that repeats it does not bring it back.
erased_events = Table(
    "erased_events", metadata, of_pharmacy(), Column("event_hash", LargeBinary, nullable=False),
    time("erased_at", now=True), PrimaryKeyConstraint("pharmacy_id", "event_hash"),
)  # fmt: skip
