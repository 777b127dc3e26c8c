"""What the stand-in's models say in the circle: the large one is mostly right, the small one often is not.

Given to `python -m tests.fakes.openai_server --rule`; a tuned model answers by what it was tuned on instead.
"""

import zlib
from collections.abc import Mapping
from typing import Any

from tests.circle.truth import Message
from tests.circle.truth import asked as questions
from tests.fakes.openai_server.script import Asked

WRONG: Mapping[str, int] = {"gpt-4o-mini": 45}
"""Of a hundred answers; by the beginning of the model's name."""

_WRONG_ELSE = 5
_QUESTIONS = questions()
_OTHERS = ("follow_up", "order_delivery", "symptom_consultation")
_EMPTY = "お問い合わせありがとうございます。くわしい状況をお知らせください。"


def rule(asked: Asked) -> Any:
    """Return the answer to a request of one of the flow's nodes."""
    if asked.schema_name == "PhaseSwitch":
        return {"phase": "intake", "reason": "段階を変えるお話は出ていません。"}
    message, is_wrong = _last(asked.user), _is_wrong(asked)
    if asked.schema_name == "Classification":
        category = message.category if message else "pharmacist_only"
        if is_wrong:
            category = next(one for one in _OTHERS if one != category)
        return {"safety": "clear", "category": category, "reason": "最後の質問から決めました。"}
    if asked.schema_name == "Verdict":
        return {name: {"reason": "基準に沿っています。", "mark": 5} for name in (asked.schema or {})["required"]}
    reply = message.reply if message and not is_wrong else None
    return {"missing_facts": [], "reply": reply or _EMPTY}


def _last(words: str) -> Message | None:
    """Return the question that stands last in the conversation."""
    places = {text: words.rfind(text) for text in _QUESTIONS}
    last = max(places, key=lambda text: (places[text], len(text)))
    return _QUESTIONS[last] if places[last] >= 0 else None


def _is_wrong(asked: Asked) -> bool:
    share = next((share for name, share in WRONG.items() if asked.model.startswith(name)), _WRONG_ELSE)
    return zlib.crc32(f"{asked.model}{asked.user}".encode()) % 100 < share
