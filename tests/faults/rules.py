"""What the stand-in provider answers in fault tests: a good reply to an everyday question, always."""

from typing import Any

from tests.fakes.openai_server.script import Asked


def everyday(asked: Asked) -> Any:
    """Answer each node as a teacher would answer a harmless question about taking a product."""
    name = asked.schema_name or ""
    if name == "Classification":
        return {"safety": "clear", "category": "product_usage", "reason": "飲み方の質問"}
    if name == "PhaseSwitch":
        return {"phase": "intake", "reason": "変わらない"}
    if name == "WrittenReply":
        return {"missing_facts": [], "reply": "ご質問ありがとうございます。葛根湯は、食前または食間にお飲みください。"}
    criteria = (asked.schema or {}).get("properties", {})
    return {criterion: {"reason": "問題ありません", "mark": 5} for criterion in criteria}
