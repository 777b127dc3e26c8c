"""The labelled rows of the gate sets, and the ways in which a message can be written differently and mean the same."""

import json
import random
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pharmacy.domain.gates.hit import Tier
from pharmacy.domain.gates.rules import CATEGORIES

DATA = Path("tests/data")
SMALL_TALK = (
    "いつもお世話になっております。先日は丁寧なご返信をいただき、ありがとうございました。最近は朝晩すっかり涼しくなって、"
    "過ごしやすい季節になりましたね。週末は家族で近くの公園まで散歩に出かけて、紅葉を眺めてきました。"
)
_HALF_WIDTH = {
    unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E) if code not in (0xFF70,)
}


def rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of one labelled file."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def tier_of(row: dict[str, Any]) -> Tier | None:
    """Return the tier a row must be held at, or None when it must not be held."""
    return Tier(row.get("tier") or CATEGORIES[row["category"]]) if row["must_gate"] else None


def half_width(text: str) -> str:
    katakana = "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in text)
    pieces = (unicodedata.normalize("NFD", c) for c in katakana)
    joined = "".join(pieces).replace("\u3099", "ﾞ").replace("\u309a", "ﾟ").replace("ー", "ｰ")
    return "".join(_HALF_WIDTH.get(c, c) for c in joined)


def spaced(text: str) -> str:
    return " ".join(text)


def zero_width(text: str) -> str:
    return "\u200b".join(text)


def said_by_mother(text: str) -> str:
    return f"「{text}」と母が言っています"


def perhaps_nothing(text: str) -> str:
    return f"気のせいかもしれませんが、{text}"


def after_admin_request(text: str) -> str:
    return f"お届け先の変更をお願いします。それと、{text}"


def after_thanks(text: str) -> str:
    return f"先日はありがとうございました。{text}"


def on_the_next_line(text: str) -> str:
    return f"クーポンの件ありがとうございます\n{text}"


def before_a_question(text: str) -> str:
    return f"{text.rstrip('。')}。あと送料を教えてください。"


def amid_small_talk(text: str) -> str:
    return f"{SMALL_TALK}{text}。{SMALL_TALK}"


def laughing(text: str) -> str:
    return f"{text}笑"


def with_emoji(text: str) -> str:
    return f"{text}😅🙏"


def kansai_ending(text: str) -> str:
    return f"{text.rstrip('。')}やねん"


def tohoku_ending(text: str) -> str:
    return f"{text.rstrip('。')}んだべ"


def broken_line(text: str) -> str:
    middle = len(text) // 2
    return f"{text[:middle]}\n{text[middle:]}"


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


VARIANTS: tuple[Callable[[str], str], ...] = (
    half_width, spaced, zero_width, said_by_mother, perhaps_nothing, after_admin_request, after_thanks,
    on_the_next_line, before_a_question, amid_small_talk,
    laughing, with_emoji, kansai_ending, tohoku_ending, broken_line, decomposed,
)  # fmt: skip


def slips(text: str, count: int = 4) -> list[str]:
    """Return `text` with one letter left out, doubled, swapped with the next or mistaken, at seeded places."""
    dice = random.Random(text)
    made = []
    for _ in range(count):
        at = dice.randrange(len(text))
        before, letter, after = text[:at], text[at], text[at + 1 :]
        made.append(dice.choice([before + after, before + letter * 2 + after, before + after[:1] + letter + after[1:],
                                 before + dice.choice("あのかい") + after]))  # fmt: skip
    return made
