"""What an openai exception means: which failure of the flow it is, and whether to try again, elsewhere, or stop."""

import re
from datetime import UTC, datetime

import aiohttp
import openai

from pharmacy.domain.errors import ContextTooLong, ModelUnavailable, ReplyUnreadable
from pharmacy.models.breaker import Health
from pharmacy.models.http_exchange import Exchange
from pharmacy.models.retry_after import retry_after_seconds
from pharmacy.models.status_error import OK
from pharmacy.models.tried import Failure

CONTEXT_CODES = frozenset({"context_length_exceeded", "string_above_max_length"})
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
_TRANSIENT = frozenset({408, 409, 429})


def status_failure(ref: str, error: openai.APIStatusError) -> Failure:
    """Return what an answer with an error status means."""
    code = _word(error.code) or _word(error.type) or ""
    status = error.status_code
    said = f"{ref}: {status} {code}".rstrip()
    if code in CONTEXT_CODES:
        return Failure(ContextTooLong(said))
    if code == "insufficient_quota" or status in (401, 403):
        return Failure(ModelUnavailable(said), Health.REFUSED, may_fall_back=True)
    if status in _TRANSIENT or status >= 500:
        # A full bucket says nothing of the endpoint's health: with it counted, one burst would shut everybody out.
        health = Health.UNTOLD if status == 429 else Health.FAILED
        wait = retry_after_seconds(error.response.headers, datetime.now(UTC))
        return Failure(ModelUnavailable(said), health, may_retry=True, wait_seconds=wait, may_fall_back=True)
    return Failure(ModelUnavailable(said + _schema_problem(error.message)), may_fall_back=True)


def connection_failure(ref: str, error: openai.APIConnectionError, seen: Exchange) -> Failure:
    """Return what a broken connection means."""
    cause = type(_cause(error)).__name__
    if seen.refused and seen.status == OK:
        return Failure(ReplyUnreadable(f"{ref}: the body is {seen.refused}; expected a completion"), Health.FAILED)
    return Failure(ModelUnavailable(f"{ref}: {cause}"), Health.FAILED, may_retry=True, may_fall_back=True)


def was_sent(error: openai.APIConnectionError) -> bool:
    """Return whether the provider may have read the request, and so may bill it."""
    return not isinstance(_cause(error), _NEVER_SENT)


def _cause(error: BaseException) -> BaseException:
    """What the HTTP client said, under the SDK's and LangChain's own errors."""
    while error.__cause__ is not None and not isinstance(error, aiohttp.ClientError):
        error = error.__cause__
    return error


def _word(value: object) -> str | None:
    """A code from the provider's answer, only if it is a word: never a sentence that may hold a patient's."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w.-]{1,60}", value) else None


def _schema_problem(message: str) -> str:
    """A refused schema is our own mistake, and its words are ours."""
    return f": {message[:300]}" if message.startswith("Invalid schema for response_format") else ""
