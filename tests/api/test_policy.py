"""The policy of automatic sending and its kill switch, over HTTP: who sets what, what is refused, who hears of it."""

import asyncio
from typing import Any

import pytest

from pharmacy.domain.rights import MAY, Right, Role
from pharmacy.settings import Settings
from pharmacy.storage import access, policy
from tests.api.automatic import EVERYTHING, let, shipped_policy
from tests.api.shop import Shop, new_id, running


async def _put(shop: Shop, version: int, **changes: Any) -> Any:
    body = {"version": version, "reason": "a test", "policy": (await shipped_policy(shop))["policy"] | changes}
    return await shop.http.put("/v1/policy", json=body)


async def _actions(shop: Shop) -> list[str]:
    found = await shop.rows(
        "SELECT action FROM audit WHERE action LIKE 'policy%' OR action LIKE 'automatic%' ORDER BY seq"
    )
    return [row.action for row in found]


async def test_as_shipped_nothing_goes_out_by_itself(own_shop: Shop) -> None:
    shown = await shipped_policy(own_shop)

    assert (shown["version"], shown["policy"]["mode"], shown["policy"]["modes"]) == (0, "suggest", {})
    assert shown["kill_switch"] == {"on": False, "set_by": None, "reason": None, "set_at": None}
    assert shown["differences"] == []
    assert "pharmacist_only" not in shown["may_be_automatic"]


async def test_a_policy_is_kept_with_who_when_and_why_and_what_differs_from_the_file(own_shop: Shop) -> None:
    answer = await _put(own_shop, 0, modes={"order_delivery": {"intake": "auto"}}, hold_seconds=30)

    shown = await shipped_policy(own_shop)
    assert answer.json() == shown
    assert (shown["version"], shown["reason"], shown["set_by"].startswith("key:")) == (1, "a test", True)
    assert shown["differences"] == [
        "hold_seconds: 30 runs, policy.toml says 60",
        "modes.order_delivery.intake: 'auto' runs, policy.toml says 'nothing'",
    ]
    assert await _actions(own_shop) == ["policy_set"]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        pytest.param({"modes": {"pharmacist_only": {"intake": "auto"}}}, "pharmacist_only.intake", id="pharmacists"),
        pytest.param({"modes": {"pharmacist_only": {"intake": "suggest"}}}, "pharmacist_only.intake", id="no-draft"),
        pytest.param({"modes": {"emergency_neuro": {"intake": "auto"}}}, "modes.emergency_neuro", id="gated-E"),
        pytest.param({"modes": {"drug_interaction": {"intake": "suggest"}}}, "modes.drug_interaction", id="gated-U"),
        pytest.param({"modes": {"order_delivry": {"intake": "auto"}}}, "modes.order_delivry", id="category-typo"),
        pytest.param({"modes": {"follow_up": {"later": "auto"}}}, "modes.follow_up.later", id="phase-typo"),
        pytest.param({"modes": {"follow_up": {"intake": "auto_sned"}}}, "intake", id="mode-typo"),
        pytest.param({"mode": "auto"}, "mode", id="auto-by-default"),
        pytest.param({"auto_sned": {}}, "auto_sned", id="unknown-key"),
        pytest.param({"marks": {"safety": 3}}, "marks.safety", id="below-the-bar"),
        pytest.param({"marks": {"safety": 6}}, "marks.safety", id="no-such-mark"),
        pytest.param({"marks": {"saftey": 5}}, "marks.saftey", id="criterion-typo"),
        pytest.param({"lowest_mark": "4"}, "lowest_mark", id="text-for-a-number"),
        pytest.param({"lowest_mark": 1.1}, "lowest_mark", id="fraction"),
        pytest.param({"hold_seconds": -1}, "hold_seconds", id="negative"),
        pytest.param({"longest_chars": 1500}, "longest_chars", id="longer-than-the-file-lets"),
        pytest.param(
            {"limits": {"per_patient_hour": 4, "per_patient_day": 6, "per_day": 100, "in_all": 1000}},
            "per_patient_hour", id="more-than-three-an-hour",
        ),
        pytest.param(
            {"limits": {"per_patient_hour": 3, "per_patient_day": 6, "per_day": 20_000, "in_all": 1000}},
            "limits.per_day", id="more-a-day-than-the-file-lets",
        ),
    ],
)  # fmt: skip
async def test_a_policy_that_says_too_much_is_refused_by_its_place(shop: Shop, changes: Any, place: str) -> None:
    answer = await _put(shop, 0, **changes)

    assert answer.status_code == 422
    assert ".".join(str(step) for step in answer.json()["detail"][0]["loc"]).endswith(place)
    assert (await shipped_policy(shop))["version"] == 0


