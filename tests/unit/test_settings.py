"""Settings: what the environment may say, and what is refused in which words."""

from pathlib import Path

import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.settings import CHECKOUT, Settings, env_example, read_settings, variables


def test_an_empty_environment_gives_the_shipped_values() -> None:
    settings = read_settings(None, {})

    assert settings == Settings()
    assert settings.home == Path(".kakari")
    assert (settings.host, settings.port, settings.settle_seconds) == ("127.0.0.1", 8000, 1.0)
    assert settings.flow_file.exists()


def test_the_environment_overrules_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nHOST=0.0.0.0\n")

    settings = read_settings(tmp_path / ".env", {"PORT": "9001"})

    assert (settings.host, settings.port) == ("0.0.0.0", 9001)


def test_what_belongs_to_other_programs_is_left_alone() -> None:
    assert read_settings(None, {"HOME": "/root", "POSTGRES_USER": "x"}) == Settings()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("KAKARI_SETLE_SECONDS", "KAKARI_SETTLE_SECONDS"), ("KAKARI_MODEL", "KAKARI_MODELS"), ("KAKARI_PORT", "KAKARI_")],
)
def test_an_unknown_name_of_ours_is_refused_with_the_nearest_one(name: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name} is no setting of Kakari; the nearest name is {nearest}"):
        read_settings(None, {name: "1"})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        pytest.param("KAKARI_SETTLE_SECONDS", "nan", "finite number", id="not-a-number"),
        pytest.param("KAKARI_SETTLE_SECONDS", "-1", "greater than or equal to 0", id="below"),
        pytest.param("KAKARI_SETTLE_SECONDS", "61", "less than or equal to 60", id="above"),
        pytest.param("KAKARI_CONCURRENCY", "0", "greater than or equal to 1", id="no-work-at-all"),
        pytest.param("PORT", "http", "valid integer", id="letters"),
        pytest.param("KAKARI_MODELS", "claude", "'auto', 'openai' or 'local'", id="none-of-a-list"),
        pytest.param("KAKARI_PHARMACY_ID", "My Pharmacy", "pattern", id="an-odd-id"),
        pytest.param("OPENAI_BASE_URL", "http://models.example/v1", "unencrypted", id="open-line"),
        pytest.param("OPENAI_BASE_URL", "models.example", "no address", id="no-address"),
        pytest.param("KAKARI_BUDGET_TOKENS", "0", "above 0, or 'unlimited'", id="a-budget-of-nothing-or-no-end"),
        pytest.param("KAKARI_BUDGET_YEN", "", "above 0, or 'unlimited'", id="an-empty-budget"),
        pytest.param("KAKARI_BUDGET_PATIENT_YEN", "-5", "above 0, or 'unlimited'", id="a-budget-below-nothing"),
        pytest.param("KAKARI_BUDGET_PATIENT_TOKENS", "1e6", "above 0, or 'unlimited'", id="a-budget-in-letters"),
        pytest.param("KAKARI_BUDGET_MONTH_YEN", "0", "above 0, or 'unlimited'", id="a-month-of-nothing"),
        pytest.param("KAKARI_BUDGET_CHEAPER_FROM", "80", "less than or equal to 1", id="a-part-in-percent"),
        pytest.param("KAKARI_YEN_PER_USD", "160", "the day it was looked up", id="a-rate-without-its-day"),
    ],
)
def test_a_value_out_of_bounds_is_shown_with_what_was_expected(name: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"environment: {name}={value!r}: .*{told}"):
        read_settings(None, {name: value})


def test_a_budget_is_without_end_only_where_that_is_said() -> None:
    shipped = read_settings(None, {}).budgets
    given = read_settings(None, {"KAKARI_BUDGET_YEN": "unlimited", "KAKARI_YEN_PER_USD": "151.5 on 2026-11-20"}).budgets

    assert None not in (shipped.patient.tokens, shipped.patient.yen, shipped.in_all.tokens, shipped.in_all.yen)
    assert (given.in_all.yen, given.in_all.tokens) == (None, shipped.in_all.tokens)
    assert (given.rate.yen_per_usd, str(given.rate.dated)) == (151.5, "2026-11-20")


@pytest.mark.parametrize("value", ["", " ", "\t\n"], ids=["empty", "a-space", "white"])
@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "LINE_CHANNEL_SECRET", "KAKARI_DELIVERY_SECRET", "DATABASE_URL"])
def test_a_blank_secret_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}: is blank"):
        read_settings(None, {name: value})


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/v1", "http://localhost/v1", "http://[::1]:9", "https://a.example"]
)
def test_this_machine_may_be_spoken_to_in_the_clear(address: str) -> None:
    assert read_settings(None, {"OPENAI_BASE_URL": address}).openai_base_url == address


@pytest.mark.parametrize(
    "environ",
    [
        {"KAKARI_DELIVERY_URL": "https://a.example/hook"},
        {"LANGSMITH_TRACING": "true"},
        {"KAKARI_MODELS": "openai"},
    ],
    ids=["delivery-unsigned", "tracing-without-key", "openai-without-key"],
)
def test_half_a_setting_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="without"):
        read_settings(None, environ)


def test_secrets_are_not_shown() -> None:
    settings = read_settings(None, {"OPENAI_API_KEY": "canary", "DATABASE_URL": "postgresql://u:canary@h/d"})

    assert "canary" not in repr(settings)
    assert "canary" not in str(settings.model_dump())


def test_every_variable_is_documented() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_the_example_file_is_the_one_that_the_class_makes() -> None:
    assert (CHECKOUT / ".env.example").read_text(encoding="utf-8") == env_example()


def test_the_example_copied_as_it_is_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(env_example())

    assert read_settings(tmp_path / ".env", {}) == Settings()


def test_the_example_names_every_variable_once() -> None:
    named = [line.removeprefix("# ").split("=")[0] for line in env_example().splitlines() if "=" in line]

    assert [name for name in named if name in variables()] == variables()
