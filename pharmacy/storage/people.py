"""Patients and products: the facts as they are stored."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from pharmacy.domain.catalogue import Catalogue
from pharmacy.domain.facts import Product
from pharmacy.domain.products.read import product_from
from pharmacy.storage.refusals import NotHere
from pharmacy.storage.tables import patients, products


async def patient_profile(tx: AsyncConnection, pharmacy_id: str, patient_id: str) -> dict[str, Any]:
    """Return the stored profile.

    Raises:
        NotHere: this pharmacy knows no such patient.
    """
    return await _body(tx, patients.c.profile, patients, pharmacy_id, patient_id, "patient")


async def put_patient(tx: AsyncConnection, pharmacy_id: str, patient_id: str, profile: Mapping[str, Any]) -> None:
    """Make `profile` the patient's whole profile."""
    statement = upsert(patients).values(pharmacy_id=pharmacy_id, id=patient_id, profile=dict(profile))
    values = {"profile": statement.excluded.profile, "updated_at": func.now()}
    await tx.execute(statement.on_conflict_do_update(index_elements=["pharmacy_id", "id"], set_=values))


async def product_body(tx: AsyncConnection, pharmacy_id: str, product_id: str) -> dict[str, Any]:
    """Return the stored product.

    Raises:
        NotHere: this pharmacy has no such product.
    """
    return await _body(tx, products.c.body, products, pharmacy_id, product_id, "product")


async def put_product(tx: AsyncConnection, pharmacy_id: str, product_id: str, body: Mapping[str, Any]) -> None:
    """Make `body` the whole product."""
    statement = upsert(products).values(pharmacy_id=pharmacy_id, id=product_id, body=dict(body))
    values = {"body": statement.excluded.body, "revision": products.c.revision + 1, "updated_at": func.now()}
    await tx.execute(statement.on_conflict_do_update(index_elements=["pharmacy_id", "id"], set_=values))


async def catalogue(tx: AsyncConnection, pharmacy_id: str) -> Catalogue:
    """Return every product of the pharmacy."""
    rows = await tx.execute(select(products).where(products.c.pharmacy_id == pharmacy_id).order_by(products.c.id))
    return Catalogue(tuple(_product(row) for row in rows))


async def shelf_state(tx: AsyncConnection, pharmacy_id: str) -> tuple[int, int]:
    """Return what every committed change of a product changes: their number and the sum of their revisions."""
    revisions = func.coalesce(func.sum(products.c.revision), 0)
    row = (await tx.execute(select(func.count(), revisions).where(products.c.pharmacy_id == pharmacy_id))).one()
    return int(row[0]), int(row[1])


def _product(row: Any) -> Product:
    return product_from(row.id, row.body)


async def _body(tx: AsyncConnection, column: Any, of: Any, pharmacy_id: str, wanted: str, kind: str) -> dict[str, Any]:
    found = await tx.execute(select(column).where(of.c.pharmacy_id == pharmacy_id, of.c.id == wanted))
    body: dict[str, Any] | None = found.scalar_one_or_none()
    if body is None:
        raise NotHere(f"{kind} {wanted!r}: there is none")
    return body
