"""Find texts that are nearly the same, in time that grows with their number and not with its square."""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from distillation.datasets.rules import Duplicates, letters

_BANDS, _IN_BAND = 20, 4
# Two texts that share 0.8 of their runs meet in a band with probability 1 - (1 - 0.8**4)**20, above 0.99997.
_PRIME = (1 << 31) - 1
_FACTORS = np.random.default_rng(20261123).integers(1, _PRIME, size=(2, _BANDS * _IN_BAND, 1), dtype=np.int64)


class Alike:
    """Texts, and which of them are alike: candidates by MinHash, then compared run by run."""

    def __init__(self, texts: Sequence[str], rules: Duplicates) -> None:
        self._rules = rules
        self._runs = [_runs(text, rules.run_letters) for text in texts]
        self._bands = [_bands(runs) for runs in self._runs]

    def doubles(self, order: Sequence[int], split_of: Sequence[str]) -> Iterator[int]:
        """Give the places of the texts that are alike to one before them in `order` that is of another split.

        Args:
            order: places of texts; the earlier stays. What has been given is compared with nothing after it.
        """
        met: dict[tuple[int, bytes], list[int]] = defaultdict(list)
        for place in order:
            of = {other for band in self._bands[place] for other in met[band] if split_of[other] != split_of[place]}
            if any(self._common(place, other) >= self._rules.alike for other in of):
                yield place
                continue
            for band in self._bands[place]:
                met[band].append(place)

    def _common(self, one: int, other: int) -> float:
        """Return the Jaccard index of two texts' runs."""
        shared = len(self._runs[one] & self._runs[other])
        return shared / (len(self._runs[one]) + len(self._runs[other]) - shared)


def _runs(text: str, length: int) -> frozenset[str]:
    plain = letters(text)
    return frozenset(plain[at : at + length] for at in range(max(len(plain) - length + 1, 1)))


def _bands(runs: frozenset[str]) -> list[tuple[int, bytes]]:
    hashes = np.array([zlib.crc32(run.encode("utf-8", "surrogatepass")) % _PRIME for run in runs], dtype=np.int64)
    # Both factors are below 2**31, so that the product stays below 2**62.
    least = ((_FACTORS[0] * hashes + _FACTORS[1]) % _PRIME).min(axis=1).reshape(_BANDS, _IN_BAND)
    return [(number, band.tobytes()) for number, band in enumerate(least)]