async def test_of_two_who_set_the_policy_at_once_one_is_told_to_read_it_again(own_shop: Shop) -> None:
    answers = await asyncio.gather(*(_put(own_shop, 0, hold_seconds=seconds) for seconds in range(10, 15)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert (await shipped_policy(own_shop))["version"] == 1


async def test_the_kill_switch_is_kept_over_a_restart_and_turned_once(own_shop: Shop, own_settings: Settings) -> None:
    for _ in range(2):
        answer = await own_shop.http.put("/v1/policy/kill-switch", json={"on": True, "reason": "odd replies"})
        assert (answer.status_code, answer.json()["on"]) == (200, True)

    async with running(own_settings, work=False) as again:
        shown = await shipped_policy(again)

    assert (shown["kill_switch"]["on"], shown["kill_switch"]["reason"]) == (True, "odd replies")
    assert await _actions(own_shop) == ["automatic_sending_stopped"]


async def test_another_process_hears_of_the_switch_within_a_second(own_shop: Shop, own_settings: Settings) -> None:
    async with (
        running(own_settings, work=False) as other,
        other.program.notices.subscribe(policy.CHANNEL, own_settings.pharmacy_id) as news,
    ):
        await own_shop.http.put("/v1/policy/kill-switch", json={"on": True})

        assert await news.wait(1.0)
        assert (await shipped_policy(other))["kill_switch"]["on"]


async def test_letting_it_run_again_needs_a_reason(own_shop: Shop) -> None:
    await own_shop.http.put("/v1/policy/kill-switch", json={"on": True})

    without = await own_shop.http.put("/v1/policy/kill-switch", json={"on": False})
    with_one = await own_shop.http.put("/v1/policy/kill-switch", json={"on": False, "reason": "mended"})

    assert (without.status_code, with_one.status_code) == (422, 200)
    assert (await shipped_policy(own_shop))["kill_switch"]["on"] is False


@pytest.mark.parametrize(
    ("role", "sets", "stops", "releases"),
    [(Role.PHARMACIST, 403, 200, 403), (Role.LEAD, 200, 200, 200), (Role.ENGINEER, 403, 200, 403),
     (Role.MACHINE, 403, 403, 403)],
)  # fmt: skip
async def test_every_pharmacist_may_stop_it_and_few_may_set_or_release_it(
    own_shop: Shop, role: Role, sets: int, stops: int, releases: int
) -> None:
    as_role = {"Authorization": f"Bearer {await _key_of(own_shop, MAY[role])}"}
    shown = await shipped_policy(own_shop)
    body = {"version": 0, "reason": "a test", "policy": shown["policy"] | {"modes": EVERYTHING}}
    switch = "/v1/policy/kill-switch"

    answers = [
        await own_shop.stranger.put("/v1/policy", json=body, headers=as_role),
        await own_shop.stranger.put(switch, json={"on": True}, headers=as_role),
        await own_shop.stranger.put(switch, json={"on": False, "reason": "mended"}, headers=as_role),
    ]

    assert [answer.status_code for answer in answers] == [sets, stops, releases]


async def test_another_pharmacys_policy_and_switch_are_its_own(own_shop: Shop) -> None:
    await let(own_shop)
    await own_shop.http.put("/v1/policy/kill-switch", json={"on": True})

    shown = (await own_shop.foreign.get("/v1/policy")).json()

    assert (shown["version"], shown["policy"]["modes"], shown["kill_switch"]["on"]) == (0, {}, False)


async def _key_of(shop: Shop, rights: frozenset[Right]) -> str:
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        return await access.create_key(tx, pharmacy_id, new_id("key"), "test", None, rights)
