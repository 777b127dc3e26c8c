"""What should wake someone is counted, and each rule that wakes asks for a figure that is served."""

import re
from pathlib import Path

import psycopg
import yaml

from pharmacy.storage import audit_verify
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

    async with own_shop.program.database.begin() as tx:
        head = await audit_verify.head(tx, own_shop.program.settings.pharmacy_id)
    assert reached == {own_shop.program.settings.pharmacy_id: head}
    assert (held, await _figure(own_shop, "kakari_audit_broken")) == (0, 1)
