"""The provider's error answers, word for word where they are known."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.fakes.openai_server.http import Reply


@dataclass
class ApiError(Exception):
    """An answer that is an error."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def reply(self) -> Reply:
        """The error as it goes over the wire."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return Reply.of({"error": error}, self.status, self.headers)


def no_key() -> ApiError:
    """The request carries no key."""
    return ApiError(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
        "auth (i.e. Authorization: Bearer YOUR_KEY).",
    )


def wrong_key(key: str) -> ApiError:
    """The request carries a key that is not known."""
    shown = f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    return ApiError(
        401,
        f"Incorrect API key provided: {shown}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )


def no_model(name: str) -> ApiError:
    """Nobody has heard of the model."""
    return ApiError(404, f"The model `{name}` does not exist or you do not have access to it.", code="model_not_found")


def model_retired(name: str) -> ApiError:
    """The model's shutdown date has passed."""
    return ApiError(
        404,
        f"The model `{name}` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations",
        code="model_not_found",
    )


def unknown_parameter(name: str) -> ApiError:
    """The request carries a parameter that does not exist."""
    return ApiError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def missing_parameter(name: str) -> ApiError:
    """The request lacks a parameter."""
    return ApiError(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def invalid_schema(schema_name: str, why: str) -> ApiError:
    """The response format's schema breaks a rule of strict mode."""
    return ApiError(400, f"Invalid schema for response_format '{schema_name}': {why}", param="response_format")


def context_too_long(limit: int, tokens: int) -> ApiError:
    """The messages do not fit the model."""
    return ApiError(
        400,
        f"This model's maximum context length is {limit} tokens. However, your messages resulted in {tokens} tokens. "
        "Please reduce the length of the messages.",
        param="messages",
        code="context_length_exceeded",
    )
