"""What the gate's likeness sees of a text while it learns: letter sequences, signs and pairs of signs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pharmacy.domain.gates.likeness import pairs, sequences

SIGN_SIZE = 1.0
PAIR_SIZE = 0.5
"""How much a sign, and all pairs together, count beside all sequences together; chosen on writers left out."""

_LEAST_SEEN = 3
_LEAST_SEEN_PAIR = 5


@dataclass(frozen=True)
class Row:
    """One spelling of one example, as the likeness reads it."""

    sequences: NDArray[np.uint32]
    pairs: NDArray[np.uint32]
    signs: tuple[str, ...]
    tier: str | None

    @classmethod
    def of(cls, stretch: str, signs: Sequence[str], tier: str | None) -> "Row":
        """Return the row of a stretch of text with the signs found in it."""
        return cls(sequences(stretch), pairs(signs), tuple(dict.fromkeys(signs)), tier)


@dataclass(frozen=True)
class Block:
    """Hashes that were seen often enough to be weighed, rising, and how rare each is."""

    known: NDArray[np.uint32]
    rarity: NDArray[np.float64]
    """The smoothed inverse document frequency, as scikit-learn's TfidfTransformer has it."""

    size: float

    @classmethod
    def of(cls, found: Sequence[NDArray[np.uint32]], least_seen: int, size: float) -> "Block":
        """Return what stands in at least `least_seen` of the rows `found`."""
        seen, counts = np.unique(np.concatenate(found), return_counts=True)
        often = counts >= least_seen
        return cls(seen[often], np.log((1 + len(found)) / (1 + counts[often])) + 1, size)

    def matrix(self, found: Sequence[NDArray[np.uint32]]) -> Any:
        """Return one row for each of `found`, evened out for how much of it is known."""
        from scipy.sparse import csr_matrix

        columns, sizes, ends = [], [], [0]
        for hashes in found:
            at = np.searchsorted(self.known, hashes).clip(max=len(self.known) - 1)
            at = at[self.known[at] == hashes]
            columns.append(at)
            sizes.append(self.size * self.rarity[at] * max(len(at), 1) ** -0.5)
            ends.append(ends[-1] + len(at))
        return csr_matrix((np.concatenate(sizes), np.concatenate(columns), ends), shape=(len(found), len(self.known)))


@dataclass(frozen=True)
class Features:
    """Everything that training weighs, in the order of the matrix's columns."""

    sequences: Block
    pairs: Block
    signs: list[str]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Features":
        """Return what is known after reading `rows`."""
        return cls(
            Block.of([row.sequences for row in rows], _LEAST_SEEN, 1.0),
            Block.of([row.pairs for row in rows], _LEAST_SEEN_PAIR, PAIR_SIZE),
            sorted({sign for row in rows for sign in row.signs}),
        )

    def matrix(self, rows: Sequence[Row]) -> Any:
        """Return one line per row and one column per known sequence, pair and sign."""
        from scipy.sparse import csr_matrix, hstack

        place = {sign: at for at, sign in enumerate(self.signs)}
        columns = [np.array([place[sign] for sign in row.signs if sign in place], dtype=np.int64) for row in rows]
        ends = np.cumsum([0, *map(len, columns)])
        signs = csr_matrix(
            (np.full(ends[-1], SIGN_SIZE), np.concatenate(columns), ends), shape=(len(rows), len(self.signs))
        )
        of_sequences = self.sequences.matrix([row.sequences for row in rows])
        return hstack([of_sequences, self.pairs.matrix([row.pairs for row in rows]), signs]).tocsr()
