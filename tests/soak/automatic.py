"""Patients who may be answered automatically: what the policy must say, and what the pharmacy must know of them."""

import itertools
from collections.abc import Sequence
from typing import Any

from tests.fakes.openai_server.script import Asked
from tests.faults.postgres import Postgres
from tests.faults.processes import Kakari
from tests.faults.rules import everyday
from tests.soak.writing import user_of

HOLD_SECONDS = 1
"""How long each automatic text waits: time for the patient to write once more, and for a kill."""

LIMITS = {"per_patient_hour": 3, "per_patient_day": 20, "per_day": 10_000, "in_all": 1_000_000}
REPLIES = (
    "ご質問ありがとうございます。葛根湯は、食前または食間にお飲みください。",
    "お問い合わせありがとうございます。葛根湯は、水またはぬるま湯でお飲みください。",
    "ご連絡ありがとうございます。葛根湯は、食前または食間に、水またはぬるま湯でお飲みください。",
)
# Each has agreed, has written once, and has been answered by a person.
KNOWN = """
WITH known AS (SELECT u, 'line-' || md5(u) AS c FROM unnest(%s::text[]) AS u),
a AS (INSERT INTO patients (pharmacy_id, id, profile)
      SELECT 'default', c, '{"consent": {"replies": true}}' FROM known ON CONFLICT DO NOTHING),
b AS (INSERT INTO conversations (pharmacy_id, id, patient_id, channel, phase, version)
      SELECT 'default', c, c, 'line', 'intake', 1 FROM known ON CONFLICT DO NOTHING),
d AS (INSERT INTO messages (pharmacy_id, id, conversation_id, version, author, text, sent_at, order_at, outcome_id)
      SELECT 'default', author || '-' || c, c, 1, author, said, at, at, outcome FROM known,
      (VALUES ('patient', 'はじめまして', now() - interval '2 hours', gen_random_uuid()),
              ('pharmacist', '担当の薬剤師です。', now() - interval '1 hour', NULL)
      ) AS first (author, said, at, outcome)
      ON CONFLICT DO NOTHING)
INSERT INTO line_contacts (pharmacy_id, user_id, conversation_id)
SELECT 'default', u, c FROM known ON CONFLICT DO NOTHING RETURNING user_id
"""
_turns = itertools.count()


def get_to_know(postgres: Postgres, conversations: Sequence[str]) -> None:
    """Have the pharmacy know the patients of these conversations; done twice, it does nothing more."""
    postgres.rows_when_up(KNOWN, [user_of(conversation) for conversation in conversations])


def let_out(server: Kakari) -> None:
    """Set a policy that sends answers to everyday questions by itself, after a moment's hold."""
    limits = [f"limits.{name}={most}" for name, most in LIMITS.items()]
    changes = ["product_usage.intake=auto", f"hold_seconds={HOLD_SECONDS}", *limits]
    server.run("policy", "set", *changes, "--reason", "a long run")


def in_other_words(asked: Asked) -> Any:
    """Answer an everyday question, never twice in a row with the same words: that would wait for a person."""
    if asked.schema_name == "WrittenReply":
        return {"missing_facts": [], "reply": REPLIES[next(_turns) % len(REPLIES)]}
    return everyday(asked)
