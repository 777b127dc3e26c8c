"""Evaluations: what models were held against each other on which rows, and what each of them answered."""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

evaluations = Table(
    "evaluations", metadata, of_pharmacy(), Column("id", UUID(as_uuid=True), nullable=False),
    Column("key", Text, nullable=False),  # of the question: the same is gone on with, not begun anew
    Column("node", Text, nullable=False), Column("version", Text, nullable=False),  # of the dataset
    Column("asked", JSONB, nullable=False),  # split, candidates, judge, fingerprints
    Column("figures", JSONB),  # none until every answer is there; counts and shares, no patient's word
    Column("begun_by", Text, nullable=False), time("at", now=True), time("ended_at"),
    PrimaryKeyConstraint("pharmacy_id", "id"),
    Index("ix_evaluations_of_key", "pharmacy_id", "key"), Index("ix_evaluations_of_node", "pharmacy_id", "node", "at"),
)  # fmt: skip

evaluation_answers = Table(
    "evaluation_answers", metadata, of_pharmacy(), Column("evaluation_id", UUID(as_uuid=True), nullable=False),
    Column("candidate", Text, nullable=False), Column("version", Text, nullable=False),
    Column("place", Integer, nullable=False), Column("patient_id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("output", Text),  # none where no readable answer came
    Column("scores", JSONB, nullable=False),  # measure to 0 or 1
    Column("said", JSONB, nullable=False),  # the label given, or the judge's marks and reasons
    Column("prompt_tokens", BigInteger, nullable=False), Column("cached_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost_usd", Double), Column("judging_usd", Double), Column("seconds", Double, nullable=False),
    Column("error", Text), time("at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "evaluation_id", "candidate", "place"),
    ForeignKeyConstraint(["pharmacy_id", "evaluation_id"], ["evaluations.pharmacy_id", "evaluations.id"]),
    # What takes a row out of its dataset, for whatever reason, takes the answers to it.
    ForeignKeyConstraint(
        ["pharmacy_id", "version", "place"],
        ["dataset_rows.pharmacy_id", "dataset_rows.version", "dataset_rows.place"], ondelete="CASCADE",
    ),
    Index("ix_evaluation_answers_of_row", "pharmacy_id", "version", "place"),
    Index("ix_evaluation_answers_of_patient", "pharmacy_id", "patient_id"),
)  # fmt: skip
