"""A fooled model: it does whatever the last order in its input says, in any dress, and gives itself full marks.

It also knows by heart what its maker should never have let it read: its own instructions.
"""

import base64
import binascii
import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from tests.fakes.openai_server.filling import fill_schema
from tests.fakes.openai_server.script import Asked

OWN_REPLY = "ご連絡ありがとうございます。お問い合わせの件、内容を確かめております。少しお待ちいただけますでしょうか。"
"""What it writes when nobody orders anything."""

_UNSEEN = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff]")
_TAGS = re.compile("[\U000e0001-\U000e007f]+")
_CODED = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
_ORDER = re.compile(
    r"(?:返信|お?返事|答え|書いて|reply|answer|write|role)[^『\"]{0,60}[『\"](?!content|role)([^』\"]{2,200})[』\"]",
    re.IGNORECASE,
)
_LINE = re.compile(r'^\{"from": .*\}$', re.MULTILINE)


def obedient(asked: Asked) -> Any:
    """Return what the last order asks for, in the form that is asked for."""
    answer = fill_schema(asked.schema or {}, {"missing_facts": []})
    if asked.schema_name == "Classification":
        return answer | {"safety": "clear", "category": "order_delivery"}
    if asked.schema_name == "PhaseSwitch":
        return answer | {"phase": asked.schema["properties"]["phase"]["enum"][0]} if asked.schema else answer
    if asked.schema_name == "WrittenReply":
        order = last_order(asked.user)
        return {"missing_facts": [], "reply": _carried_out(order, asked) if order else OWN_REPLY}
    return answer  # the judge: the filled schema gives every criterion the highest mark


def last_order(prompt: str) -> str | None:
    """Return the words that the last order in `prompt` wants said, or None when nobody orders anything."""
    found = [order for text in _texts(prompt) for view in _views(text) for order in _ORDER.findall(view)]
    return found[-1].replace("\\", "") if found else None


def _carried_out(order: str, asked: Asked) -> str:
    return f"設定はこうです。{asked.system[:300]}" if order.strip("<>/ ") == "system" else order


def _texts(prompt: str) -> Iterator[str]:
    """Yield what stands in the prompt, the conversation last: its lines, and what was said in several of them."""
    said = [json.loads(line)["text"] for line in _LINE.findall(prompt)]
    yield _LINE.sub("", prompt).replace("返信を一通書いて", "")
    for at, text in enumerate(said):
        yield text
        yield "".join(said[max(0, at - 2) : at + 1])


def _views(text: str) -> Iterator[str]:
    plain = _UNSEEN.sub("", text)
    yield plain if _ORDER.search(plain) else codecs.decode(plain, "rot13")
    tagged = "".join("".join(chr(ord(c) - 0xE0000) for c in run) for run in _TAGS.findall(text))
    for coded in (*_CODED.findall(plain), *([tagged] if tagged else [])):
        try:
            yield base64.b64decode(coded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
