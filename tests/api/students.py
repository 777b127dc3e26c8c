"""Students for a test's own pharmacy: named in its models file, known to the provider, asked under today's prompts."""

from pathlib import Path

from graph.assemble import Files, words_of
from nodes.load import load_flow
from pharmacy.domain.serving import Serving
from pharmacy.models.tables import read_tables
from pharmacy.settings import Settings
from pharmacy.storage import servings
from prompts.load import fingerprint
from tests.api.shop import Shop
from tests.fakes.openai_server import OpenAIFake


def student_of(node: str) -> str:
    """Return the name that the student of `node` has at the provider."""
    return f"ft:gpt-4o-mini-2024-07-18:example::{node.replace('_', '-')}"


def with_students(settings: Settings, fake: OpenAIFake, folder: Path, *nodes: str) -> Settings:
    """Return settings whose models file, in `folder`, names a student for each of `nodes`; none of them serves yet."""
    shipped = settings.models_file
    files = Files(settings.flow_file, shipped, settings.prompts_folder)
    every, named = words_of(load_flow(settings.flow_file), read_tables(shipped), files), ""
    for node in nodes:
        words = every[node]
        trained = fingerprint(words.prompt, words.frame, words.static, folder=files.prompts)
        fake.world.models.add(student_of(node))
        named += f'\n[{node}.student]\nmodel = "openai:{student_of(node)}"\nprompt_fingerprint = "{trained}"\n'
    own = folder / "models.toml"
    own.write_text(shipped.read_text("utf-8") + named, "utf-8")
    return settings.model_copy(update={"models_file": own})


async def decide(shop: Shop, node: str, serving: Serving, actor: str = "test") -> None:
    """Let `serving` hold for `node`."""
    pharmacy_id = shop.program.settings.pharmacy_id
    async with shop.program.database.begin(pharmacy_id) as tx:
        await servings.decide(tx, pharmacy_id, actor, node, serving, "")
