"""From one conversation's records to rows: labelled, held against the gate, redacted, under the present prompt."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Protocol

from distillation.datasets.label import Label, NoLabel
from distillation.datasets.other_names import OtherNames
from distillation.datasets.redacting import ConversationRedaction
from distillation.datasets.rules import TopUp
from distillation.datasets.target_gate import TargetGate
from distillation.datasets.words_of_node import NodeWords
from evaluation.cases import row_id
from pharmacy.domain.conversation import read_lines
from pharmacy.redaction.redact import WITHHELD, Redactor
from pharmacy.storage.recorded_calls import RecordedCall

_NOT_AS_WRITTEN = (ValueError, KeyError, TypeError)
"""What reading a blank raises whose JSON is not what its node writes."""


@dataclass(frozen=True)
class Candidate:
    """A row that may come into a dataset, whatever its split will be."""

    seq: int
    """Of its call."""

    patient_id: str
    conversation_id: str
    conversation_version: int
    asked_at: datetime
    row: Mapping[str, Any]
    """As it is kept; nothing in it names a person."""

    read: str
    """The words by which two rows are alike: what was said, and for the judge the draft."""


@dataclass(frozen=True)
class Considered:
    """A record that a row is to be made of: labelled, and its blanks fit the prompt."""

    call: RecordedCall
    label: Label
    blanks: Mapping[str, str]
    said: Mapping[str, Any] | None


class Labels(Protocol):
    """What gives a record its labels."""

    def labels(self, call: RecordedCall) -> list[Label]:
        """Return what is to be learnt from `call`.

        Raises:
            NoLabel: nothing is.
        """
        ...


class Candidates:
    """Makes rows of one node's records; counts what it leaves out, and why."""

    def __init__(
        self, words: NodeWords, labelling: Labels, gate: TargetGate, names: OtherNames, staff: Sequence[str],
        critical: TopUp,
    ) -> None:  # fmt: skip
        self._words = words
        self._labelling = labelling
        self._gate = gate
        self._names = names
        self._staff = staff
        self._critical = critical
        self._redactor = Redactor()
        self.left_out: Counter[str] = Counter()
        self.production: Counter[tuple[str, str]] = Counter()
        """Category and phase of every run that asked the node, whether a row came of it or not."""

    def of(self, calls: Iterable[RecordedCall]) -> Iterator[Candidate]:
        """Give the rows of `calls`, which stand conversation by conversation."""
        for _, together in groupby(calls, key=lambda call: call.conversation_id):
            considered = [one for call in together for one in self._considered(call)]
            yield from self._redacted(considered)

    def _considered(self, call: RecordedCall) -> list[Considered]:
        self.production[call.category or "none", _phase(call)] += 1
        try:
            _refuse(call)
            return [self._fitting(call, label) for label in self._labelling.labels(call)]
        except NoLabel as error:
            self.left_out[error.why] += 1
            return []

    def _fitting(self, call: RecordedCall, label: Label) -> Considered:
        recorded, output = (
            (call.first[0], call.first[1]) if label.of_first and call.first else (call.blanks, call.output)
        )
        blanks = self._words.changing(recorded)
        others = self._names.within(_texts(label.target), call.patient_id)
        if label.target is not None and (why := self._gate.holds(label.target, blanks.get("facts", ""), others)):
            raise NoLabel(why)
        return Considered(call, label, blanks, _answer(output))

    def _redacted(self, considered: Sequence[Considered]) -> Iterator[Candidate]:
        if not considered:
            return
        call = considered[0].call
        texts = [
            text for one in considered for text in (*one.blanks.values(), *_texts(one.said), *_all_texts(one.label))
        ]
        others = sorted(self._names.within(texts, call.patient_id))
        names = [*filter(None, [call.patient_name]), *self._staff, *others]
        redaction = ConversationRedaction(self._redactor, names)
        for one in considered:
            try:
                redaction.learn(one.blanks, [one.label.target, one.label.rejected, one.said])
            except _NOT_AS_WRITTEN:
                continue  # counted below, where it is left out
        for one in considered:
            try:
                yield self._candidate(one, redaction)
            except NoLabel as error:
                self.left_out[error.why] += 1

    def _candidate(self, one: Considered, redaction: ConversationRedaction) -> Candidate:
        try:
            blanks = redaction.blanks(one.blanks)
        except _NOT_AS_WRITTEN:
            raise NoLabel("blanks_do_not_fit") from None
        row = self._row(one, blanks, redaction)
        if WITHHELD in json.dumps(row, ensure_ascii=False):
            raise NoLabel("withheld")
        call = one.call
        read = "\n".join([*(text for _, text in read_lines(blanks["conversation"])), blanks.get("draft", "")])
        return Candidate(
            call.seq, call.patient_id, call.conversation_id, call.version, call.started_at.astimezone(UTC), row, read
        )

    def _row(self, one: Considered, blanks: Mapping[str, str], redaction: ConversationRedaction) -> dict[str, Any]:
        call, label = one.call, one.label
        target, rejected = (_text_of(redaction.answer(answer)) for answer in (label.target, label.rejected))
        return {
            "id": row_id(call.run_id, self._words.node, of_first=label.of_first),
            "kind": label.kind.value,
            "weak": label.weak,
            "supervised": label.supervised and target is not None,
            "preference": target is not None and rejected is not None and target != rejected,
            "cause": label.cause,
            "reason": label.reason,
            "passes": dict(label.passes),
            "category": label.category or call.category or "none",
            "phase": _phase(call),
            "critical": self._is_critical(one),
            "topped_up": False,
            "asked_at": call.started_at.astimezone(UTC).isoformat(),
            "model": call.first[2] if label.of_first and call.first else call.model,
            "recorded_fingerprint": call.prompt_fingerprint,
            "blanks": blanks,
            "user": self._words.user(blanks),
            "said": _text_of(redaction.answer(one.said)),
            "target": target,
            "rejected": rejected,
        }

    def _is_critical(self, one: Considered) -> bool:
        label, rare = one.label, self._critical
        category = label.category or one.call.category
        said = (one.said or {}).get("safety")
        return (
            category in rare.categories or label.cause in rare.causes or label.reason in rare.refusals
            or (isinstance(said, str) and said in rare.safety)
        )  # fmt: skip


def _refuse(call: RecordedCall) -> None:
    """Refuse a record that may not be learnt from, whatever was decided.

    Raises:
        NoLabel: saying why.
    """
    reasons = {
        "no_consent": not call.consents,
        "words_gone": call.output is None or not call.blanks,
        "gated": call.gated,
    }
    for why, holds in reasons.items():
        if holds:
            raise NoLabel(why)


def _phase(call: RecordedCall) -> str:
    return call.phase or call.blanks.get("phase") or "none"


def _answer(output: str | None) -> Mapping[str, Any] | None:
    try:
        answer = json.loads(output or "")
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _text_of(answer: Mapping[str, Any] | None) -> str | None:
    """Return an answer as its model would write it: the order of its fields is a part of what is learnt."""
    return None if answer is None else json.dumps(answer, ensure_ascii=False)


def _all_texts(label: Label) -> Iterator[str]:
    yield from _texts(label.target)
    yield from _texts(label.rejected)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
