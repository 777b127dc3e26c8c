"""The tables that the code knows are the tables that the migrations make."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import NullPool, create_engine

from pharmacy.storage.address import read_address
from pharmacy.storage.tables import metadata


def _is_ours(_: object, name: str | None, kind: str, __: bool, ___: object) -> bool:
    return not (kind == "table" and (str(name).startswith("procrastinate") or name == "alembic_version"))


def test_the_migrated_schema_is_the_one_that_the_tables_describe(database_url: str) -> None:
    engine = create_engine(read_address(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_ours, "compare_type": True})

        differences = compare_metadata(context, metadata)

    engine.dispose()
    assert differences == []
