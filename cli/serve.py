"""`kakari serve`: HTTP, worker and database in one process."""

from typing import Annotated

import typer

from cli.ended import end_now


def serve(
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill an empty database with sample patients whose messages arrive live.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Where to listen; HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where to listen; PORT. 0 takes a free one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log and greet in JSON, as LOG_JSON does.")] = False,
) -> None:
    """Start Kakari. Without DATABASE_URL it runs its own PostgreSQL; without a key its own models."""
    from pharmacy.domain.errors import ConfigError
    from pharmacy.observing.logs import set_up_logs
    from pharmacy.settings import read_settings
    from pharmacy.storage.sole_server import AlreadyServing, serving

    settings = read_settings()
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update=given | {"log_json": as_json or settings.log_json})
    set_up_logs(settings.log_level, as_json=settings.log_json)
    try:
        with serving(settings.home, settings.host, settings.port):
            from server.serving import run

            run(settings, demo=demo)
    except AlreadyServing as error:
        raise ConfigError(str(error)) from None
    end_now()
