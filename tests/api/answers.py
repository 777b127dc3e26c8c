"""What the models of these tests answer: ordered by plain words in the patient's own message."""

from typing import Any

from tests.fakes.openai_server.filling import fill_schema
from tests.fakes.openai_server.script import Asked

GOOD = "ご連絡ありがとうございます。内容を確認いたしました。気になる点がありましたら、いつでもお知らせください。"
REDRAFT = "ご希望をふまえて書き直しました。ご不明な点がありましたら、お知らせください。"


def by_words(asked: Asked) -> Any:
    """Return what the words call for.

    配送 and 専任 name a category, 提案へ a phase, 低評価 a low mark, もっと短く another draft.
    """
    answer = fill_schema(asked.schema or {}, {"reply": GOOD, "missing_facts": []})
    if asked.schema_name == "Classification":
        answer["category"] = "order_delivery" if "配送" in asked.user else "symptom_consultation"
        answer["category"] = "pharmacist_only" if "専任" in asked.user else answer["category"]
        answer["safety"] = "clear"
    if asked.schema_name == "PhaseSwitch":
        phases = asked.schema["properties"]["phase"]["enum"]
        answer["phase"] = "proposal" if "提案へ" in asked.user and "proposal" in phases else phases[0]
    if asked.schema_name == "WrittenReply":
        answer |= {"reply": REDRAFT if "もっと短く" in asked.user else GOOD, "missing_facts": []}
    if asked.schema_name == "Verdict" and "低評価" in asked.user:
        answer["safety"]["mark"] = 1
    return answer
