"""From a pharmacist's decision to a label, node by node; what no pharmacist has decided is none."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from distillation.datasets.label import Label, LabelKind, NoLabel
from distillation.datasets.rules import Rules
from nodes.classify import classification_schema
from nodes.generate import WrittenReply
from nodes.judge import verdict_schema
from nodes.switch_phase import phase_schema
from pharmacy.domain.flow import Flow
from pharmacy.storage.recorded_calls import RecordedCall

UNKNOWN = "unknown"
_NOT_DECIDED = {
    "automatic": "automatic",
    "rejected": "refused_without_a_correction",
    "regenerated": "regenerated",
}


class Labelling:
    """The rules of one node under one flow; built once, as schemas are dear."""

    def __init__(self, node: str, flow: Flow, rules: Rules) -> None:
        self._node = node
        self._flow = flow
        self._rules = rules
        self._classification = classification_schema(flow)
        self._phases = {name: phase_schema(flow, name) for name in flow.phases}
        self._verdict = verdict_schema(flow)
        of: dict[str, Callable[[RecordedCall], list[Label]]] = {
            "classify": self._classify, "switch_phase": self._switch_phase, "judge": self._judge
        }  # fmt: skip
        self._of = of.get(node, self._generate)

    def labels(self, call: RecordedCall) -> list[Label]:
        """Return what is to be learnt from `call`; more than one where the run has another answer to learn from.

        Raises:
            NoLabel: nothing is.
        """
        return self._of(call)

    def said(self, call: RecordedCall) -> dict[str, Any]:
        """Return the node's answer as it read it.

        Raises:
            NoLabel: today's flow does not know it.
        """
        before = call.blanks.get("phase", "")
        if self._node == "switch_phase" and before not in self._phases:
            raise NoLabel("label_not_in_flow")
        of: dict[str, type[BaseModel]] = {"classify": self._classification, "judge": self._verdict}
        schema = self._phases[before] if self._node == "switch_phase" else of.get(self._node, WrittenReply)
        return self._read(call.output, schema)

    def _classify(self, call: RecordedCall) -> list[Label]:
        said = self.said(call)
        corrected = self._set_by_hand(call, "category", call.category_corrected)
        if corrected is not None:
            if corrected not in self._flow.categories:
                raise NoLabel("label_not_in_flow")
            reason = f"会話の内容が「{self._flow.categories[corrected].label}」に当たるため。"
            changed = {"category": corrected, "reason": reason} if corrected != said["category"] else {}
            return [Label(LabelKind.CORRECTED, said | changed, category=corrected)]
        if call.case_code == "pharmacist_only" and call.case_resolved_by and said["category"] == call.category:
            return [Label(LabelKind.RESOLVED, said, weak=True)]
        return [self._let_stand(call, said, stands=said["category"] == call.category)]

    def _switch_phase(self, call: RecordedCall) -> list[Label]:
        said, before = self.said(call), call.blanks.get("phase", "")
        corrected = self._set_by_hand(call, "phase", call.phase_corrected)
        if corrected is not None:
            if corrected not in self._flow.phases_after(before):
                raise NoLabel("label_not_in_flow")
            reason = f"会話が「{self._flow.phases[corrected].label}」の段階にあるため。"
            changed = {"phase": corrected, "reason": reason} if corrected != said["phase"] else {}
            return [Label(LabelKind.CORRECTED, said | changed)]
        return [self._let_stand(call, said, stands=said["phase"] == call.phase)]

    def _generate(self, call: RecordedCall) -> list[Label]:
        said = self.said(call)
        if call.decided is not None and said["reply"].strip() != (call.draft or ""):
            raise NoLabel("not_the_draft")
        if call.decided == "rejected" and call.decision.get("code") == "handled":
            raise NoLabel("handled")  # the matter was dealt with, which says nothing of the draft
        if call.decided in ("rejected", "regenerated"):
            return [self._turned_down(call, said)]
        if call.decided not in ("approved", "edited"):
            raise NoLabel(_why_not(call))
        if call.sent is None:
            raise NoLabel("unsent")
        if self._node != f"generate_{call.decision.get('category') or call.category}":
            raise NoLabel("of_another_category")
        label = self._sent(call, call.sent, said)
        return [label, *self._rescued(call, label)]

    def _judge(self, call: RecordedCall) -> list[Label]:
        said = self.said(call)
        if call.decided is None or _draft_in(call.blanks) != call.draft:
            raise NoLabel("not_the_judged_draft" if call.decided else _why_not(call))
        if call.decided == "approved":
            passes = dict.fromkeys(self._flow.criteria, True)
            return [Label(LabelKind.APPROVED, said, weak=True, passes=passes)]
        if call.decided == "edited":
            cause = call.decision.get("cause")
            if cause is None:
                raise NoLabel("edited_for_unknown_cause")
            return [self._judged(LabelKind.EDITED, said, self._rules.causes.get(cause), cause=cause)]
        if call.decided == "rejected":
            code = str(call.decision.get("code"))
            return [self._judged(LabelKind.REFUSED, said, self._rules.refusals.get(code), reason=code)]
        raise NoLabel(_why_not(call))

    def _read(self, output: str | None, schema: type[BaseModel]) -> dict[str, Any]:
        """Return the answer as the node read it: one that today's schema does not know teaches nothing."""
        try:
            return schema.model_validate_json(output or "").model_dump(mode="json")
        except ValidationError:
            raise NoLabel("label_not_in_flow") from None

    def _set_by_hand(self, call: RecordedCall, what: str, afterwards: str | None) -> str | None:
        in_the_edit = call.decision.get(what) if call.decided == "edited" else None
        return in_the_edit or afterwards

    def _let_stand(self, call: RecordedCall, said: Mapping[str, Any], *, stands: bool) -> Label:
        if call.decided not in ("approved", "edited"):
            raise NoLabel(_why_not(call))
        if not stands:
            raise NoLabel("not_what_was_shown")
        kind = LabelKind.APPROVED if call.decided == "approved" else LabelKind.EDITED
        return Label(kind, said, weak=True, cause=_cause(call))

    def _turned_down(self, call: RecordedCall, said: Mapping[str, Any]) -> Label:
        better = reply_of(call.finally_sent) if call.finally_sent else None
        refused = call.decided == "rejected"
        return Label(
            LabelKind.REFUSED if refused else LabelKind.REGENERATED, better, rejected=said, supervised=False,
            reason=str(call.decision.get("code")) if refused else None,
        )  # fmt: skip

    def _sent(self, call: RecordedCall, sent: str, said: Mapping[str, Any]) -> Label:
        if call.decided == "approved":
            return Label(LabelKind.APPROVED, reply_of(sent), weak=True)
        before = said if said["reply"].strip() != sent.strip() else None
        return Label(LabelKind.EDITED, reply_of(sent), rejected=before, cause=_cause(call))

    def _rescued(self, call: RecordedCall, sent: Label) -> list[Label]:
        """Where another model answered first and was turned down in the run, it should have said what was sent."""
        if call.first is None or call.first[2] == call.model or call.first[1] is None:
            return []
        return [Label(LabelKind.RESCUED, sent.target, weak=sent.weak, cause=sent.cause, of_first=True)]

    def _judged(
        self, kind: LabelKind, said: dict[str, Any], criterion: str | None, *, cause: str | None = None,
        reason: str | None = None,
    ) -> Label:  # fmt: skip
        if criterion == "":
            return Label(kind, said, weak=True, cause=cause, reason=reason)
        if criterion is None or criterion not in self._flow.criteria:
            raise NoLabel("reason_names_no_criterion")
        of = self._flow.criteria[criterion]
        told = f"「{of.label}」に問題があり、薬剤師が{'直した' if kind is LabelKind.EDITED else '退けた'}。"
        fails = {"reason": told, "mark": min(said[criterion]["mark"], max(of.bar - 1, 1))}
        return Label(kind, said | {criterion: fails}, cause=cause, reason=reason, passes={criterion: False})


def reply_of(text: str) -> Mapping[str, Any]:
    """Return a generator's answer that says `text`."""
    return {"missing_facts": [], "reply": text}


def _draft_in(blanks: Mapping[str, str]) -> str | None:
    try:
        draft = json.loads(blanks.get("draft", ""))
    except ValueError:
        return None
    return draft if isinstance(draft, str) else None


def _cause(call: RecordedCall) -> str | None:
    return str(call.decision.get("cause") or UNKNOWN) if call.decided == "edited" else None


def _why_not(call: RecordedCall) -> str:
    if call.decided == "superseded" and call.decision.get("code") == "replied":
        return "answered_in_person"
    return _NOT_DECIDED.get(call.decided or "", "undecided")
