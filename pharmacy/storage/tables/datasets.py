"""Datasets: which split a patient is in, the versions that were built, their rows, and how many rows have left them."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

patient_splits = Table(
    "patient_splits", metadata, of_pharmacy(), Column("patient_id", Text, nullable=False),
    Column("split", Text, nullable=False),  # train | validation | held_out, for ever
    time("at", now=True), PrimaryKeyConstraint("pharmacy_id", "patient_id"),
)  # fmt: skip

datasets = Table(
    "datasets", metadata, of_pharmacy(), Column("version", Text, nullable=False),  # NODE-NUMBER
    Column("node", Text, nullable=False), Column("number", Integer, nullable=False),
    Column("rows_hash", Text, nullable=False),  # SHA-256 over prompt and rows, as they were built
    Column("prompt", JSONB, nullable=False),  # the static words, which are the same for every row
    Column("manifest", JSONB, nullable=False),  # counts, hashes and names; no patient's
    Column("built_by", Text, nullable=False), time("at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "version"),
    Index("uq_datasets_number", "pharmacy_id", "node", "number", unique=True),
)  # fmt: skip

dataset_rows = Table(
    "dataset_rows", metadata, of_pharmacy(), Column("version", Text, nullable=False),
    Column("place", Integer, nullable=False), Column("split", Text, nullable=False),
    Column("patient_id", Text, nullable=False), Column("conversation_id", Text, nullable=False),
    # Of the conversation, as the call read it: what withdraws a message takes the rows that rest on it.
    Column("conversation_version", Integer, nullable=False),
    Column("row", JSONB, nullable=False),  # redacted
    Column("row_hash", Text, nullable=False), PrimaryKeyConstraint("pharmacy_id", "version", "place"),
    Index("ix_dataset_rows_of_patient", "pharmacy_id", "patient_id"),
    Index("ix_dataset_rows_of_conversation", "pharmacy_id", "conversation_id", "conversation_version"),
)  # fmt: skip

dataset_losses = Table(
    "dataset_losses", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), of_pharmacy(),
    Column("version", Text, nullable=False), Column("split", Text, nullable=False),
    Column("rows", Integer, nullable=False), time("at", now=True), PrimaryKeyConstraint("seq"),
    Index("ix_dataset_losses_of_version", "pharmacy_id", "version"),
)  # fmt: skip
