"""No canary leaves with what LangSmith is told of decisions: corrections, codes, queues.

A quick run has two canaries of each format; CANARIES=200 has all.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from pharmacy.settings import Settings
from tests.api.answers import GOOD
from tests.api.canaries import canaries, leaked
from tests.api.shop import Shop, new_id
from tests.api.traced_shop import jobs_left, rule_file, running_traced
from tests.fakes.langsmith_server import LangSmithFake

EVERY = canaries()[: int(os.environ.get("CANARIES", "40"))]
KNOWN = "鴉野 小夜子"
STAFF = "Quillfeather"


async def test_no_canary_leaves_with_a_decision(
    own_settings: Settings, tmp_path: Path, figure: Callable[..., None]
) -> None:
    with LangSmithFake() as langsmith:
        async with running_traced(own_settings, langsmith, rule_file(tmp_path, sample_share=1.0)) as shop:
            async with shop.program.database.begin("default") as tx:
                await tx.exec_driver_sql(
                    "INSERT INTO accounts (id, pharmacy_id, name, role)"
                    f" VALUES (gen_random_uuid(), 'default', '{STAFF}', 'pharmacist')"
                )
            for at in range(0, len(EVERY), 8):
                await asyncio.gather(*(_decide(shop, number) for number in range(at, min(at + 8, len(EVERY)))))

            async def all_told() -> bool:
                return len(langsmith.platform.feedback.taken) == len(EVERY) and await jobs_left(shop) == 0

            await shop.until(all_told, 240)
        everything = langsmith.everything()

    found = leaked(everything, EVERY)
    named = [word for word in ("鴉野", "小夜子", "からすの", STAFF) if word.casefold() in everything.casefold()]
    figure("P15", "canaries in decisions told to LangSmith", measured=f"{len(found) + len(named)} of {len(EVERY)}",
           asked="0 of 200", holds=not found and not named)  # fmt: skip
    assert found == []
    assert named == []
    # What was looked through is really there: else nothing was shown.
    edits = [each for each in langsmith.platform.feedback.taken.values() if each["value"] == "edited"]
    assert all(GOOD[-20:] in each["correction"]["reply"] for each in edits)
    assert len(edits) >= len(EVERY) // 4
    assert langsmith.problems == []


async def _decide(shop: Shop, number: int) -> None:
    """Decide on a draft with a canary in every field that takes words; each way in turn, edits the most."""
    words = f"{EVERY[number].sentence} {KNOWN}より。{STAFF}さんへ"
    patient = {"id": f"p-{number}", "name": KNOWN}
    conversation_id = new_id()
    outcome = await shop.say(conversation_id, "体調の相談です", patient=patient)
    path = f"/v1/suggestions/{outcome['suggestion_id']}"
    if number % 3 == 0:
        answer = await shop.post(f"{path}/reject", {"version": 1, "reason": "other", "detail": words})
    elif number % 8 == 1:
        answer = await shop.post(f"{path}/regenerate", {"version": 1, "instruction": words})
    else:
        edited = {"version": 1, "text": f"{words} {GOOD}", "reason": words, "cause": "style"}
        answer = await shop.post(f"{path}/edit", edited)
    assert answer.status_code == 200, answer.text
