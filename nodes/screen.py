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
    r"(はい|いいえ|いえ|うん|ううん|ええ|yes|no|ない(です)?|ある|あります|ありません|そうです)[。!！.〜~ー\s]*", re.I
)
_SCREENING_QUESTION = re.compile(
    r"妊娠|授乳|アレルギー|持病|治療中|通院|病気|お薬|薬を|服用|併用|既往|手術|透析|腎|肝|心臓|血圧|息苦し|痛み|出血|発熱|症状は"
)


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
        yield _hit("too_old", f"{(now - oldest).total_seconds() / 3600:.0f} h")
    if (count := _in_one_minute(transcript)) > BURST_MESSAGES:
        yield _hit("burst", f"{count} in {BURST_SECONDS} s")
    if _answers_a_screening_question(transcript):
        yield _hit("screening_answer", transcript.latest_text)
    share = japanese_share(transcript.latest_text)
    if Kind.TEXT in kinds and share < MIN_JAPANESE_SHARE:
        yield _hit("not_japanese", f"{share:.0%} < {MIN_JAPANESE_SHARE:.0%}")


def _in_one_minute(transcript: Transcript) -> int:
    newest = max((turn.sent_at for turn in transcript.to_answer), default=None)
    mine = (turn for turn in transcript.turns if turn.author is Author.PATIENT)
    return sum(newest is not None and abs((newest - turn.sent_at).total_seconds()) <= BURST_SECONDS for turn in mine)


def _answers_a_screening_question(transcript: Transcript) -> bool:
    question = transcript.last_reply
    asked = question is not None and re.search(r"[?？]|ますか|ですか|でしょうか", question.text) is not None
    return (
        asked
        and question is not None
        and _BARE_ANSWER.fullmatch(unicodedata.normalize("NFKC", transcript.latest_text).strip()) is not None
        and _SCREENING_QUESTION.search(question.text) is not None
    )


def japanese_share(text: str) -> float:
    """Return the share of `text`'s letters that are kana or kanji, 0 to 1; 1 when it has no letter."""
    letters = [c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c).startswith("L")]
    japanese = sum("぀" <= c <= "ヿ" or "㐀" <= c <= "鿿" or c in "々〆ー" for c in letters)
    return japanese / len(letters) if letters else 1.0


def _hit(rule: str, value: str = "", tier: Tier = Tier.H) -> GateHit:
    return GateHit(rule=f"screen.{rule}", tier=tier, span=(0, 0), matched=value)
