"""Faults in which the provider answers with an error."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.fakes.openai_server.errors import ApiError
from tests.fakes.openai_server.faults.fault import Fault

_LIMITED = "Rate limit reached for requests. Please try again later."


def rate_limited(retry_after: str | None = None, *, retry_after_ms: str | None = None) -> Fault:
    """429, with `Retry-After` as given: seconds, a date, or nonsense."""
    headers = {"retry-after": retry_after, "retry-after-ms": retry_after_ms}
    given = {name: value for name, value in headers.items() if value is not None}
    return Fault("rate_limited", refuse=lambda: ApiError(429, _LIMITED, "requests", None, "rate_limit_exceeded", given))


def rate_limited_until(seconds: float) -> Fault:
    """429 with `Retry-After` as an HTTP date this many seconds after the request."""

    def refuse() -> ApiError:
        when = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        return ApiError(429, _LIMITED, "requests", None, "rate_limit_exceeded", {"retry-after": when})

    return Fault("rate_limited_until", refuse=refuse)


def out_of_quota() -> Fault:
    """429 that no waiting heals."""
    message = "You exceeded your current quota, please check your plan and billing details."
    return Fault(
        "out_of_quota", refuse=lambda: ApiError(429, message, "insufficient_quota", None, "insufficient_quota")
    )


def server_error(status: int = 500) -> Fault:
    """500, 502, 503 …"""
    message = "The server had an error while processing your request. Sorry about that!"
    return Fault(f"server_error_{status}", refuse=lambda: ApiError(status, message, "server_error"))


def unauthorized() -> Fault:
    """401: the key is refused."""
    return Fault("unauthorized", refuse=lambda: ApiError(401, "Incorrect API key provided.", code="invalid_api_key"))


def forbidden() -> Fault:
    """403: the place or project may not."""
    message = "Country, region, or territory not supported"
    return Fault(
        "forbidden",
        refuse=lambda: ApiError(403, message, "request_forbidden", None, "unsupported_country_region_territory"),
    )
