"""Patients and products: the facts that replies rest on."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from pharmacy.domain.rights import Right
from pharmacy.storage import audit, people
from server.access import Calling, Serving, SignedInRoute
from server.answers import ProductOut
from server.asks import ID_PATTERN, Patient, PatientIn, ProductIn
from server.errors import OF_ONE, Refused
from server.rights import needs

router = APIRouter(prefix="/v1", tags=["facts"], route_class=SignedInRoute)

PatientId = Annotated[str, Path(pattern=ID_PATTERN)]
ProductId = Annotated[str, Path(pattern=ID_PATTERN)]


@router.get("/patients/{patient_id}", openapi_extra=needs(Right.READ_WORDS), response_model=Patient, responses=OF_ONE)
async def get_patient(patient_id: PatientId, program: Serving, by: Calling) -> Any:
    """Show what is known of a patient; null is unknown."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await people.patient_profile(tx, by.pharmacy_id, patient_id) | {"id": patient_id}


@router.put(
    "/patients/{patient_id}", openapi_extra=needs(Right.KEEP_PATIENTS), response_model=Patient, responses=OF_ONE
)
async def put_patient(patient_id: PatientId, body: PatientIn, program: Serving, by: Calling) -> Any:
    """Make the body all that is known of a patient; a field left out becomes unknown."""
    _same(body.id, patient_id)
    profile = body.model_dump(exclude={"id"}, mode="json")
    async with program.database.begin(by.pharmacy_id) as tx:
        await people.put_patient(tx, by.pharmacy_id, patient_id, profile)
        await audit.append(
            tx,
            by.pharmacy_id,
            by.actor,
            "patient_put",
            patient_id,
            {"fields": sorted(k for k, v in profile.items() if v is not None)},
        )
    return profile | {"id": patient_id}


@router.get(
    "/products/{product_id}", openapi_extra=needs(Right.READ_PRODUCTS), response_model=ProductOut, responses=OF_ONE
)
async def get_product(product_id: ProductId, program: Serving, by: Calling) -> Any:
    """Show a product with the source of each fact."""
    async with program.database.begin(by.pharmacy_id) as tx:
        return await people.product_body(tx, by.pharmacy_id, product_id) | {"id": product_id}


@router.put(
    "/products/{product_id}", openapi_extra=needs(Right.KEEP_PRODUCTS), response_model=ProductOut, responses=OF_ONE
)
async def put_product(product_id: ProductId, body: ProductIn, program: Serving, by: Calling) -> Any:
    """Make the body the whole product; every fact but the price needs its public source."""
    _same(body.id, product_id)
    product = body.model_dump(exclude={"id"}, exclude_defaults=True, mode="json")
    async with program.database.begin(by.pharmacy_id) as tx:
        await people.put_product(tx, by.pharmacy_id, product_id, product)
        await audit.append(tx, by.pharmacy_id, by.actor, "product_put", product_id, {"fields": sorted(product)})
    return product | {"id": product_id}


def _same(given: str | None, of_path: str) -> None:
    if given is not None and given != of_path:
        raise Refused("id", given, f"expected {of_path!r}, as in the path, or no id")
