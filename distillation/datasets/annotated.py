"""What people said in LangSmith of a node's answer, beside what a pharmacist decided of it: one label of the two."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from distillation.datasets.label import Label, LabelKind, NoLabel
from distillation.datasets.labelling import Labelling, reply_of
from pharmacy.domain.flow import Flow
from pharmacy.storage.annotating import Label as Annotation
from pharmacy.storage.recorded_calls import RecordedCall

RIGHT = 1.0
"""The score of an answer that a reviewer lets stand."""

_PSEUDONYM = re.compile("〔[^〔〕]{1,10}〕")
_NOT_TO_BE_FILLED = frozenset({"label_not_in_flow", "of_another_category", "not_the_draft", "not_the_judged_draft"})
"""Why a record teaches nothing whatever is said of it: it is not known what the words are about."""


class Annotated:
    """The labels of one node's records, with annotations; counts how the two met.

    A pharmacist's own word (an edit, a refusal, a category or phase set by hand) stands before an annotation: they
    knew the patient. An annotation stands before a draft that was only let pass, and where nobody decided.
    """

    def __init__(self, labelling: Labelling, node: str, flow: Flow, annotations: Iterable[Annotation]) -> None:
        self._labelling = labelling
        self._flow = flow
        self._field = {"classify": "category", "switch_phase": "phase", "judge": "judge"}.get(node, "reply")
        self._node = node
        self._of_run: dict[UUID, list[Annotation]] = {}
        for annotation in annotations:
            self._of_run.setdefault(annotation.run_id, []).append(annotation)
        self.counted: Counter[str] = Counter()
        """How annotations and decisions met: what became of each record of which something was said."""

    def labels(self, call: RecordedCall) -> list[Label]:
        """Return what is to be learnt from `call`; raises as `Labelling.labels`."""
        said = self._of_run.get(call.run_id)
        if not said:
            return self._labelling.labels(call)
        try:
            decided = self._labelling.labels(call)
        except NoLabel as error:
            return [self._instead_of_none(call, said, error)]
        try:
            annotated = self._newest(call, said)
        except NoLabel as error:
            self.counted[error.why] += 1
            return decided
        return self._met(decided, annotated)

    def _instead_of_none(self, call: RecordedCall, said: list[Annotation], none: NoLabel) -> Label:
        if none.why in _NOT_TO_BE_FILLED:
            self.counted["annotation_of_no_use"] += 1
            raise none
        try:
            annotated = self._newest(call, said)
        except NoLabel as error:
            self.counted[error.why] += 1
            raise none from None
        self.counted["undecided_and_annotated"] += 1
        return annotated

    def _met(self, decided: list[Label], annotated: Label) -> list[Label]:
        own, others = decided[0], decided[1:]
        agree = self._same(own, annotated)
        if own.target is None and annotated.target != own.rejected:
            # Refused without a better text: here is one.
            self.counted["refusal_put_right"] += 1
            return [replace(annotated, rejected=own.rejected, reason=own.reason)]
        if not own.weak:
            self.counted["decision_confirmed" if agree else "decision_stands_before_annotation"] += 1
            return decided
        self.counted["weak_decision_confirmed" if agree else "annotation_stands_before_weak_decision"] += 1
        return [annotated, *(replace(each, target=annotated.target, weak=False) for each in others)]

    def _newest(self, call: RecordedCall, said: list[Annotation]) -> Label:
        """Return the label of the newest annotation that can be read.

        Raises:
            NoLabel: none can.
        """
        answer = self._labelling.said(call)
        why = NoLabel("annotation_unclear")
        for annotation in reversed(said):
            try:
                return self._label(call, answer, annotation)
            except NoLabel as error:
                why = error
        raise why

    def _label(self, call: RecordedCall, answer: Mapping[str, Any], annotation: Annotation) -> Label:
        several = call.first is not None
        if annotation.corrected is None:
            # That it is right says nothing of which one, where the node answered more than once.
            if annotation.score != RIGHT or several:
                raise NoLabel("annotation_unclear")
            return self._made(call, answer, dict(answer))
        if self._field == "judge":
            if several:
                raise NoLabel("annotation_unclear")
            return self._made(call, answer, self._marks(answer, annotation.corrected))
        return self._made(call, answer, self._corrected(call, answer, _word(annotation.corrected, self._names)))

    @property
    def _names(self) -> tuple[str, ...]:
        return (self._field, self._node, "generate" if self._field == "reply" else self._node, "value")

    def _corrected(self, call: RecordedCall, answer: Mapping[str, Any], word: str) -> dict[str, Any]:
        if self._field == "reply":
            if _PSEUDONYM.search(word):
                # The trace's pseudonyms are not the row's: another person may be meant.
                raise NoLabel("annotation_under_pseudonyms")
            return dict(reply_of(word))
        known = self._flow.categories if self._field == "category" else None
        if word not in (known if known is not None else self._flow.phases_after(call.blanks.get("phase", ""))):
            raise NoLabel("annotation_not_in_flow")
        if word == answer[self._field]:
            return dict(answer)
        named = self._flow.categories[word].label if known is not None else self._flow.phases[word].label
        told = "会話の内容が「{}」に当たるため。" if known is not None else "会話が「{}」の段階にあるため。"
        return {**answer, self._field: word, "reason": told.format(named)}

    def _marks(self, answer: Mapping[str, Any], corrected: Any) -> dict[str, Any]:
        given = corrected.get("judge", corrected) if isinstance(corrected, Mapping) else None
        marks = {name: _mark(of) for name, of in given.items()} if isinstance(given, Mapping) else {}
        if not marks or not marks.keys() <= self._flow.criteria.keys():
            raise NoLabel("annotation_unclear")
        changed = {name: mark for name, mark in marks.items() if mark != answer[name]["mark"]}
        told = {name: f"「{self._flow.criteria[name].label}」は{mark}点が妥当。" for name, mark in changed.items()}
        return {**answer, **{name: {"reason": told[name], "mark": mark} for name, mark in changed.items()}}

    def _made(self, call: RecordedCall, answer: Mapping[str, Any], target: Mapping[str, Any]) -> Label:
        judged = self._field == "judge"
        passes = {name: target[name]["mark"] >= of.bar for name, of in self._flow.criteria.items()} if judged else {}
        wrong = self._field == "reply" and call.first is None and target["reply"].strip() != answer["reply"].strip()
        category = str(target["category"]) if self._field == "category" else None
        return Label(
            LabelKind.ANNOTATED, target, rejected=answer if wrong else None, passes=passes, category=category
        )  # fmt: skip

    def _same(self, own: Label, annotated: Label) -> bool:
        if self._field == "judge":
            return all(annotated.passes.get(name) == passes for name, passes in own.passes.items())
        if own.target is None or annotated.target is None:
            return False
        return str(own.target[self._field]).strip() == str(annotated.target[self._field]).strip()


def _word(corrected: Any, names: tuple[str, ...]) -> str:
    """Return what a correction says, given as a word or under the name of what it corrects."""
    found = corrected
    if isinstance(corrected, Mapping):
        found = next((corrected[name] for name in names if name in corrected), None)
    if not isinstance(found, str) or not found.strip():
        raise NoLabel("annotation_unclear")
    return found.strip()


def _mark(of: Any) -> int:
    mark = of.get("mark") if isinstance(of, Mapping) else of
    if isinstance(mark, bool) or not isinstance(mark, int | float) or mark not in range(1, 6):
        raise NoLabel("annotation_unclear")
    return int(mark)
