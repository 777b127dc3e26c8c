"""What a pharmacy's replies cost and bring: plain counts, which shares, means and prices are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date

from pharmacy.domain.numbers import Spread
from pharmacy.domain.share import Share

NO_TIMES = Spread()


@dataclass(frozen=True)
class Asked:
    """Model calls, summed up."""

    calls: int = 0
    unpriced: int = 0
    """Calls whose price nobody knows; they are in `calls` and the tokens, and not in `priced_usd`."""

    estimated: int = 0
    """Calls whose tokens are our own estimate."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    priced_usd: float = 0.0
    """What the other calls cost."""

    def plus(self, other: "Asked") -> "Asked":
        """Return both together."""
        return Asked(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def cached(self) -> Share:
        """The share of the tokens read that the provider served from its own cache."""
        return Share(self.cached_tokens, self.prompt_tokens)

    @property
    def cost_usd(self) -> float | None:
        """What all of them cost; None while the price of any is unknown."""
        return None if self.unpriced else self.priced_usd


@dataclass(frozen=True)
class Handled:
    """Patients' messages, and who answered them first."""

    messages: int = 0
    by_machine: int = 0
    """Answered by a reply that nobody looked at before it went out."""

    by_pharmacist: int = 0
    """Answered by a person: with a draft, a changed draft or words of their own. The rest got no reply in time."""

    seconds_machine: Spread = NO_TIMES
    """From a message to the reply; likewise of people, and of both together."""

    seconds_pharmacist: Spread = NO_TIMES
    seconds_all: Spread = NO_TIMES

    @property
    def automated(self) -> Share:
        """The share of all messages, unanswered ones too, that the machine answered alone."""
        return Share(self.by_machine, self.messages)


@dataclass(frozen=True)
class Mark:
    """Something that changed and may move a line in a chart."""

    at: date
    what: str
    """`serving`: somebody or a rule decided who serves a node. `policy`: what may go out by itself was changed. `model`
    and `prompt`: a node's calls first name another model, or the fingerprint of other words."""

    node: str
    """Empty for `policy`."""

    to: str
    """The model or who serves, the fingerprint, the policy's version."""


@dataclass(frozen=True)
class Returned:
    """What patients did after a reply."""

    replies: int = 0
    answered: int = 0
    """Of those, replies after which the patient wrote again in time."""

    patients: int = 0
    """Patients who wrote within the days."""

    with_orders: int = 0
    """Of those, patients some of whose orders say on which day they were made."""

    bought: int = 0
    """Of those, patients with an order made within the days."""

    ratings: int = 0
    """Marks given within the days, whoever of the patients gave them."""

    marks: int = 0
    """Their sum; each is 1 to 5."""

    @property
    def reply_rate(self) -> Share:
        """The share of replies after which the patient wrote again."""
        return Share(self.answered, self.replies)

    @property
    def purchase_rate(self) -> Share:
        """The share of patients with dated orders who bought."""
        return Share(self.bought, self.with_orders)

    @property
    def satisfaction(self) -> float | None:
        """The mean mark, 1 to 5; None of none."""
        return self.marks / self.ratings if self.ratings else None


@dataclass(frozen=True)
class Counted:
    """Everything that is counted of some days."""

    asked: Mapping[tuple[date, str, str, str | None], Asked]
    """Day in Japan, node, model asked and the category of the run's outcome to its calls."""

    handled: Mapping[tuple[str, date | str | None], Handled]
    """A way (`total`, `day`, `category`) and its value to the messages."""

    drafts: Mapping[int, Share] = field(default_factory=dict)
    """A draft's number, 1 for the first, to the share that cleared gate and judge."""

    marks: tuple[Mark, ...] = ()
    """In the order of days."""

    returned: Returned = Returned()

    def asked_by(self, place: int) -> dict[date | str | None, Asked]:
        """Return the calls by one part of their key: 0 the day, 1 the node, 2 the model, 3 the category."""
        found: dict[date | str | None, Asked] = {}
        for key, asked in self.asked.items():
            found[key[place]] = found.get(key[place], Asked()).plus(asked)
        return found

    @property
    def all_asked(self) -> Asked:
        """All calls together."""
        total = Asked()
        for asked in self.asked.values():
            total = total.plus(asked)
        return total
