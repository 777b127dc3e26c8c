"""Which conversations a search finds: by names, ids and words, in one folded form, any two letters of them."""

from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, func, literal, or_, text

from pharmacy.storage.storable import storable
from pharmacy.storage.tables import conversations, messages, patients

LONGEST_QUERY = 100
"""Characters."""


def holds(words: str) -> ColumnElement[bool]:
    """Return whether `words` stand in a conversation's messages, its id, or its patient's id or name.

    Full and half width are one, capitals and small letters too; every other character stands for itself, `%` as well.
    A plain scan: words of two Japanese letters are in no word index, and one of letters needs an extension.
    """
    folded = func.lower(func.normalize(cast(literal(storable(words).strip()), Text), text("NFKC")))

    def stands_in(column: Any) -> ColumnElement[bool]:
        return func.strpos(column, folded) > 0

    return or_(
        stands_in(func.lower(conversations.c.id)),
        stands_in(func.lower(conversations.c.patient_id)),
        exists().where(
            patients.c.pharmacy_id == conversations.c.pharmacy_id, patients.c.id == conversations.c.patient_id,
            stands_in(patients.c.folded_name),
        ),
        exists().where(
            messages.c.pharmacy_id == conversations.c.pharmacy_id, messages.c.conversation_id == conversations.c.id,
            stands_in(messages.c.folded),
        ),
    )  # fmt: skip
