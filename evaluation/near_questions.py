"""The bar of the memory for near questions: chosen on one written set, measured on another."""

import tomllib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.repeated.question import to_answer
from pharmacy.domain.repeated.telling import may_be_one
from pharmacy.domain.share import Share

FOLDER = Path(__file__).parent / "examples"
CHOSEN_ON = FOLDER / "repeated_questions_chosen_on.toml"
MEASURED = FOLDER / "repeated_questions_measured.toml"
SAME = "same"
BARS = tuple(step / 100 for step in range(50, 101))
"""The bars that are tried, 0.5 to 1."""

Embed = Callable[[str], Awaitable[tuple[float, ...]]]


@dataclass(frozen=True)
class Pair:
    """Two questions: one that was asked before, one that is asked now."""

    before: str
    now: str
    kind: str
    """`same`, or in what they differ: `product`, `negation`, `child` …"""


@dataclass(frozen=True)
class Compared:
    """A pair as the memory sees it."""

    kind: str
    likeness: float | None
    """From -1 to 1, 1 for the same words; None where it never answers one with the other's reply, however like."""

    def hits(self, bar: float) -> bool:
        """Return whether the reply of one answers the other."""
        return self.likeness is not None and self.likeness >= bar


@dataclass(frozen=True)
class Measured:
    """What a bar comes to on one set."""

    bar: float
    hits: Share
    """Of the pairs that ask the same."""

    wrong: Share
    """Of the pairs that only look alike."""

    wrong_by_kind: Mapping[str, Share]


def read_pairs(file: Path) -> list[Pair]:
    """Return the pairs of a written set.

    Raises:
        ConfigError: the file is not as it must be.
    """
    try:
        groups = tomllib.loads(file.read_text("utf-8"))["group"]
        return [
            Pair(group["asked"], now, kind)
            for group in groups
            for kind, others in group.items()
            if kind != "asked"
            for now in others
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{file}: expected [[group]] with `asked` and lists of questions: {error!r}") from error


async def compared(pairs: Iterable[Pair], embed: Embed) -> list[Compared]:
    """Return the pairs as the memory would see them, but for prompt, product facts and policy, which must agree too."""
    return [Compared(pair.kind, await _likeness(pair, embed)) for pair in pairs]


def lowest_bar(pairs: Sequence[Compared], wrong_under: float) -> Measured | None:
    """Return the lowest bar whose wrong hits' 95% upper bound stays below `wrong_under`; None where none does."""
    tried = (measured(pairs, bar) for bar in BARS)
    return next((found for found in tried if found.wrong.interval[1] < wrong_under), None)


def measured(pairs: Sequence[Compared], bar: float) -> Measured:
    """Return what `bar` comes to."""
    same = [pair.hits(bar) for pair in pairs if pair.kind == SAME]
    kinds: dict[str, list[bool]] = defaultdict(list)
    for pair in pairs:
        if pair.kind != SAME:
            kinds[pair.kind].append(pair.hits(bar))
    wrong = [hit for hits in kinds.values() for hit in hits]
    by_kind = {kind: Share(sum(hits), len(hits)) for kind, hits in sorted(kinds.items())}
    return Measured(bar, Share(sum(same), len(same)), Share(sum(wrong), len(wrong)), by_kind)


async def _likeness(pair: Pair, embed: Embed) -> float | None:
    before, now = to_answer(pair.before, ()), to_answer(pair.now, ())
    if before is None or now is None:
        return None
    if before == now:
        return 1.0
    if not may_be_one(before, now):
        return None
    left, right = await embed(before), await embed(now)
    return sum(one * other for one, other in zip(left, right, strict=True))
