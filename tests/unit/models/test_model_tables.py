"""The node tables: what they may say, and a complaint that names file, line, table, value and what was expected."""

import traceback
from pathlib import Path

import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.models.tables import read_tables
from tests.unit.models.setting import FINGERPRINT, table_text, tables_of

SHIPPED = Path(__file__).parents[3] / "nodes" / "models.toml"
URL = "https://api.openai.com/v1"
STUDENT = {"model": "openai:ft:gpt-4o-mini-2024-07-18:a::b", "prompt_fingerprint": FINGERPRINT}


def test_the_shipped_file_is_read() -> None:
    tables = read_tables(SHIPPED)

    assert tables.nodes["classify"].teacher == "openai:gpt-4o-2024-08-06"
    assert tables.limits.calls <= 12


def test_a_node_may_name_a_student_a_fallback_and_shares(tmp_path: Path) -> None:
    text = table_text(
        URL, student=STUDENT, serving="canary", canary_share=0.1, shadow_share=1, fallback="openai:gpt-4.1"
    )

    table = tables_of(tmp_path, text).nodes["classify"]

    assert table.refs == ("openai:gpt-4o-2024-08-06", STUDENT["model"], "openai:gpt-4.1")
    assert table.canary_share == 0.1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"auto_sned": True}, r"\[classify.auto_sned\] True: Extra inputs", id="an-unknown-key"),
        pytest.param({"serving": "studnet"}, "'studnet': Input should be 'teacher'", id="a-typo"),
        pytest.param({"teacher": None}, r"\[classify.teacher\] .*required", id="a-missing-key"),
        pytest.param({"teacher": "gpt-4o"}, "'gpt-4o' is not of the form 'provider:name'", id="no-provider"),
        pytest.param({"teacher": "opnai:gpt-4o"}, "'opnai:gpt-4o': provider is none of", id="an-unknown-provider"),
        pytest.param({"teacher": "openai: "}, "provider:name", id="a-blank-name"),
        pytest.param({"local": "openai:gpt-4o"}, "expected 'local:name'", id="a-local-model-that-is-not"),
        pytest.param({"fallback": "local:classify"}, "never falls to a local model", id="a-fallback-to-local"),
        pytest.param({"cheaper": "local:classify"}, "never falls to a local model", id="a-cheaper-one-that-is-local"),
        pytest.param({"cheaper": "opnai:gpt-4o-mini"}, r"classify.cheaper\] .*provider is none", id="a-cheaper-typo"),
        pytest.param({"timeout_seconds": 0}, r"\[classify.timeout_seconds\] 0: .*greater than 0", id="no-time"),
        pytest.param({"timeout_seconds": 1000}, "less than or equal to 120", id="too-much-time"),
        pytest.param({"timeout_seconds": "20"}, "'20': Input should be a valid number", id="a-number-in-quotes"),
        pytest.param({"max_output_tokens": -1}, "-1: ", id="negative-tokens"),
        pytest.param({"temperature": 2.1}, "2.1: ", id="too-hot"),
        pytest.param({"serving": "student"}, "expected a student table", id="no-student-to-serve"),
        pytest.param({"shadow_share": 0.5}, "expected a student table", id="no-student-to-shadow"),
        pytest.param({"serving": "canary", "student": STUDENT}, "expected a share above 0", id="a-canary-of-none"),
        pytest.param({"canary_share": 1.1}, "1.1: .*less than or equal to 1", id="a-share-above-one"),
        pytest.param({"canary_share": -1}, "-1: ", id="a-negative-share"),
        pytest.param({"canary_share": float("nan")}, "nan: ", id="a-share-of-nan"),
        pytest.param({"prompt": "../secrets"}, "'../secrets': ", id="a-prompt-outside"),
        pytest.param({"student": {**STUDENT, "prompt_fingerprint": "new"}}, "'new': ", id="a-bad-fingerprint"),
    ],
)
def test_a_wrong_node_table_is_refused_by_name(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        tables_of(tmp_path, table_text(URL, **changes))

    assert "models.toml:" in str(raised.value)
    assert "[classify" in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://api.openai.com/v1", id="plain-http-over-a-network"),
        pytest.param("http://localhost.example.com/v1", id="a-name-that-begins-with-localhost"),
        pytest.param("http://10.0.0.4/v1", id="an-address-of-the-house"),
        pytest.param("http://127.0.0.1.example.com/v1", id="a-name-that-begins-with-loopback"),
        pytest.param("http://[::ffff:10.0.0.4]/v1", id="a-mapped-address"),
        pytest.param("ftp://127.0.0.1/v1", id="another-protocol"),
        pytest.param("https://user:pw@example.com/v1", id="a-password-in-it"),
        pytest.param("https://example.com/v1?key=1", id="a-query"),
        pytest.param("https://", id="no-host"),
        pytest.param("", id="nothing"),
    ],
)
def test_an_address_that_words_must_not_go_to_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"models.toml:2: \[endpoints.openai.base_url\]"):
        tables_of(tmp_path, table_text(url))


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "http://[::1]:8000/v1", "http://localhost/v1", URL])
def test_https_and_this_machine_are_good_addresses(tmp_path: Path, url: str) -> None:
    assert tables_of(tmp_path, table_text(url)).endpoints["openai"].base_url == url


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("calls = 12", "calls = 1000", r"models.toml:8: \[limits.calls\] 1000", id="1000-calls"),
        pytest.param("auto_seconds = 60", "auto_seconds = 61", r":7: \[limits.auto_seconds\] 61", id="61-seconds"),
        pytest.param("[limits]", "[limit]", r"\[limits\] is missing", id="no-limits"),
        pytest.param("calls = 12", "calls = 12\ncalls = 11", "Cannot overwrite a value .at line 9", id="a-key-twice"),
        pytest.param("[limits]", "serving = [", "Invalid", id="no-toml"),
        pytest.param(
            "[endpoints.openai]", "[endpoints.local]", "is none of|models that run in the process", id="local"
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        tables_of(tmp_path, table_text(URL).replace(old, new))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere.toml: .*expected a TOML file"):
        read_tables(tmp_path / "nowhere.toml")


def test_a_key_written_into_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = table_text(URL).replace('api_key_env = "OPENAI_API_KEY"', 'api_key_env = "sk-live-very-secret"')

    with pytest.raises(ConfigError, match="value not shown") as raised:
        tables_of(tmp_path, text)

    assert "sk-live" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("name", ["nul\x00", "\ufeff[limits]"])
def test_a_file_with_stray_signs_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        tables_of(tmp_path, name + table_text(URL))
