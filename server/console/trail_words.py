"""What each node answered, in the reader's words: the trail keeps codes and names, as a record must."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from server.console.policy_words import PolicyWords

_CLASSIFIED = re.compile(r"(?P<category>\S+) \((?P<safety>\w+)\)")
_MOVED = re.compile(r"(?P<before>\S+) → (?P<after>\S+)")
_DRAFT = re.compile(r"draft (?P<number>\d+)")
_HITS = re.compile(r"[\w.]+ \([EUH]\)(?:, [\w.]+ \([EUH]\))*")
_HIT = re.compile(r"([\w.]+) \(([EUH])\)")
_MARKS = re.compile(r"\w+=[0-5](?: \w+=[0-5])*")


@dataclass(frozen=True)
class TrailWords:
    """The words of one language for one flow."""

    words: PolicyWords

    def said(self, node: str, says: str) -> str:
        """Return a node's answer; what an older record says otherwise is shown as it stands there."""
        if says.startswith("fault: "):
            return self.reason(says.removeprefix("fault: "))
        find = _OF_NODE.get("generate" if node.startswith("generate_") else node)
        return find(self, says) if find else says

    def reason(self, code: str) -> str:
        """Return why a person is called, or why a model's call came to nothing."""
        return self.words.language.coded("reason", code)

    def hits(self, says: str) -> str:
        """Return what the gates found."""
        if not _HITS.fullmatch(says):
            return self._coded(says)
        return " / ".join(f"{self._coded(tier, 'tier')} · {self._rule(rule)}" for rule, tier in _HIT.findall(says))

    def classified(self, says: str) -> str:
        """Return category and safety class."""
        found = _CLASSIFIED.fullmatch(says)
        if not found:
            return says
        return f"{self.words.category(found['category'])} · {self._coded(found['safety'], 'safety')}"

    def moved(self, says: str) -> str:
        """Return both phases, or the one that stays."""
        found = _MOVED.fullmatch(says)
        phases = dict.fromkeys(map(self.words.phase, found.groups())) if found else [says]
        return " → ".join(phases)

    def category(self, says: str) -> str:
        """Return the category that was chosen."""
        return self.words.category(says)

    def draft(self, says: str) -> str:
        """Return which draft it is."""
        found = _DRAFT.fullmatch(says)
        return self.words.language.coded("trail", "draft", found.groupdict()) if found else says

    def marks(self, says: str) -> str:
        """Return each criterion with its mark."""
        if not _MARKS.fullmatch(says):
            return self._coded(says)
        criteria = self.words.flow.criteria
        pairs = [pair.split("=") for pair in says.split()]
        return " · ".join(f"{criteria[name].label if name in criteria else name} {mark}/5" for name, mark in pairs)

    def ended(self, says: str) -> str:
        """Return what it came to."""
        return self._coded(says, "outcome")

    def _rule(self, rule: str) -> str:
        family, _, name = rule.partition(".")
        return self.reason(name) if family == "screen" else self._coded(family, "gate")

    def _coded(self, code: str, family: str = "trail") -> str:
        key = code.replace(" ", "_")
        words = self.words.language.coded(family, key)
        return code if words == key else words


_OF_NODE: Mapping[str, Callable[[TrailWords, str], str]] = MappingProxyType({
    "screen": TrailWords.hits, "triage": TrailWords.hits, "classify": TrailWords.classified,
    "switch_phase": TrailWords.moved, "choose": TrailWords.category, "generate": TrailWords.draft,
    "judge": TrailWords.marks, "suggest": TrailWords.ended, "auto_send": TrailWords.ended,
    "hand_over": TrailWords.reason,
})  # fmt: skip
