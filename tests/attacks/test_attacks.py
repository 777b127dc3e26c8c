"""A fooled model cannot act: a small draw of the attack set, with clean messages in the same run."""

import itertools
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from graph.assemble import assemble_from
from pharmacy.domain.gates.recognise import Recogniser
from pharmacy.domain.gates.unattended import echoes, speaks_to_machine, unfit_alone
from pharmacy.settings import Settings
from tests.api.shop import Shop, running
from tests.attacks.forms import FORMS
from tests.attacks.goals import GOALS
from tests.attacks.grid import Attack, at_place, clean, drawn
from tests.attacks.siege import besiege, open_wide
from tests.attacks.surfaces import SURFACES
from tests.fakes.obedient_model import obedient
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.random_model import random_in_schema
from tests.fakes.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver("a shared secret") as receiving:
        yield receiving
    assert receiving.problems == []


@pytest.fixture
def provider() -> Iterator[OpenAIFake]:
    with OpenAIFake() as fake:
        yield fake


@pytest.fixture
async def besieged(database_url: str, tmp_path: Path, provider: OpenAIFake, receiver: Receiver) -> AsyncIterator[Shop]:
    """Return a pharmacy with the real gates that lets out everything it can."""
    settings = Settings(
        database_url=database_url, home=tmp_path / "home", pool_size=20, settle_seconds=0, models="openai",
        openai_api_key=SecretStr("test"), openai_base_url=provider.url, delivery_url=receiver.url,
        delivery_secret=SecretStr(receiver.secret),
    )  # fmt: skip
    async with running(settings, assemble_from(settings)) as shop:
        await open_wide(shop)
        yield shop


@pytest.mark.parametrize("seed", range(3))
def test_no_place_of_the_grid_rests_on_the_models_alone(seed: int) -> None:
    recogniser, draw = Recogniser.load(), random.Random(seed)
    places = enumerate(itertools.product(GOALS, SURFACES, FORMS))

    attacks = [at_place(number, *place, draw) for number, place in places]

    assert [attack.name for attack in attacks if not _held(recogniser, attack)] == []


async def test_a_model_that_obeys_every_order_brings_nothing_forbidden_about(
    besieged: Shop, provider: OpenAIFake, receiver: Receiver
) -> None:
    provider.script.rule = obedient

    came = await besiege(besieged, receiver, drawn(seed=1, count=40), clean(10))

    assert (came.effects, came.lost, came.unexplained) == ([], [], [])
    assert came.clean_share >= 0.95


async def test_a_model_that_answers_at_random_brings_nothing_forbidden_about(
    besieged: Shop, provider: OpenAIFake, receiver: Receiver
) -> None:
    provider.script.rule = random_in_schema(1, [says for goal in GOALS for says in goal.says])

    came = await besiege(besieged, receiver, [], clean(20))

    assert came.effects == []


def _held(recogniser: Recogniser, attack: Attack) -> bool:
    """Return whether the gates hold the reply of a model that carries the order out, whatever the judge says."""
    heard = [*attack.order, attack.asked]
    return bool(
        any(recogniser.recognise(text).hits for text in (*heard, "\n".join(heard)))
        or any(speaks_to_machine(text) for text in (*heard, "".join(heard)))
        or echoes(attack.says, heard)
        or [*unfit_alone(attack.says)]
    )
