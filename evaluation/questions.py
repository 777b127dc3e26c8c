"""Ask a row's question again: the node's words of today over the row's blanks, whole, shortened, or after examples."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from evaluation.candidates import Candidate
from evaluation.cases import LABEL_FIELDS, Case
from graph.assemble import Assembled
from nodes.classify import classification_schema
from nodes.generate import WrittenReply
from nodes.judge import bars, quoted, verdict_schema
from nodes.switch_phase import phase_schema
from pharmacy.domain.model import Prompt

_HEADING = re.compile(r"^#", re.MULTILINE)


@dataclass(frozen=True)
class Questions:
    """Built once: what a node asks, in which schema it wants the answer, and what its judge is asked of a draft."""

    node: str
    assembled: Assembled
    examples: Sequence[Case]
    """Of the training split, in the order in which they are shown."""

    schemas: Mapping[str, type[BaseModel]]
    """Phase to schema for `switch_phase`; else one, under the empty name."""

    verdict: type[BaseModel]

    @classmethod
    def of(cls, node: str, assembled: Assembled, examples: Sequence[Case] = ()) -> "Questions":
        """Return the questions of `node`."""
        flow, verdict = assembled.flow, verdict_schema(assembled.flow)
        if node == "switch_phase":
            schemas = {phase: phase_schema(flow, phase) for phase in flow.phases}
        elif node == "classify":
            schemas = {"": classification_schema(flow)}
        else:
            schemas = {"": verdict if node == "judge" else WrittenReply}
        shown = [case for case in examples if case.target and case.row.row["supervised"]]
        return cls(node, assembled, shown, schemas, verdict)

    @property
    def writes(self) -> bool:
        """Whether the node writes texts, which a judge has to mark."""
        return self.node not in (*LABEL_FIELDS, "judge")

    def prompt(self, case: Case, candidate: Candidate) -> Prompt:
        """Return what `candidate` is asked."""
        prompt = self.assembled.replies.parts.words[self.node](case.blanks)
        if candidate.words == "short":
            return replace(prompt, system=first_part(prompt.system))
        if candidate.words == "few_shot":
            return replace(prompt, user=shown(self.examples[: candidate.examples]) + prompt.user)
        return prompt

    def schema(self, case: Case) -> type[BaseModel]:
        """Return the schema of the answer."""
        return self.schemas[case.blanks["phase"] if self.node == "switch_phase" else ""]

    def of_judge(self, case: Case, draft: str) -> Prompt:
        """Return what the judge is asked of a draft that answers `case`."""
        kept = {name: case.blanks[name] for name in ("category", "phase", "facts", "conversation")}
        asked = kept | {"draft": quoted(draft), "criteria": bars(self.assembled.flow)}
        return self.assembled.replies.parts.words["judge"](asked)


def first_part(system: str) -> str:
    """Return a system prompt up to its first heading: who speaks, and what is wanted, without any rule."""
    heading = _HEADING.search(system)
    return (system[: heading.start()] if heading else system).strip()


def shown(examples: Sequence[Case]) -> str:
    """Return examples as a question shows them: in the user message, as they hold patients' words."""
    told = [f"<conversation>\n{case.blanks['conversation']}\n</conversation>\n{case.target}" for case in examples]
    return "<examples>\n" + "\n\n".join(told) + "\n</examples>\n\n"
