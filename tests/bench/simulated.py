"""What the simulated provider answers: whole, or the pieces of a stream."""

import functools
import json
import re
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

REJECTED_OF = 5
"""One draft in so many is turned down."""

MESSAGE_NUMBER = re.compile(r"#(-?\d+)#")
"""Every message names its number."""

DRAFT_NUMBER = re.compile(r"ご案内番号は(\d+)")
"""And every draft names its own."""

TOKENS: Mapping[str, int] = {"Classification": 40, "PhaseSwitch": 40, "WrittenReply": 150, "Verdict": 150}
PROMPT_TOKENS = 1500


@dataclass(frozen=True)
class Answer:
    """What is answered to a request, and what its usage is."""

    text: str
    tokens: int
    prompt_tokens: int = PROMPT_TOKENS
    cached_tokens: int = 0


class Answers(Protocol):
    """Who says what is answered."""

    def to(self, asked: Mapping[str, Any]) -> Answer:
        """Return the answer to a request's body."""
        ...


class Alike:
    """The same words to all ways of asking, of a fixed number of tokens: counting would cost more than answering.

    A message's first draft is the same in every way, and so is its second, however a way words its request; and a
    draft is turned down by its own number. So ways differ in what they take and not in their luck.
    """

    def __init__(self) -> None:
        self._drafts: Counter[str] = Counter()

    def to(self, asked: Mapping[str, Any]) -> Answer:
        """Return what is answered to the request."""
        form, words = asked["response_format"]["json_schema"], str(asked["messages"][-1]["content"])
        said = 0
        if form["name"] == "WrittenReply":
            # Those who began two categories' drafts ask each category's writer for its own first.
            of = f"{MESSAGE_NUMBER.findall(words)[:1]} {zlib.crc32(str(asked['messages'][0]['content']).encode())}"
            said = zlib.crc32(f"{MESSAGE_NUMBER.findall(words)[:1]} {self._drafts[of]}".encode())
            self._drafts[of] += 1
        elif form["name"] == "Verdict":
            said = int(DRAFT_NUMBER.findall(words)[-1])
        return Answer(_content(form["name"], json.dumps(form["schema"].get("required")), said), TOKENS[form["name"]])


@functools.lru_cache(maxsize=4096)
def _content(name: str, required: str, said: int) -> str:
    if name == "Classification":
        reason = "飲み方についての質問なので、この分類にしました。"
        value: Any = {"safety": "clear", "category": "product_usage", "reason": reason}
    elif name == "PhaseSwitch":
        value = {"phase": "intake", "reason": "段階を変えるお話は出ていません。"}
    elif name == "WrittenReply":
        reply = f"お問い合わせありがとうございます。水か白湯でお飲みください。ご案内番号は{said % 9973}です。"
        value = {"missing_facts": [], "reply": reply}
    else:
        low = said % REJECTED_OF == 0
        marks = {each: {"reason": "基準に照らした理由です。", "mark": 5} for each in json.loads(required)}
        value = {**marks, "tone": {"reason": "少しかたい表現です。", "mark": 2 if low else 5}}
    return json.dumps(value, ensure_ascii=False)


def whole(model: str, answer: Answer) -> bytes:
    """Return a completion."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": model,
                       "choices": [choice], "usage": _usage(answer)}, ensure_ascii=False).encode()  # fmt: skip


def beginning(model: str) -> bytes:
    """Return the first piece, which names who speaks."""
    return _piece(model, {"role": "assistant", "content": "", "refusal": None})


def event(model: str, piece: str) -> bytes:
    """Return a piece of a completion as a chunk of HTTP."""
    return _piece(model, {"content": piece})


def _piece(model: str, delta: Mapping[str, Any]) -> bytes:
    return _chunk(_event(model, [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]))


def ending(model: str, answer: Answer) -> bytes:
    """Return the last pieces: why it ended, the usage, and that it is done."""
    stop = _event(model, [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}])
    return _chunk(stop + _event(model, [], _usage(answer)) + b"data: [DONE]\n\n") + b"0\r\n\r\n"


def _event(model: str, choices: list[Any], usage: Any = None) -> bytes:
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": model,
            "choices": choices, "usage": usage}  # fmt: skip
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _usage(of: Answer) -> dict[str, Any]:
    return {"prompt_tokens": of.prompt_tokens, "completion_tokens": of.tokens,
            "total_tokens": of.prompt_tokens + of.tokens,
            "prompt_tokens_details": {"cached_tokens": of.cached_tokens}}  # fmt: skip
