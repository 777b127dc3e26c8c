"""Which parameters a chat completion takes, and of what type each one is."""

import re
from typing import Any

from tests.fakes.openai_server.errors import ApiError, missing_parameter, unknown_parameter
from tests.fakes.openai_server.known_models import KnownModel
from tests.fakes.openai_server.strict_schema import check_strict

_NUMBER = (int, float)
KNOWN: dict[str, tuple[type, ...]] = {
    "model": (str,), "messages": (list,), "temperature": _NUMBER, "top_p": _NUMBER, "n": (int,), "seed": (int,),
    "max_tokens": (int,), "max_completion_tokens": (int,), "stream": (bool,), "stream_options": (dict,),
    "response_format": (dict,), "stop": (str, list), "presence_penalty": _NUMBER, "frequency_penalty": _NUMBER,
    "logit_bias": (dict,), "user": (str,), "store": (bool,), "metadata": (dict,), "service_tier": (str,),
    "prompt_cache_key": (str,), "prompt_cache_retention": (str,), "prompt_cache_options": (dict,),
    "safety_identifier": (str,), "reasoning_effort": (str,), "verbosity": (str,),
}  # fmt: skip
NOT_EMULATED = {"tools", "tool_choice", "functions", "logprobs", "top_logprobs", "audio", "modalities", "prediction"}
ROLES = {"system", "developer", "user", "assistant"}
_SCHEMA_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def check_parameters(body: dict[str, Any], model: KnownModel) -> None:
    """Refuse what the provider would refuse.

    Raises:
        ApiError: 400, or 501 for a parameter that exists but is not emulated.
    """
    for name, value in body.items():
        _check_type(name, value)
    _check_messages(body)
    _check_for_model(body, model)
    if body.get("stream_options") and not body.get("stream"):
        raise _invalid("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
    _check_format(body, model)


def _check_type(name: str, value: object) -> None:
    if name in NOT_EMULATED:
        raise ApiError(501, f"'{name}' exists at the provider but is not emulated here.", "not_emulated", name)
    if name not in KNOWN:
        raise unknown_parameter(name)
    wrong_bool = isinstance(value, bool) and bool not in KNOWN[name]
    may_be_null = value is None and name not in ("model", "messages")
    if not may_be_null and (wrong_bool or not isinstance(value, KNOWN[name])):
        expected = " or ".join(kind.__name__ for kind in KNOWN[name])
        raise ApiError(
            400,
            f"Invalid type for '{name}': expected {expected}, but got {type(value).__name__} instead.",
            param=name,
            code="invalid_type",
        )


def _check_messages(body: dict[str, Any]) -> None:
    if "messages" not in body:
        raise missing_parameter("messages")
    if not body["messages"]:
        raise ApiError(400, "Invalid 'messages': empty array.", param="messages", code="empty_array")
    for at, message in enumerate(body["messages"]):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise _invalid(f"messages[{at}].role", f"Invalid value for 'messages[{at}].role'.")
        if not isinstance(message.get("content"), str | list):
            raise _invalid(f"messages[{at}].content", f"Invalid type for 'messages[{at}].content'.")


def _check_for_model(body: dict[str, Any], model: KnownModel) -> None:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise _invalid(
            "max_tokens", "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        )
    if body.get("max_tokens") is not None and not model.old_max_tokens:
        raise ApiError(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    if not model.samples and body.get("temperature") not in (None, 1) and body.get("reasoning_effort") != "none":
        raise ApiError(
            400,
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. "
            "Only the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        )
    if body.get("reasoning_effort") is not None and model.samples:
        raise ApiError(400, "Unrecognized request argument supplied: reasoning_effort")
    _check_ranges(body, model)


def _check_ranges(body: dict[str, Any], model: KnownModel) -> None:
    if not 0 <= (body.get("temperature") or 0) <= 2:
        raise _invalid("temperature", f"Invalid 'temperature': {body['temperature']} is outside 0 to 2.")
    wanted = body.get("max_completion_tokens") or body.get("max_tokens") or 1
    if not 1 <= wanted <= model.max_output:
        raise ApiError(
            400,
            f"max_tokens is too large: {wanted}. This model supports at most {model.max_output} completion tokens.",
            param="max_tokens",
            code="invalid_value",
        )


def _check_format(body: dict[str, Any], model: KnownModel) -> None:
    wanted = body.get("response_format") or {"type": "text"}
    kind = wanted.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise _invalid("response_format.type", f"Invalid value: {kind!r}. Supported values are: 'json_object', "
                       "'json_schema', and 'text'.")  # fmt: skip
    if kind == "json_object" and "json" not in str(body["messages"]).lower():
        raise _invalid("messages", "'messages' must contain the word 'json' in some form, to use 'response_format' of "
                       "type 'json_object'.")  # fmt: skip
    if kind != "json_schema":
        return
    described = wanted.get("json_schema")
    if not isinstance(described, dict) or not _SCHEMA_NAME.fullmatch(str(described.get("name", ""))):
        raise missing_parameter("response_format.json_schema.name")
    if extra := described.keys() - {"name", "strict", "schema", "description"}:
        raise unknown_parameter(f"response_format.json_schema.{min(extra)}")
    if described.get("strict"):
        check_strict(described["name"], described.get("schema"), fine_tuned=model.id.startswith("ft:"))


def _invalid(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param, code="invalid_value")
