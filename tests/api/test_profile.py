"""How much an earlier answer may cost: chosen by a pharmacy, from the next message on, in every process."""

import json

from pharmacy.domain.profile import MEASURED, Profile
from pharmacy.storage import reply_profiles
from tests.api.commands import kakari
from tests.api.shop import Shop, new_id
from tests.fakes.openai_server import OpenAIFake


async def test_a_choice_holds_from_the_next_message_on_and_is_on_record(own_shop: Shop, fake: OpenAIFake) -> None:
    asked = [await _drafts_asked(own_shop, fake)]
    told = (await own_shop.http.put("/v1/profile", json={"profile": "quickest", "reason": "fair"})).json()
    asked.append(await _drafts_asked(own_shop, fake))
    await own_shop.http.put("/v1/profile", json={"profile": None})
    asked.append(await _drafts_asked(own_shop, fake))

    assert (asked[0], asked[1] > 1, asked[2]) == (1, True, 1)
    assert (told["profile"], told["chosen"], told["default"], told["reason"]) == ("quickest", True, "thrifty", "fair")
    found = await own_shop.rows("SELECT actor, body FROM audit WHERE action = 'profile_set' ORDER BY seq")
    assert [row.body["profile"] for row in found] == ["quickest", None]
    assert all(row.actor.startswith("key:") for row in found)


async def test_the_command_shows_what_each_profile_costs_and_chooses_one(own_shop: Shop) -> None:
    before = await kakari(own_shop, "profile")
    wrong = await kakari(own_shop, "profile", "fast")
    chosen = await kakari(own_shop, "profile", "quick", "--reason", "a fair", "--json")
    shown = await own_shop.http.get("/v1/profile")

    assert before.stdout.startswith("thrifty: by KAKARI_PROFILE")
    assert [line.split()[-5:-3] for line in before.stdout.splitlines()[1:4]] == [
        ["for", f"{price.cost_share:.2f}"] for price in MEASURED.values()
    ]
    assert (wrong.exit_code, "'fast': expected one of" in wrong.stderr) == (2, True)
    assert json.loads(chosen.stdout)["prices"] == shown.json()["prices"]
    assert (shown.json()["profile"], shown.json()["set_by"]) == ("quick", "command line")


async def test_another_pharmacys_choice_is_not_seen_and_nobody_rewrites_ones_own(own_shop: Shop) -> None:
    async with own_shop.program.database.begin("elsewhere") as tx:
        assert await reply_profiles.choose(tx, "elsewhere", "test", Profile.QUICK, "")
        assert not await reply_profiles.choose(tx, "elsewhere", "test", Profile.QUICK, "")

    assert (await own_shop.http.get("/v1/profile")).json()["chosen"] is False


async def _drafts_asked(shop: Shop, fake: OpenAIFake) -> int:
    """Return how many drafts are asked for one message."""
    before = len(_drafts(fake))
    await shop.say(new_id(), "いつ届きますか")
    return len(_drafts(fake)) - before


def _drafts(fake: OpenAIFake) -> list[str]:
    names = (entry.body["response_format"]["json_schema"]["name"] for entry in fake.log.chats())
    return [name for name in names if name == "WrittenReply"]
