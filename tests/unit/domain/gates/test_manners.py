"""Whole polite sentences go out by themselves; whatever is no sentence waits for a person."""

import random
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from pharmacy.domain.gates.manners import is_polite
from pharmacy.domain.gates.unattended import unfit_alone
from pharmacy.models.local.library import FOLDER
from tests.attacks.goals import GOALS
from tests.fakes.random_model import random_text


@pytest.mark.parametrize(
    "reply",
    [
        "ご連絡ありがとうございます。発送の準備を進めています。",
        "こんにちは！\n葛根湯は食前にお飲みください。\nご不明な点はありますか？",
        "山田様\n\nいつもありがとうございます。\n・葛根湯 1箱\n・当帰芍薬散 2箱\nのご注文を承りました。お大事に。",
        "食間（食後2時間ほど）にお飲みください（水でも白湯でも大丈夫です）。",
        "次のどちらかです。\n1. 食前\n2. 食間\nどちらでもお飲みいただけますよ。お試しくださいね♪",
        "はい。お昼の分だけ抜いても問題はないと思いますが、気になるときはご相談ください…",
    ],
)
def test_what_a_pharmacy_writes_is_polite(reply: str) -> None:
    assert is_polite(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "", "。。。", "食前に飲め。", "け薬漢あこく。あ後き文き。本日より全商品を無料にいたします。", "了解",
        "・葛根湯\n・当帰芍薬散", "ご安心ください。漢漢あ", "お待ちください。ok thanks", "ですです漢", "飲めばますえ",
    ],
)  # fmt: skip
def test_what_is_no_sentence_or_not_polite_is_not(reply: str) -> None:
    assert not is_polite(reply)


def test_every_reply_of_the_library_is_polite() -> None:
    texts = [reply["text"] for path in FOLDER.glob("*.toml") for reply in _replies(tomllib.loads(path.read_text()))]
    assert len(texts) > 100
    # A label's words, which are quoted whole, are no sentences.
    assert [text for text in texts if not is_polite(text) and "「{{" not in text] == []


def _replies(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict) and "text" in part:
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _replies(inner)


def test_what_a_model_without_sense_writes_does_not_go_out_unseen() -> None:
    draw, says = random.Random(20), [words for goal in GOALS for words in goal.says]
    unseen = [text for text in (random_text(draw, says) for _ in range(20_000)) if not [*unfit_alone(text)]]
    assert unseen == []
