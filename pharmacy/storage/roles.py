"""The role that Kakari works as: kakari_app, which owns nothing and passes no row-level rule by."""

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from pharmacy.domain.errors import ConfigError

APP_ROLE = "kakari_app"
CREATE = f"CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
# Roles belong to the whole server: another database's first start may be making the same one just now.
CREATE_ONCE = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN {CREATE}; END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""
GRANT_ONCE = f"""
DO $$ BEGIN
    IF NOT pg_has_role(current_user, '{APP_ROLE}', 'MEMBER') THEN
        EXECUTE format('GRANT {APP_ROLE} TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation THEN NULL;
END $$
"""


def make_role(connection: Connection) -> None:
    """Make the role, and let the owner work as it. Does nothing where both are done.

    Raises:
        ConfigError: the owner may not; the message holds the commands for an administrator.
    """
    try:
        with connection.begin_nested():
            connection.execute(text(CREATE_ONCE))
            connection.execute(text(GRANT_ONCE))
            connection.execute(text(f"SET LOCAL ROLE {APP_ROLE}"))
            connection.execute(text("RESET ROLE"))
    except ProgrammingError as error:
        reason = getattr(error.orig, "diag", None)
        raise ConfigError(
            f"database: {reason.message_primary if reason else error.orig}. "
            f"Let an administrator of the server run:\n{_commands(connection)}"
        ) from None


def _commands(connection: Connection) -> str:
    exists = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": APP_ROLE}).first()
    owner = connection.execute(text("SELECT quote_ident(current_user)")).scalar_one()
    return f"{'' if exists else CREATE + ';' + chr(10)}GRANT {APP_ROLE} TO {owner};"


def refuse_powerful(connection: Connection) -> None:
    """Refuse to work with more power than the role is meant to have.

    Raises:
        ConfigError: the connection is not kakari_app's, or that role is a superuser or passes row-level rules by.
    """
    name, powerful = connection.execute(
        text("SELECT current_user::text, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    ).one()
    if name != APP_ROLE:
        raise ConfigError(f"database: works as {name!r}, not as {APP_ROLE!r}; a pooler that drops 'options' does this")
    if powerful:
        raise ConfigError(f"database: run as an administrator: ALTER ROLE {APP_ROLE} NOSUPERUSER NOBYPASSRLS;")
