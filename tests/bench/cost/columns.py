"""The columns of the replay: who serves which node, and what is cached."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pharmacy.settings import Settings

STUDENT = "openai:ft:gpt-4o-mini-2024-07-18:kakari::{node}01"
"""A student as OpenAI tunes it, at its listed price; one that runs in the house would cost nothing at all."""

_THREE = ("classify", "switch_phase", "judge")
_ALL = (*_THREE, "generate_symptom_consultation", "generate_product_usage", "generate_order_delivery",
        "generate_follow_up")  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One way of serving the same messages."""

    name: str
    label: str
    students: Collection[str] = ()
    """Nodes that their students serve."""

    caches: bool = False
    """Whether the provider caches prompts, as it does by itself; without it a call costs what its tokens do."""

    drafts: int = 1
    """How many drafts of a message a generator's student writes before the teacher does."""

    command: Sequence[str] = ()
    """What is run before the first message, as in `kakari cache on`."""


_MEMORY = ("cache", "on", "--near", "--reason", "the cost replay")
BASE = "teacher"
COLUMNS = (
    Column(BASE, "all teacher"),
    Column("three", "students on classify, switch_phase and judge", _THREE),
    Column("students", "students on all nodes", _ALL),
    Column("students_cached", "students on all nodes, the provider's prompt cache", _ALL, caches=True),
    Column("memory", "the same, and Kakari's memory of repeated questions", _ALL, caches=True, command=_MEMORY),
    Column(
        "second_drafts", "the same, and students write second drafts too", _ALL, caches=True, drafts=2, command=_MEMORY
    ),
    Column("teacher_cached", "beside them: all teacher, the provider's prompt cache", caches=True),
)


def models_file(column: Column, fingerprints: Mapping[str, str]) -> str:
    """Return the shipped models file with the column's students in service, trained under the prompts of today."""
    text = Settings().models_file.read_text(encoding="utf-8")
    for node in column.students:
        table = re.compile(rf'(^\[{node}\]\n(?:[^\[\n].*\n)*?)serving = "teacher"', re.MULTILINE)
        text, found = table.subn(r'\1serving = "student"', text)
        assert found == 1, node
        model = STUDENT.format(node=node.replace("_", "-"))
        text += f'\n[{node}.student]\nmodel = "{model}"\nprompt_fingerprint = "{fingerprints[node]}"\n'
        text += f"drafts = {column.drafts}\n" if node.startswith("generate_") else ""
    return text
