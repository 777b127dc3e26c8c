"""Signatures that are nearly right."""

import base64
import random
import string


def forged(chance: random.Random, right: str) -> str:
    """Return a signature that differs from `right`, in one of many ways."""
    ways = (_changed, _cut, _longer, _bit, _cased, _swapped, _spaced, _other_alphabet)
    while (found := chance.choice(ways)(chance, right)) == right:
        pass
    return found


def _changed(chance: random.Random, right: str) -> str:
    at = chance.randrange(len(right))
    return right[:at] + chance.choice(string.printable[:94]) + right[at + 1 :]


def _cut(chance: random.Random, right: str) -> str:
    return right[: chance.randrange(len(right))]


def _longer(chance: random.Random, right: str) -> str:
    return right + chance.choice(string.ascii_letters + "=") * chance.randrange(1, 9)


def _bit(chance: random.Random, right: str) -> str:
    digest = bytearray(base64.b64decode(right))
    digest[chance.randrange(len(digest))] ^= 1 << chance.randrange(8)
    return base64.b64encode(bytes(digest)).decode()


def _cased(chance: random.Random, right: str) -> str:
    at = chance.randrange(len(right))
    return right[:at] + right[at].swapcase() + right[at + 1 :]


def _swapped(chance: random.Random, right: str) -> str:
    one, other = sorted(chance.sample(range(len(right)), 2))
    return right[:one] + right[other] + right[one + 1 : other] + right[one] + right[other + 1 :]


def _spaced(chance: random.Random, right: str) -> str:
    at = chance.randrange(1, len(right) - 1)
    return right[:at] + chance.choice("\t\x0b\xa0") + right[at:]


def _other_alphabet(chance: random.Random, right: str) -> str:
    return right.replace("+", "-").replace("/", "_") if set("+/") & set(right) else _bit(chance, right)
