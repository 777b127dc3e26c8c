"""Put another model in a teacher's place: who lets it, the models file, and the record of it."""

from pathlib import Path

from distillation.drill import Drilled
from distillation.plan import load_plan
from distillation.reasons import Check
from distillation.replacements import put_teacher
from distillation.step_checks import approval
from graph.assemble import Assembled
from pharmacy.models.model_name import ModelRef
from pharmacy.settings import Settings
from pharmacy.storage import audit
from pharmacy.storage.database import Database


async def may_replace(database: Database, settings: Settings, assembled: Assembled, node: str, name: str) -> Check:
    """Return whether the account of that name may: it may where it may let a student of the node take a step.

    Raises:
        ConfigError: the node has no plan.
    """
    plan = load_plan(node, assembled.flow, settings.plans_folder)
    async with database.begin(settings.pharmacy_id) as tx:
        return await approval(tx, settings.pharmacy_id, plan, name)


async def replace_teacher(database: Database, settings: Settings, of: Drilled, model: str, approved_by: str) -> Path:
    """Put `model` into the models file and on record, both or neither; return the file.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    key = "local" if ModelRef.read(of.retiring).is_local else "teacher"
    said = {"retiring": of.retiring, "model": model, "evaluation": of.evaluation}
    async with database.begin(settings.pharmacy_id) as tx:
        await audit.append(tx, settings.pharmacy_id, approved_by, "teacher_replaced", of.node, said)
        put_teacher(settings.models_file, of.node, key, model)
    return settings.models_file
