"""Local models are had by name, each built once."""

import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.models.local.load import local_model


@pytest.mark.parametrize("name", ["classify", "switch_phase", "generate", "judge"])
def test_every_local_model_is_built_once(name: str) -> None:
    assert local_model(name) is local_model(name)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"local:poet: .*'classify', 'generate', 'judge', 'switch_phase'"):
        local_model("poet")
