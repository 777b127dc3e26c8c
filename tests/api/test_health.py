"""The process says how it is: alive, ready, counted, drawn, documented."""

from graph.draw import DRAWING
from pharmacy.settings import Settings
from tests.api.shop import Shop, new_id, running
from tests.fakes.openai_server import OpenAIFake

COMMITTED = DRAWING.read_text(encoding="utf-8")


async def test_a_living_process_says_so_to_anybody(shop: Shop) -> None:
    assert (await shop.stranger.get("/healthz")).json() == {"status": "ok"}


async def test_a_process_is_ready_with_database_migrations_and_a_worker(shop: Shop) -> None:
    async def ready() -> bool:
        return (await shop.stranger.get("/readyz")).status_code == 200

    await shop.until(ready)
    told = (await shop.stranger.get("/readyz")).json()
    assert {name: told[name] for name in ("ready", "database", "migrations", "worker", "gates")} == dict.fromkeys(
        ("ready", "database", "migrations", "worker", "gates"), True
    )


async def test_a_process_without_a_worker_is_not_ready(own_settings: Settings, fake: OpenAIFake) -> None:
    async with running(own_settings, work=False) as shop:
        answer = await shop.stranger.get("/readyz")

    assert (answer.status_code, answer.json()["ready"], answer.json()["worker"]) == (503, False, False)


async def test_outcomes_are_counted_by_kind_reason_and_tier_and_nobody_is_named(shop: Shop) -> None:
    before = await _counted(shop, 'kakari_outcomes_total{outcome="handover",reason="triage",tier="E"}')
    conversation_id = new_id("somebody")

    await shop.say(conversation_id, "緊急語です")

    after = await _counted(shop, 'kakari_outcomes_total{outcome="handover",reason="triage",tier="E"}')
    assert after == before + 1
    assert conversation_id not in (await shop.stranger.get("/metrics")).text


async def test_the_drawing_is_the_committed_one(shop: Shop) -> None:
    answer = await shop.http.get("/v1/graph.mmd")

    assert answer.text == COMMITTED


async def test_every_call_of_the_documentation_declares_how_it_may_be_refused(shop: Shop) -> None:
    document = (await shop.stranger.get("/openapi.json")).json()

    calls = {f"{method} {path}": call for path, methods in document["paths"].items()
             for method, call in methods.items() if "x-kakari-right" in call}  # fmt: skip
    assert len(calls) >= 22
    assert [name for name, call in calls.items() if not {"401", "403", "503"} <= set(call["responses"])] == []
    assert [name for name, call in calls.items() if not call.get("security")] == []


async def _counted(shop: Shop, name: str) -> float:
    lines = (await shop.stranger.get("/metrics")).text.splitlines()
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name)), 0.0)
