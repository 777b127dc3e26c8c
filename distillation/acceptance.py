"""Whether what a student answered was accepted: by a pharmacist, or by the judge; 1, 0, or nothing that says either."""

import json
from typing import Literal

from distillation.datasets.label import NoLabel
from distillation.datasets.labelling import Labelling
from distillation.datasets.rules import Rules
from evaluation.cases import LABEL_FIELDS
from pharmacy.domain.flow import Flow
from pharmacy.storage.recorded_calls import RecordedCall

Measure = Literal["acceptance", "judge_pass"]

_USED_UP = "drafts_used_up"


class Acceptance:
    """The rules of one node under one flow; built once."""

    def __init__(self, node: str, flow: Flow, rules: Rules) -> None:
        self._node = node
        self._rules = rules
        self._labelling = Labelling(node, flow, rules)
        self._category = node.removeprefix("generate_") if node.startswith("generate_") else None

    def first_by(self, call: RecordedCall) -> str:
        """Return the model that gave the node's first answer in the run, as `provider:name`."""
        return call.first[2] if call.first else call.model

    def of(self, call: RecordedCall, measure: str) -> float | None:
        """Return what became of the run's first answer: 1 accepted, 0 not; None while nothing says either."""
        if measure == "judge_pass":
            return self._by_judge(call)
        if self._node in LABEL_FIELDS:
            return self._stood(call)
        return self._by_pharmacist(call)

    def _stood(self, call: RecordedCall) -> float | None:
        """Return whether a category or phase stood: a draft refused for another reason says nothing of it."""
        try:
            target = self._labelling.labels(call)[0].target
        except NoLabel:
            return None
        field = LABEL_FIELDS[self._node]
        return float(target is not None and target[field] == json.loads(call.output or "{}").get(field))

    def _by_pharmacist(self, call: RecordedCall) -> float | None:
        if call.case_code == _USED_UP and self._category is not None:
            return 0.0
        said = self._decided(call)
        # What follows a draft that the judge turned down is not the student's, however good it is.
        turned_down = self._category is not None and call.first is not None
        return 0.0 if said is not None and turned_down else said

    def _decided(self, call: RecordedCall) -> float | None:
        decision = call.decision
        if call.decided == "approved":
            return 1.0
        if call.decided == "edited":
            if self._category is not None and decision.get("category") not in (None, self._category):
                return None  # another generator should have written it
            return float(self._rules.causes.get(str(decision.get("cause"))) == "")
        if call.decided == "rejected":
            return None if decision.get("code") == "handled" else 0.0
        return 0.0 if call.decided == "regenerated" else None

    def _by_judge(self, call: RecordedCall) -> float | None:
        if call.case_code == _USED_UP:
            return 0.0
        return None if call.decided is None else float(call.first is None)
