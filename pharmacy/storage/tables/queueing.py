"""How far each limited model's calls are counted ahead: nobody's rows, since all pharmacies share its provider."""

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text

from pharmacy.storage.tables.columns import metadata, time

model_queues = Table(
    "model_queues",
    metadata,
    Column("model", Text, nullable=False),
    time("requests_until", nullable=False),  # until when what was taken lasts at the limit's pace
    time("tokens_until", nullable=False),
    PrimaryKeyConstraint("model"),
)
