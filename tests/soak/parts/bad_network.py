"""Ten minutes behind proxies that delay, reset and go half-open, before the server, the provider and the receiver."""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.fakes.openai_server import OpenAIFake
from tests.fakes.receiver import Receiver
from tests.faults.processes import until
from tests.faults.proxy import Proxy
from tests.faults.rules import everyday
from tests.soak.arrivals import arrivals
from tests.soak.counting import COUNTED, counted
from tests.soak.load import Load
from tests.soak.part import Part, Run
from tests.soak.pharmacy import Pharmacy
from tests.soak.promises import Figure

ROUNDS, ROUND_SECONDS, EVENTS = 60, 10.0, 10
DELAY_SECONDS, RESET_SHARE = 2.0, 0.01
HALF_OPEN_EVERY = 6
"""Rounds; in each sixth one the answers of provider and receiver are swallowed for a while."""


def measure(run: Run) -> Iterator[Figure]:
    """Load it through bad weather, then let the sky clear and count."""
    with OpenAIFake() as provider, Receiver("s" * 32) as receiver:
        provider.script.rule = everyday
        with _before(provider.url) as to_provider, _before(receiver.url) as to_receiver:
            addresses = {
                "OPENAI_BASE_URL": f"{to_provider.url}/v1", "KAKARI_DELIVERY_URL": f"{to_receiver.url}/replies"
            }  # fmt: skip
            pharmacy = Pharmacy(run.folder / "home", provider, receiver, addresses)
            try:
                key = pharmacy.up()
                with (
                    Proxy(("127.0.0.1", pharmacy.server.port)) as to_server,
                    Load(to_server.url, key, run.draw("load"), deliveries=3) as load,
                ):
                    _weather(run, load, (to_provider, to_receiver, to_server))
                    until("every event acknowledged", load.all_acked, 180, every=0.5)
                    until("everything drained", pharmacy.quiet, 600, every=1)
                resets = to_provider.resets + to_receiver.resets + to_server.resets
                under = f"bad network with {resets} resets"
                came, rows = arrivals(receiver), pharmacy.postgres.rows
                yield from counted(rows, load.acked, came, pharmacy.trail(), under)
            finally:
                pharmacy.down()


def _before(url: str) -> Proxy:
    parts = urlsplit(url)
    return Proxy((str(parts.hostname), int(parts.port or 80)))


def _weather(run: Run, load: Load, proxies: tuple[Proxy, ...]) -> None:
    to_provider, to_receiver, _ = proxies
    for proxy in proxies:
        proxy.weather.reset_share = RESET_SHARE
    to_provider.weather.delay_seconds = to_receiver.weather.delay_seconds = DELAY_SECONDS / 2
    for number in range(run.scaled(ROUNDS, 2)):
        half_open = number % HALF_OPEN_EVERY == HALF_OPEN_EVERY - 1
        to_provider.weather.mode = to_receiver.weather.mode = "half_open" if half_open else "pass"
        load.write(number * EVENTS, EVENTS, over_seconds=ROUND_SECONDS)
        time.sleep(ROUND_SECONDS)
        run.progress.update(run.bar, completed=number + 1, total=run.scaled(ROUNDS, 2))
    for proxy in proxies:
        proxy.weather.mode, proxy.weather.delay_seconds, proxy.weather.reset_share = "pass", 0.0, 0.0


PART = Part("ten minutes behind slow, resetting and half-open proxies", COUNTED, 12, measure)
