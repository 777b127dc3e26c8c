"""Any answer's schema goes over the wire in the form that every provider takes."""

from enum import StrEnum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model

from pharmacy.models.wire_schema import response_format
from tests.fakes.openai_server import OpenAIFake
from tests.fakes.openai_server.filling import fill_schema
from tests.fakes.openai_server.strict_schema import check_strict
from tests.unit.models.setting import PROMPT, STUDENT, Label, RegistryOn


class Safety(StrEnum):
    """A closed list as an enum."""

    CLEAR = "clear"
    URGENT = "urgent"


class Verdict(BaseModel):
    """A part that is used twice, with a description beside its reference."""

    reason: str = Field(max_length=500, min_length=1, pattern="^.*$")
    mark: int = Field(ge=1, le=5)


class Chain(BaseModel):
    """A form that holds itself."""

    words: str
    next: "Annotated[Chain | None, Field(description='the next link')]" = None


class Everything(BaseModel):
    """All kinds of fields at once."""

    model_config = ConfigDict(extra="forbid")

    safety: Safety = Field(description="安全")
    safety_again: Verdict = Field(description="安全性")
    accuracy: Verdict
    category: Literal["a", "b"] = "a"
    share: float = Field(ge=0, le=1)
    tags: list[Annotated[str, Field(max_length=10)]] = Field(max_length=3)
    count: int | None = None
    above: int = Field(gt=0, lt=4)
    large: int = Field(ge=0, le=1_000_000)
    chain: Chain


@pytest.mark.parametrize("schema", [Everything, Chain, Label, Verdict])
@pytest.mark.parametrize("fine_tuned", [False, True])
def test_every_form_keeps_the_rules_of_strict_mode(schema: type[BaseModel], fine_tuned: bool) -> None:
    wire = response_format(schema)["json_schema"]

    check_strict(wire["name"], wire["schema"], fine_tuned=fine_tuned)


@pytest.mark.parametrize("schema", [Everything, Label, Verdict])
def test_what_fits_the_wire_form_fits_the_schema(schema: type[BaseModel]) -> None:
    filled = fill_schema(response_format(schema)["json_schema"]["schema"])

    assert schema.model_validate(filled)


def test_a_short_range_of_whole_numbers_is_listed() -> None:
    fields = response_format(Everything)["json_schema"]["schema"]["properties"]

    assert fields["safety_again"]["properties"]["mark"]["enum"] == [1, 2, 3, 4, 5]
    assert fields["safety_again"]["description"] == "安全性"
    assert fields["above"]["enum"] == [1, 2, 3]
    assert "enum" not in fields["large"]


def test_free_keys_are_refused() -> None:
    free = create_model("Free", marks=(dict[str, int], ...))

    with pytest.raises(TypeError, match="Free: strict mode knows no free keys"):
        response_format(free)


@pytest.mark.parametrize("model", ["gpt-4o", STUDENT])
async def test_the_provider_takes_it(fake: OpenAIFake, registry: RegistryOn, model: str) -> None:
    async with registry() as models:
        run = models.for_run(10, 12)
        answer = await run.named("classify", f"openai:{model}").answer(PROMPT, Everything)

    assert answer.accuracy.mark == 5
    sent = fake.log.chats()[0].body["response_format"]
    assert (sent["type"], sent["json_schema"]["strict"]) == ("json_schema", True)
