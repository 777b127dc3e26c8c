"""What the output gate needs to know of an outgoing text, and what it says when it holds one."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LintContext:
    """What may and may not stand in this one text. Empty by default, which is the strictest for contacts and doses."""

    allowed_contacts: frozenset[str] = frozenset()
    """Web addresses, phone numbers and mail addresses that the pharmacy itself publishes."""

    other_names: frozenset[str] = frozenset()
    """Names of patients other than the one who is written to."""

    prompt_texts: tuple[str, ...] = ()
    """Prompt words that no patient may read."""

    label_doses: Mapping[str, str] = field(default_factory=dict)
    """Formula to its dose as labelled: `葛根湯` to `1回1包、1日3回`."""

    crude_drugs: frozenset[str] = frozenset()
    """Crude drugs of the formulas at hand, beside those that the rule file lists."""


@dataclass(frozen=True)
class ClaimHit:
    """One thing that may not be sent."""

    rule: str
    """The rule's kind and name, such as `guarantee.certainly`."""

    matched: str
    """The words of the span, as they were written."""

    span: tuple[int, int]
    """Start and end in the text as written, in characters."""

    reason_ja: str
    """Why it may not be sent, one Japanese sentence for the pharmacist and for the next draft."""
