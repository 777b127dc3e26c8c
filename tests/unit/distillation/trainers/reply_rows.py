"""Rows for a generator as they are exported: wordings of the shipped topics, with the replies sent to them."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graph.assemble import Files, Words, words_of
from nodes.load import load_flow
from pharmacy.domain.errors import NothingFits
from pharmacy.domain.model import Prompt
from pharmacy.models.local.generator import LocalGenerator
from pharmacy.models.local.library import library
from pharmacy.models.tables import read_tables
from pharmacy.settings import Settings
from prompts.load import compose
from tests.unit.models.local.asked import KAKKONTO, NOTHING_ON_RECORD, ORDERED, asked, written

FACTS = f"{NOTHING_ON_RECORD}\n{ORDERED}\n{KAKKONTO}"


@dataclass(frozen=True)
class Case:
    """A question with the reply that the pharmacist sent."""

    topic: str
    blanks: Mapping[str, str]
    reply: str


async def cases(category: str, phase: str = "taking", facts: str = FACTS) -> list[Case]:
    """Return one case for each wording that the shipped generator answers, in a fixed order that mixes the topics."""
    generator, found = LocalGenerator(), []
    for entry in library()[category]:
        for wording in entry.topic.intents:
            blanks = asked(wording, category, phase, facts)
            try:
                answer = await written(generator, blanks)
            except NothingFits:
                continue
            found += [Case(entry.topic.id, blanks, answer.reply)] if answer.reply else []
    random.Random(7).shuffle(found)
    return found


def prompt(blanks: Mapping[str, str], node: str) -> Prompt:
    """Return what the node asks with these blanks."""
    files, words = _words(node)
    return compose(words.prompt, words.frame, words.static, blanks, files.prompts)


def row(blanks: Mapping[str, str], answer: object, node: str) -> dict[str, Any]:
    """Return a row to train on."""
    of = prompt(blanks, node)
    target = json.dumps(answer, ensure_ascii=False)
    parts = {"system": of.system, "user": of.user, "assistant": target}
    return {"messages": [{"role": role, "content": words} for role, words in parts.items()]}


def file_of(path: Path, found: Sequence[Case]) -> Path:
    """Return `path`, with the rows of `found` in it."""
    rows = [
        row(case.blanks, {"missing_facts": [], "reply": case.reply}, f"generate_{case.blanks['category']}")
        for case in found
    ]
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows), encoding="utf-8")
    return path


@cache
def _words(node: str) -> tuple[Files, Words]:
    settings = Settings()
    files = Files(settings.flow_file, settings.models_file, settings.prompts_folder, settings.policy_file)
    return files, words_of(load_flow(settings.flow_file), read_tables(files.models), files)[node]
