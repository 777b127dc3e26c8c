"""Character n-grams of a Japanese message, each as one 64-bit number, counted without a loop over characters."""

import re
import unicodedata
import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LONGEST_READ = 2000
"""Characters read of a text; of a longer one the first and the last half of so many."""


class Counted(NamedTuple):
    """The distinct n-grams of one text."""

    keys: NDArray[np.uint64]
    """Shape (n,), rising."""

    counts: NDArray[np.int64]
    """Shape (n,), each at least 1."""


def counted_ngrams(text: str, field: str, longest: int) -> Counted:
    """Return the n-grams of 1 to `longest` characters in `text`, kept apart from those of every other `field`."""
    codes = np.frombuffer(normal(text).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    grams = [_hashed(codes, size, zlib.crc32(field.encode())) for size in range(1, min(longest, len(codes)) + 1)]
    keys, counts = np.unique(np.concatenate(grams), return_counts=True)
    return Counted(keys, counts)


def normal(text: str) -> str:
    """Return `text` as the students read it: one width, no space, any number as 0, any formula's name as one sign."""
    flat = _SPACE.sub("", unicodedata.normalize("NFKC", text).lower())
    if len(flat) > LONGEST_READ:
        flat = flat[: LONGEST_READ // 2] + flat[-LONGEST_READ // 2 :]
    return f"^{_FORMULA.sub('◇', _NUMBER.sub('0', flat))}$"


_SPACE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")
_NUMBER = re.compile(r"[0-9]+")
# A name such as 当帰芍薬散 says nothing of what is asked about it, and there are hundreds.
_FORMULA = re.compile(
    r"[一-龥々]{2,9}(?:湯|散|丸|飲子)|抑肝散加陳皮半夏|かみしょうようさん|とうきしゃくやくさん|けいしぶくりょうがん"
    r"|ごれいさん|かっこんとう|ぼうふうつうしょうさん|ほちゅうえっきとう|はんげこうぼくとう|よくかんさん|りっくんしとう"
)
_PRIME = np.uint64(0x9E3779B97F4A7C15)


def _hashed(codes: NDArray[np.uint64], size: int, salt: int) -> NDArray[np.uint64]:
    windows = len(codes) - size + 1
    keys = np.full(windows, (salt << 8) + size, dtype=np.uint64)
    for offset in range(size):
        keys = (keys ^ codes[offset : offset + windows]) * _PRIME
        keys ^= keys >> np.uint64(29)
    return keys
