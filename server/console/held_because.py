"""Why a person has to look, as sentences: the rule or node, the value and the limit, and the patient's own words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.quoting import quoted
from server.console.languages import Language

LONGEST_QUOTE = 60
_OF_HITS = ("triage", "patient_profile", "open_case")
"""Codes that say nothing more where the gates' hits are told."""

_OF_CATEGORY = ("pharmacist_only", "off_by_policy")


@dataclass(frozen=True)
class Because:
    """What the sentences are made of, beside the record."""

    language: Language
    flow: Flow
    heard: Sequence[str] = ()
    """The patient's messages, the newest last; only what stands in one of them is quoted."""

    def case(self, reasons: Sequence[dict[str, Any]], drafts: Sequence[dict[str, Any]] = ()) -> list[str]:
        """Return why a case waits, the newest reason first; that another case was open only where it is all there is.

        Args:
            drafts: those that did not clear, the newest last.
        """
        telling = [reason for reason in reversed(reasons) if reason["code"] != "open_case" or _heard(reason)]
        said: dict[str, None] = {}
        for reason in telling or [*reversed(reasons)]:
            said |= dict.fromkeys(self.reason(reason, drafts))
            drafts = () if reason["code"] == "drafts_used_up" else drafts
        return [*said]

    def reason(self, reason: dict[str, Any], drafts: Sequence[dict[str, Any]] = ()) -> list[str]:
        """Return one reason: what the gates found, or what the node says."""
        said = [self._hit(hit) for hit in _heard(reason)]
        if reason["code"] not in _OF_HITS or not said:
            said.insert(0, self._tiered(reason.get("tier"), self._named(reason, drafts)))
        return said

    def draft(self, suggestion: Mapping[str, Any]) -> list[str]:
        """Return why a good draft waits: each limit or mark with its value, and what is not sent automatically."""
        return [self._held(code, suggestion) for code in suggestion["held_for"]]

    def marks(self, judgement: Mapping[str, Any] | None) -> Iterator[str]:
        """Yield each mark below its bar, with the bar."""
        for name, mark in (judgement or {}).items():
            if mark["mark"] < mark["bar"]:
                label = self.flow.criteria[name].label if name in self.flow.criteria else name
                yield self.language.coded("because", "mark", {"label": label, **mark})

    def _held(self, code: str, suggestion: Mapping[str, Any]) -> str:
        sentence = self.language.coded("held", code)
        details = [self._measured(each) for each in suggestion["reached"] if each["code"] == code]
        if code == "not_allow_listed":
            phase = suggestion["phase"]
            of = [suggestion["category"] and self._category(suggestion["category"]),
                  self.flow.phases[phase].label if phase in self.flow.phases else phase]  # fmt: skip
            details.append(" · ".join(each for each in of if each))
        if not details:
            return sentence
        blanks = {"sentence": sentence.rstrip("。."), "details": " / ".join(details)}
        return self.language.coded("because", "measured", blanks)

    def _measured(self, each: Mapping[str, Any]) -> str:
        code = "limit" if each["code"].startswith("limit_") else each["code"]
        name = each["criterion"]
        label = self.flow.criteria[name].label if name in self.flow.criteria else name
        values = {"label": label, "limit": self.language.number(each["limit"])}
        if each["reached"] is None:
            return self.language.coded("because", "unmarked", values)
        return self.language.coded("because", code, values | {"reached": self.language.number(each["reached"])})

    def _category(self, name: str) -> str:
        return self.flow.categories[name].label if name in self.flow.categories else name

    def _named(self, reason: dict[str, Any], drafts: Sequence[dict[str, Any]]) -> str:
        sentence, category = self.language.coded("reason", reason["code"]), reason.get("category")
        details: list[str] = []
        if reason["code"] in _OF_CATEGORY and category:
            details.append(self._category(category))
        if reason["code"] == "drafts_used_up" and drafts:
            details += [*self.marks(drafts[-1]["judgement"]), *drafts[-1]["blocked"]]
        if reason.get("node"):
            details.append(": ".join(each for each in (reason["node"], reason.get("said")) if each))
        return ": ".join((sentence, " / ".join(details))) if details else sentence

    def _hit(self, hit: dict[str, Any]) -> str:
        family, _, name = hit["rule"].partition(".")
        sentence = self.language.coded("gate", family)
        if family == "profile":
            return self._tiered(hit["tier"], f"{sentence} ({hit['matched']})" if hit["matched"] else sentence)
        if name:
            sentence = self.language.coded("because", "rule", {"sentence": sentence})
        return self._tiered(
            hit["tier"], f"{sentence} 「{words}」" if (words := self._quoted(hit["matched"])) else sentence
        )

    def _quoted(self, matched: str) -> str:
        found = (quoted(text, matched) for text in reversed(self.heard)) if matched else iter(())
        words = next((each for each in found if each), "")
        return words if len(words) <= LONGEST_QUOTE else f"{words[:LONGEST_QUOTE]}…"

    def _tiered(self, tier: str | None, sentence: str) -> str:
        return f"{self.language.coded('tier', tier)} · {sentence}" if tier else sentence


def _heard(reason: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the gates found in the messages themselves; what stands around them is said by the code."""
    return [hit for hit in reason.get("hits", ()) if not hit["rule"].startswith("screen.")]
