"""`kakari worker`: one more process to work on jobs."""

import os
from typing import Annotated

import typer

from cli.ended import end_now

STEPS_BACK = 10
"""How far the process stands back for others on a busy machine, as `nice` counts it."""


def worker(
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=1000, help="How many messages at once; KAKARI_CONCURRENCY.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log JSON, as LOG_JSON does.")] = False,
) -> None:
    """Work on jobs of the same database, on this machine or another; as many workers as wanted."""
    import asyncio

    from pharmacy.observing.logs import set_up_logs
    from pharmacy.settings import read_settings

    settings = read_settings()
    if concurrency is not None:
        settings = settings.model_copy(update={"concurrency": concurrency})
    set_up_logs(settings.log_level, as_json=as_json or settings.log_json)

    async def run() -> None:
        import signal

        from server.program import open_program
        from server.watching import watch_beside
        from server.worker.run import run_worker

        async with open_program(settings) as program, watch_beside(program):
            work = asyncio.create_task(run_worker(program))
            loop = asyncio.get_running_loop()
            for name in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(name, work.cancel)
            print(
                f"kakari worker: working on {program.database.url_masked}, {settings.concurrency} messages at once",
                flush=True,
            )
            try:
                await work
            except asyncio.CancelledError:
                print("kakari worker: stopped; what was in hand is given back", flush=True)

    # Whoever takes messages on the same machine goes first: LINE waits for them, a draft can wait.
    os.nice(STEPS_BACK)
    asyncio.run(run())
    end_now()
