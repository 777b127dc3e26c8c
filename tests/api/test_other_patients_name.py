"""A draft that names another patient, or a number that is none of ours, is no suggestion."""

from typing import Any

from pharmacy.settings import Settings
from tests.api.answers import by_words
from tests.api.shop import running
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.script import Asked

REPLY = "ご連絡ありがとうございます。佐藤 花代様とお話ししましたとおり、内容を確認いたしました。"
CALL = "ご連絡ありがとうございます。ご不明な点は 03-1234-5678 へお電話ください。"


def _writes(reply: str) -> Any:
    def rule(asked: Asked) -> Any:
        answer = by_words(asked)
        return answer | {"reply": reply} if asked.schema_name == "WrittenReply" else answer

    return rule


async def test_a_draft_that_names_another_patient_goes_to_a_person(own_settings: Settings, fake: OpenAIFake) -> None:
    async with running(own_settings) as shop:
        await shop.say("other", "ふつうの相談です", patient={"id": "p-1", "name": "佐藤花代"})
        fake.script.rule = _writes(REPLY)

        held = await shop.say("c", "ふつうの相談です", patient={"id": "p-2", "name": "鈴木一郎"})
        own = await shop.say("other", "ほかにもあります")

        case = (await shop.http.get(f"/v1/handovers/{held['handover_id']}")).json()
    assert (held["outcome"], held["reason"]["code"]) == ("handover", "other_patient_named")
    assert "佐藤" not in held["reason"]["detail"]
    assert case["drafts"][0]["text"] == REPLY
    assert own["outcome"] == "suggestion"


async def test_a_draft_may_name_the_pharmacys_own_number_and_no_other(own_settings: Settings, fake: OpenAIFake) -> None:
    fake.script.rule = _writes(CALL)
    async with running(own_settings) as shop:
        refused = await shop.say("c", "ふつうの相談です")
    async with running(own_settings.model_copy(update={"allowed_contacts": "03-1234-5678"})) as shop:
        shown = await shop.say("d", "ふつうの相談です")

    assert (refused["outcome"], refused["reason"]["code"]) == ("handover", "drafts_used_up")
    assert (shown["outcome"], shown["reply"]) == ("suggestion", CALL)
