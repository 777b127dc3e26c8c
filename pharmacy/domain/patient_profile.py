"""Read a patient from a profile as it is stored or given."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pharmacy.domain.facts import Consent, Order, Patient


def patient_from(patient_id: str, profile: Mapping[str, Any]) -> Patient:
    """Return the patient that a stored profile describes; what it lacks is unknown."""

    def several(name: str) -> tuple[str, ...] | None:
        return None if profile.get(name) is None else tuple(profile[name])

    orders = profile.get("orders")
    return Patient(
        id=patient_id,
        name=profile.get("name"),
        birth_year=profile.get("birth_year"),
        sex=profile.get("sex"),
        pregnancy=profile.get("pregnancy"),
        allergies=several("allergies"),
        conditions=several("conditions"),
        medicines=several("medicines"),
        constitution=profile.get("constitution"),
        consent=Consent(**(profile.get("consent") or {})),
        orders=None if orders is None else tuple(_order(order) for order in orders),
    )


def _order(order: Mapping[str, Any]) -> Order:
    ships_on = order.get("ships_on")
    return Order(order["id"], order["product"], order["state"], date.fromisoformat(ships_on) if ships_on else None)
