"""Daily budgets end to end: over them no model is asked, people answer, and the reason says why."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pharmacy.settings import Settings
from tests.api.commands import kakari
from tests.api.shop import Shop, running
from tests.fakes.openai_server import OpenAIFake, faults
from tests.fakes.openai_server.faults import Fault

Owner = psycopg.Connection[tuple[object, ...]]
HUGE = 10**9
LARGEST_CALL = 20_000
"""Tokens; more than any call of these tests is worth."""


def _bounded(settings: Settings, **bounds: int | None) -> Settings:
    return settings.model_copy(update=bounds)


async def _say(shop: Shop, conversation_id: str, words: str = "体調の相談です", patient: str = "p") -> dict[str, Any]:
    return await shop.say(conversation_id, words, patient={"id": patient})


def _tokens(owner: Owner, patient: str | None = None) -> int:
    found = "SELECT sum(tokens) FROM spending WHERE patient_id IS NOT DISTINCT FROM %s"
    (tokens,) = owner.execute(found, [patient]).fetchone() or (0,)
    return int(str(tokens or 0))


def _calls(owner: Owner) -> tuple[int, int, int]:
    """Return tokens of all calls and of the largest one, and how many there were, as they were recorded."""
    used = "prompt_tokens + completion_tokens"
    found = owner.execute(f"SELECT sum({used}), max({used}), count(*) FROM model_calls").fetchone() or (0, 0, 0)
    total, largest, count = (int(str(figure or 0)) for figure in found)
    return total, largest, count


async def test_a_used_up_patient_goes_to_a_person_after_a_restart_too_and_others_go_on(
    own_settings: Settings, fake: OpenAIFake, owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(own_settings) as shop:
        before = [await _say(shop, f"c-{number}") for number in (11, 12, 13)]
    bound, calls = _tokens(owner, "p"), len(fake.log.chats())

    async with running(_bounded(own_settings, patient_tokens=bound)) as shop:
        refused = await _say(shop, "c-2")
        again = await _say(shop, "c-3")
        asked = len(fake.log.chats())
        other = await _say(shop, "c-4", patient="q")

    assert {answer["outcome"] for answer in [*before, other]} == {"suggestion"}
    assert [answer["outcome"] for answer in (refused, again)] == ["handover", "handover"]
    assert refused["reason"]["code"] == again["reason"]["code"] == "budget_reached"
    assert f"the daily budget of this patient is used up: {bound} of {bound} tokens" in refused["reason"]["detail"]
    assert asked == calls > 0
    told = [record for record in caplog.records if record.message.startswith("budget_reached")]
    assert [record.levelname for record in told] == ["WARNING"]


async def test_over_the_pharmacys_budget_people_answer_everyone_and_the_alert_fires(
    own_settings: Settings, fake: OpenAIFake, owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(own_settings) as shop:
        await _say(shop, "c-1")
    calls = len(fake.log.chats())

    async with running(_bounded(own_settings, yen=1)) as shop:
        refused = [await _say(shop, f"c-{number}", patient=f"p-{number}") for number in range(2, 5)]
        figures = (await shop.stranger.get("/metrics")).text

    assert {answer["reason"]["code"] for answer in refused} == {"budget_reached"}
    assert "the daily budget of the pharmacy is used up" in refused[0]["reason"]["detail"]
    assert "of 1 yen" in refused[0]["reason"]["detail"]
    assert len(fake.log.chats()) == calls
    told = [record for record in caplog.records if record.message.startswith("budget_reached")]
    assert [record.levelname for record in told] == ["ERROR"]
    assert 'kakari_budgets_reached{of="pharmacy"} 1.0' in figures
    assert 'kakari_budgets_reached{of="patient"} 0.0' in figures
    assert f"kakari_spent_tokens {_tokens(owner)}.0" in figures


async def test_an_emergency_is_held_and_the_gates_speak_with_every_budget_used_up(
    own_settings: Settings, fake: OpenAIFake
) -> None:
    async with running(_bounded(own_settings, tokens=1)) as shop:
        await _say(shop, "c-1")
        calls = len(fake.log.chats())
        emergency = await _say(shop, "c-2", "緊急語です")
        urgent = await _say(shop, "c-3", "至急語です")

    assert (emergency["outcome"], emergency["reason"]["tier"]) == ("handover", "E")
    assert (urgent["outcome"], urgent["reason"]["tier"]) == ("handover", "U")
    assert emergency["reason"]["code"] != "budget_reached" != urgent["reason"]["code"]
    assert len(fake.log.chats()) == calls


async def test_a_pharmacists_own_wish_is_refused_too_and_the_reason_says_why(
    own_settings: Settings, fake: OpenAIFake, owner: Owner
) -> None:
    async with running(own_settings) as shop:
        await _say(shop, "c")
    calls = len(fake.log.chats())

    async with running(_bounded(own_settings, patient_tokens=_tokens(owner, "p"))) as shop:
        answer = await shop.post("/v1/conversations/c/suggestions", {}, params={"wait": 20})
        shown = await shop.conversation("c")

    assert (answer.status_code, answer.json()["outcome"]) == (200, "handover")
    assert answer.json()["reason"]["code"] == "budget_reached"
    assert "it begins anew on" in shown["handover"]["reason"]["detail"]
    assert len(fake.log.chats()) == calls


async def test_an_unlimited_budget_counts_and_refuses_nothing(own_settings: Settings, owner: Owner) -> None:
    none = dict.fromkeys(("patient_tokens", "patient_yen", "tokens", "yen"))
    async with running(_bounded(own_settings, **none)) as shop:
        answers = [await _say(shop, f"c-{number}") for number in range(3)]

    assert {answer["outcome"] for answer in answers} == {"suggestion"}
    assert _tokens(owner) == _tokens(owner, "p") == _calls(owner)[0] > 0


async def test_from_a_part_of_a_budget_on_cheaper_models_answer_and_the_command_tells_the_figures(
    own_settings: Settings, owner: Owner, tmp_path: Path
) -> None:
    file = tmp_path / "models.toml"
    shipped = own_settings.models_file.read_text(encoding="utf-8")
    named = shipped.replace("\nlocal = ", '\ncheaper = "openai:gpt-4o-mini"\nlocal = ')
    file.write_text(f'{named}\n[model_limits."openai:gpt-4o-mini"]\nrequests_per_minute = 6000\n', encoding="utf-8")
    bounds = {"models_file": file, "cheaper_from": 0.0}

    async with running(own_settings.model_copy(update=bounds)) as shop:
        answer = await _say(shop, "c-1")
        told = json.loads((await kakari(shop, "budget", "--json")).stdout)
        said = (await kakari(shop, "budget")).stdout

    assert answer["outcome"] == "suggestion"
    assert set(answer["models"].values()) == {"gpt-4o-mini-2024-07-18"}
    assert told["day"]["tokens"] == told["month"]["tokens"] == _tokens(owner) > 0
    assert (told["day"]["reached"], told["month"]["of"]["yen"]) == (False, 400_000)
    assert f"{_tokens(owner)} tokens" in said
    assert "openai:gpt-4o-mini: 6000 requests a minute; a reply waits 0 s now" in said


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.no_usage(), id="missing"),
        pytest.param(faults.usage_of(-HUGE, -HUGE), id="negative"),
        pytest.param(faults.usage_of(HUGE, HUGE), id="huge"),
    ],
)
async def test_the_cap_holds_whatever_usage_the_provider_claims(
    own_settings: Settings, fake: OpenAIFake, owner: Owner, fault: Fault
) -> None:
    fake.script.fail(fault, times=None)
    async with running(own_settings) as shop:
        await _say(shop, "c-0")
    bound = _tokens(owner) * 2

    async with running(_bounded(own_settings, tokens=bound)) as shop:
        answers = [await _say(shop, f"c-{number}") for number in range(1, 4)]

    total, largest, _ = _calls(owner)
    estimated = owner.execute("SELECT DISTINCT tokens_estimated FROM model_calls").fetchall()
    assert answers[-1]["reason"]["code"] == "budget_reached"
    assert estimated == [(True,)]
    assert _tokens(owner) == total <= bound + largest
    assert 0 < largest < LARGEST_CALL


async def test_two_workers_racing_end_at_most_one_call_above_the_cap(
    own_settings: Settings, fake: OpenAIFake, owner: Owner, figure: Callable[..., None]
) -> None:
    async with running(own_settings) as shop:
        await _say(shop, "c-0")
    bound = _tokens(owner) * 6
    settings, codes = _bounded(own_settings, tokens=bound), list[str]()

    async with running(settings) as shop, running(settings):
        for wave in range(8):
            saying = [_say(shop, f"c-{wave}-{number}", patient=f"p-{number}") for number in range(6)]
            answers = await asyncio.gather(*saying)
            codes += [(answer.get("reason") or {}).get("code", "") for answer in answers]
            if codes[-6:] == ["budget_reached"] * 6 and _tokens(owner) >= bound:
                break

    total, largest, count = _calls(owner)
    assert set(codes) == {"", "budget_reached"}
    assert codes[-6:] == ["budget_reached"] * 6
    assert bound <= _tokens(owner) == total
    over = f"{total - bound} tokens over a cap of {bound}, the largest call {largest}"
    figure("P6", "two workers racing over the daily cap", measured=over, asked="1 call", holds=total <= bound + largest)
    assert len(fake.log.chats()) == count
