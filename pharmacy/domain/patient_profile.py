"""Read a patient from a profile as it is stored or given."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.facts import Patient

_READER = TypeAdapter(Patient)


def patient_from(patient_id: str, profile: Mapping[str, Any]) -> Patient:
    """Return the patient that a stored profile describes; what it lacks is unknown.

    Raises:
        ConfigError: names the field and what was expected, and not the value, which is a patient's own.
    """
    given = {name: value for name, value in profile.items() if value is not None}
    try:
        return _READER.validate_python({**given, "id": patient_id})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError(f"patient {patient_id!r}: {place}: {first['msg']}") from None
