"""The tables, as SQLAlchemy knows them; the migrations make them."""

from pharmacy.storage.tables.alarming import alarms
from pharmacy.storage.tables.annotating import annotation_items, annotation_labels
from pharmacy.storage.tables.columns import metadata
from pharmacy.storage.tables.conversing import conversations, idempotency_keys, inbox, messages, patients, products
from pharmacy.storage.tables.datasets import dataset_losses, dataset_rows, datasets, patient_splits
from pharmacy.storage.tables.displaying import displays
from pharmacy.storage.tables.entering import (
    accounts,
    api_keys,
    pharmacies,
    provider_sign_ins,
    sign_in_attempts,
    sign_ins,
)
from pharmacy.storage.tables.evaluating import evaluation_answers, evaluations
from pharmacy.storage.tables.keeping import erased_events
from pharmacy.storage.tables.line import line_contacts, line_events, line_unsent, media
from pharmacy.storage.tables.noting import canned_replies, moves, notes
from pharmacy.storage.tables.policies import kill_switches, policies
from pharmacy.storage.tables.presence import presences
from pharmacy.storage.tables.profiling import reply_profiles
from pharmacy.storage.tables.queueing import model_queues
from pharmacy.storage.tables.recording import audit, audit_heads, restores, served_modes
from pharmacy.storage.tables.remembering import reply_cache, reply_caching
from pharmacy.storage.tables.running import handovers, model_calls, outcomes, requests, runs, suggestions
from pharmacy.storage.tables.sending import outbox
from pharmacy.storage.tables.serving import servings
from pharmacy.storage.tables.shadowing import shadow_answers, watch_cases, watches
from pharmacy.storage.tables.spending import spending
from pharmacy.storage.tables.training import training_jobs

__all__ = [
    "accounts",
    "alarms",
    "annotation_items",
    "annotation_labels",
    "api_keys",
    "audit",
    "audit_heads",
    "canned_replies",
    "conversations",
    "dataset_losses",
    "dataset_rows",
    "datasets",
    "displays",
    "erased_events",
    "evaluation_answers",
    "evaluations",
    "handovers",
    "idempotency_keys",
    "inbox",
    "kill_switches",
    "line_contacts",
    "line_events",
    "line_unsent",
    "media",
    "messages",
    "metadata",
    "model_calls",
    "model_queues",
    "moves",
    "notes",
    "outbox",
    "outcomes",
    "patient_splits",
    "patients",
    "pharmacies",
    "policies",
    "presences",
    "products",
    "provider_sign_ins",
    "reply_cache",
    "reply_caching",
    "reply_profiles",
    "requests",
    "restores",
    "runs",
    "served_modes",
    "servings",
    "shadow_answers",
    "sign_in_attempts",
    "sign_ins",
    "spending",
    "suggestions",
    "training_jobs",
    "watch_cases",
    "watches",
]
