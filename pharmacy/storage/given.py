"""Rows that are given to a statement as one list for each column: many at once cost one question to the database."""

from typing import Any

from sqlalchemy import ARRAY, Column, TableValuedAlias, bindparam, column, func


def given_rows(**columns: Column[Any]) -> TableValuedAlias:
    """Return the rows, for a statement to select from.

    Args:
        columns: each row's columns by name, of that column's type; the list is the parameter `given_NAME`. Lists of
            one statement are as long as each other.
    """
    lists = [bindparam(f"given_{name}", type_=ARRAY(of.type, dimensions=1)) for name, of in columns.items()]
    shown: list[Any] = [column(name, of.type) for name, of in columns.items()]
    return func.unnest(*lists).table_valued(*shown).render_derived(name="given")
