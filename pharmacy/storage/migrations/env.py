"""Run the migrations on the connection that `migrate` hands over, inside its transaction."""

from alembic import context

from pharmacy.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
