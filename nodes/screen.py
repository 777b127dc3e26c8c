"""Step 1: say whether a machine may look at the messages at all, by what needs no reading."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pharmacy.domain.conversation import Author, Kind, Transcript
from pharmacy.domain.facts import Patient
from pharmacy.domain.gates.hit import GateHit, Tier
from pharmacy.domain.gates.profile import profile_hits

MAX_AGE = timedelta(hours=24)
BURST_SECONDS = 60
BURST_MESSAGES = 5
MIN_JAPANESE_SHARE = 0.5

_BARE_ANSWER = re.compile(
    r"(?:はい|ハイ|いいえ|イイエ|いえ|いや|うん|ううん|ええ|yes|no|ok|ない|なし|ある|あり|ません|います|いません|いない|"
    r"飲んで|して|そう|違い|ちがい|たぶん|多分|だと思い|かもしれ|かも|です|ます|ね|よ)+",
    re.IGNORECASE,
)
_LONGEST_BARE_ANSWER = 16
_SCREENING_QUESTION = re.compile(
    r"妊娠|妊活|生理|授乳|アレルギー|持病|治療中|通院|病気|病院|お薬|薬を|薬は|服用|併用|既往|手術|透析|腎|肝|心臓|血圧|糖尿|"
    r"喘息|ぜんそく|てんかん|息苦し|動悸|めまい|しびれ|吐き気|痛み|出血|発熱|むくみ|発疹|かゆみ|副作用|症状|お子|年齢|歳"
)
_ASKS = re.compile(r"[?？]|ますか|ですか|ませんか|でしょうか|教えて")
# A name or an address can be kanji throughout; a longer text without one kana is Chinese.
_MOST_KANJI_ALONE = 12


@dataclass(frozen=True)
class Standing:
    """Where a conversation stands when a run begins."""

    now: datetime
    """Aware."""

    patient: Patient
    open_case: Tier | None = None
    """The tier of a case that no person has closed yet; only E and U are sticky."""

    taken_over: bool = False
    first_contact: bool = False
    """True when the pharmacy has never answered this patient."""

    redelivered: bool = False
    """True when the channel had to deliver a message to answer more than once: nobody knows what passed meanwhile."""


def screen(transcript: Transcript, standing: Standing) -> tuple[GateHit, ...]:
    """Return every structural gate that holds the messages, the most telling first; empty lets them pass.

    Source: PROMISES, structural gates.
    """
    return (
        *_standing_hits(standing),
        *_message_hits(transcript, standing.now),
        *profile_hits(standing.patient, standing.now),
    )


def _standing_hits(standing: Standing) -> Iterator[GateHit]:
    if standing.open_case in (Tier.E, Tier.U):
        yield _hit("open_case", f"tier {standing.open_case}", standing.open_case)
    if standing.taken_over:
        yield _hit("taken_over")
    if standing.patient.consent.replies is False:
        yield _hit("consent_refused")


def _message_hits(transcript: Transcript, now: datetime) -> Iterator[GateHit]:
    messages = transcript.to_answer
    kinds = {message.kind for message in messages}
    yield from (_hit({Kind.MEDIA: "non_text"}.get(kind, str(kind))) for kind in sorted(kinds - {Kind.TEXT}))
    oldest = min((message.sent_at for message in messages), default=now)
    if now - oldest > MAX_AGE:
        yield _hit("too_old", f"{(now - oldest).total_seconds() / 3600:.1f} h")
    if (count := _most_in_one_minute(transcript)) > BURST_MESSAGES:
        yield _hit("burst", f"{count} in {BURST_SECONDS} s")
    if answer := _answer_to_a_screening_question(transcript):
        yield _hit("screening_answer", answer)
    share = japanese_share(transcript.latest_text)
    if Kind.TEXT in kinds and share < MIN_JAPANESE_SHARE:
        yield _hit("not_japanese", f"{share:.0%} < {MIN_JAPANESE_SHARE:.0%}")


def _most_in_one_minute(transcript: Transcript) -> int:
    """Return how many patient messages stand in the fullest minute that ends with one to answer."""
    sent = [turn.sent_at for turn in transcript.turns if turn.author is Author.PATIENT]
    minute = timedelta(seconds=BURST_SECONDS)
    ends = (message.sent_at for message in transcript.to_answer)
    return max((sum(end - minute <= at <= end for at in sent) for end in ends), default=0)


def _answer_to_a_screening_question(transcript: Transcript) -> str | None:
    question = transcript.last_reply
    if question is None or not (_ASKS.search(question.text) and _SCREENING_QUESTION.search(question.text)):
        return None
    return next((turn.text for turn in transcript.to_answer if _is_bare_answer(turn.text)), None)


def _is_bare_answer(text: str) -> bool:
    letters = _letters(text).replace("ー", "")
    return len(letters) <= _LONGEST_BARE_ANSWER and _BARE_ANSWER.fullmatch(letters) is not None


def _letters(text: str) -> str:
    """Return the letters of `text` in their plain form, without signs, digits, emoji and hidden characters."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c).startswith("L"))


def japanese_share(text: str) -> float:
    """Return the share of `text`'s letters that are kana or kanji, 0 to 1; 1 when it has no letter."""
    letters = _letters(text)
    kana = sum("\u3040" <= c <= "\u30ff" for c in letters)
    kanji = sum("\u3400" <= c <= "\u9fff" or c in "々〆" for c in letters)
    japanese = kana + kanji if kana or kanji <= _MOST_KANJI_ALONE else 0
    return japanese / len(letters) if letters else 1.0


def _hit(rule: str, value: str = "", tier: Tier = Tier.H) -> GateHit:
    return GateHit(rule=f"screen.{rule}", tier=tier, span=(0, 0), matched=value)
