"""Jobs that train students: a row for each state that one was seen in; only ever added to, the newest row holds."""

from sqlalchemy import BigInteger, Column, Identity, Index, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from pharmacy.storage.tables.columns import metadata, of_pharmacy, time

training_jobs = Table(
    "training_jobs", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), of_pharmacy(),
    Column("key", Text, nullable=False),  # of the order: the same is never trained twice
    Column("node", Text, nullable=False), Column("trainer", Text, nullable=False), Column("base", Text, nullable=False),
    Column("prompt_fingerprint", Text, nullable=False),
    Column("rows_hash", Text, nullable=False),  # SHA-256 of the file that it learns from
    Column("job_id", Text),  # none until the trainer has said it
    Column("state", Text, nullable=False), Column("model", Text),  # the student, once there is one
    Column("body", JSONB, nullable=False),  # seed, passes, tokens, cost, what went wrong
    Column("noted_by", Text, nullable=False), time("at", now=True), PrimaryKeyConstraint("seq"),
    Index("ix_training_jobs_newest", "pharmacy_id", "key", "seq"),
)  # fmt: skip
