"""What should wake someone is counted, and each rule that wakes asks for a figure that is served."""

import asyncio
import re
from pathlib import Path
from typing import Any

import psycopg
import yaml
from sqlalchemy.event import listen

from pharmacy.storage import audit_verify
from server import metrics
from server.watching import verify
from tests.api.shop import Shop, new_id

RULES = yaml.safe_load((Path(__file__).parents[2] / "deploy" / "alerts.yml").read_text(encoding="utf-8"))
RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]


async def _figure(shop: Shop, name: str) -> float:
    lines = (await shop.stranger.get("/metrics")).text.splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name} "))


async def test_every_figure_that_a_rule_asks_for_is_served(own_shop: Shop) -> None:
    await own_shop.say(new_id(), "体調の相談です")
    await own_shop.say(new_id(), "体調の相談です", wait=None)
    served = (await own_shop.stranger.get("/metrics")).text

    # Jobs have a line for each queue and state that there is just now.
    asked = {of for rule in ALERTS for of in re.findall(r"kakari_\w+(?:\{[^}]*\})?", rule["expr"])}
    asked = {"kakari_jobs_stalled" if of.startswith("kakari_jobs{") else of for of in asked}
    assert len(asked) >= 15
    assert sorted(of for of in asked if not re.search(rf"^{re.escape(of)}[ {{]", served, re.M)) == []


def test_every_rule_says_who_is_woken_and_the_runbook_what_to_do() -> None:
    assert [rule["alert"] for rule in ALERTS if rule["labels"].get("severity") not in ("page", "ticket")] == []
    assert [rule["alert"] for rule in ALERTS if f"`{rule['alert']}`" not in RUNBOOK] == []


async def test_however_many_ask_the_store_is_read_once(own_shop: Shop) -> None:
    read = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        read.append("oldest_unanswered_seconds" in statement)

    listen(own_shop.program.database.engine.sync_engine, "before_cursor_execute", note)
    answers = await asyncio.gather(*(own_shop.stranger.get("/metrics") for _ in range(20)))

    pharmacies = await own_shop.rows("SELECT count(*) FROM pharmacies")
    assert {answer.status_code for answer in answers} == {200}
    assert sum(read) == pharmacies[0][0]


async def test_figures_that_have_grown_old_are_read_anew(own_shop: Shop) -> None:
    figures = metrics.Figures(fresh_seconds=3.0)
    await figures.bring_up_to_date(own_shop.program)
    await own_shop.say(new_id(), "緊急語です")
    await figures.bring_up_to_date(own_shop.program)
    before = metrics.REGISTRY.get_sample_value("kakari_unacknowledged_emergencies")
    await asyncio.sleep(3.1)

    await figures.bring_up_to_date(own_shop.program)

    assert (before, metrics.REGISTRY.get_sample_value("kakari_unacknowledged_emergencies")) == (0, 1)


async def test_what_waits_grows_old_in_the_figures(
    own_shop: Shop, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    await own_shop.say(new_id(), "緊急語です")
    await own_shop.say(new_id(), "人手語です")
    owner.execute("UPDATE handovers SET created_at = now() - interval '10 minutes' WHERE tier = 'E'")
    owner.execute("UPDATE messages SET outcome_id = NULL, received_at = now() - interval '7 minutes'")

    assert await _figure(own_shop, "kakari_unacknowledged_emergencies") == 1
    assert 600 <= await _figure(own_shop, 'kakari_oldest_seconds{what="emergency"}') < 700
    assert 420 <= await _figure(own_shop, 'kakari_oldest_seconds{what="unanswered"}') < 500
    assert await _figure(own_shop, 'kakari_oldest_seconds{what="text"}') == 0
    assert await _figure(own_shop, "kakari_ready") == 1


async def test_a_trail_that_does_not_hold_is_counted(
    own_shop: Shop, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    await own_shop.say(new_id(), "人手語です")
    reached = await verify(own_shop.program, {})
    held = await _figure(own_shop, "kakari_audit_broken")
    owner.execute("UPDATE audit SET actor = 'x' WHERE seq = 2")

    await verify(own_shop.program, {})

    async with own_shop.program.database.begin(own_shop.program.settings.pharmacy_id) as tx:
        head = await audit_verify.head(tx, own_shop.program.settings.pharmacy_id)
    assert reached == {own_shop.program.settings.pharmacy_id: head}
    assert (held, await _figure(own_shop, "kakari_audit_broken")) == (0, 1)
