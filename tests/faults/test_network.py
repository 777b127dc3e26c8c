"""Networks that fail: a loopback that goes down, a name server that never answers, a proxy that delays and resets."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import httpx2
import pytest

from tests.fakes.openai_server import OpenAIFake
from tests.faults.processes import CHECKOUT, Kakari, until
from tests.faults.proxy import Proxy
from tests.faults.writer import Writer

needs_namespace = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="a network namespace of its own needs root and unshare"
)


@needs_namespace
def test_messages_in_work_while_the_loopback_is_down_for_three_seconds_all_have_an_outcome(reachable: Path) -> None:
    command = ["unshare", "-n", sys.executable, "-m", "tests.faults.lo_down", str(reachable)]

    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False)

    assert ran.stdout == "outcomes 20, sent 0\n", ran.stderr


@needs_namespace
def test_a_name_server_that_never_answers_ends_with_a_person_within_a_minute(tmp_path: Path) -> None:
    # An address that no packet reaches, as of a name server behind a broken line.
    (tmp_path / "resolv.conf").write_text("nameserver 10.255.255.1\n")
    asking = f"{sys.executable} -m cli suggest --json 葛根湯は食前ですか"
    script = f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && exec {asking}"
    environment = os.environ | {
        "OPENAI_BASE_URL": "https://models.example/v1", "OPENAI_API_KEY": "k", "KAKARI_MODELS": "openai",
        "KAKARI_HOME": str(tmp_path / "home"),
    }  # fmt: skip
    started = time.monotonic()

    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], cwd=CHECKOUT, env=environment, capture_output=True, text=True,
        timeout=150, check=False,
    )  # fmt: skip

    assert '"handover"' in ran.stdout, ran.stderr
    assert time.monotonic() - started <= 60


def test_a_slow_network_that_resets_one_piece_in_fifty_loses_no_acknowledged_message(
    database_url: str, tmp_path: Path, provider: OpenAIFake
) -> None:
    with Proxy(("127.0.0.1", provider_port(provider)), seed=3) as proxy:
        proxy.weather.delay_seconds, proxy.weather.reset_share = 0.2, 0.02
        variables = {"DATABASE_URL": database_url, "OPENAI_BASE_URL": f"{proxy.url}/v1", "OPENAI_API_KEY": "k"}
        with Kakari(tmp_path / "home", variables | {"KAKARI_SETTLE_SECONDS": "0"}) as server:
            server.ready()
            writer = Writer(server)
            writer.start()
            until("messages taken", lambda: len(writer.acked) >= 40, 30)
            writer.end()
            with server.client() as client:
                until("every outcome", lambda: _all_told(client, writer), 60)
    assert writer.odd == []


def test_a_connection_on_which_nothing_was_asked_for_six_seconds_still_answers(
    database_url: str, tmp_path: Path, provider: OpenAIFake
) -> None:
    variables = {"DATABASE_URL": database_url, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k"}
    with Kakari(tmp_path / "home", variables) as server:
        server.ready()
        # Unlike httpx2 it does not look whether the other side has gone, as a caller that is a moment too late cannot.
        asking = HTTPConnection("127.0.0.1", server.port, timeout=10)
        with closing(asking):
            asking.request("GET", "/healthz")
            asking.getresponse().read()
            asking.auto_open = False
            time.sleep(6)
            asking.request("GET", "/healthz")

            assert asking.getresponse().status == 200


def provider_port(provider: OpenAIFake) -> int:
    """Return where the stand-in listens."""
    return int(provider.url.rsplit(":", 1)[1].split("/")[0])


def _all_told(client: httpx2.Client, writer: Writer) -> bool:
    found = client.get("/v1/handovers", params={"limit": 100}).json()["items"]
    found += client.get("/v1/suggestions", params={"limit": 100}).json()["items"]
    return len({item["conversation_id"] for item in found}) >= len(writer.acked)
