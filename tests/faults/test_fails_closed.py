"""A thousand runs with a fault in any node: none goes out by itself, each is with a person."""

import random
from collections.abc import Callable

from pharmacy.domain import errors
from pharmacy.domain.errors import FlowError
from pharmacy.domain.outcome import OutcomeKind
from tests.fakes.scripted_run_models import Scripted
from tests.flow.setting import FLOW, GOOD, QUESTION, classified, marked, models, request, run, written

RUNS = 1_000
AUTO = [("order_delivery", "intake")]
NODES = ("classify", "switch_phase", "generate_order_delivery", "judge")
UNREADABLE = ("", "null", "[]", "<html>502</html>", '{"category": "ord', "9/10", "NaN", "あ" * 10_000, "[" * 5_000)
CRITERION = next(iter(FLOW.criteria))


def _faults(node: str) -> list[Scripted]:
    raised: list[Scripted] = [
        kind("by chance") for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FlowError)
    ]
    return [*raised, *UNREADABLE, *BENT[node]]


BENT: dict[str, list[Scripted]] = {
    "classify": [classified("refund"), classified("None"), classified("order_delivery, follow_up"), {"category": 1}],
    "switch_phase": [{"phase": "taking", "reason": "飛ばした"}, {"phase": "None", "reason": ""}, {"reason": "なし"}],
    "generate_order_delivery": [written(""), {"reply": 7}, {"missing_facts": ["患者.orders"], "reply": ""}],
    "judge": [
        {**marked(), CRITERION: {"reason": "x", "mark": mark}} for mark in (float("nan"), "9/10", 101, 0, -1, None, 4.5)
    ] + [{name: mark for name, mark in marked().items() if name != CRITERION}],
}  # fmt: skip


async def test_no_run_with_a_fault_in_any_node_goes_out_by_itself(figure: Callable[..., None]) -> None:
    draw = random.Random(7)
    sent = abandoned = 0

    for _ in range(RUNS):
        node = draw.choice(NODES)
        faulty = {"drafts": [GOOD], "marks": [marked()], node: [draw.choice(_faults(node))] * 3}
        outcome = await run(request(QUESTION), models(**faulty), auto=AUTO)  # type: ignore[arg-type]
        sent += outcome.kind is OutcomeKind.AUTO_SENT
        abandoned += outcome.kind is not OutcomeKind.AUTO_SENT and outcome.reason is None

    sound = await run(request(QUESTION), models(drafts=[GOOD], marks=[marked()]), auto=AUTO)
    assert sound.kind is OutcomeKind.AUTO_SENT
    assert abandoned == 0
    figure(
        "P7", "automatic sends with a random fault in a random node",
        measured=f"{sent} of {RUNS:,}; all others with a person", asked="0", holds=sent == 0,
    )  # fmt: skip
