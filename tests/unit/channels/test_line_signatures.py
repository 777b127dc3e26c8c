"""10,000 forged signatures: none is taken."""

import random
from collections.abc import Callable

from pharmacy.channels.line.accounts import LineAccount
from pharmacy.channels.line.signature import signer
from tests.fakes.line_server.events import body_of, new_user, said, sign
from tests.unit.channels.forging import forged

ACCOUNTS = (LineAccount("a", b"first-secret", "token"), LineAccount("b", b"second-secret", "token"))


def test_none_of_10000_mutated_signatures_is_taken(figure: Callable[..., None]) -> None:
    chance = random.Random(20261122)
    taken = 0
    for _ in range(100):
        body = body_of(said(new_user(), "相談です"))
        right = sign("second-secret", body)
        assert signer(ACCOUNTS, body, right) is ACCOUNTS[1]
        taken += sum(signer(ACCOUNTS, body, forged(chance, right)) is not None for _ in range(100))

    figure("P13", "mutated signatures taken", measured=f"{taken} of 10,000", asked="0", holds=taken == 0)


def test_none_of_2000_mutated_bodies_is_taken_under_the_signature_of_the_whole() -> None:
    chance = random.Random(20261123)
    body = body_of(said(new_user(), "相談です"))
    right = sign("first-secret", body)
    taken = 0
    for _ in range(2_000):
        at = chance.randrange(len(body))
        changed = body[:at] + bytes([body[at] ^ chance.randrange(1, 256)]) + body[at + 1 :]
        taken += signer(ACCOUNTS, changed, right) is not None

    assert taken == 0
