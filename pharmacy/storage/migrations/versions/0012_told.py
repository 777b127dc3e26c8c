"""Changes that a console shows are told by the tables themselves."""

from alembic import op

from pharmacy.storage.telling import FUNCTION, TELL_RUNS, tell

revision = "0012"
down_revision = "0011"

OF_A_CONVERSATION = ("messages", "suggestions", "handovers", "runs", "requests", "outbox", "media")


def upgrade() -> None:
    """Have every row that a page is made of tell that it is new or has changed."""
    op.get_bind().exec_driver_sql(FUNCTION)
    for table in OF_A_CONVERSATION:
        op.execute(tell(table))
    op.execute(tell("conversations", of="id"))
    op.execute(TELL_RUNS)
    op.execute(tell("patients", "patient", "id"))
    op.execute(tell("products", "product", "id"))
    for table in ("policies", "kill_switches"):
        op.execute(tell(table, "policy", "pharmacy_id"))
