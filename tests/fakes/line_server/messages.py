"""Is a push or a reply what LINE takes? Its own words of refusal where not."""

import re
from typing import Any

USER_ID = re.compile(r"U[0-9a-f]{32}")
RETRY_KEY = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
MOST_MESSAGES = 5
LONGEST_UNITS = 5_000


def problem_of_push(body: Any) -> str | None:
    """Return why LINE would refuse a push's body, or None."""
    if not isinstance(body, dict) or set(body) - {"to", "messages", "notificationDisabled", "customAggregationUnits"}:
        return "The request body has unknown properties"
    if not isinstance(body.get("to"), str) or not USER_ID.fullmatch(body["to"]):
        return "The property, 'to', in the request body is invalid (line: -, column: -)"
    return problem_of_messages(body.get("messages"))


def problem_of_messages(messages: Any) -> str | None:
    """Return why LINE would refuse the message objects, or None."""
    if not isinstance(messages, list) or not 1 <= len(messages) <= MOST_MESSAGES:
        return "Size must be between 1 and 5"
    for message in messages:
        if not isinstance(message, dict) or message.get("type") != "text" or set(message) != {"type", "text"}:
            return "A message (messages[0]) in the request body is invalid"
        words = message["text"]
        if not isinstance(words, str) or not words.strip():
            return "May not be empty"
        if len(words.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST_UNITS:
            return "Length must be between 0 and 5000"
        if any("\ud800" <= character <= "\udfff" for character in words):
            return "The request body could not be parsed as JSON"
    return None
