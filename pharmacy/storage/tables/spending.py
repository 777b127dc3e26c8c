"""What models cost on each day, for months to be added up from: a row for each patient, and one for all together."""

from sqlalchemy import BigInteger, Column, Double, ForeignKeyConstraint, Index, Table, Text

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

spending = Table(
    "spending",
    metadata,
    of_pharmacy(),
    time("day_began_at", nullable=False),  # midnight in Japan
    Column("patient_id", Text),  # none for the row of all together
    Column("tokens", BigInteger, nullable=False),
    Column("cost_usd", Double, nullable=False),
    Column("guessed_usd", Double, nullable=False),  # the part of it that counts by estimate: a price is unknown
    Column("refusal", Text),  # what was said when a call was first refused
    # A call that ends after its patient was erased must leave nothing of them.
    ForeignKeyConstraint(["pharmacy_id", "patient_id"], ["patients.pharmacy_id", "patients.id"]),
    Index("ix_spending_of", "pharmacy_id", "patient_id", "day_began_at"),
    Index("uq_spending", "pharmacy_id", "day_began_at", "patient_id", unique=True, postgresql_nulls_not_distinct=True),
)
