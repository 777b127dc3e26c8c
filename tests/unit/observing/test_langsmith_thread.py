"""Calls to LangSmith stand in a thread of their own, for a bounded time, and end with their process."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from langsmith import Client
from pydantic import SecretStr

from pharmacy.observing.langsmith_client import LangSmith, LangSmithFailed
from pharmacy.settings import Settings
from tests.fakes.langsmith_server import Fault, LangSmithFake
from tests.fakes.langsmith_server.fake import KEY

CHECKOUT = Path(__file__).resolve().parents[3]


def settings_for(langsmith: LangSmithFake) -> Settings:
    return Settings(langsmith_api_key=SecretStr(KEY), langsmith_endpoint=langsmith.url)


async def names(client: Client) -> list[str]:
    return [each.name for each in client.list_annotation_queues()]


async def test_what_hangs_is_given_up_in_time_and_the_next_call_does_not_wait_for_it() -> None:
    with LangSmithFake() as langsmith:
        langsmith.faults = [Fault("GET /annotation-queues", delay_seconds=4)]
        own = LangSmith(settings_for(langsmith))

        with pytest.raises(LangSmithFailed, match=r"did not answer within 0\.5 s"):
            await own.ask(names, seconds=0.5)
        before = time.monotonic()
        found = await own.ask(names)

        assert found == []
        assert time.monotonic() - before < 3
        own.close()


async def test_an_error_says_its_kind_and_none_of_the_words() -> None:
    async def work(_: Client) -> None:
        raise KeyError("田中花子")

    with LangSmithFake() as langsmith:
        own = LangSmith(settings_for(langsmith))

        with pytest.raises(LangSmithFailed, match=r"did not take it: KeyError$"):
            await own.ask(work)
        own.close()


@pytest.mark.timed
def test_a_process_ends_at_once_while_a_call_hangs() -> None:
    program = (
        "import asyncio, sys, time; sys.path.insert(0, '.')\n"
        "from pharmacy.observing.langsmith_client import LangSmith\n"
        "from pharmacy.settings import Settings\n"
        "from tests.unit.observing.test_langsmith_thread import names\n"
        "async def main():\n"
        "    own = LangSmith(Settings(langsmith_api_key='k', langsmith_endpoint=sys.argv[1]))\n"
        "    asking = asyncio.create_task(own.ask(names)); await asyncio.sleep(1)\n"
        "    print(time.time(), flush=True); asking.cancel(); own.close()\n"
        "asyncio.run(main())\n"
    )
    with LangSmithFake() as langsmith:
        langsmith.faults = [Fault("", delay_seconds=60, times=100)]

        ran = subprocess.run(
            [sys.executable, "-c", program, langsmith.url], cwd=CHECKOUT, capture_output=True, text=True, timeout=50,
            check=False,
        )  # fmt: skip
        ended = time.time()

    assert ran.returncode == 0, ran.stderr
    assert ended - float(ran.stdout) < 3
