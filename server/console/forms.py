"""A form as the browser sends it, read into the same shape as the API's body."""

from typing import TypeVar
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

LONGEST_FORM = 100_000
"""Bytes: a reply of 5,000 characters, each written as nine in a form, with room."""

Form = TypeVar("Form", bound=BaseModel)


async def read_form(request: Request, shape: type[Form]) -> Form:
    """Return the form that the request brings.

    Raises:
        RequestValidationError: a field is missing, unknown or does not fit.
    """
    try:
        return shape.model_validate(await fields_of(request))
    except ValidationError as error:
        raise RequestValidationError([{**entry, "loc": ("body", *entry["loc"])} for entry in error.errors()]) from None


async def fields_of(request: Request, most: int = 20) -> dict[str, str | int]:
    """Return the form's fields: line ends as the store has them, `version` as a number, what is left empty left out.

    Raises:
        RequestValidationError: it is no form.
    """
    body = await request.body()
    try:
        if len(body) > LONGEST_FORM:
            raise ValueError("too long")
        found = parse_qs(body.decode(), max_num_fields=most, strict_parsing=True) if body else {}
        if any(len(values) != 1 for values in found.values()):
            raise ValueError("a field stands there twice")
    except ValueError:
        raise RequestValidationError(
            [{"loc": ("body",), "msg": "expected a form, each field once", "input": "", "type": "form"}]
        ) from None
    # A browser sends every line end as two characters.
    fields: dict[str, str | int] = {name: values[0].replace("\r\n", "\n") for name, values in found.items()}
    version = str(fields.get("version", ""))
    if version.isascii() and version.isdecimal() and len(version) < 12:
        fields["version"] = int(version)
    return fields
