"""Where somebody stands in the console: tab, search, filters and conversation, all of it in the address."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Request

from pharmacy.domain.flow import Flow
from pharmacy.domain.gates.hit import Tier
from pharmacy.storage.desk import Wanted
from pharmacy.storage.desk_tabs import Tab

LONGEST_VALUE = 200
SECTIONS = (Tab.CHECK, Tab.PERSON, Tab.AUTOMATIC, Tab.DONE)
"""In the order of the tabs on the page."""


def choices(flow: Flow) -> Mapping[str, Sequence[str]]:
    """Return the parts of a view that are one of several, each with what it may be."""
    return {
        "tab": [*Tab], "phase": [*flow.phases], "category": [*flow.categories], "tier": [*Tier], "mine": ["1"],
        "snoozed": ["1"],
    }  # fmt: skip


@dataclass(frozen=True)
class View:
    """One view of the desk."""

    tab: str = Tab.CHECK.value
    q: str = ""
    phase: str = ""
    category: str = ""
    tier: str = ""
    mine: str = ""
    """`1`: only what the caller has claimed or taken over."""

    snoozed: str = ""
    """`1`: only what is snoozed."""

    c: str = ""
    """The conversation that is open."""

    @classmethod
    def read(cls, given: Mapping[str, str], flow: Flow) -> Self:
        """Return the view that an address asks for; what nobody knows of is left out, as old links have it."""
        known = {field.name: given.get(field.name, "")[:LONGEST_VALUE] for field in fields(cls)}
        left_out = {name: "" for name, among in choices(flow).items() if known[name] not in among}
        return cls(**known | left_out | ({"tab": Tab.CHECK.value} if "tab" in left_out else {}))

    @classmethod
    def of_page(cls, request: Request, flow: Flow) -> Self:
        """Return the view of the page that a piece of it asks from."""
        here = urlsplit(request.headers.get("hx-current-url", ""))
        return cls.read(dict(parse_qsl(here.query)[:20]), flow)

    def wanted(self, actor: str) -> Wanted:
        """Return which conversations the view lists."""
        return Wanted(
            tab=None if self.q else Tab(self.tab),
            asleep=self.snoozed == "1",
            phase=self.phase or None,
            category=self.category or None,
            tier=self.tier or None,
            held_by=actor if self.mine == "1" else None,
            words=self.q or None,
        )

    def address(self, **changes: Any) -> str:
        """Return the page's address, with some of it changed."""
        return "/" + self.query(**changes)

    def query(self, **changes: Any) -> str:
        """Return what stands behind the path: nothing of what is as it always is."""
        given = replace(self, **{name: str(value) for name, value in changes.items()})
        parts = [(name, value) for name, value in given.here() if value and (name, value) != ("tab", "check")]
        return f"?{urlencode(parts)}" if parts else ""

    def here(self) -> Iterator[tuple[str, str]]:
        """Yield each part with its name."""
        for field in fields(self):
            yield field.name, getattr(self, field.name)
