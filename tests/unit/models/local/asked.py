"""Prompts for the local generator and judge, as the nodes fill them, without the words that only a model reads."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nodes.generate import WrittenReply
from nodes.judge import verdict_schema
from nodes.load import load_flow
from pharmacy.domain.model import Prompt
from pharmacy.models.local.generator import LocalGenerator
from pharmacy.models.local.judge import LocalJudge

FLOW = load_flow(Path("nodes/flow.toml"))
VERDICT = verdict_schema(FLOW)
BARS = {name: criterion.bar for name, criterion in FLOW.criteria.items()}

NOBODY_ASKED = "\n".join(f"[患者.{f}] 不明" for f in ("pregnancy", "allergies", "conditions", "medicines"))
NOTHING_ON_RECORD = (
    "[患者.sex] female\n[患者.pregnancy] none\n[患者.allergies] なし\n[患者.conditions] なし\n[患者.medicines] なし"
)
KAKKONTO = (
    "[葛根湯.use] 体力中等度以上のものの次の諸症: 感冒の初期(汗をかいていないもの)、鼻かぜ、頭痛、肩こり\n"
    "[葛根湯.dose] 一般用 葛根湯エキス顆粒: 成人(15才以上) 1回1包、1日3回\n"
    "[葛根湯.timing] 食前又は食間\n[葛根湯.cautions] 服用前に相談: 体の虚弱な人、服用前に相談: 胃腸の弱い人\n"
    "[葛根湯.crude_drugs] カッコン、マオウ、タイソウ、ケイヒ、シャクヤク、カンゾウ、ショウキョウ\n[葛根湯.price] 不明"
)
ORDERED = "[患者.orders] 注文 A-1042: 葛根湯、状態 発送準備中、発送日 2026-11-26"

Talk = Sequence[tuple[str, str]]
"""Who said what, oldest first."""


def prompt(blanks: Mapping[str, str]) -> Prompt:
    """Return a prompt of which only the blanks are filled."""
    return Prompt("generate/system", "", "", blanks, "0" * 12)


def conversation(talk: Talk) -> str:
    """Return a rendered transcript."""
    return "\n".join(json.dumps({"from": author, "text": text}, ensure_ascii=False) for author, text in talk)


def asked(
    text: str,
    category: str,
    phase: str = "intake",
    facts: str = "(なし)",
    before: Talk = (),
    drafts: Sequence[str] = (),
    instruction: str = "",
) -> dict[str, str]:
    """Return a generator prompt's blanks for a patient's words."""
    return {
        "category": category,
        "phase": phase,
        "facts": facts,
        "conversation": conversation([*before, ("patient", text)]),
        "reasons": "",
        "previous_drafts": json.dumps(list(drafts), ensure_ascii=False),
        "instruction": instruction,
    }


def judged(blanks: Mapping[str, str], draft: str) -> dict[str, str]:
    """Return a judge prompt's blanks for a draft that answers `blanks`."""
    bars = [{"name": name, "bar": bar} for name, bar in BARS.items()]
    kept = {key: blanks[key] for key in ("category", "phase", "facts", "conversation")}
    return {**kept, "draft": json.dumps(draft, ensure_ascii=False), "criteria": json.dumps(bars)}


async def written(generator: LocalGenerator, blanks: Mapping[str, str]) -> WrittenReply:
    """Return the generator's answer."""
    return await generator.answer(prompt(blanks), WrittenReply)


async def marks(judge: LocalJudge, blanks: Mapping[str, str]) -> dict[str, int]:
    """Return the judge's mark for each criterion."""
    return {name: verdict.mark for name, verdict in dict(await judge.answer(prompt(blanks), VERDICT)).items()}


async def below(judge: LocalJudge, blanks: Mapping[str, str]) -> dict[str, str]:
    """Return the criteria whose mark misses its bar, with the judge's reasons."""
    verdicts: dict[str, Any] = dict(await judge.answer(prompt(blanks), VERDICT))
    return {name: v.reason for name, v in verdicts.items() if v.mark < BARS[name]}


def rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of a file of test data."""
    return [json.loads(line) for line in Path("tests/data", name).read_text("utf-8").splitlines() if line]
