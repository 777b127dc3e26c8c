"""What kakari_app may do with tables made later, and the job engine's own tables."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001"
down_revision = None

ROLE = "kakari_app"
GRANTS = f"""
GRANT USAGE ON SCHEMA public TO {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO {ROLE};
GRANT SELECT ON alembic_version TO {ROLE};
"""
# Jobs come and go by the thousand: they are cleaned up early, and a lock's jobs are found without reading them all.
JOBS = """
CREATE INDEX kakari_jobs_lock_idx ON procrastinate_jobs (lock, priority, id) WHERE status IN ('todo', 'doing');
ALTER TABLE procrastinate_jobs SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
ALTER TABLE procrastinate_events SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
ALTER TABLE procrastinate_workers SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
"""


def upgrade() -> None:
    """Grant first: default privileges reach only what is made after them."""
    op.get_bind().exec_driver_sql(GRANTS)
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    op.get_bind().exec_driver_sql(JOBS)
