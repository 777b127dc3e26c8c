"""What the models of the replay say: a teacher that is mostly right, and students that mostly say what it would have.

Every draw depends on the seed, the model's part and the message alone, so that all columns meet the same teacher and
the same students. A student is no copy: in a stated share of its answers it says something else than its teacher.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.circle.truth import Message

VAGUE = "お問い合わせありがとうございます。くわしい状況をお知らせください。"
"""What a generator writes that has missed what was asked."""

FITTING: Mapping[str, Sequence[str]] = {
    "symptom_consultation": (
        "ご相談ありがとうございます。つらい日が続いているのですね。体質に合うものを考えるために、いつごろからか、どんなときに気になるか、"
        "いま飲んでいるお薬や治療中の病気があるかを教えていただけますか。",
        "お話しくださりありがとうございます。お体の調子が気になりますね。冷えやほてり、眠り、食欲のようすと、ほかに飲んでいるお薬が"
        "あるかどうかをお聞かせください。うかがってから、一緒に考えていきます。",
        "ご相談くださりありがとうございます。毎日のことですから、おつらいですね。ふだんの食事や眠りのようす、これまでに合わなかった"
        "お薬があればお知らせください。症状が強くなるときは、早めに受診をお願いします。",
    ),
    "product_usage": (
        "お問い合わせありがとうございます。お飲みになる漢方薬によって表示の内容が変わりますので、商品の名前を教えていただけますか。"
        "箱や袋に書かれている名前をそのまま送ってくだされば、その表示に沿ってご案内します。",
        "ご質問ありがとうございます。商品ごとに表示がちがいますので、お手元の箱に書かれている名前をお知らせください。"
        "確かめたうえで、表示のとおりにご案内いたします。",
    ),
    "order_delivery": (
        "ご連絡ありがとうございます。ご注文についてのご用件ですね。内容を確かめますので、ご注文のときのお名前と、ご希望の内容を"
        "このままお送りいただけますか。確かめてから、あらためてご案内します。",
        "お知らせくださりありがとうございます。お手続きの前に、ご注文の番号がわかりましたら教えてください。"
        "わからないときは、ご注文された日だけでもお知らせいただければお調べします。",
    ),
    "follow_up": (
        "経過をお知らせくださりありがとうございます。飲み始めてから、眠りや食欲、お通じに変わったところはありますか。"
        "気になる変化があれば飲むのを控えて、すぐにお知らせください。",
        "ご連絡ありがとうございます。ここまで続けてくださったのですね。お体の感じ方には人によってちがいがありますので、"
        "いまのようすをもう少しお聞かせください。気になる変化があれば、教えてください。",
    ),
}
"""Right replies by category, where a message needs no fact of a product."""

_MORE = ("", "ほかに気になることがあれば、お知らせください。", "ご不明な点は、このままこちらへお送りください。")
"""What the first, second and third draft end with: who is asked again writes otherwise."""

_REASONS = {
    "category": "最新のメッセージの用件がこれにあたり、急な変化や危険のしるしは書かれていない",
    "phase": "段階を変えるお話は出ておらず、いまの聞き取りを続けるところである",
    "good": "「{said}」と用件を受けて答えており、渡された事実とちがうところや、足りない注意は見あたらない",
    "bad": "「{said}」とあるが、患者がたずねたことそのものに答えていない。たずねられた点を先に書く",
}
_PASS, _FAIL = 5, 2
_QUOTED = 18
"""Letters of a draft that a judge quotes."""

_CONVERSATION = re.compile(r"<conversation>\n(.*?)\n</conversation>", re.DOTALL)
_DRAFT = re.compile(r"<draft>\n(.*?)\n</draft>", re.DOTALL)
_EARLIER = re.compile(r"<previous_drafts>\n(.*?)\n</previous_drafts>", re.DOTALL)
_CATEGORY = re.compile(r"^カテゴリ: (\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class Models:
    """Teacher and students."""

    known: Mapping[str, Message]
    """The messages that they may be asked about, by their words."""

    seed: int
    teacher_error: float
    """Share of the teacher's answers that are not what is true, 0 to 1."""

    student_error: float
    """Share of a student's answers that are not what its teacher would have said, 0 to 1."""

    def answer(self, model: str, form: str, schema: Mapping[str, Any], user: str) -> Any:
        """Return what `model` says to the user prompt `user` of the node whose answer is a `form`.

        Raises:
            KeyError: the newest message is none of those that are known.
        """
        said = _newest(user)
        message = self.known[said]
        part = _Part(form, message, user, schema)
        true = part.true()
        taught = part.other(true, self._draw("which", form, said)) if self._errs("teacher", part) else true
        if not model.startswith("ft:") or not self._errs("student", part):
            return part.said(taught)
        return part.said(part.other(taught, self._draw("which else", form, said)))

    def _errs(self, who: str, part: "_Part") -> bool:
        share = self.teacher_error if who == "teacher" else self.student_error
        return self._draw(who, part.form, part.message.text, part.about) < share

    def _draw(self, *of: str) -> float:
        digest = hashlib.blake2b("\0".join((str(self.seed), *of)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64


@dataclass(frozen=True)
class _Part:
    """One node's question about one message."""

    form: str
    message: Message
    user: str
    schema: Mapping[str, Any]

    @property
    def about(self) -> str:
        """What it depends on beside the message: a draft; the category, and how many drafts were turned down."""
        if self.form == "Verdict":
            return _draft(self.user)
        return f"{self._category}{len(self._earlier)}" if self.form == "WrittenReply" else ""

    def true(self) -> Any:
        """Return the bare answer that is right."""
        if self.form == "Classification":
            return self.message.category
        if self.form == "PhaseSwitch":
            return "intake"  # no message of the replay moves the phase
        if self.form == "Verdict":
            return is_right(self.message, _draft(self.user))
        more = _MORE[len(self._earlier) % len(_MORE)]
        if self._category == self.message.category and self.message.reply:
            return self.message.reply + more
        fitting = FITTING[self._category]
        return fitting[(len(self.message.text) + len(self._earlier)) % len(fitting)] + more

    def other(self, answer: Any, drawn: float) -> Any:
        """Return an answer that is not `answer`."""
        if self.form == "Verdict":
            return not answer
        if self.form == "WrittenReply":
            return VAGUE
        field = "category" if self.form == "Classification" else "phase"
        others = [one for one in _choices(self.schema, field) if one != answer]
        return others[int(drawn * len(others))]

    def said(self, answer: Any) -> Any:
        """Return the bare answer with all that the node's form asks for around it."""
        if self.form == "Classification":
            safety = "urgent" if self.message.kind == "gate" else "clear"
            return {"safety": safety, "category": answer, "reason": _REASONS["category"]}
        if self.form == "PhaseSwitch":
            return {"phase": answer, "reason": _REASONS["phase"]}
        if self.form == "WrittenReply":
            return {"missing_facts": [], "reply": answer}
        said = _draft(self.user)[:_QUOTED]
        good = {"reason": _REASONS["good"].format(said=said), "mark": _PASS}
        marks = dict.fromkeys(self.schema["required"], good)
        if answer:
            return marks
        return {**marks, "answers_question": {"reason": _REASONS["bad"].format(said=said), "mark": _FAIL}}

    @property
    def _category(self) -> str:
        found = _CATEGORY.search(self.user)
        assert found is not None
        return found[1]

    @property
    def _earlier(self) -> list[str]:
        found = _EARLIER.search(self.user)
        return list(json.loads(found[1])) if found else []


def is_right(message: Message, draft: str) -> bool:
    """Return whether `draft` answers `message`: it holds the facts asked for, or is a reply that fits its category."""
    return message.takes(draft) if message.must else draft.startswith(tuple(FITTING.get(message.category, ())))


def _newest(user: str) -> str:
    found = _CONVERSATION.search(user)
    assert found is not None
    return str(json.loads(found[1].split("\n")[-1])["text"])


def _draft(user: str) -> str:
    found = _DRAFT.search(user)
    assert found is not None
    return str(json.loads(found[1]))


def _choices(schema: Mapping[str, Any], field: str) -> list[str]:
    part = schema["properties"][field]
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].removeprefix("#/$defs/")]
    return [str(one) for one in part.get("enum") or [part["const"]]]
