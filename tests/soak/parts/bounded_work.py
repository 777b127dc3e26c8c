"""Messages whose models hang, drip, refuse, ask for an hour's patience or like no draft: calls and seconds each."""

import asyncio
from collections.abc import Iterator
from typing import Any

from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.faults import drip, hang, rate_limited, reset_mid_body, server_error
from tests.fakes.openai_server.script import Asked
from tests.faults.rules import everyday
from tests.soak.inside import answered, inside
from tests.soak.part import Part, Run
from tests.soak.promises import Figure

MESSAGES = 60
MOST_CALLS, MOST_SECONDS = 12, 120.0
FAULTS = {
    "hang": hang(), "drip": drip(), "patience": rate_limited("3600"), "nonsense": rate_limited("abc"),
    "error": server_error(503), "reset": reset_mid_body(), "low": None,
}  # fmt: skip
CALLS = "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM model_calls GROUP BY conversation_id) AS per"
SECONDS = "SELECT coalesce(max(extract(epoch FROM finished_at - started_at)), 0) FROM runs"


def measure(run: Run) -> Iterator[Figure]:
    """Give each fault its share of the messages, one fault after another, and take the worst of all."""
    each = run.scaled(MESSAGES, 7) // len(FAULTS)
    calls, seconds = asyncio.run(_suffer(run, max(1, each)))
    yield Figure(
        "P6", "provider calls and seconds of the worst message", f"{calls} calls, {seconds:.0f} s", "12 calls, 120 s",
        calls <= MOST_CALLS and seconds <= MOST_SECONDS,
    )  # fmt: skip


def _never_satisfied(asked: Asked) -> Any:
    """Answer as ever, with a judge that finds every draft poor."""
    answer = everyday(asked)
    if _judges(asked):
        return {name: {"reason": "足りません", "mark": 2} for name in answer}
    return answer | {"reply": f"{answer['reply']}{'はい。' * asked.number}"} if "reply" in answer else answer


def _judges(asked: Asked) -> bool:
    return asked.schema_name not in ("Classification", "PhaseSwitch", "WrittenReply")


async def _suffer(run: Run, each: int) -> tuple[int, float]:
    """Let each fault befall a pharmacy just opened: after one of them the breaker would spare it the next."""
    worst = [0, 0.0]
    for number, (name, fault) in enumerate(FAULTS.items()):
        with OpenAIFake() as provider:
            provider.script.rule = everyday if fault else _never_satisfied
            if fault is not None:
                provider.script.fail(fault, times=None)
            async with inside(run.folder, provider) as shop:
                for message in range(each):
                    await shop.say(f"{run.token}{name}{message}", "葛根湯は食前ですか", wait=None)
                await shop.until(lambda shop=shop: answered(shop), 400)
                found = (await shop.rows(CALLS))[0][0], float((await shop.rows(SECONDS))[0][0])
        worst = [max(pair) for pair in zip(worst, found, strict=True)]
        run.progress.update(run.bar, completed=number + 1, total=len(FAULTS))
    return int(worst[0]), worst[1]


PART = Part("bound the work of one message under every fault of a provider", ("P6",), 5, measure)
