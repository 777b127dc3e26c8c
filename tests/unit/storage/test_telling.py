"""Every table of a pharmacy tells of its changes, or is known to be shown on no page that must stay new."""

from sqlalchemy import text

from pharmacy.storage.database import Database
from pharmacy.storage.tables import metadata

QUIET = frozenset(
    {
        # who may enter
        "accounts", "api_keys", "provider_sign_ins", "sign_ins",
        # what is written beside a row that tells
        "alarms", "idempotency_keys", "inbox", "line_contacts", "line_events", "line_unsent", "model_calls", "moves",
        "outcomes", "reply_cache",
        # read anew whenever somebody looks at it
        "canned_replies", "displays", "reply_caching", "reply_profiles", "servings",
        # what the desk does not show: what students learn from, and what people said of runs elsewhere
        "annotation_items", "annotation_labels", "dataset_losses", "dataset_rows", "datasets", "evaluation_answers",
        "evaluations", "patient_splits", "shadow_answers", "training_jobs", "watch_cases", "watches",
        # the books
        "audit", "audit_heads", "erased_events", "served_modes", "spending",
    }
)  # fmt: skip


async def test_every_table_of_a_pharmacy_tells_of_its_changes_or_is_meant_to_be_quiet(database: Database) -> None:
    of_a_pharmacy = {table.name for table in metadata.tables.values() if "pharmacy_id" in table.c}

    async with database.begin_without_pharmacy() as tx:
        found = "SELECT relname FROM pg_class JOIN pg_trigger ON tgrelid = pg_class.oid WHERE tgname = 'tells'"
        telling = set((await tx.execute(text(found))).scalars())

    assert telling | QUIET == of_a_pharmacy
    assert telling & QUIET == set()
