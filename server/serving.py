"""Run the application under uvicorn, and tell the person at the keyboard how to get in."""

import asyncio
import gc
import ipaddress
import json
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack

import uvicorn

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import Settings
from pharmacy.storage import access
from server.app import create_app
from server.demo.play import demo_beside
from server.program import Program, open_program
from server.stopping import StoppingServer
from server.watching import watch_beside
from server.working import worker_beside

GRACE_SECONDS = 5
IDLE_SECONDS = 75
"""How long a connection may wait for its next request: longer than clients and proxies let theirs (5 to 60 s), since
who lets go first must be the one that asks, or a request meets a closing door and nobody knows whether it was heard."""


def run(settings: Settings, *, demo: bool) -> None:
    """Serve until told to stop.

    Raises:
        ConfigError: something is not as it must be, the address is taken, or the database is not empty for the demo.
    """
    listening = listen(settings.host, settings.port)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, listening, demo=demo))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not on every platform
        return None
    return uvloop.new_event_loop


async def _serve(settings: Settings, listening: socket.socket, *, demo: bool) -> None:
    async with open_program(settings) as program, watch_beside(program), worker_beside(program) as stop_work:
        app = create_app(program)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=IDLE_SECONDS, server_header=False, proxy_headers=False,
            http="h11", h11_max_incomplete_event_size=64_000,  # another reader, were it installed, knows no such limit
        )  # fmt: skip
        server = StoppingServer(config, stop_work)
        # What was made up to here stays: looking through it again and again would stop every answer for a while.
        gc.collect()
        gc.freeze()
        await greet(program, listening, settings, demo=demo)
        async with demo_beside(program, wanted=demo):
            await server.serve(sockets=[listening])


async def greet(program: Program, listening: socket.socket, settings: Settings, *, demo: bool) -> None:
    """Say where Kakari listens, and give a link to sign in with to who alone can read it."""
    host, port = listening.getsockname()[:2]
    here = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    greeting = {"url": here, "models": program.assembled.registry.mode, "database": program.database.url_masked}
    # Whoever reads the link may do everything: it is for a person's own screen, not for a journal that others read.
    if ipaddress.ip_address(host).is_loopback and (demo or sys.stdout.isatty()):
        async with program.database.begin(settings.pharmacy_id) as tx:
            token = await access.create_link(tx, settings.pharmacy_id, "owner")
        greeting["sign_in"] = f"{settings.public_url or here}/sign-in?token={token}"
    else:
        greeting["to_sign_in"] = "kakari sign-in"
    if settings.log_json:
        print(json.dumps(greeting), flush=True)
        return
    print("Kakari listens on {url}  (models: {models}, database: {database})".format(**greeting), flush=True)
    if "sign_in" in greeting:
        print(f"Sign in once, within 15 minutes: {greeting['sign_in']}", flush=True)
    else:
        print(f"`{greeting['to_sign_in']}` prints a link to sign in with", flush=True)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 takes one that is free.

    Raises:
        ConfigError: nobody can listen there, or somebody does.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With its protocol: of a socket that does not name it asyncio holds small answers back (Nagle's algorithm).
        with ExitStack() as closing:
            listening = closing.enter_context(socket.socket(found[0], socket.SOCK_STREAM, socket.IPPROTO_TCP))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(found[4])
            listening.listen(2048)
            closing.pop_all()
    except OSError as error:
        raise ConfigError(
            f"HOST={host!r}, PORT={port!r}: cannot listen there ({error.strerror}); set another PORT"
        ) from error
    return listening
