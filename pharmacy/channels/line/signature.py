"""Who signed a webhook's body: HMAC-SHA256 over the raw bytes, compared in constant time with every account."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from pharmacy.channels.line.accounts import LineAccount

_DIGEST_BYTES = 32
_WRITTEN_CHARACTERS = 44
"""32 bytes in base64."""


def signer(accounts: Sequence[LineAccount], body: bytes, signature: str | None) -> LineAccount | None:
    """Return the account whose secret signed `body`, or None.

    Every account's digest is computed and compared whatever the signature looks like, so that the time says nothing.

    Source: https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/
    """
    given, readable = _digest(signature)
    found: LineAccount | None = None
    for account in accounts:
        matches = hmac.compare_digest(hmac.new(account.secret, body, hashlib.sha256).digest(), given)
        found = account if matches and readable else found
    return found


def _digest(signature: str | None) -> tuple[bytes, bool]:
    """Return the signature's 32 bytes and True; where it is none, as many bytes that fit nothing and False."""
    # The length first: a header of a megabyte is not worth decoding.
    if signature is None or len(signature) != _WRITTEN_CHARACTERS:
        return bytes(_DIGEST_BYTES), False
    try:
        digest = base64.b64decode(signature.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return bytes(_DIGEST_BYTES), False
    # The last character of base64 has bits to spare: only the one spelling that LINE writes is its signature.
    exact = base64.b64encode(digest).decode() == signature and len(digest) == _DIGEST_BYTES
    return (digest, True) if exact else (bytes(_DIGEST_BYTES), False)
