"""What students answer beside a reply, unused; and what the watch has seen of those that serve."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from pharmacy.storage.tables.columns import metadata, of_conversation, of_pharmacy, time

shadow_answers = Table(
    "shadow_answers", metadata, of_pharmacy(), Column("run_id", Uuid, nullable=False),
    Column("node", Text, nullable=False), Column("conversation_id", Text, nullable=False),
    Column("patient_id", Text, nullable=False), Column("version", Integer, nullable=False),  # the conversation's
    Column("serving_seq", BigInteger, nullable=False),  # of the decision under which it was asked; 0: the file's word
    Column("model_asked", Text, nullable=False), Column("model_served", Text),
    Column("beside", Text, nullable=False),  # the model whose answer served
    Column("share", Double, nullable=False),  # with what probability the conversation was drawn
    Column("output", Text),  # none where no readable answer came
    Column("scores", JSONB, nullable=False),  # measure to 0 or 1; none where nobody could be asked
    Column("said", JSONB, nullable=False),  # the label given, or the judge's marks and reasons
    Column("beside_scores", JSONB, nullable=False),  # of the answer that served, where it can be said
    Column("prompt_tokens", BigInteger, nullable=False), Column("cached_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost_usd", Double), Column("judging_usd", Double), Column("seconds", Double, nullable=False),
    Column("error", Text), time("at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "run_id", "node"), of_conversation(),
    Index("ix_shadow_answers_of_node", "pharmacy_id", "node", "serving_seq"),
    Index("ix_shadow_answers_of_conversation", "pharmacy_id", "conversation_id"),
    Index("ix_shadow_answers_of_patient", "pharmacy_id", "patient_id"),
)  # fmt: skip

watches = Table(
    "watches", metadata, of_pharmacy(), Column("node", Text, nullable=False),
    Column("serving_seq", BigInteger, nullable=False),  # of the decision since which the student serves; 0: the file's
    Column("student", Text, nullable=False), Column("measure", Text, nullable=False),
    Column("bound", Double, nullable=False), Column("alpha", Double, nullable=False),
    Column("cases", Integer, nullable=False), Column("accepted", Double, nullable=False),
    Column("capitals", JSONB, nullable=False), Column("has_fallen", Boolean, nullable=False),
    time("looked_at", now=True), time("at", now=True),
    PrimaryKeyConstraint("pharmacy_id", "node", "serving_seq", "student"),
)  # fmt: skip

watch_cases = Table(
    "watch_cases", metadata, Column("seq", BigInteger, Identity(always=True), nullable=False), of_pharmacy(),
    Column("node", Text, nullable=False), Column("serving_seq", BigInteger, nullable=False),
    Column("student", Text, nullable=False), Column("conversation_id", Text, nullable=False),
    Column("run_id", Uuid, nullable=False), Column("acceptance", Double, nullable=False), time("at", now=True),
    PrimaryKeyConstraint("seq"), of_conversation(),
    Index("uq_watch_cases_one_of_a_conversation", "pharmacy_id", "node", "serving_seq", "student", "conversation_id",
          unique=True),
    Index("ix_watch_cases_of_conversation", "pharmacy_id", "conversation_id"),
)  # fmt: skip
